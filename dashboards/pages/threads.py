"""Are there threads enough? Busy against the most there may be, and requests, of each pool of each web server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from dash import Dash, Input, Output, State, dcc, html

from core.model import instant_ms
from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.charts import chart
from dashboards.components.figures import Strip, strips
from dashboards.components.filters import chips, parse, segment
from dashboards.components.panels import as_of, empty, facts, panel
from dashboards.components.speaking import speaking
from dashboards.components.states import demo, state
from dashboards.components.values import per_second, value
from dashboards.context import Console
from dashboards.locale import Say, mark
from dashboards.queries import curves, pools
from dashboards.queries.curves import Curve
from dashboards.queries.rows import WORST_FIRST, Row

PATH = "/threads"
TITLE = mark("Thread pools")
SPANS = {"1h": 3600, "6h": 21_600, "24h": 86_400}
DEFAULT_SPAN = "1h"
SHOWN = 24
BUSY, MOST, REQUESTS, ERRORS, LATENCY = pools.PARTS


def layout(_: Say) -> list[Any]:
    """Ranges and one panel a pool."""
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="threads-count", className="head-note")], className="page-head"),
        html.Div(id="threads-range", className="filters"),
        html.Div(id="threads-pools", className="ready"),
    ]


def register(app: Dash, console: Console) -> None:
    """Draw the pools again on every tick."""

    @guarded(
        app,
        "see.monitoring",
        Output("threads-pools", "children"),
        Output("threads-range", "children"),
        Output("threads-count", "children"),
        Input("url", "search"),
        Input("live", "data"),
        State("viewport", "data"),
    )
    def refresh(search: str, _tick: Any, viewport: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        end_ms = instant_ms(now)
        start_ms = end_ms - SPANS.get(filters.get("range", ""), SPANS[DEFAULT_SPAN]) * 1000
        with reading(console.engine) as connection:
            rows = sorted(
                pools.pools(connection, now), key=lambda row: (WORST_FIRST.index(row["status"]), row["target"])
            )
            shown = rows[:SHOWN]
            width = int((viewport or {}).get("width", 1280))
            pixels = min(4000, max(280, width if len(shown) == 1 else width // 3))
            found = curves.curves(
                connection,
                [series_id for row in shown for series_id in row["parts"].values()],
                start_ms,
                end_ms,
                pixels,
                frozenset(row["parts"][part] for row in shown for part in (REQUESTS, ERRORS) if part in row["parts"]),
                min((row["every_s"] for row in shown), default=15.0),
            )
        return (
            render(shown, found, start_ms, end_ms, _),
            render_ranges(filters, _),
            _.many("one pool", "{n} pools", len(rows)),
        )


def render_ranges(filters: Mapping[str, str], _: Say) -> list[Any]:
    """Links that choose how far back the charts go."""
    choices = [("1h", _("1 hour")), ("6h", _("6 hours")), ("24h", _("24 hours"))]
    return [chips(_("Range"), PATH, filters, "range", choices, DEFAULT_SPAN)]


def render(rows: list[Row], found: Mapping[int, Curve], start_ms: int, end_ms: int, _: Say) -> Any:
    """A panel for each pool, the worst first."""
    if not rows:
        return panel(
            _(TITLE),
            empty(_("No web server reports its threads yet. Add one with its status page to the configuration.")),
        )
    alone = len(rows) == 1
    return html.Div(
        [_pool(row, found, start_ms, end_ms, _, alone=alone) for row in rows],
        className="columns" + ("" if alone else " columns-pools"),
    )


def _pool(row: Row, found: Mapping[int, Curve], start_ms: int, end_ms: int, _: Say, *, alone: bool) -> html.Section:
    """One pool; the only one has room for its latency too."""
    parts = row["parts"]
    busy, most = latest(found, parts.get(BUSY)), latest(found, parts.get(MOST))
    peak = highest(found, parts.get(BUSY))
    labels: dict[str, str] = {}
    groups = [Strip(_("busy and most threads"), "1", "gauge", _lines(parts, {BUSY: _("busy"), MOST: _("most")}))]
    if REQUESTS in parts:
        groups.append(Strip(_("requests"), "1", "counter", _lines(parts, {REQUESTS: ""})))
    if alone and LATENCY in parts:
        groups.append(Strip(_("latency"), "s", "gauge", _lines(parts, {LATENCY: ""})))
    figure = strips(groups, found, [], start_ms, end_ms, _, lane=False)
    status = "unknown" if row["stale"] and row["status"] in ("ok", "unjudged") else row["status"]
    return panel(
        f"{row['target']}" + (f" · {row['pool']}" if row["pool"] else ""),
        [
            gauge(busy, most, status, _),
            html.P(row["reason"], className="pool-why")
            if status in ("warning", "critical") and row["reason"]
            else None,
            facts(
                [
                    (_("Headroom"), "–" if busy is None or most is None else _.number(most - busy)),
                    (_("Highest in range"), _share(peak, most, _)),
                    (
                        _("Requests"),
                        per_second(latest(found, parts.get(REQUESTS)), "1", _) if REQUESTS in parts else None,
                    ),
                    (_("Errors"), per_second(latest(found, parts.get(ERRORS)), "1", _) if ERRORS in parts else None),
                    (
                        _("Latency"),
                        value(latest(found, parts.get(LATENCY)), "s", "gauge", labels, _) if LATENCY in parts else None,
                    ),
                ]
            ),
            chart(f"pool-{parts[BUSY]}", figure, _("Busy threads and requests of {name}", name=row["target"])),
        ],
        footer=as_of(_, row["fresh_at"], stale=row["stale"]),
        actions=[
            *([demo(_)] if row["demo"] else []),
            state(status, _),
            dcc.Link(_("Details"), href=f"/targets/{segment(row['target'])}"),
        ],
        className="pool",
    )


def _lines(parts: Mapping[str, int], names: Mapping[str, str]) -> tuple[Row, ...]:
    return tuple({"id": parts[part], "labels": {}, "name": name} for part, name in names.items() if part in parts)


def latest(found: Mapping[int, Curve], series_id: int | None) -> float | None:
    """The newest value of a curve; None when it has none."""
    known = _known(found, series_id)
    return float(known[-1]) if len(known) else None


def highest(found: Mapping[int, Curve], series_id: int | None) -> float | None:
    """The greatest value of a curve; None when it has none."""
    known = _known(found, series_id)
    return float(known.max()) if len(known) else None


def _known(found: Mapping[int, Curve], series_id: int | None) -> Any:
    values = found.get(series_id or -1, Curve()).values
    return values[~np.isnan(values)]


def _share(part: float | None, most: float | None, _: Say) -> str:
    if part is None:
        return "–"
    return f"{_.number(part)} ({_.share(part / most, 0)})" if most else _.number(part)


def gauge(busy: float | None, most: float | None, status: str, _: Say) -> html.Div:
    """Busy of most as a bar with both numbers; without either it says so."""
    if busy is None:
        return html.Div(empty(_("No sample of busy threads in this range.")), className="gauge")
    share = min(1.0, busy / most) if most else 0.0
    return html.Div(
        [
            html.Div(
                [
                    html.Span(_.number(busy), className="figure"),
                    html.Span(_(" of {most} busy", most="–" if most is None else _.number(most)), className="dim"),
                ]
            ),
            html.Div(
                html.Span(style={"width": f"{share:.2%}"}, className=f"fill fill-{status}"),
                className="meter",
                **{"aria-hidden": "true"},
            ),
        ],
        className="gauge",
    )
