"""Is the business on its way? The latest value of every business indicator by business day, its owner and its trend."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html

from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.figures import label
from dashboards.components.filters import chips, parse, segment
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.speaking import speaking
from dashboards.components.states import demo, state
from dashboards.components.values import value
from dashboards.context import Console
from dashboards.locale import Say, mark
from dashboards.queries import kpi
from dashboards.queries.rows import Row

PATH = "/kpi"
TITLE = mark("KPI")
WEEK = 7
LEVEL = 0.005
"""A change within half a percent is called level."""


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
        return render(shown, _), render_filters(rows, filters, _), _.many("one indicator", "{n} indicators", len(shown))


def render_filters(rows: list[Row], filters: Mapping[str, str], _: Say) -> list[Any]:
    """One link a system."""
    systems = sorted({row["system"] for row in rows if row["system"]})
    return (
        [chips(_("System"), PATH, filters, "system", [("", _("all")), *((name, name) for name in systems)])]
        if len(systems) > 1
        else []
    )


def render(rows: list[Row], _: Say) -> list[Any]:
    """One panel a source, one card an indicator."""
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
    return panel(
        name,
        html.Div([_card(row, _) for row in rows], className="kpi-cards"),
        footer=as_of(_, fresh, stale=all(row["stale"] for row in rows)),
        actions=[*([demo(_)] if rows[0]["demo"] else []), dcc.Link(_("Details"), href=f"/targets/{segment(name)}")],
    )


def _card(row: Row, _: Say) -> dcc.Link:
    unit, kind = row["unit"] or "1", row["kind"] or "gauge"
    name = row["description"] or row["indicator"]
    days = row["days"]
    head = [
        html.Div(
            [html.Span(name, className="kpi-name", title=row["indicator"]), html.Span(label(row), className="dim")],
            className="kpi-head",
        ),
    ]
    if not days:
        body: list[Any] = [
            html.Span("–", className="figure"),
            html.Span(_("no value in {n} days", n=kpi.DAYS), className="dim"),
        ]
    else:
        day, latest = days[-1]
        body = [
            html.Div(
                [html.Span(value(latest, unit, kind, row["labels"], _), className="figure"), _trend(days, _)],
                className="kpi-value",
            ),
            bars(days, unit, kind, row["labels"], _)
            if kind in ("money", "counter") or (unit == "1" and kind == "gauge")
            else line(days),
            html.Div(
                [
                    html.Span(_.day(day)),
                    html.Span(_("owner: {who}", who=row["owner"]) if row["owner"] else _("no owner")),
                ],
                className="kpi-foot",
            ),
        ]
    status = "unknown" if row["stale"] and row["status"] in ("ok", "unjudged") else row["status"]
    marked = [state(status, _)] if status not in ("ok", "unjudged") else []
    return dcc.Link(
        [*head, *marked, *body],
        href=f"/targets/{segment(row['target'])}?range=7d&show={row['indicator']}",
        className="kpi-card",
    )


def _trend(days: list[tuple[date, float]], _: Say) -> Any:
    """Against the same weekday a week before: an arrow and words, no colour, since red means two things."""
    change = against_week(days)
    if change is None:
        return None
    if abs(change) < LEVEL:
        return html.Span([icon("level"), _("level with last week")], className="trend")
    said = _.share(abs(change))
    if change > 0:
        return html.Span([icon("up"), _("{share} above last week", share=said)], className="trend")
    return html.Span([icon("down"), _("{share} below last week", share=said)], className="trend")


def against_week(days: list[tuple[date, float]]) -> float | None:
    """The latest value over that of the same weekday a week before, less one; None when there is none to compare."""
    day, latest = days[-1]
    before = next((measured for when, measured in days if (day - when).days == WEEK), None)
    return None if not before else latest / before - 1


def bars(days: list[tuple[date, float]], unit: str, kind: str, labels: Mapping[str, str], _: Say) -> html.Div:
    """A bar from zero for each business day; weekends are paler; each says its day and value."""
    most = max((abs(measured) for _day, measured in days), default=0) or 1
    return html.Div(
        [
            html.Span(
                html.Span(style={"height": f"{max(0.0, measured) / most:.1%}"}, className="bar-fill"),
                className="bar"
                + (" bar-weekend" if day.weekday() >= 5 else "")
                + (" bar-last" if day == days[-1][0] else ""),
                title=f"{_.day(day)}: {value(measured, unit, kind, labels, _)}",
            )
            for day, measured in days[-30:]
        ],
        className="bars",
        role="img",
        **{"aria-label": _("The last {n} business days", n=len(days[-30:]))},
    )


def line(days: list[tuple[date, float]]) -> html.Div:
    """A line for what does not start at zero: shares and times."""
    return html.Div(
        dmc.Sparkline(
            data=[measured for _day, measured in days[-30:]],
            h=44,
            w="100%",
            curveType="linear",
            color="#4c93f0",
            fillOpacity=0.15,
            strokeWidth=1.5,
        ),
        className="spark",
    )
