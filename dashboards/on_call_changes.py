"""What people do on the page On-call: override, swap, mark away, take back, and their own calendar address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate
from sqlalchemy import Connection

from alerts.oncall import commands, feeds
from alerts.oncall.commands import OnCallError
from alerts.oncall.rotation import instant
from alerts.oncall.shifts import shifts
from core.store.open import reading, writing
from dashboards.calendar_address import CalendarAddress, register_address
from dashboards.callbacks import guarded
from dashboards.components import notices
from dashboards.components.on_call_forms import EXAMPLE, TYPED
from dashboards.components.on_call_lanes import period, shown
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.gate import FEED
from dashboards.locale import Say, mark
from dashboards.queries import on_call
from dashboards.sentences import told

P = ParamSpec("P")
Done = tuple[Any, Any]
SWAPPED_WITHIN = timedelta(days=60)
NO_SHIFTS = mark("You are not among the people of oncall.yaml, so there are no shifts of yours.")


def register_changes(app: Dash, console: Console) -> None:
    """The commands of the forms and lists, each with its right."""
    _forms(app, console)
    _cancel(app, console)
    _swap_choices(app, console)
    _feed(app, console)
    app.clientside_callback(
        ClientsideFunction("tickets", "emptied"),
        *(Output(field, "value") for field in TYPED),
        Input("on-call-done", "data"),
        *(State(field, "value") for field in TYPED),
        prevent_initial_call=True,
    )


def _command(app: Dash, *inputs: Input | State) -> Callable[[Callable[P, Done]], Callable[P, Done]]:
    return guarded(
        app,
        "oncall.work",
        Output("on-call-done", "data", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        *inputs,
        prevent_initial_call=True,
    )


def _run(console: Console, doing: Callable[[Connection], object], sentence: str) -> Done:
    """Do it in one transaction; a refusal is told as it was said."""
    _ = speaking(console)
    try:
        with writing(console.engine) as connection:
            doing(connection)
    except OnCallError as error:
        return no_update, [notices.failed(_, told(str(error), _))]
    return console.clock().isoformat(), [notices.done(_, sentence)]


def _forms(app: Dash, console: Console) -> None:
    @_command(
        app,
        Input("on-call-override", "n_clicks"),
        State("on-call-schedule", "value"),
        State("on-call-person", "value"),
        State("on-call-from", "value"),
        State("on-call-until", "value"),
        State("on-call-reason", "value"),
    )
    def override(
        clicks: int | None, schedule: str | None, person: str | None, start: str, until: str, reason: str | None
    ) -> Done:
        if not clicks:
            raise PreventUpdate
        _, now, who = speaking(console), console.clock(), current_viewer().name
        times = [_typed(text, _) for text in (start, until)]
        if None in times:
            return _no_time(_)
        said = str(schedule or ""), str(person or ""), times[0], times[1], str(reason or "")
        return _run(
            console,
            lambda connection: commands.override(connection, console.oncall, *said, who, now),  # type: ignore[arg-type]
            _("The override is on record."),
        )

    @_command(
        app,
        Input("on-call-swap", "n_clicks"),
        State("on-call-schedule", "value"),
        State("on-call-first", "value"),
        State("on-call-second", "value"),
    )
    def swap(clicks: int | None, schedule: str | None, first: str | None, second: str | None) -> Done:
        if not clicks:
            raise PreventUpdate
        _, now, who = speaking(console), console.clock(), current_viewer().name
        one, other = (_typed(text, _) for text in (first, second))
        if one is None or other is None:
            return no_update, [notices.failed(_, _("Choose two shifts; nothing was changed."))]
        return _run(
            console,
            lambda connection: commands.swap(connection, console.oncall, str(schedule or ""), one, other, "", who, now),
            _("The two shifts are swapped."),
        )

    @_command(
        app,
        Input("on-call-mark-away", "n_clicks"),
        State("on-call-away", "value"),
        State("on-call-away-from", "value"),
        State("on-call-away-until", "value"),
        State("on-call-away-reason", "value"),
    )
    def away(clicks: int | None, person: str | None, start: str, until: str, reason: str | None) -> Done:
        if not clicks:
            raise PreventUpdate
        _, now, who = speaking(console), console.clock(), current_viewer().name
        opens, closes = (_typed(text, _) for text in (start, until))
        if opens is None or closes is None:
            return _no_time(_)
        said = str(person or ""), opens, closes, str(reason or "")
        return _run(
            console,
            lambda connection: commands.away(connection, console.oncall, *said, who, now),
            _("The absence is on record."),
        )


def _cancel(app: Dash, console: Console) -> None:
    doings = {"override": commands.cancel_override, "absence": commands.cancel_away}

    @_command(app, Input({"type": "on-call-cancel", "what": ALL, "number": ALL}, "n_clicks"))
    def cancel(clicks: list[int | None]) -> Done:
        chosen = ctx.triggered_id
        if not any(clicks or ()) or not isinstance(chosen, dict):
            raise PreventUpdate
        doing, number = doings.get(str(chosen.get("what"))), chosen.get("number")
        if doing is None or not isinstance(number, int) or not 0 < number < 2**53:
            raise PreventUpdate
        _, now, who = speaking(console), console.clock(), current_viewer().name
        return _run(console, lambda connection: doing(connection, number, who, now), _("It is taken back."))


def _swap_choices(app: Dash, console: Console) -> None:
    @guarded(
        app,
        "see.oncall",
        Output("on-call-first", "data"),
        Output("on-call-second", "data"),
        Input("on-call-schedule", "value"),
        Input("on-call-done", "data"),
    )
    def choices(name: str | None, _done: Any) -> tuple[Any, Any]:
        """The coming shifts of the chosen schedule."""
        schedule = console.oncall.schedule.get(name) if isinstance(name, str) else None
        if schedule is None:
            return [], []
        now, _ = console.clock(), speaking(console)
        with reading(console.engine) as connection:
            roster = on_call.roster(connection, now)
        final = shifts(schedule, roster.overrides, roster.absences, now, now + SWAPPED_WITHIN).final
        data = [
            {"value": one.start.isoformat(), "label": f"{shown(console.oncall, one.person, _)} · {period(one, _)}"}
            for one in final
            if one.person is not None
        ]
        return data, data


def _feed(app: Dash, console: Console) -> None:
    """The viewer's own address of the calendar of their shifts."""

    def refused(name: str) -> str | None:
        return None if name in console.oncall.person else NO_SHIFTS

    address = CalendarAddress(
        prefix="on-call-feed",
        right="see.oncall",
        what=feeds.SHIFTS,
        path=FEED,
        none_yet=mark("You have no calendar address. A calendar program can subscribe to one and shows your shifts."),
        made=mark("This is your address. It is shown once; whoever has it sees your shifts."),
    )
    register_address(app, console, address, refused)


def _typed(text: object, _: Say) -> datetime | None:
    """The instant of a time as the viewer typed it, in their zone unless it has its offset; none when it is no time."""
    try:
        read = datetime.fromisoformat(str(text or "").strip())
        return instant(read, _.zone) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _no_time(_: Say) -> Done:
    sentence = _(
        "A time is missing or cannot be read; write both like {example}. Nothing was changed.", example=EXAMPLE
    )
    return no_update, [notices.failed(_, sentence)]
