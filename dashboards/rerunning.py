"""The callbacks by which a day of a control is asked to be run again; run page and day page share them."""

from __future__ import annotations

from datetime import date
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate
from sqlalchemy import Connection

from core.store.open import reading, writing
from dashboards.callbacks import guarded
from dashboards.components import notices
from dashboards.components.filters import whole
from dashboards.components.panels import as_of
from dashboards.components.rerun import about_signature, day_runs, requests
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.queries import day_runs as queries
from dashboards.queries import reconciliation
from dashboards.sentences import told
from reconciliation.desk import reruns
from reconciliation.desk.journal import DeskError

SHOWN = 5
"""Requests of a day that are shown, the newest."""


def register_rerunning(app: Dash, console: Console) -> None:
    """The panel, which follows every tick, and the doing."""

    @guarded(
        app,
        "see.reconciliation",
        Output("rerun-runs", "children"),
        Output("rerun-asked", "children"),
        Output("rerun-as-of", "children"),
        Output("rerun-signed", "children"),
        Output("rerun-form", "hidden"),
        Input("rerun-of", "data"),
        Input("live", "data"),
        Input("rerun-done", "data"),
    )
    def refresh(of: Any, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, _ = console.clock(), speaking(console)
        with reading(console.engine) as connection:
            asked_of = day_of(connection, of)
            if asked_of is None:
                return None, None, as_of(_, now), None, True
            control, day, here = asked_of
            runs = queries.runs_of_day(connection, control, day.isoformat())
            asked = queries.requests_of_day(connection, control, day.isoformat(), SHOWN)
        waits = any(one["ended_at"] is None for one in asked)
        offered = current_viewer().may("reconciliation.run") and _is_known(console, control) and not waits
        return (
            day_runs(runs, here, _),
            requests(asked, _),
            as_of(_, now),
            about_signature(runs, _),
            not offered,
        )

    @guarded(
        app,
        "reconciliation.run",
        Output("rerun-done", "data"),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input("rerun-ask", "n_clicks"),
        State("rerun-of", "data"),
        State("rerun-reason", "value"),
        prevent_initial_call=True,
    )
    def ask(clicks: int | None, of: Any, reason: Any) -> tuple[Any, Any]:
        now, _ = console.clock(), speaking(console)
        if not clicks:  # a page that was just put in place calls once without a click
            raise PreventUpdate
        with reading(console.engine) as connection:
            asked_of = day_of(connection, of)
        if asked_of is None:
            raise PreventUpdate
        control, day, _here = asked_of
        if not _is_known(console, control):
            return no_update, [notices.failed(_, _("There is no control {control} any more.", control=control))]
        said = reason if isinstance(reason, str) else ""
        try:
            with writing(console.engine) as connection:
                reruns.ask(connection, control, day, current_viewer().name, said, now)
        except DeskError as error:
            return no_update, [notices.failed(_, told(str(error), _))]
        return now.isoformat(), [notices.done(_, _("The run is asked for; its outcome appears here."))]

    app.clientside_callback(
        ClientsideFunction("reconciliation", "emptied"),
        Output("rerun-reason", "value"),
        Input("rerun-done", "data"),
        State("rerun-reason", "value"),
        prevent_initial_call=True,
    )


def day_of(connection: Connection, of: Any) -> tuple[str, date, int | None] | None:
    """Control, business day and run that a page is about, from what it keeps of them: a run, or a control and a day.

    None when it is about no day.
    """
    kept = of if isinstance(of, dict) else {}
    number = whole(kept.get("run"))
    row = None if number is None else reconciliation.run(connection, number)
    control, day = (row["control"], row["business_day"]) if row else (kept.get("control"), kept.get("day"))
    if not isinstance(control, str) or not isinstance(day, str):
        return None
    try:
        return control, date.fromisoformat(day), number
    except ValueError:
        return None


def _is_known(console: Console, control: str) -> bool:
    return any(card.name == control for card in console.controls)
