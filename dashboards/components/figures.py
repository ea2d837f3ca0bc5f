"""Charts of series over time: small strips that share one time axis, under a lane of changes of status.

Colours of text and lines that depend on the theme are set by CSS, so that a figure needs no theme. Instants are shown in
the browser's zone, which is the viewer's: Plotly shows numbers of milliseconds that way, daylight saving included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from dashboards.components.values import per_second, value
from dashboards.components.words import STATUS, word
from dashboards.locale import Say
from dashboards.queries.curves import Curve
from dashboards.queries.rows import WORST_FIRST, Row, worst
from dashboards.sentences import judged

COLOURS = ("#4c93f0", "#22b8a6", "#8fa3b8", "#c2a05a", "#6d7fe0", "#5fb4e5", "#8fae5b", "#b98b73")
STATUS_COLOURS = {"ok": "#8593a1", "warning": "#e89a00", "critical": "#f0444b", "unknown": "#b068f0"}
STATUS_SYMBOLS = {"ok": "circle-open", "warning": "triangle-up", "critical": "octagon", "unknown": "diamond"}
LINES = 8
"""Series of one indicator that are drawn in its strip."""
LANE_PX, STRIP_PX, GAP_PX, FOOT_PX = 26, 92, 32, 34


@dataclass(frozen=True, slots=True)
class Strip:
    """One indicator with its series, each of which is a line."""

    title: str
    unit: str
    kind: str
    series: tuple[Row, ...]  # id, labels


def grouped(series: Sequence[Row]) -> list[Strip]:
    """One strip an indicator; those with the worst status first, then judged ones, then shares, then by name."""
    by_indicator: dict[str, list[Row]] = {}
    for row in series:
        by_indicator.setdefault(row["indicator"], []).append(row)

    def rank(name: str) -> tuple[int, int, str]:
        members = by_indicator[name]
        return WORST_FIRST.index(worst(row["status"] for row in members)), members[0]["kind"] != "ratio", name

    return [
        Strip(
            name,
            by_indicator[name][0]["unit"] or "1",
            by_indicator[name][0]["kind"] or "gauge",
            tuple(by_indicator[name][:LINES]),
        )
        for name in sorted(by_indicator, key=rank)
    ]


def strips(
    groups: Sequence[Strip],
    found: Mapping[int, Curve],
    changes: Sequence[Row],
    start_ms: int,
    end_ms: int,
    _: Say,
    *,
    lane: bool = True,
) -> dict[str, Any]:
    """The figure; `found` is series id -> curve, `changes` are transitions within the window, shown in the lane."""
    lane_px = LANE_PX if lane else 0
    height = lane_px + len(groups) * (STRIP_PX + GAP_PX) + FOOT_PX
    plot = height - FOOT_PX
    layout = base(height) | {
        "xaxis": axis_x(start_ms, end_ms),
        "yaxis": {"domain": [1 - lane_px / plot, 1], "visible": False, "range": [-1, 1], "fixedrange": True},
        "annotations": [],
        "shapes": [_line(row["at_ms"], row["new"]) for row in changes[-40:]],
    }
    traces = [_lane(changes, _)]
    for position, group in enumerate(groups, start=2):
        top = 1 - (lane_px + (position - 2) * (STRIP_PX + GAP_PX) + GAP_PX) / plot
        layout[f"yaxis{position}"] = axis_y(group, [max(0.0, top - STRIP_PX / plot), top])
        layout["annotations"].append(_heading(group, found, top, _))
        for index, row in enumerate(group.series):
            traces.append(trace(group, row, found.get(row["id"], Curve()), index, f"y{position}"))
    return {"data": traces, "layout": layout}


def base(height: int) -> dict[str, Any]:
    """What every chart has: no background, room for the axis, one hover for all strips."""
    return {
        "height": height,
        "margin": {"l": 58, "r": 14, "t": 0, "b": FOOT_PX, "pad": 2},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "inherit", "size": 11},
        "showlegend": False,
        "hovermode": "x",
        "hoversubplots": "axis",
        "hoverlabel": {"bgcolor": "#1a2027", "bordercolor": "#3a4551", "font": {"color": "#e6e6e6", "size": 12}},
        "uirevision": "kept",
        "dragmode": "zoom",
    }


def axis_x(start_ms: int, end_ms: int) -> dict[str, Any]:
    """The shared time axis below the last strip."""
    return {
        "type": "date",
        "range": [start_ms, end_ms],
        "anchor": "free",
        "position": 0,
        "showgrid": True,
        "ticks": "outside",
        "ticklen": 3,
        "nticks": 10,
        "tickformatstops": [
            {"dtickrange": [None, 60_000], "value": "%H:%M:%S"},
            {"dtickrange": [60_000, 86_400_000], "value": "%H:%M\n%m-%d"},
            {"dtickrange": [86_400_000, None], "value": "%m-%d"},
        ],
        "showspikes": True,
        "spikemode": "across",
        "spikethickness": 1,
        "spikedash": "dot",
        "spikecolor": "#8593a1",
        "hoverformat": "%Y-%m-%d %H:%M:%S",
    }


def axis_y(group: Strip, domain: list[float]) -> dict[str, Any]:
    """One strip's axis: shares as percent and from zero, bytes and seconds with prefixes."""
    shape: dict[str, Any] = {
        "domain": domain,
        "nticks": 4,
        "fixedrange": True,
        "zeroline": False,
        "rangemode": "tozero",
    }
    if group.kind == "ratio":
        return shape | {"tickformat": ".0%"}
    if group.unit in ("By", "s"):
        return shape | {"tickformat": "~s", "ticksuffix": {"By": "B", "s": "s"}[group.unit], "nticks": 3}
    return shape | {"tickformat": "~s"}


def trace(group: Strip, row: Row, curve: Curve, index: int, axis: str) -> dict[str, Any]:
    """One line; gaps stay gaps."""
    name = row.get("name") or label(row) or group.title
    return {
        "type": "scatter",
        "mode": "lines",
        "x": curve.at_ms.tolist(),
        "y": numbers(curve.values),
        "line": {"color": COLOURS[index % len(COLOURS)], "width": 1.4},
        "connectgaps": False,
        "xaxis": "x",
        "yaxis": axis,
        "name": name,
        "hovertemplate": "%{y:" + _hover(group) + "}<extra>" + escape(name) + "</extra>",
        **({"fill": "tozeroy", "fillcolor": COLOURS[0] + "22"} if len(group.series) == 1 else {}),
    }


def _hover(group: Strip) -> str:
    return ".1%" if group.kind == "ratio" else "~s" if group.unit in ("By", "s") else ",.6~g"


def numbers(values: Any) -> list[float | None]:
    """Values for JSON: six significant digits, a gap as None."""
    return [None if item != item else float(f"{item:.6g}") for item in np.asarray(values, np.float64).tolist()]


def label(row: Row) -> str:
    """What tells this series from its siblings."""
    return ", ".join(f"{name}={text}" for name, text in sorted(row["labels"].items()) if name != "currency")


def _lane(changes: Sequence[Row], _: Say) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [row["at_ms"] for row in changes],
        "y": [0] * len(changes),
        "xaxis": "x",
        "yaxis": "y",
        "marker": {
            "size": 11,
            "color": [STATUS_COLOURS.get(row["new"], "#8593a1") for row in changes],
            "symbol": [STATUS_SYMBOLS.get(row["new"], "circle-open") for row in changes],
        },
        "text": [
            f"{escape(row['check_name'])}: {escape(word(STATUS, row['new'], _))}<br>{escape(judged(row['reason'], _))}"
            for row in changes
        ],
        "hovertemplate": "%{text}<extra></extra>",
        "name": "",
    }


def _line(at_ms: int, status: str) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": at_ms,
        "x1": at_ms,
        "xref": "x",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": STATUS_COLOURS.get(status, "#8593a1"), "width": 1, "dash": "dot"},
        "opacity": 0.55,
        "layer": "below",
    }


def _heading(group: Strip, found: Mapping[int, Curve], top: float, _: Say) -> dict[str, Any]:
    """Name of the indicator, then each line's colour, labels and latest value."""
    shown = []
    for index, row in enumerate(group.series[:6]):
        curve = found.get(row["id"], Curve())
        known = curve.values[~np.isnan(curve.values)]
        latest = float(known[-1]) if len(known) else None
        said = (
            per_second(latest, group.unit, _)
            if group.kind == "counter"
            else value(latest, group.unit, group.kind, row["labels"], _)
        )
        colour = COLOURS[index % len(COLOURS)]
        shown.append(
            f'<span style="color:{colour}">■</span> {escape(row.get("name") or label(row))} <b>{escape(said)}</b>'.replace(
                "  ", " "
            )
        )
    if len(group.series) > 6:
        shown.append(f"+{len(group.series) - 6}")
    return {
        "text": f"<b>{escape(group.title)}</b>   " + "   ".join(shown),
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": top,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 12},
    }
