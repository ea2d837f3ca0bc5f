"""Which alert first? A grid under filters that live in the address, acknowledgement of one or many, one alert in detail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.exceptions import PreventUpdate

from alerts import commands
from core.model import instant_ms
from core.store.open import reading, writing
from dashboards.callbacks import guarded
from dashboards.components import notices
from dashboards.components.alert_detail import alert_detail
from dashboards.components.filters import address, chips, parse, segment, whole
from dashboards.components.grids import grid
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.speaking import speaking
from dashboards.components.words import STATUS, TARGET_KIND, word
from dashboards.context import Console, current_viewer
from dashboards.locale import Say, mark
from dashboards.queries import alerts, curves
from dashboards.queries.rows import Row

PATH = "/alerts"
TITLE = mark("Alerts")
CHART_MS = 3_600_000
CHART_PX = 380


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
                        grid("alerts-grid", columns(_), _, empty=_("No alert fits these filters."), select=True),
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
        dmc.Modal(
            [
                dmc.Textarea(
                    id="alerts-comment",
                    label=_("What do you know, and what will you do?"),
                    placeholder=_("For example: disk is being cleaned, back in 20 minutes"),
                    autosize=True,
                    minRows=3,
                    **{"data-autofocus": True},
                ),
                html.Div(
                    html.Button(
                        _("Acknowledge"), id="alerts-acknowledge", className="button button-main", type="button"
                    ),
                    className="modal-actions",
                ),
            ],
            id="alerts-modal",
            title=_("Acknowledge"),
            opened=False,
        ),
    ]


def columns(_: Say) -> list[dict[str, Any]]:
    """The grid's columns."""
    return [
        {"field": "state", "headerName": _("State"), "cellRenderer": "StateCell", "width": 120, "sortable": False},
        {
            "field": "target",
            "headerName": _("Target"),
            "cellRenderer": "LinkCell",
            "flex": 2,
            "minWidth": 190,
            "sortable": False,
        },
        {"field": "check", "headerName": _("Check"), "width": 96},
        {"field": "reason", "headerName": _("Reason"), "flex": 4, "minWidth": 180, "tooltipField": "reason"},
        {"field": "age", "headerName": _("For"), "width": 104, "sortable": False},
        {"field": "who", "headerName": _("Who has it"), "cellRenderer": "WhoCell", "width": 120, "sortable": False},
        {"field": "ticket", "headerName": _("Ticket"), "cellRenderer": "LinkCell", "width": 84, "sortable": False},
    ]


def register(app: Dash, console: Console) -> None:
    """Grid and filters, detail, and acknowledgement."""

    @guarded(
        app,
        "see.alerts",
        Output("alerts-grid", "rowData"),
        Output("alerts-filters", "children"),
        Output("alerts-load", "children"),
        Output("alerts-count", "children"),
        Output("alerts-as-of", "children"),
        Input("url", "search"),
        Input("live", "data"),
        Input("alerts-done", "data"),
    )
    def refresh(search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        with reading(console.engine) as connection:
            rows = alerts.alerts(connection, now, filters)
            load = alerts.load(connection, now)
        return (
            grid_rows(rows, now, _),
            render_filters(filters, load, _),
            render_load(load, _),
            _.many("one alert", "{n} alerts", len(rows)),
            as_of(_, now),
        )

    @guarded(
        app,
        "see.alerts",
        Output("alert-detail", "children"),
        Output("alerts-body", "className"),
        Input("url", "search"),
        Input("live", "data"),
        Input("alerts-done", "data"),
    )
    def detail(search: str, _tick: Any, _done: Any) -> tuple[Any, str]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        wanted = whole(filters.get("alert"))
        if wanted is None:
            return panel(_("Detail"), empty(_("Choose an alert to see its history, its ticket and its last hour."))), (
                "columns columns-side"
            )
        with reading(console.engine) as connection:
            rows = read(connection, wanted, instant_ms(now))
        may = current_viewer().may("alerts.acknowledge")
        return render(rows, filters, now, may, _), "columns columns-side has-detail"

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

    _on_the_client(app)


def _on_the_client(app: Dash) -> None:
    """A click on a row opens it; buttons collect which alerts are meant."""
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
        ClientsideFunction("alerts", "askOne"),
        Output("alerts-ids", "data", allow_duplicate=True),
        Output("alerts-modal", "opened", allow_duplicate=True),
        Input("alert-ack-one", "n_clicks"),
        State("url", "search"),
        prevent_initial_call=True,
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
        "start_ms": start_ms,
        "end_ms": now_ms,
    }


def grid_rows(rows: list[Row], now: datetime, _: Say) -> list[dict[str, Any]]:
    """Rows as the grid shows them."""
    found = []
    for row in rows:
        shown = "resolved" if row["resolved_at"] else row["severity"]
        owner = row["assignee"] or row["acknowledged_by"]
        found.append(
            {
                "id": str(row["id"]),
                "state": {"status": shown, "word": word(STATUS, shown, _)},
                "target": {
                    "text": row["target"],
                    "href": f"/targets/{segment(row['target'])}",
                    "note": _("demo data") if row["demo"] else "",
                },
                "check": row["check_name"],
                "reason": row["annotations"].get("reason", ""),
                "age": _.age(((row["resolved_at"] or now) - row["opened_at"]).total_seconds()),
                "who": {"text": owner or _("nobody yet"), "none": owner is None and row["resolved_at"] is None},
                "ticket": {"text": f"#{row['ticket_id']}", "href": f"/tickets?ticket={row['ticket_id']}"}
                if row["ticket_id"]
                else {},
            }
        )
    return found


def render_filters(filters: Mapping[str, str], load: Row, _: Say) -> list[Any]:
    """Links that change one filter each."""
    kept = {name: value for name, value in filters.items() if name != "alert"}
    kinds = [("", _("all")), *((kind, _(label)) for kind, label in TARGET_KIND.items() if kind != "service")]
    shown = [
        chips(
            _("State"),
            PATH,
            kept,
            "state",
            [("open", _("open")), ("resolved", _("resolved, 7 days")), ("all", _("all"))],
            "open",
        ),
        chips(
            _("Severity"),
            PATH,
            kept,
            "severity",
            [("", _("all")), *((name, word(STATUS, name, _)) for name in ("critical", "warning", "unknown"))],
        ),
        chips(_("Acknowledged"), PATH, kept, "acknowledged", [("", _("all")), ("no", _("not yet")), ("yes", _("yes"))]),
        chips(_("Class"), PATH, kept, "kind", kinds),
    ]
    for name in ("target", "system", "q"):
        if kept.get(name):
            shown.append(
                dcc.Link([kept[name], icon("close")], href=address(PATH, kept, **{name: ""}), className="chip chip-on")
            )
    return shown


def render_load(load: Row, _: Say) -> Any:
    """The console's own alarm load: opened in ten minutes, in a day, and the loudest source."""
    loudest = load["sources"][0] if load["sources"] else None
    flood = load["flood"]
    return [
        html.Span(
            _("{n} opened in 10 min", n=_.number(load["ten_minutes"])) + (" – " + _("a flood") if flood else ""),
            className="flood" if flood else "",
        ),
        html.Span(_("{n} in 24 h", n=_.number(load["day"]))),
        html.Span(
            [
                _("loudest: "),
                dcc.Link(loudest[0], href=address(PATH, {"target": loudest[0], "state": "all"})),
                f" ({loudest[1]})",
            ]
        )
        if loudest
        else None,
    ]


def render(rows: dict[str, Any], filters: Mapping[str, str], now: datetime, may: bool, _: Say) -> Any:
    """One alert; `may` it be acknowledged by the viewer."""
    return alert_detail(rows, filters, now, may, _)
