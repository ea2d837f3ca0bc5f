"""Is the business on its way? Every business indicator by dimension and business day, its owner and what changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import Dash, Input, Output, dcc, html

from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.filters import chips, parse, segment
from dashboards.components.kpi_cards import kpi_card
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.speaking import speaking
from dashboards.components.states import demo
from dashboards.context import Console
from dashboards.locale import Say, mark
from dashboards.queries import kpi
from dashboards.queries.rows import Row

PATH = "/kpi"
TITLE = mark("KPI")


def layout(_: Say) -> list[Any]:
    """Filters and the indicators."""
    return [
        html.Div(
            [html.H1(_("Business indicators")), html.Div(id="kpi-count", className="head-note")], className="page-head"
        ),
        html.Div(id="kpi-filters", className="filters"),
        html.Div(id="kpi-panels", className="page-body ready"),
    ]


def register(app: Dash, console: Console) -> None:
    """Read the indicators again on every tick."""

    @guarded(
        app,
        "see.monitoring",
        Output("kpi-panels", "children"),
        Output("kpi-filters", "children"),
        Output("kpi-count", "children"),
        Input("url", "search"),
        Input("live", "data"),
    )
    def refresh(search: str, _tick: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        with reading(console.engine) as connection:
            rows = kpi.indicators(connection, now, console.timezone)
        system = filters.get("system", "")
        shown = [row for row in rows if system in ("", row["system"])]
        count = len({(row["target"], row["indicator"]) for row in shown})
        return render(shown, _), render_filters(rows, filters, _), _.many("one indicator", "{n} indicators", count)


def render_filters(rows: list[Row], filters: Mapping[str, str], _: Say) -> list[Any]:
    """One link a system."""
    systems = sorted({row["system"] for row in rows if row["system"]})
    return (
        [chips(_("System"), PATH, filters, "system", [("", _("all")), *((name, name) for name in systems)])]
        if len(systems) > 1
        else []
    )


def render(rows: list[Row], _: Say) -> list[Any]:
    """One panel a source, one card an indicator, one row a dimension; whole days before readings of the moment."""
    if not rows:
        return [
            panel(
                _("Business indicators"),
                empty(_("No business indicator has come yet. Add a feed to the configuration.")),
            )
        ]
    by_target: dict[str, list[Row]] = {}
    for row in rows:
        by_target.setdefault(row["target"], []).append(row)
    return [_source(name, members, _) for name, members in by_target.items()]


def _source(name: str, rows: list[Row], _: Say) -> html.Section:
    fresh = max((row["fresh_at"] for row in rows if row["fresh_at"]), default=None)
    by_indicator: dict[str, list[Row]] = {}
    for row in rows:
        by_indicator.setdefault(row["indicator"], []).append(row)
    ordered = sorted(by_indicator.values(), key=lambda members: not members[0]["daily"])
    return panel(
        name,
        html.Div([kpi_card(members, _) for members in ordered], className="kpi-cards"),
        footer=as_of(_, fresh, stale=all(row["stale"] for row in rows)),
        actions=[*([demo(_)] if rows[0]["demo"] else []), dcc.Link(_("Details"), href=f"/targets/{segment(name)}")],
    )
