"""What people do on the page of changes: plan one, approve it, begin and end it, give it up; and the address of its calendar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate
from sqlalchemy import Connection

from alerts.changes import commands
from alerts.changes.commands import ChangeError, Plan
from alerts.oncall import feeds
from core.store.open import writing
from dashboards.calendar_address import CalendarAddress, register_address
from dashboards.callbacks import guarded
from dashboards.components import notices
from dashboards.components.change_forms import FIELDS
from dashboards.components.filters import parse, whole
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.doing import Done, done
from dashboards.gate import CHANGE_FEED
from dashboards.locale import mark
from dashboards.sentences import told

TYPED = ("change-result-text", "change-reason")


def register_changing(app: Dash, console: Console) -> None:
    """The commands of the forms, each with its right."""

    def doing(right: str, button: str, *states: State) -> Callable[..., Any]:
        return guarded(
            app,
            right,
            Output("change-done", "data", allow_duplicate=True),
            Output("notices", "sendNotifications", allow_duplicate=True),
            Input(button, "n_clicks"),
            State("url", "search"),
            *states,
            prevent_initial_call=True,
        )

    def run(
        clicks: int | None, search: str, sentence: str, act: Callable[[Connection, int, str, datetime], None]
    ) -> Done:
        number = whole(parse(search).get("change"))
        if not clicks or number is None:  # a page that was just put in place calls once without a click
            raise PreventUpdate
        who = current_viewer().name
        return done(console, lambda connection, now: act(connection, number, who, now), speaking(console)(sentence))

    @guarded(
        app,
        "changes.plan",
        Output("url", "search", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input("change-plan", "n_clicks"),
        *(State(f"change-{name}", "value") for name in FIELDS),
        prevent_initial_call=True,
    )
    def plan(clicks: int | None, *given: Any) -> Done:
        if not clicks:
            raise PreventUpdate
        _, now = speaking(console), console.clock()
        try:
            wanted = plan_of(dict(zip(FIELDS, given, strict=True)))
            with writing(console.engine) as connection:
                number = commands.plan(connection, wanted, current_viewer().name, now)
        except ChangeError as error:
            return no_update, [notices.failed(_, told(str(error), _))]
        return f"?change={number}", [notices.done(_, _("The change is planned; another person approves it."))]

    @doing("changes.approve", "change-approve")
    def approve(clicks: int | None, search: str) -> Done:
        return run(clicks, search, mark("The change is approved."), commands.approve)

    @doing("changes.plan", "change-begin")
    def begin(clicks: int | None, search: str) -> Done:
        return run(clicks, search, mark("The change is under way; alerts on its targets are marked."), commands.begin)

    @doing("changes.plan", "change-end", State("change-result", "value"), State("change-result-text", "value"))
    def end(clicks: int | None, search: str, result: Any, text: Any) -> Done:
        def act(connection: Connection, number: int, who: str, now: datetime) -> None:
            commands.end(connection, number, who, str(result or ""), str(text or ""), now)

        return run(clicks, search, mark("The result is on the change."), act)

    @doing("changes.plan", "change-cancel", State("change-reason", "value"))
    def cancel(clicks: int | None, search: str, reason: Any) -> Done:
        def act(connection: Connection, number: int, who: str, now: datetime) -> None:
            commands.cancel(connection, number, who, str(reason or ""), now)

        return run(clicks, search, mark("The change is cancelled."), act)

    app.clientside_callback(
        ClientsideFunction("tickets", "emptied"),
        *(Output(field, "value") for field in TYPED),
        Input("change-done", "data"),
        *(State(field, "value") for field in TYPED),
        prevent_initial_call=True,
    )


def plan_of(given: Mapping[str, Any]) -> Plan:
    """What was typed as a plan; times are in the viewer's zone. Raises ChangeError for a time that is none."""
    zone = current_viewer().timezone
    names = given.get("targets")
    texts = {name: str(given.get(name) or "") for name in FIELDS if name != "targets"}
    return Plan(
        requirement=texts["requirement"],
        title=texts["title"],
        targets=[str(name) for name in names] if isinstance(names, list) else [],
        starts_at=commands.local(texts["starts"], zone),
        ends_at=commands.local(texts["ends"], zone),
        back_out=texts["back-out"],
        contact=texts["contact"],
        kind=texts["kind"],
        risk=texts["risk"],
        timezone=zone.key,
    )


def planned(given: Mapping[str, Any]) -> Plan | None:
    """The plan as far as it is typed; None as long as its window cannot be read."""
    try:
        return plan_of(given)
    except ChangeError:
        return None


def register_feed(app: Dash, console: Console) -> None:
    """The viewer's own address of the calendar of changes."""
    register_address(
        app,
        console,
        CalendarAddress(
            prefix="change-feed",
            right="see.duty",
            what=feeds.CHANGES,
            path=CHANGE_FEED,
            none_yet=mark("A calendar program can subscribe to the changes: make an address for it."),
            made=mark("This is your address. It is shown once; whoever has it sees the changes."),
        ),
    )
