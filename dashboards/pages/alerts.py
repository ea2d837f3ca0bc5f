"""Which alert first? A grid under filters that live in the address, acknowledgement of one or many, one alert in detail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from alerts import commands
from core.model import instant_ms
from core.store.open import reading, writing
from dashboards.callbacks import guarded
from dashboards.components import alert_list, notices
from dashboards.components.alert_detail import alert_detail
from dashboards.components.filters import parse, whole
from dashboards.components.grids import grid
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.locale import Say, mark
from dashboards.queries import alerts, changes, curves
from dashboards.queries.rows import Row

PATH = "/alerts"
TITLE = mark("Alerts")
CHART_MS = 3_600_000
CHART_PX = 380
SIDE_BY_SIDE_PX = 1100
"""From this width on `assets/console.css` sets list and detail side by side."""


def layout(_: Say) -> list[Any]:
    """Filters, the grid with its actions, the detail at its side, and the question before acknowledging."""
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="alerts-load", className="head-note")], className="page-head"),
        html.Div(id="alerts-filters", className="filters"),
        html.Div(
            [
                html.Section(
                    [
                        html.Div(
                            [
                                html.Span(id="alerts-count", className="dim"),
                                html.Button(
                                    [icon("check"), _("Acknowledge selected")],
                                    id="alerts-ack-selected",
                                    className="button",
                                    type="button",
                                    disabled=True,
                                ),
                            ],
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
        dcc.Store(id="alerts-ids", data=[]),
        dcc.Store(id="alerts-done"),
        dcc.Store(id="alert-shown"),
        _question(
            _("Acknowledge"),
            _("What do you know, and what will you do?"),
            _("For example: disk is being cleaned, back in 20 minutes"),
            ("alerts-modal", "alerts-comment", "alerts-acknowledge"),
            _,
        ),
        _question(
            _("Give back"),
            _("Why do you give it back?"),
            _("For example: end of shift, not found yet"),
            ("alerts-back-modal", "alerts-back-comment", "alerts-give-back"),
            _,
        ),
    ]


def _question(doing: str, label: str, example: str, ids: tuple[str, str, str], _: Say) -> dmc.Modal:
    """A question in front of the page, with one field and one button; `ids` are its own, the field's, the button's."""
    modal, field, button = ids
    return dmc.Modal(
        [
            dmc.Textarea(
                id=field, label=label, placeholder=example, autosize=True, minRows=3, **{"data-autofocus": True}
            ),
            html.Div(
                html.Button(doing, id=button, className="button button-main", type="button"), className="modal-actions"
            ),
        ],
        id=modal,
        title=doing,
        opened=False,
        closeButtonProps={"aria-label": _("Close")},
    )


def register(app: Dash, console: Console) -> None:
    """Grid, filters and detail; acknowledgement of several or one, and giving back."""

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
        Input("url", "search"),
        Input("viewport", "data"),
        Input("live", "data"),
        Input("alerts-done", "data"),
        State("alert-shown", "data"),
    )
    def refresh(search: str, viewport: Any, _tick: Any, _done: Any, shown: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        with reading(console.engine) as connection:
            rows = alerts.alerts(connection, now, filters)
            fitting = len(rows) if len(rows) < alerts.LIMIT else alerts.count(connection, now, filters)
            load = alerts.load(connection, now)
            chosen = choose(rows, whole(filters.get("alert")), shown, has_room(viewport))
            whole_alert = None if chosen is None else read(connection, chosen, instant_ms(now))
        return (
            alert_list.grid_rows(rows, now, _, chosen),
            alert_list.render_filters(filters, _),
            alert_list.render_load(load, _),
            alert_list.render_count(len(rows), fitting, _),
            as_of(_, now),
            render(whole_alert, filters, now, current_viewer().may("alerts.acknowledge"), _),
            "columns columns-side" + (" has-detail" if filters.get("alert") else ""),
            chosen,
        )

    @guarded(
        app,
        "alerts.acknowledge",
        Output("alerts-done", "data"),
        Output("alerts-modal", "opened", allow_duplicate=True),
        Output("alerts-comment", "value"),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Output("alerts-grid", "deselectAll"),
        Input("alerts-acknowledge", "n_clicks"),
        State("alerts-ids", "data"),
        State("alerts-comment", "value"),
        prevent_initial_call=True,
    )
    def acknowledge(clicks: int | None, ids: list[int], comment: str | None) -> tuple[Any, ...]:
        """Acknowledge each of them; those that cannot be any more are named, the others are done."""
        if not clicks:  # a page that was just put in place calls once without a click
            raise PreventUpdate
        _, who = speaking(console), current_viewer().name
        refused = []
        for alert_id in ids:
            try:
                with writing(console.engine) as connection:
                    commands.acknowledge(connection, alert_id, who, comment or "", console.clock())
            except commands.AlertError as error:
                refused.append(str(error))
        said = [notices.failed(_, sentence) for sentence in refused]
        if len(ids) > len(refused):
            said.append(
                notices.done(
                    _, _.many("One alert is acknowledged.", "{n} alerts are acknowledged.", len(ids) - len(refused))
                )
            )
        return clicks, False, "", said, True

    @guarded(
        app,
        "alerts.acknowledge",
        Output("alerts-done", "data", allow_duplicate=True),
        Output("alerts-back-modal", "opened", allow_duplicate=True),
        Output("alerts-back-comment", "value"),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input("alerts-give-back", "n_clicks"),
        State("alerts-ids", "data"),
        State("alerts-back-comment", "value"),
        prevent_initial_call=True,
    )
    def give_back(clicks: int | None, ids: list[int], comment: str | None) -> tuple[Any, ...]:
        """Give an alert back, so that it is sent again; a refusal is told as it was said."""
        if not clicks or not ids:
            raise PreventUpdate
        _, who = speaking(console), current_viewer().name
        try:
            with writing(console.engine) as connection:
                commands.unacknowledge(connection, ids[0], who, comment or "", console.clock())
        except commands.AlertError as error:
            return no_update, False, "", [notices.failed(_, str(error))]
        return f"back {clicks}", False, "", [notices.done(_, _("The alert is given back; its messages go on."))]

    _on_the_client(app)


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
    """A click on a row opens it; the button above the list collects which alerts are meant."""
    app.clientside_callback(
        ClientsideFunction("alerts", "open"),
        Output("url", "search", allow_duplicate=True),
        Input("alerts-grid", "cellClicked"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("alerts", "selectable"),
        Output("alerts-ack-selected", "disabled"),
        Input("alerts-grid", "selectedRows"),
    )
    app.clientside_callback(
        ClientsideFunction("alerts", "askMany"),
        Output("alerts-ids", "data", allow_duplicate=True),
        Output("alerts-modal", "opened", allow_duplicate=True),
        Input("alerts-ack-selected", "n_clicks"),
        State("alerts-grid", "selectedRows"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("alerts", "fit"),
        Output("alerts-grid", "columnDefs"),
        Input("viewport", "data"),
        State("alerts-grid", "columnDefs"),
    )


def read(connection: Any, alert_id: int, now_ms: int) -> dict[str, Any]:
    """All that the detail shows of one alert."""
    row = alerts.one(connection, alert_id)
    if row is None:
        return {"alert": None}
    subject = alerts.subject(connection, row["series_id"])
    start_ms = now_ms - CHART_MS
    found = {}
    if subject is not None:
        rates = frozenset([subject["id"]]) if subject["kind"] == "counter" else frozenset()
        found = curves.curves(connection, [subject["id"]], start_ms, now_ms, CHART_PX, rates)
    return {
        "alert": row,
        "events": alerts.events(connection, alert_id),
        "tickets": alerts.tickets_of(connection, alert_id),
        "occurrences": alerts.occurrences(connection, row["fingerprint"]),
        "subject": subject,
        "curves": found,
        "bands": changes.bands(connection, row["target"], start_ms, now_ms),
        "start_ms": start_ms,
        "end_ms": now_ms,
    }


def render(rows: dict[str, Any] | None, filters: Mapping[str, str], now: datetime, may: bool, _: Say) -> Any:
    """One alert, or that none is chosen; `may` it be taken by the viewer."""
    if rows is None:
        return panel(_("Detail"), empty(_("Choose an alert to see its history, its ticket and its last hour.")))
    return alert_detail(rows, filters, now, may, _)
