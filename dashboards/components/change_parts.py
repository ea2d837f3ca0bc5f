"""Parts of the change calendar: the list, the timeline, one change, and the bands that charts carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from dash import dcc, html

from core.model import instant_ms
from dashboards.components.charts import chart
from dashboards.components.figures import base
from dashboards.components.filters import address, segment
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, facts, panel
from dashboards.components.rows import history
from dashboards.components.tied_tickets import tied_tickets
from dashboards.components.words import CHANGE_EVENT, CHANGE_KIND, CHANGE_STATE, RISK, word
from dashboards.locale import Say
from dashboards.queries.rows import Row

PATH = "/changes"
SHAPES = {
    "planned": "unjudged",
    "approved": "ok",
    "running": "warning",
    "done": "ok",
    "backed_out": "warning",
    "failed": "critical",
    "cancelled": "unjudged",
}
BAND = "#7FB3FF"
BAR_PX, FOOT_PX, MOST_BARS = 26, 46, 40
MARKS = {"ok": "○", "unjudged": "–", "warning": "▲", "critical": "■"}
"""The shape of a look, written."""
COLOURS = {"ok": "#5B6672", "unjudged": "#8593a1", "warning": "#FFB000", "critical": "#FF5A5F"}


def change_state(row: Row, now: datetime, _: Say) -> html.Span:
    """The state of a change as shape, colour and word; one that is over without a result says so."""
    over = is_over(row, now)
    text = word(CHANGE_STATE, row["state"], _) + (" · " + _("no result") if over else "")
    return html.Span(
        [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(text)],
        className=f"state state-{'critical' if over else SHAPES.get(row['state'], 'unknown')}",
    )


def is_over(row: Row, now: datetime) -> bool:
    """Whether the window is over and nobody said how it ended."""
    return row["state"] in ("planned", "approved", "running") and row["ends_at"] <= now


def window(row: Row, _: Say) -> str:
    """From when to when, in the viewer's zone."""
    return f"{_.instant(row['starts_at'])[:16]} – {_.instant(row['ends_at'])[:16]}"


def change_list(found: Sequence[Row], filters: Mapping[str, str], now: datetime, _: Say) -> Any:
    """Changes by the begin of their windows."""
    if not found:
        return empty(_("No change is planned in this time."))
    return html.Ul(
        [
            html.Li(
                dcc.Link(
                    [
                        change_state(row, now, _),
                        html.Span(f"{row['requirement']} {row['title']}", className="row-main"),
                        html.Span(window(row, _), className="row-age"),
                        html.Span(
                            " · ".join(
                                [
                                    f"#{row['id']}",
                                    word(CHANGE_KIND, row["kind"], _),
                                    _("risk: {risk}", risk=word(RISK, row["risk"], _)),
                                    ", ".join(row["targets"]),
                                ]
                            ),
                            className="row-why",
                        ),
                    ],
                    href=address(PATH, filters, change=str(row["id"])),
                    className="row alert-row duty-row" + (" row-on" if filters.get("change") == str(row["id"]) else ""),
                )
            )
            for row in found
        ],
        className="list",
    )


def timeline(found: Sequence[Row], first: datetime, last: datetime, now: datetime, _: Say) -> Any:
    """Windows as bars over the time; the line is now."""
    shown = found[:MOST_BARS]
    if not shown:
        return None
    looks = ["critical" if is_over(row, now) else SHAPES.get(row["state"], "unjudged") for row in shown]
    names = [
        f"#{row['id']} {MARKS[look]} {_('no result') if is_over(row, now) else word(CHANGE_STATE, row['state'], _)}"
        for row, look in zip(shown, looks, strict=True)
    ]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "base": [instant_ms(row["starts_at"]) for row in shown],
        "x": [instant_ms(row["ends_at"]) - instant_ms(row["starts_at"]) for row in shown],
        "marker": {"color": [COLOURS[look] for look in looks]},
        "text": [escape(f"{row['title']} · {window(row, _)}") for row in shown],
        "textposition": "none",
        "hovertemplate": "%{y} %{text}<extra></extra>",
    }
    layout = base(len(shown) * BAR_PX + FOOT_PX) | {
        "hovermode": "closest",
        "xaxis": {"type": "date", "range": [instant_ms(first), instant_ms(last)], "tickformat": "%m-%d"},
        "yaxis": {"autorange": "reversed", "automargin": True, "fixedrange": True, "type": "category"},
        "bargap": 0.35,
        "shapes": [
            {
                "type": "line",
                "x0": instant_ms(now),
                "x1": instant_ms(now),
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": BAND, "width": 2},
            }
        ],
    }
    return chart("changes-chart", {"data": [bars], "layout": layout}, _("Windows of the changes"))


def change_detail(
    row: Row | None,
    events: Sequence[Row],
    tickets: Sequence[Row],
    filters: Mapping[str, str],
    now: datetime,
    works: bool,
    _: Say,
) -> Any:
    """One change: what, where, when, who, its way back, the tickets about it, and its history."""
    back = dcc.Link(
        [icon("close"), html.Span(_("Close"), className="unseen")],
        href=address(PATH, filters, change=""),
        className="shell-tool",
    )
    if row is None:
        return panel(_("Detail"), empty(_("There is no such change.")), actions=[back])
    links = [part for name in row["targets"] for part in (", ", dcc.Link(name, href=f"/targets/{segment(name)}"))][1:]
    approved = f"{row['approved_by']} · {_.instant(row['approved_at'])}" if row["approved_by"] else None
    return panel(
        f"#{row['id']} {row['title']}",
        [
            html.Div(
                [change_state(row, now, _), html.Span(word(CHANGE_KIND, row["kind"], _))], className="detail-line"
            ),
            facts(
                [
                    (_("Requirement"), row["requirement"]),
                    (_("Window"), window(row, _)),
                    (_("Time zone of the plan"), row["timezone"]),
                    (_("Risk"), word(RISK, row["risk"], _)),
                    (_("Targets"), html.Span(links)),
                    (_("Contact"), row["contact"]),
                    (_("Requested by"), row["requested_by"]),
                    (_("Approved by"), approved),
                    (_("Back-out plan"), row["back_out"]),
                    (_("Result"), row["result"]),
                ]
            ),
            *tied_tickets(tickets, "change", row["id"], works, _("No ticket is about this change."), _),
            html.H3(_("History")),
            html.Div(history(events, _, CHANGE_EVENT)),
        ],
        footer=as_of(_, now),
        actions=[back],
    )


def with_bands(figure: dict[str, Any], found: Sequence[Row], _: Say) -> dict[str, Any]:
    """The figure with a band for each change, and its number at the top of it."""
    layout = figure["layout"]
    shapes = [
        {
            "type": "rect",
            "x0": row["start_ms"],
            "x1": row["end_ms"],
            "xref": "x",
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "fillcolor": BAND,
            "opacity": 0.16,
            "line": {"width": 0},
            "layer": "below",
        }
        for row in found
    ]
    notes = [
        {
            "text": escape(_("change {n}", n=row["change"])),
            "hovertext": escape(row["title"]),
            "x": row["start_ms"],
            "xref": "x",
            "yref": "paper",
            "y": 1,
            "xanchor": "left",
            "yanchor": "top",
            "showarrow": False,
            "font": {"size": 11},
        }
        for row in found
    ]
    merged = {"shapes": [*layout.get("shapes", []), *shapes], "annotations": [*layout.get("annotations", []), *notes]}
    return {**figure, "layout": layout | merged}


def linked_changes(numbers: Sequence[int], _: Say) -> Any:
    """The changes that explain an alert, as links; None when there are none."""
    links = [part for n in numbers for part in (", ", dcc.Link(_("change {n}", n=n), href=f"{PATH}?change={n}"))][1:]
    return html.Span(links) if links else None
