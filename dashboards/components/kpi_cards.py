"""A business indicator as one card: a row for each of its dimensions, with its days, its value and what changed.

The day that has not ended is no day yet: it stands apart, hatched and named, and nothing is compared with it. A change
is an arrow and a share without colour, since red means two things.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from dash import dcc, html

from dashboards.components.figures import label
from dashboards.components.filters import segment
from dashboards.components.icons import icon
from dashboards.components.sparks import DAY_PX, spark
from dashboards.components.states import state
from dashboards.components.values import value
from dashboards.components.words import DIMENSION, word
from dashboards.locale import Say
from dashboards.queries.rows import Row, worst

DAYS_SHOWN = 30
MOMENTS_SHOWN = 60
WEEK = 7
LEVEL = 0.005
"""A change within half a percent is called level."""


def kpi_card(rows: Sequence[Row], _: Say) -> html.Section:
    """One indicator of one source: its name, its owner, and a row for each combination of labels."""
    first = rows[0]
    daily = first["daily"]
    status = worst(seen(row) for row in rows)
    owner = _("owner: {who}", who=first["owner"]) if first["owner"] else _("no owner")
    head = html.Div(
        [
            html.H3(first["description"] or first["indicator"], className="kpi-name", title=first["indicator"]),
            *([state(status, _)] if status not in ("ok", "unjudged") else []),
        ],
        className="kpi-head",
    )
    return html.Section(
        [
            head,
            html.Div(html.Table([_heads(rows, _), html.Tbody([_row(row, _) for row in rows])]), className="kpi-rows"),
            html.Div(
                [html.Span(_legend(rows, _) if daily else _("now, and the last two hours")), html.Span(owner)],
                className="kpi-foot",
            ),
        ],
        className="kpi-card",
    )


def seen(row: Row) -> str:
    """The status of a series, which is unknown when nothing came for two intervals."""
    return "unknown" if row["stale"] and row["status"] in ("ok", "unjudged") else str(row["status"])


def ended(row: Row) -> list[tuple[date, float]]:
    """The business days that are over, oldest first."""
    return list(row["days"][:-1] if row["running"] else row["days"])


def _heads(rows: Sequence[Row], _: Say) -> html.Thead:
    names = sorted({name for row in rows for name in row["labels"] if name != "currency"})
    over = [row["days"][-2 if row["running"] else -1][0] for row in rows if ended(row)]
    if rows[0]["daily"]:
        columns = [
            _("by day"),
            _.day(max(over)) if over else _("last day"),
            _("vs day before"),
            *([_("today so far")] if any(row["running"] for row in rows) else []),
        ]
    else:
        columns = [_("last 2 h"), _("now")]
    return html.Thead(
        html.Tr(
            [
                html.Th(
                    ", ".join(word(DIMENSION, name, _) for name in names)
                    or html.Span(_("Indicator"), className="unseen"),
                    scope="col",
                ),
                *(html.Th(name, scope="col", className="num" if at else "") for at, name in enumerate(columns)),
            ]
        )
    )


def _row(row: Row, _: Say) -> html.Tr:
    name = ", ".join(text for key, text in sorted(row["labels"].items()) if key != "currency") or _("all")
    status = seen(row)
    link = dcc.Link(
        [*([state(status, _, quiet=True), " "] if status not in ("ok", "unjudged") else []), name],
        href=f"/targets/{segment(row['target'])}?range=7d&show={row['indicator']}",
        title=label(row) or None,
    )
    cells = _daily(row, _) if row["daily"] else _momentary(row, _)
    return html.Tr([html.Th(link, scope="row"), *cells])


def _daily(row: Row, _: Say) -> list[html.Td]:
    over = ended(row)
    cells = [
        html.Td(bars(row, _), className="kpi-spark"),
        html.Td(html.B(_shown(row, over[-1][1], _)) if over else "–", className="num"),
        html.Td(_change(over, _), className="num"),
    ]
    return [*cells, html.Td(_shown(row, row["days"][-1][1], _), className="num dim")] if row["running"] else cells


def _momentary(row: Row, _: Say) -> list[html.Td]:
    points = [measured for _at, measured in row["moments"]]
    latest = points[-1] if points else row["days"][-1][1] if row["days"] else None
    said = html.B(_shown(row, latest, _)) if points else html.Span(_shown(row, latest, _), className="dim")
    return [html.Td(moments(points, _), className="kpi-spark"), html.Td(said, className="num")]


def _shown(row: Row, measured: float | None, _: Say) -> str:
    return value(measured, row["unit"] or "1", row["kind"] or "gauge", row["labels"], _)


def _change(days: list[tuple[date, float]], _: Say) -> Any:
    """Against the day before, and in its tip against the same weekday a week before."""
    change = against(days, 1)
    if change is None:
        return html.Span("–", className="dim")
    week = against(days, WEEK)
    tip = None if week is None else _("{change} against the same weekday a week before", change=_signed(week, _))
    picture = "level" if abs(change) < LEVEL else "up" if change > 0 else "down"
    return html.Span([icon(picture), _signed(change, _)], className="trend", title=tip)


def _signed(change: float, _: Say) -> str:
    return ("+" if change > 0 else "−" if change < 0 else "") + _.share(abs(change))


def against(days: list[tuple[date, float]], back: int) -> float | None:
    """The latest value over that of so many days before, less one; None when there is none to compare with."""
    if not days:
        return None
    day, latest = days[-1]
    before = next((measured for when, measured in days if (day - when).days == back), None)
    return None if not before else latest / before - 1


def _legend(rows: Sequence[Row], _: Say) -> Any:
    if not any(row["running"] for row in rows):
        return ""
    return [html.Span(className="swatch swatch-running", **{"aria-hidden": "true"}), _("the day that still runs")]


def bars(row: Row, _: Say) -> html.Div:
    """A bar from zero for each business day; weekends are paler, the running day is hatched; the tip has a week's values."""
    days = row["days"][-DAYS_SHOWN:]
    over = days[:-1] if row["running"] else days
    most = max((abs(measured) for _day, measured in days), default=0) or 1
    weekends = frozenset(at for at, (day, _measured) in enumerate(over) if day.weekday() >= 5)
    parts = [spark([measured for _day, measured in over], most, pale=weekends, width_px=DAY_PX * len(over))]
    said = [f"{_.day(day)}: {_shown(row, measured, _)}" for day, measured in over[-WEEK:]]
    if row["running"]:
        day, measured = days[-1]
        said.append(_("{value} so far", value=f"{_.day(day)}: {_shown(row, measured, _)}"))
        parts.append(html.Span(className="bar-running", style={"height": f"{max(0.0, measured) / most:.1%}"}))
    return html.Div(
        parts,
        className="bars",
        role="img",
        title="\n".join(said),
        **{"aria-label": _("The last {n} business days", n=len(days))},
    )


def moments(points: list[float], _: Say) -> html.Div:
    """A bar from zero for each reading, thinned to the greatest of neighbours where there are many."""
    step = max(1, -(-len(points) // MOMENTS_SHOWN))
    thinned = [max(points[at : at + step]) for at in range(0, len(points), step)]
    most = max((abs(measured) for measured in thinned), default=0) or 1
    name = _("The last {n} readings", n=len(points))
    return html.Div(spark(thinned, most), className="bars", role="img", **{"aria-label": name})
