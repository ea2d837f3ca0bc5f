"""What changed on this target? Strips of its indicators on one time axis, under a lane of its changes of status.

The first answer draws the whole figure; a tick adds only the samples that came since, as long as the window has not
moved by more than a tenth; a zoomed chart keeps its zoom.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, Patch, State, ctx, dcc, html, no_update
from sqlalchemy import Connection

from core.model import instant_ms
from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.change_parts import with_bands
from dashboards.components.charts import chart
from dashboards.components.figures import Strip, grouped, numbers, strips
from dashboards.components.filters import address, chips, parse, segment
from dashboards.components.filters import whole as number
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.speaking import speaking
from dashboards.components.states import demo, state
from dashboards.components.target_lists import changes_list, probes_list, results_list, series_list
from dashboards.components.words import TARGET_KIND, word
from dashboards.context import Console
from dashboards.locale import Say, mark
from dashboards.queries import curves, targets
from dashboards.queries.changes import bands
from dashboards.queries.rows import Row

PATH = "/targets/<name>"
TITLE = mark("Target")
SPANS = {"15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800}
DEFAULT_SPAN = "1h"
STRIPS = 8
"""Strips that are drawn unless the address names indicators; more of them are a click away."""
FRAME_PX = 330
"""Pixels of a wide page that are not the chart's."""


def layout(_: Say, name: str) -> list[Any]:
    """Head, ranges, the chart and what stands below it."""
    return [
        dcc.Store(id="target-name", data=name),
        dcc.Store(id="target-seen"),
        html.Div(id="target-head", className="page-head"),
        html.Div(id="target-range", className="filters"),
        html.Section(
            [
                html.Div(
                    chart("target-chart", None, _("Indicators of {name}", name=name)), className="panel-body chart-body"
                ),
                html.Div(id="target-as-of", className="panel-foot"),
            ],
            className="panel ready",
        ),
        html.Div(id="target-below", className="page-body"),
    ]


def register(app: Dash, console: Console) -> None:
    """The figure whole or by its new samples; head and lists on every tick."""

    @guarded(
        app,
        "see.monitoring",
        Output("target-chart", "figure"),
        Output("target-chart", "style"),
        Output("target-seen", "data"),
        Input("target-name", "data"),
        Input("url", "search"),
        Input("live", "data"),
        State("viewport", "data"),
        State("target-seen", "data"),
        State("target-chart", "relayoutData"),
    )
    def draw(name: str, search: str, _tick: Any, viewport: Any, seen: Any, relayout: Any) -> tuple[Any, Any, Any]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        wanted = [name, filters.get("range", DEFAULT_SPAN), filters.get("show", ""), filters.get("until", "")]
        pixels = min(4000, max(280, int((viewport or {}).get("width", 1280)) - FRAME_PX))
        with reading(console.engine) as connection:
            if ctx.triggered_id == "live" and seen and seen["wanted"] == wanted:
                added = more(connection, seen, instant_ms(now), relayout or {})
                if added is not None:
                    return added
            figure, remembered = whole(connection, name, filters, now, pixels, _)
        if figure is None:
            return {"data": [], "layout": {"height": 60}}, {"height": "60px"}, None
        return figure, {"height": f"{figure['layout']['height']}px"}, {**remembered, "wanted": wanted}

    @guarded(
        app,
        "see.monitoring",
        Output("target-head", "children"),
        Output("target-range", "children"),
        Output("target-below", "children"),
        Output("target-as-of", "children"),
        Input("target-name", "data"),
        Input("url", "search"),
        Input("live", "data"),
    )
    def refresh(name: str, search: str, _tick: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        with reading(console.engine) as connection:
            rows = read(connection, name, now)
        return render(rows, filters, now, _)


def window(filters: Mapping[str, str], now: datetime) -> tuple[int, int]:
    """Start and end of the window in ms: `range` back from `until` (ms), or from now."""
    until = number(filters.get("until"))
    end_ms = instant_ms(now) if until is None else min(until, instant_ms(now))
    return end_ms - SPANS.get(filters.get("range", ""), SPANS[DEFAULT_SPAN]) * 1000, end_ms


def shown_strips(groups: list[Strip], filters: Mapping[str, str]) -> list[Strip]:
    """The strips that the address names, else the first eight."""
    wanted = [name for name in filters.get("show", "").split(",") if name]
    return [group for group in groups if group.title in wanted] if wanted else groups[:STRIPS]


def whole(
    connection: Connection, name: str, filters: Mapping[str, str], now: datetime, pixels: int, _: Say
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The figure, and what the next tick must know to add to it."""
    target = targets.named(connection, name)
    if target is None:
        return None, {}
    groups = shown_strips(grouped(targets.series_of(connection, target["id"])), filters)
    if not groups:
        return None, {}
    start_ms, end_ms = window(filters, now)
    lines = [row for group in groups for row in group.series]
    rates = frozenset(row["id"] for row in lines if row["kind"] == "counter")
    every_s = min((probe["every_s"] for probe in targets.probes_of(connection, name)), default=15.0)
    found = curves.curves(connection, [row["id"] for row in lines], start_ms, end_ms, pixels, rates, every_s)
    changes = targets.transitions_of(connection, target["id"], start_ms, end_ms)
    raw = all(curve.step_s == 0 for curve in found.values()) and not filters.get("until")
    remembered = {
        "lines": [[row["id"], row["kind"] == "counter"] for row in lines],
        "start_ms": start_ms,
        "end_ms": end_ms,
        "target_id": target["id"],
        "last_ms": {str(series_id): int(curve.at_ms[-1]) for series_id, curve in found.items() if len(curve.at_ms)},
        "raw": raw,
        "changes": len(changes),
    }
    figure = strips(groups, found, changes, start_ms, end_ms, _)
    return with_bands(figure, bands(connection, name, start_ms, end_ms), _), remembered


def more(
    connection: Connection, seen: dict[str, Any], now_ms: int, relayout: Mapping[str, Any]
) -> tuple[Any, Any, Any] | None:
    """Only what came since, as a patch; None when the figure must be drawn whole again."""
    span_ms = seen["end_ms"] - seen["start_ms"]
    moved_ms = now_ms - seen["end_ms"]
    changes = targets.transitions_of(connection, seen["target_id"], now_ms - span_ms, now_ms)
    if not seen["raw"] or moved_ms > span_ms / 10 or len(changes) != seen["changes"]:
        return None
    lines = [(int(series_id), bool(counter)) for series_id, counter in seen["lines"]]
    last_ms = {int(series_id): at_ms for series_id, at_ms in seen["last_ms"].items()}
    back_ms = min(last_ms.values(), default=seen["end_ms"])
    found = curves.curves(
        connection,
        [series_id for series_id, _counter in lines],
        max(back_ms - 120_000, now_ms - span_ms),
        now_ms,
        10_000,
        frozenset(series_id for series_id, counter in lines if counter),
    )
    patch = Patch()
    for index, (series_id, _counter) in enumerate(lines, start=1):
        curve = found.get(series_id)
        if curve is None:
            continue
        new = curve.at_ms > last_ms.get(series_id, 0)
        if new.any():
            patch["data"][index]["x"].extend(curve.at_ms[new].tolist())
            patch["data"][index]["y"].extend(numbers(curve.values[new]))
            last_ms[series_id] = int(curve.at_ms[-1])
    if "xaxis.range[0]" not in relayout:
        patch["layout"]["xaxis"]["range"] = [now_ms - span_ms, now_ms]
    return patch, no_update, {**seen, "last_ms": {str(series_id): at_ms for series_id, at_ms in last_ms.items()}}


def read(connection: Connection, name: str, now: datetime) -> dict[str, Any]:
    """All that stands around the chart."""
    target = targets.named(connection, name)
    if target is None:
        return {"target": None}
    row = next((one for one in targets.targets(connection, now) if one["name"] == name), None)
    series = targets.series_of(connection, target["id"])
    end_ms = instant_ms(now)
    return {
        "target": target,
        "row": row,
        "series": series,
        "latest": targets.latest(connection, [one["id"] for one in series]),
        "results": targets.results_of(connection, target["id"]),
        "probes": targets.probes_of(connection, name),
        "changes": targets.transitions_of(connection, target["id"], end_ms - 86_400_000, end_ms)[::-1],
    }


def render(rows: dict[str, Any], filters: Mapping[str, str], now: datetime, _: Say) -> tuple[Any, Any, Any, Any]:
    """Head, ranges, what stands below the chart, and as of when."""
    target, row = rows["target"], rows.get("row")
    if target is None:
        return html.H1(_("There is no such target")), None, empty(_("It may have another name now.")), None
    path = f"/targets/{segment(target['name'])}"
    status = row["status"] if row else "unjudged"
    parents = (*target["runs_on"], *target["depends_on"])
    links = [part for name in parents for part in (", ", dcc.Link(name, href=f"/targets/{segment(name)}"))][1:]
    head = [
        dcc.Link(
            [icon("back"), html.Span(_("All targets"), className="unseen")], href="/targets", className="shell-tool"
        ),
        html.H1(target["name"]),
        state(status, _),
        *([demo(_)] if target["demo"] else []),
        html.Div(
            [
                html.Span(word(TARGET_KIND, target["kind"], _)),
                *([html.Span(target["system"])] if target["system"] else []),
                *([html.Span(target["site"])] if target["site"] else []),
                *([html.Span([_("on "), *links])] if links else []),
                *(
                    [
                        dcc.Link(
                            _.many("one open alert", "{n} open alerts", row["alerts"]),
                            href=address("/alerts", {"target": target["name"]}),
                        )
                    ]
                    if row and row["alerts"]
                    else []
                ),
                *([html.Span(_("retired"))] if target["retired_at"] else []),
            ],
            className="head-note",
        ),
    ]
    below = [
        html.Div(
            [
                panel(
                    _("What the checks say"),
                    results_list(rows["results"], _),
                    className="panel-flush",
                    footer=as_of(_, now),
                ),
                panel(
                    _("Changes in 24 hours"),
                    changes_list(rows["changes"], _),
                    className="panel-flush",
                    footer=as_of(_, now),
                ),
            ],
            className="columns columns-2",
        ),
        html.Div(
            [
                panel(
                    _("All indicators"),
                    series_list(rows["series"], rows["latest"], filters, path, now, _),
                    className="panel-flush",
                    footer=as_of(_, now),
                ),
                panel(_("Probes"), probes_list(rows["probes"], now, _), className="panel-flush", footer=as_of(_, now)),
            ],
            className="columns columns-2",
        ),
    ]
    fresh = row["fresh_at"] if row else None
    return head, _ranges(filters, path, rows["series"], _), below, as_of(_, fresh, stale=row is None or row["stale"])


def _ranges(filters: Mapping[str, str], path: str, series: list[Row], _: Say) -> list[Any]:
    spans = {"15m": _("15 min"), "1h": _("1 hour"), "6h": _("6 hours"), "24h": _("24 hours"), "7d": _("7 days")}
    shown = [chips(_("Range"), path, filters, "range", list(spans.items()), DEFAULT_SPAN)]
    count = len({row["indicator"] for row in series})
    if filters.get("show"):
        shown.append(
            dcc.Link(
                [_("chosen indicators"), icon("close")], href=address(path, filters, show=""), className="chip chip-on"
            )
        )
    elif count > STRIPS:
        shown.append(html.Span(_("{n} of {all} indicators; choose others below", n=STRIPS, all=count), className="dim"))
    return shown
