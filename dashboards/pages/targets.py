"""What is watched, and how does each stand? A grid of all targets, worst first, under filters in the address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, dcc, html

from core.model import instant_ms
from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.filters import address, chips, parse, segment
from dashboards.components.grids import grid
from dashboards.components.icons import icon
from dashboards.components.panels import as_of
from dashboards.components.speaking import speaking
from dashboards.components.words import STATUS, TARGET_KIND, word
from dashboards.context import Console
from dashboards.locale import Say, mark
from dashboards.queries import targets
from dashboards.queries.rows import Row
from dashboards.sentences import judged

PATH = "/targets"
TITLE = mark("Targets")


def layout(_: Say) -> list[Any]:
    """Filters and the grid."""
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="targets-count", className="head-note")], className="page-head"),
        html.Div(id="targets-filters", className="filters"),
        html.Section(
            [
                grid("targets-grid", columns(_), _, empty=_("No target fits these filters."), row_id="name"),
                html.Div(id="targets-as-of", className="panel-foot"),
            ],
            className="panel",
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
            "flex": 3,
            "minWidth": 230,
            "sortable": False,
        },
        {"field": "kind", "headerName": _("Class"), "flex": 2, "minWidth": 140, "tooltipField": "kind"},
        {"field": "system", "headerName": _("System"), "flex": 1, "minWidth": 130, "tooltipField": "system"},
        {"field": "site", "headerName": _("Site"), "flex": 1, "minWidth": 80},
        {"field": "since", "headerName": _("For"), "width": 110, "sortable": False},
        {"field": "series", "headerName": _("Series"), "width": 80, "cellClass": "grid-num", "headerClass": "grid-num"},
        {"field": "alerts", "headerName": _("Alerts"), "cellRenderer": "LinkCell", "width": 80, "sortable": False},
        {"field": "who", "headerName": _("Who has it"), "width": 120},
        {"field": "fresh", "headerName": _("Newest sample"), "width": 116},
        {"field": "error", "headerName": _("Fault of the probe"), "flex": 3, "minWidth": 120, "tooltipField": "error"},
    ]


def register(app: Dash, console: Console) -> None:
    """Fill the grid again on every tick and change of the address."""

    @guarded(
        app,
        "see.monitoring",
        Output("targets-grid", "rowData"),
        Output("targets-filters", "children"),
        Output("targets-count", "children"),
        Output("targets-as-of", "children"),
        Input("url", "search"),
        Input("live", "data"),
    )
    def refresh(search: str, _tick: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        with reading(console.engine) as connection:
            rows = targets.targets(connection, now)
        shown = chosen(rows, filters)
        return (
            render(shown, now, _),
            render_filters(rows, filters, _),
            _.many("one target", "{n} targets", len(shown)),
            as_of(_, now),
        )


def chosen(rows: list[Row], filters: Mapping[str, str]) -> list[Row]:
    """The rows that fit kind, system, site, status and a part of the name."""
    names = [name for name in ("kind", "system", "site", "status") if filters.get(name)]
    part = filters.get("q", "").casefold()
    return [row for row in rows if all(row[name] == filters[name] for name in names) and part in row["name"].casefold()]


def render_filters(rows: list[Row], filters: Mapping[str, str], _: Say) -> list[Any]:
    """Links that change one filter each, only for what there is."""

    def present(name: str) -> list[str]:
        return sorted({row[name] for row in rows if row[name]})

    shown = [
        chips(
            _("Class"),
            PATH,
            filters,
            "kind",
            [("", _("all")), *((kind, word(TARGET_KIND, kind, _)) for kind in present("kind"))],
        ),
        chips(
            _("State"),
            PATH,
            filters,
            "status",
            [("", _("all")), *((name, word(STATUS, name, _)) for name in present("status"))],
        ),
        chips(
            _("System"), PATH, filters, "system", [("", _("all")), *((name, name) for name in present("system")[:12])]
        ),
    ]
    for name in ("site", "q"):
        if filters.get(name):
            shown.append(
                dcc.Link(
                    [filters[name], icon("close")], href=address(PATH, filters, **{name: ""}), className="chip chip-on"
                )
            )
    return shown


def render(rows: list[Row], now: datetime, _: Say) -> list[dict[str, Any]]:
    """Rows as the grid shows them."""
    now_ms = instant_ms(now)
    return [
        {
            "name": row["name"],
            "state": {"status": row["status"], "word": word(STATUS, row["status"], _)},
            "target": {
                "text": row["name"],
                "href": f"{PATH}/{segment(row['name'])}",
                "note": _("demo data") if row["demo"] else "",
            },
            "kind": word(TARGET_KIND, row["kind"], _),
            "system": row["system"],
            "site": row["site"],
            "since": _.age((now_ms - row["since_ms"]) / 1000)
            if row["since_ms"] and row["status"] not in ("ok", "unjudged")
            else "",
            "series": row["series"],
            "alerts": {"text": str(row["alerts"]), "href": address("/alerts", {"target": row["name"]})}
            if row["alerts"]
            else {},
            "who": row["owner"] or "",
            "fresh": _.clock(row["fresh_at"]) if not row["stale"] else f"{_.clock(row['fresh_at'])} ?",
            "error": "; ".join(judged(error, _) for error in row["errors"]),
        }
        for row in rows
    ]
