"""Which cause first? A grid under filters that live in the address, causes over symptoms, actions on many, the load."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from sqlalchemy import Connection

from alerts import explaining
from alerts.config import RoutesFile
from alerts.muting import muting
from core.model import instant_ms
from core.store.open import reading
from dashboards.alert_doings import register_doings
from dashboards.callbacks import guarded
from dashboards.components import alert_list
from dashboards.components.alarm_load import alarm_load
from dashboards.components.alert_actions import bulk_bar, questions
from dashboards.components.alert_detail import alert_detail
from dashboards.components.alert_tree import Line, arranged, decorated
from dashboards.components.filters import parse, whole
from dashboards.components.grids import grid
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.speaking import speaking
from dashboards.context import Console, Viewer, current_viewer
from dashboards.locale import Say, mark
from dashboards.queries import alarm_load as alarm_reads
from dashboards.queries import alerts, causes, changes, curves
from dashboards.queries.about import tickets_about
from dashboards.queries.causes import Standing
from dashboards.queries.rows import Row

PATH = "/alerts"
TITLE = mark("Alerts")
CHART_MS = 3_600_000
CHART_PX = 380
SIDE_BY_SIDE_PX = 1100
"""From this width on `assets/console.css` sets list and detail side by side."""


def layout(_: Say) -> list[Any]:
    """Filters, the grid with its actions, the detail at its side, the load below, and the questions of the actions."""
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="alerts-load", className="head-note")], className="page-head"),
        html.Div(id="alerts-filters", className="filters"),
        html.Div(
            [
                html.Section(
                    [
                        html.Div(
                            [html.Span(id="alerts-count", className="dim"), bulk_bar(current_viewer(), _)],
                            className="panel-head",
                        ),
                        grid(
                            "alerts-grid",
                            alert_list.columns(_),
                            _,
                            empty=_("No alert fits these filters."),
                            select=True,
                            row_px=48,
                        ),
                        html.Div(id="alerts-as-of", className="panel-foot"),
                    ],
                    className="panel",
                ),
                html.Div(id="alert-detail", className="detail"),
            ],
            id="alerts-body",
            className="columns columns-side",
        ),
        html.Div(id="alerts-burden"),
        html.Div(id="alerts-said", className="unseen", role="status", **{"aria-live": "polite"}),
        dcc.Store(id="alerts-ids", data=[]),
        dcc.Store(id="alerts-done"),
        dcc.Store(id="alert-shown"),
        *questions(current_viewer(), _),
    ]


def register(app: Dash, console: Console) -> None:
    """Grid, filters, detail and load on every tick; `alert_doings` has what people do."""

    @guarded(
        app,
        "see.alerts",
        Output("alerts-grid", "rowData"),
        Output("alerts-filters", "children"),
        Output("alerts-load", "children"),
        Output("alerts-count", "children"),
        Output("alerts-as-of", "children"),
        Output("alert-detail", "children"),
        Output("alerts-body", "className"),
        Output("alert-shown", "data"),
        Output("alerts-burden", "children"),
        Input("url", "search"),
        Input("viewport", "data"),
        Input("live", "data"),
        Input("alerts-done", "data"),
        State("alert-shown", "data"),
    )
    def refresh(search: str, viewport: Any, _tick: Any, _done: Any, shown: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        with reading(console.engine) as connection:
            active = muting.read_once(connection, now)
            lines, standings, rows, fitting = listed(connection, console, filters, now, active)
            load = alerts.load(connection, now)
            people = alarm_reads.operators_on_duty(connection, console.duty, console.oncall, now)
            burden = alarm_reads.burden(connection, load, people, now)
            visible = [line.row for line in lines]
            chosen = choose(visible, whole(filters.get("alert")), shown, has_room(viewport))
            whole_alert = None if chosen is None else read(connection, console.routes, chosen, now, active)
        return (
            render_lines(lines, standings, filters, now, chosen, _),
            alert_list.render_filters(filters, _),
            alert_list.render_load(load, _),
            render_count(len(rows), len(lines), fitting, _),
            as_of(_, now),
            render(whole_alert, filters, now, current_viewer(), _),
            "columns columns-side" + (" has-detail" if filters.get("alert") else ""),
            chosen,
            alarm_load(burden, now, _),
        )

    register_doings(app, console)
    _on_the_client(app)


def listed(
    connection: Connection, console: Console, filters: Mapping[str, str], now: datetime, active: muting.Active
) -> tuple[list[Line], dict[int, Standing], list[Row], int]:
    """The lines of the list with how their alerts stand, the alerts of which they are made, folded ones too, and how many
    alerts the filters leave."""
    among = causes.fitting(connection, console.routes, filters, now, active) if causes.wanted(filters) else None
    worst = None if among is None else among[: alerts.LIMIT]
    rows = alerts.alerts(connection, now, filters, worst)
    standings = causes.standings(connection, console.routes, rows, now, active)
    unfolded = [whole(one) for one in filters.get("unfolded", "").split(",")] + [whole(filters.get("alert"))]
    known = {number: one.cause for number, one in standings.items()}
    lines = arranged(rows, known, [one for one in unfolded if one is not None], everything=_unfolds(filters))
    if among is not None:
        fitting = len(among)
    else:
        fitting = len(rows) if len(rows) < alerts.LIMIT else alerts.count(connection, now, filters)
    return lines, standings, rows, fitting


def render_lines(
    lines: list[Line],
    standings: Mapping[int, Standing],
    filters: Mapping[str, str],
    now: datetime,
    chosen: int | None,
    _: Say,
) -> list[dict[str, Any]]:
    """The rows of the grid."""
    shown = alert_list.grid_rows([line.row for line in lines], now, _, chosen)
    return [
        decorated(row, line, standings.get(line.row["id"]), _unfolds(filters), _)
        for row, line in zip(shown, lines, strict=True)
    ]


def render_count(loaded: int, lines: int, fitting: int, _: Say) -> str:
    """How many alerts fit, how many of them were loaded when that is not all, and how many are folded under causes."""
    count, folded = alert_list.render_count(loaded, fitting, _), loaded - lines
    return count + (" · " + _("{n} folded under their causes", n=_.number(folded)) if folded else "")


def _unfolds(filters: Mapping[str, str]) -> bool:
    return filters.get("symptoms") == "shown"


def choose(rows: list[Row], wanted: int | None, shown: object, room: bool) -> int | None:
    """The alert to show in detail: the one asked for; else, where there is room, the one on show as long as it is in
    the list, so that nothing moves under a reader's hand, and then the first."""
    if wanted is not None:
        return wanted
    if not room or not rows:
        return None
    return next((int(row["id"]) for row in rows if row["id"] == shown), int(rows[0]["id"]))


def has_room(viewport: object) -> bool:
    """Whether the window is wide enough for list and detail side by side."""
    width = viewport.get("width") if isinstance(viewport, dict) else None
    return isinstance(width, int) and width >= SIDE_BY_SIDE_PX


def _on_the_client(app: Dash) -> None:
    """A click on a row opens it; a phone has one column."""
    app.clientside_callback(
        ClientsideFunction("alerts", "open"),
        Output("url", "search", allow_duplicate=True),
        Input("alerts-grid", "cellClicked"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("alerts", "fit"),
        Output("alerts-grid", "columnDefs"),
        Input("viewport", "data"),
        State("alerts-grid", "columnDefs"),
    )


def read(
    connection: Connection, routes: RoutesFile, alert_id: int, now: datetime, active: muting.Active | None = None
) -> dict[str, Any]:
    """All that the detail shows of one alert; `active` brings the silences that the list has read."""
    row = alerts.one(connection, alert_id)
    if row is None:
        return {"alert": None}
    subject = alerts.subject(connection, row["series_id"])
    now_ms = instant_ms(now)
    start_ms = now_ms - CHART_MS
    found = {}
    if subject is not None:
        rates = frozenset([subject["id"]]) if subject["kind"] == "counter" else frozenset()
        found = curves.curves(connection, [subject["id"]], start_ms, now_ms, CHART_PX, rates)
    return {
        "alert": row,
        "events": alerts.events(connection, alert_id),
        "tickets": tickets_about(connection, "alert", alert_id),
        "occurrences": alerts.occurrences(connection, row["fingerprint"]),
        "subject": subject,
        "curves": found,
        "bands": changes.bands(connection, row["target"], start_ms, now_ms),
        "start_ms": start_ms,
        "end_ms": now_ms,
        "standing": causes.standings(connection, routes, [row], now, active).get(alert_id),
        "told": who_is_told(connection, routes, row, now, active),
    }


def who_is_told(
    connection: Connection, routes: RoutesFile, row: Row, now: datetime, active: muting.Active | None = None
) -> list[tuple[str, str]]:
    """How an open alert stands with each receiver: its name and a sentence."""
    if row["resolved_at"] is not None:
        return []
    replayed = explaining.explain(connection, routes, row["fingerprint"], now, active)
    return [(one.receiver, one.sentence) for each in replayed if each.row.id == row["id"] for one in each.standing]


def render(rows: dict[str, Any] | None, filters: Mapping[str, str], now: datetime, viewer: Viewer, _: Say) -> Any:
    """One alert, or that none is chosen; with what the viewer may do."""
    if rows is None:
        return panel(_("Detail"), empty(_("Choose an alert to see its history, its ticket and its last hour.")))
    return alert_detail(rows, filters, now, viewer, _)
