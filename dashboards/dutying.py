"""The callbacks by which people hand over, write the duty log and change the roster; each is one command in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State
from dash.dependencies import ALL
from dash.exceptions import PreventUpdate
from sqlalchemy import Connection

from alerts.changes.commands import local
from alerts.duty import handovers, log, roster
from alerts.duty.config import Desk
from alerts.duty.errors import DutyError
from dashboards.callbacks import guarded
from dashboards.components.duty_forms import VISIT
from dashboards.components.filters import parse, whole
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.doing import Done, done
from dashboards.queries import duty

Chosen = Callable[[Console, Mapping[str, str]], Desk | None]
Wanted = Callable[[Connection, Desk, Mapping[str, str]], dict[str, Any] | None]
TYPED = ("entry-text", "entry-at", "entry-link", "entry-corrects", *(f"entry-{name}" for name in VISIT))
SIGNED = ("handover-reason", "roster-reason")
ENTRY = ("entry-kind", *TYPED)


def register_duty(app: Dash, console: Console, chosen: Chosen, wanted: Wanted) -> None:
    """A callback for each doing."""

    def doing(right: str, button: str, *states: State) -> Callable[..., Any]:
        return guarded(
            app,
            right,
            Output("duty-done", "data", allow_duplicate=True),
            Output("notices", "sendNotifications", allow_duplicate=True),
            Input(button, "n_clicks"),
            State("url", "search"),
            *states,
            prevent_initial_call=True,
        )

    def run(clicks: int | None, search: str, act: Callable[[Connection, Desk, datetime], str]) -> Done:
        """Do it with the desk that the address names, and tell what is said of it."""
        desk = chosen(console, parse(search))
        if not clicks or desk is None:  # a page that was just put in place calls once without a click
            raise PreventUpdate
        return done(console, lambda connection, now: act(connection, desk, now))

    def moment(connection: Connection, desk: Desk, now: datetime) -> Any:
        return duty.moment(connection, desk.name, console.expectations(now), now)

    @doing("duty.work", "handover-begin")
    def begin(clicks: int | None, search: str) -> Done:
        def act(connection: Connection, desk: Desk, now: datetime) -> str:
            handovers.begin_next(connection, desk, now)
            return speaking(console)("The handover is begun.")

        return run(clicks, search, act)

    @doing(
        "duty.work",
        "handover-prepare",
        State("handover-to-do", "value"),
        State({"type": "handover-remark", "key": ALL}, "value"),
        State({"type": "handover-remark", "key": ALL}, "id"),
    )
    def prepare(clicks: int | None, search: str, to_do: Any, remarks: Any, keys: Any) -> Done:
        def act(connection: Connection, desk: Desk, now: datetime) -> str:
            row = wanted(connection, desk, parse(search))
            if row is None:
                raise PreventUpdate
            said = {str(key["key"]): str(text or "") for key, text in zip(keys or [], remarks or [], strict=True)}
            who, at = current_viewer().name, moment(connection, desk, now)
            handovers.prepare(connection, row["id"], who, said, str(to_do or ""), at)
            return speaking(console)("The handover is prepared; the incoming shift checks and signs it.")

        return run(clicks, search, act)

    @doing("duty.work", "handover-accept", State("handover-seen", "data"))
    def accept(clicks: int | None, search: str, seen: Any) -> Done:
        def act(connection: Connection, desk: Desk, now: datetime) -> str:
            number, sha256 = _seen(seen)
            handovers.accept(connection, number, current_viewer().name, sha256, desk, moment(connection, desk, now))
            return speaking(console)("The handover is accepted; the shift is yours.")

        return run(clicks, search, act)

    @doing("duty.work", "handover-refuse", State("handover-seen", "data"), State("handover-reason", "value"))
    def refuse(clicks: int | None, search: str, seen: Any, reason: Any) -> Done:
        def act(connection: Connection, desk: Desk, now: datetime) -> str:
            handovers.refuse(connection, _seen(seen)[0], current_viewer().name, str(reason or ""), now)
            return speaking(console)("The handover is given back.")

        return run(clicks, search, act)

    @doing("duty.work", "entry-write", *(State(field, "value") for field in ENTRY))
    def write(clicks: int | None, search: str, *given: Any) -> Done:
        def act(connection: Connection, desk: Desk, now: datetime) -> str:
            return _write(connection, desk, now, dict(zip(ENTRY, map(str, (one or "" for one in given)), strict=True)))

        def _write(connection: Connection, desk: Desk, now: datetime, said: Mapping[str, str]) -> str:
            at = local(said["entry-at"], current_viewer().timezone) if said["entry-at"].strip() else None
            corrects = _number(said["entry-corrects"])
            is_visit = said["entry-kind"] == "visit"
            log.write(
                connection,
                desk.name,
                current_viewer().name,
                said["entry-kind"],
                said["entry-text"],
                now,
                at=at,
                fields={name: said[f"entry-{name}"] for name in VISIT} if is_visit else {},
                link=said["entry-link"],
                corrects=corrects,
            )
            return speaking(console)("The entry is in the log.")

        return run(clicks, search, act)

    people = (State("roster-shift", "value"), State("roster-people", "value"), State("roster-reason", "value"))

    @doing("duty.roster", "roster-change", *people)
    def change(clicks: int | None, search: str, shift: Any, names: Any, reason: Any) -> Done:
        def act(connection: Connection, desk: Desk, now: datetime) -> str:
            given = [str(name) for name in names] if isinstance(names, list) else []
            roster.change(connection, desk, str(shift or ""), given, str(reason or ""), current_viewer().name, now)
            return speaking(console)("The roster is changed.")

        return run(clicks, search, act)

    app.clientside_callback(
        ClientsideFunction("tickets", "emptied"),
        *(Output(field, "value") for field in (*TYPED, *SIGNED)),
        Input("duty-done", "data"),
        *(State(field, "value") for field in (*TYPED, *SIGNED)),
        prevent_initial_call=True,
    )


def _seen(seen: Any) -> tuple[int, str]:
    """The handover that the viewer has before them, and the SHA-256 of its content."""
    if not isinstance(seen, dict) or not isinstance(seen.get("id"), int):
        raise PreventUpdate
    return seen["id"], str(seen.get("sha256") or "")


def _number(text: str) -> int | None:
    """The number of the entry that is corrected; None when none is. Raises DutyError for what is no number."""
    if not text.strip():
        return None
    number = whole(text.strip())
    if number is None:
        raise DutyError(f"{text.strip()[:20]!r} is no number of an entry; leave it empty, or write digits.")
    return number
