"""The callbacks by which people settle a case: each is one command of the desk in one transaction, with its right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ParamSpec

from dash import ClientsideFunction, Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate
from sqlalchemy import Connection

from alerts.tickets import commands as tickets
from alerts.tickets.book import Book
from core.money import parse_minor
from core.store.open import writing
from dashboards.callbacks import guarded
from dashboards.callbacks import text as _text
from dashboards.components import notices
from dashboards.components.filters import whole
from dashboards.components.speaking import speaking
from dashboards.components.words import break_class
from dashboards.context import Console, current_viewer
from dashboards.locale import Say
from dashboards.queries import cases as queries
from dashboards.queries.rows import Row
from dashboards.sentences import told
from reconciliation.desk import adjustments, cases
from reconciliation.desk.journal import DeskError

P = ParamSpec("P")
Done = tuple[Any, Any]  # when it was done, and what is told of it
Doing = Callable[[Connection, Row, str, datetime], object]
TYPED = (
    "case-decision",
    "case-why",
    "case-sentence",
    "case-reopen-why",
    "case-text",
)
WORK, APPROVE = "reconciliation.work", "reconciliation.approve"


def register_settling(app: Dash, console: Console) -> None:
    """A callback for each button of `components/case_actions.py`."""

    def command(right: str, button: str, *states: State) -> Callable[[Callable[P, Done]], Callable[P, Done]]:
        return guarded(
            app,
            right,
            Output("case-done", "data", allow_duplicate=True),
            Output("notices", "sendNotifications", allow_duplicate=True),
            Input(button, "n_clicks"),
            State("case-id", "data"),
            *states,
            prevent_initial_call=True,
        )

    def run(clicks: int | None, case: str, doing: Doing, sentence: Callable[[Say], str]) -> Done:
        """Do it in one transaction; a refusal is told as it was said."""
        number = whole(case)
        if not clicks or number is None:  # a page that was just put in place calls once without a click
            raise PreventUpdate
        _, now = speaking(console), console.clock()
        try:
            with writing(console.engine) as connection:
                row = queries.one(connection, number)
                if row is None:
                    raise DeskError(f"There is no break {number}.")
                doing(connection, row, current_viewer().name, now)
        except (DeskError, tickets.TicketError) as error:
            return no_update, [notices.failed(_, told(str(error), _))]
        return now.isoformat(), [notices.done(_, sentence(_))]

    @command(WORK, "case-take")
    def take(clicks: int | None, case: str) -> Done:
        def doing(connection: Connection, row: Row, who: str, now: datetime) -> None:
            cases.assign(connection, [row["id"]], who, who, now)

        return run(clicks, case, doing, lambda _: _("The break is yours."))

    @command(WORK, "case-assign", State("case-owner", "value"))
    def assign(clicks: int | None, case: str, owner: str | None) -> Done:
        def doing(connection: Connection, row: Row, who: str, now: datetime) -> None:
            cases.assign(connection, [row["id"]], who, _text(owner), now)

        return run(clicks, case, doing, lambda _: _("The break is with {who}.", who=owner))

    @command(WORK, "case-reason-set", State("case-reason", "value"))
    def set_reason(clicks: int | None, case: str, code: str | None) -> Done:
        def doing(connection: Connection, row: Row, who: str, now: datetime) -> None:
            cases.set_reason(connection, [row["id"]], who, _text(code), now)

        return run(clicks, case, doing, lambda _: _("The reason code is set."))

    @command(WORK, "case-comment", State("case-text", "value"))
    def comment(clicks: int | None, case: str, text: str | None) -> Done:
        def doing(connection: Connection, row: Row, who: str, now: datetime) -> None:
            cases.comment(connection, [row["id"]], who, _text(text), now)

        return run(clicks, case, doing, lambda _: _("The comment is on the break."))

    @command(WORK, "case-explain", State("case-explain-code", "value"), State("case-sentence", "value"))
    def explain(clicks: int | None, case: str, code: str | None, sentence: str | None) -> Done:
        def doing(connection: Connection, row: Row, who: str, now: datetime) -> None:
            cases.explain(connection, [row["id"]], who, _text(code), _text(sentence), now)

        return run(clicks, case, doing, lambda _: _("The break is explained and closed."))

    @command(WORK, "case-reopen", State("case-reopen-why", "value"))
    def reopen(clicks: int | None, case: str, reason: str | None) -> Done:
        def doing(connection: Connection, row: Row, who: str, now: datetime) -> None:
            cases.reopen(connection, [row["id"]], who, _text(reason), now)

        return run(clicks, case, doing, lambda _: _("The break is open again."))

    @command(
        WORK,
        "case-propose",
        State("case-kind", "value"),
        State("case-party", "value"),
        State("case-amount", "value"),
        State("case-why", "value"),
    )
    def propose(
        clicks: int | None, case: str, kind: str | None, party: str | None, amount: str | None, why: str | None
    ) -> Done:
        def doing(connection: Connection, row: Row, who: str, now: datetime) -> None:
            minor = in_minor(amount, row)
            whose = None if kind == "write_off" else _text(party) or None
            adjustments.propose(connection, row["id"], who, _text(kind), whose, minor, _text(why), now)

        return run(clicks, case, doing, lambda _: _("The adjustment is proposed; another person decides."))

    @command(APPROVE, "case-approve", State("case-decision", "value"))
    def approve(clicks: int | None, case: str, text: str | None) -> Done:
        def doing(connection: Connection, row: Row, who: str, now: datetime) -> None:
            adjustments.approve(connection, waiting(connection, row), who, _text(text), now)

        return run(clicks, case, doing, lambda _: _("The adjustment is approved."))

    @command(APPROVE, "case-reject", State("case-decision", "value"))
    def reject(clicks: int | None, case: str, text: str | None) -> Done:
        def doing(connection: Connection, row: Row, who: str, now: datetime) -> None:
            adjustments.reject(connection, waiting(connection, row), who, _text(text), now)

        return run(clicks, case, doing, lambda _: _("The adjustment is rejected; the break is open."))

    @command(WORK, "case-withdraw")
    def withdraw(clicks: int | None, case: str) -> Done:
        def doing(connection: Connection, row: Row, who: str, now: datetime) -> None:
            adjustments.withdraw(connection, waiting(connection, row), who, "", now)

        return run(clicks, case, doing, lambda _: _("The proposal is withdrawn."))

    @command("tickets.work", "case-ticket")
    def ticket(clicks: int | None, case: str) -> Done:
        def doing(connection: Connection, row: Row, who: str, now: datetime) -> None:
            open_ticket(connection, row, who, now, speaking(console), console.tickets)

        return run(clicks, case, doing, lambda _: _("A ticket is open."))

    app.clientside_callback(
        ClientsideFunction("reconciliation", "emptied"),
        *(Output(field, "value", allow_duplicate=True) for field in TYPED),
        Input("case-done", "data"),
        *(State(field, "value") for field in TYPED),
        prevent_initial_call=True,
    )


def waiting(connection: Connection, row: Row) -> int:
    """The number of a case's undecided adjustment. Raises DeskError when there is none."""
    found = next((one["id"] for one in queries.adjustments(connection, row["id"]) if one["decision"] is None), None)
    if found is None:
        raise DeskError(f"Break {row['id']} has no proposal that waits for a decision.")
    return int(found)


def in_minor(amount: object, row: Row) -> int:
    """The amount that was typed in major units, in minor ones. Raises DeskError when it is none."""
    try:
        return parse_minor(_text(amount).replace(",", ""), row["currency"])
    except ValueError as error:
        raise DeskError(f"{error}; nothing was written.") from error


def open_ticket(connection: Connection, row: Row, who: str, now: datetime, _: Say, book: Book | None = None) -> int:
    """Open a ticket for a case, due when the case is, and tie the two; raises what the two commands raise."""
    if row["ticket_id"] is not None:
        raise DeskError(f"Break {row['id']} has ticket {row['ticket_id']} already.")
    title = _(
        "{class_} {key} of {control}",
        class_=break_class(row["class"], _),
        key=row["business_key"],
        control=row["control"],
    )
    number = tickets.open_ticket(
        connection,
        who,
        "coordination" if row["loser"] == "partner" else "handling",
        title,
        now,
        due_at=row["deadline"],
        demo=row["demo"],
        about=("break", row["id"]),
        book=book,
    )
    cases.link_ticket(connection, [row["id"]], number, who, now)
    return number
