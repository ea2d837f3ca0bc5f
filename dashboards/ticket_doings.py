"""What people do to a ticket from the board and from its own page: the same parts, the same callbacks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx
from dash.exceptions import PreventUpdate
from sqlalchemy import Connection

from alerts.tickets import commands
from alerts.tickets.commands import Person
from alerts.tickets.declared import AT_WORK
from core.people.rights import rights_of
from core.store.open import reading
from dashboards.callbacks import guarded, text
from dashboards.components.filters import parse, whole
from dashboards.components.speaking import speaking
from dashboards.components.ticket_detail import Whole, label, ticket_detail
from dashboards.components.ticket_forms import DOINGS, FORMS, field_inputs, hidden, part_of, resolving_fields
from dashboards.context import Console, current_viewer
from dashboards.doing import Done, done
from dashboards.locale import mark
from dashboards.queries import tickets
from dashboards.queries.rows import Row

TYPED: Final = (
    "ticket-cause",
    "ticket-remedy",
    "ticket-reason",
    "ticket-waits-on",
    "ticket-priority-reason",
    "ticket-text",
    "ticket-other",
)
_OWN_PAGE: Final = re.compile(r"/tickets/([0-9]{1,16})/?", re.ASCII)
DONE: Final = {
    "approve": mark("The ticket is permitted."),
    "reject": mark("The ticket is refused."),
    "assign": mark("The ticket is assigned."),
    "take": mark("The ticket is yours."),
    "accept": mark("The ticket is yours."),
    "transfer": mark("The ticket was passed on."),
    "pause": mark("The ticket is paused; its clock stands."),
    "resume": mark("The ticket goes on; its clock runs."),
    "resolve": mark("The ticket is resolved."),
    "confirm": mark("The ticket is confirmed."),
    "close": mark("The ticket is closed."),
    "reopen": mark("The ticket is open again."),
    "cancel": mark("The ticket is cancelled."),
}


def number_of(path: object, search: object) -> int | None:
    """The ticket that an address is about: that of its own page, or the one beside the board."""
    found = _OWN_PAGE.fullmatch(path) if isinstance(path, str) else None
    return whole(found[1]) if found else whole(parse(search).get("ticket"))


def me() -> Person:
    """The current viewer, with their rights, as tickets know people."""
    viewer = current_viewer()
    return Person(viewer.name, rights_of(viewer.role))


def register_doings(app: Dash, console: Console) -> None:
    """The detail of a ticket, its forms, and the callbacks behind their buttons."""
    _show(app, console)
    _move(app, console)
    app.clientside_callback(
        ClientsideFunction("tickets", "emptied"),
        *(Output(field, "value") for field in TYPED),
        Input("tickets-done", "data"),
        *(State(field, "value") for field in TYPED),
        prevent_initial_call=True,
    )


def _show(app: Dash, console: Console) -> None:
    @guarded(
        app,
        "see.tickets",
        Output("ticket-detail", "children"),
        Output("tickets-body", "className"),
        Output("ticket-forms", "hidden"),
        *(Output(part_of(form), "hidden") for form in FORMS),
        Output("ticket-assignee", "data"),
        Input("url", "pathname"),
        Input("url", "search"),
        Input("live", "data"),
        Input("tickets-done", "data"),
    )
    def detail(path: str, search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        wanted, person = number_of(path, search), me()
        if wanted is None:
            return None, "columns", *hidden(None, False), []
        with reading(console.engine) as connection:
            row = tickets.one(connection, wanted)
            doings = (
                None if row is None else (*commands.doings(connection, wanted, person, console.tickets), *more(row))
            )
            found = Whole(
                row,
                tickets.events(connection, wanted),
                tickets.files(connection, wanted),
                tickets.links(connection, wanted),
            )
            people = tickets.people(connection)
        own = isinstance(path, str) and _OWN_PAGE.fullmatch(path) is not None
        shown, works = {} if own else filters, current_viewer().may("tickets.work")
        return (
            ticket_detail(found, shown, now, console.tickets, _, works=works),
            "columns columns-ticket" if own else "columns columns-side has-detail",
            *hidden(doings, works),
            people,
        )

    @guarded(
        app,
        "see.tickets",
        Output("ticket-fields", "children"),
        Output("ticket-department", "data"),
        Input("url", "pathname"),
        Input("url", "search"),
    )
    def fields_of(path: str, search: str) -> tuple[Any, Any]:
        """What the kind of the ticket asks for; renewed with the address only, so that nothing typed is lost."""
        wanted, _, book = number_of(path, search), speaking(console), console.tickets
        with reading(console.engine) as connection:
            row = None if wanted is None else tickets.one(connection, wanted)
        if row is None or row["kind"] not in book.kinds:
            return [], []
        parties = {party.code: party for party in (*book.doers(row["kind"]), *book.origins(row["kind"]))}
        data = [{"value": code, "label": label(party, _)} for code, party in parties.items()]
        return field_inputs(resolving_fields(book, row["kind"]), _), data


def _move(app: Dash, console: Console) -> None:
    @guarded(
        app,
        "tickets.work",
        Output("tickets-done", "data", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        *(Input(button, "n_clicks") for button in DOINGS),
        State("url", "pathname"),
        State("url", "search"),
        State("ticket-assignee", "value"),
        State("ticket-department", "value"),
        State("ticket-waits-on", "value"),
        State("ticket-reason", "value"),
        State("ticket-cause", "value"),
        State("ticket-remedy", "value"),
        State({"ticket-field": ALL}, "value"),
        State({"ticket-field": ALL}, "id"),
        prevent_initial_call=True,
    )
    def move(*given: Any) -> Done:
        clicks, (path, search, assignee, department, waits_on, reason, cause, remedy, values, names) = (
            given[: len(DOINGS)],
            given[len(DOINGS) :],
        )
        doing = DOINGS.get(ctx.triggered_id) if isinstance(ctx.triggered_id, str) else None
        if doing is None or not any(clicks):  # a page that was just put in place calls once without a click
            raise PreventUpdate
        said = {
            "assignee": text(assignee),
            "department": text(department),
            "waits_on": text(waits_on),
            "reason": text(reason),
            "cause": text(cause),
            "remedy": text(remedy),
        }
        fields = named(names, values) if doing == "resolve" else None

        def act(connection: Connection, number: int) -> None:
            now, book = console.clock(), console.tickets
            commands.do(connection, number, doing, me(), now, said, given=fields or None, book=book)

        return run(console, path, search, act, DONE[doing])


def more(row: Row) -> tuple[str, ...]:
    """What can be done with a ticket besides the moves of its flow."""
    return ("prioritise",) if row["state"] in AT_WORK else ()


def run(
    console: Console, path: object, search: object, doing: Callable[[Connection, int], object], sentence: str
) -> Done:
    """Do it with the ticket that the address is about."""
    number = number_of(path, search)
    if number is None:
        raise PreventUpdate
    return done(console, lambda connection, _now: doing(connection, number), speaking(console)(sentence))


def named(names: object, values: object) -> dict[str, str]:
    """The fields of a form by their names; what is no field is left out."""
    if not isinstance(names, list) or not isinstance(values, list):
        return {}
    pairs = zip(names, values, strict=False)
    return {
        text(name.get("ticket-field")): text(value).strip()
        for name, value in pairs
        if isinstance(name, dict) and text(value).strip()
    }
