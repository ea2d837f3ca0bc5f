"""A schedule over two weeks: a lane for each layer, one for overrides, and the outcome, in which gaps are marked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from dash import html

from alerts.oncall.calendar import joined
from alerts.oncall.config import OnCallFile, Schedule
from alerts.oncall.shifts import Rota, Shift
from dashboards.components.icons import icon
from dashboards.locale import Say
from dashboards.sentences import told

TONES = 5
LISTED = 20
MOST_WORDS_SHARE = 0.03
"""A block narrower than this share of the lane has no room for a name; its title has it."""


def shown(file: OnCallFile, name: str | None, _: Say) -> str:
    """A person's name for people; the word for nobody."""
    if name is None:
        return _("Nobody on call")
    known = file.person.get(name)
    return known.shown if known else name


def period(shift: Shift, _: Say) -> str:
    """From when until when, in the viewer's zone."""
    return f"{minute(shift.start, _)} – {minute(shift.end, _)}"


def minute(at: datetime, _: Say) -> str:
    """Day and time to the minute in the viewer's zone."""
    return f"{at.astimezone(_.zone):%Y-%m-%d %H:%M}"


def short(shift: Shift, _: Say) -> str:
    """The same without the year, for narrow places."""
    return f"{minute(shift.start, _)[5:]} – {minute(shift.end, _)[5:]}"


def lanes(
    file: OnCallFile, schedule: Schedule, rota: Rota, start: datetime, end: datetime, now: datetime, _: Say
) -> html.Div:
    """All lanes with their days above; on a phone, the outcome as a list."""
    gap = "lane-gap" if schedule.gaps == "refused" else "lane-gap-allowed"
    tones = {name: number % TONES for number, name in enumerate(schedule.people)}

    def lane(name: str, shifts: Sequence[Shift], kind: str = "") -> html.Div:
        blocks = [_block(file, one, start, end, tones, kind, gap, _) for one in shifts]
        track = html.Div([*blocks, *_now(start, end, now)], className="lane-track", role="list", **{"aria-label": name})
        return html.Div([html.Div(name, className="lane-name"), track], className=f"lane lane-{kind}")

    final = joined(rota.final)
    body = [
        html.Div(
            [html.Div(className="lane-name"), html.Div(_days(start, end, _), className="lane-axis")], className="lane"
        ),
        *(lane(name, shifts) for name, shifts in rota.layers.items()),
        lane(_("Overrides"), rota.overrides, "over"),
        lane(_("On call"), final, "final"),
    ]
    listed = html.Ul(
        [
            html.Li([html.B(shown(file, one.person, _)), html.Span(short(one, _))], className=_list_class(one, gap))
            for one in final[:LISTED]
        ],
        className="list lane-list",
    )
    return html.Div([html.Div(html.Div(body, className="lanes"), className="table-wrap", tabIndex=0), listed])


def _list_class(one: Shift, gap: str) -> str:
    return "lane-item" if one.person else f"lane-item {gap}-item"


def _block(
    file: OnCallFile, one: Shift, start: datetime, end: datetime, tones: dict[str, int], kind: str, gap: str, _: Say
) -> html.Span:
    left, width = (one.start - start) / (end - start), (one.end - one.start) / (end - start)
    name = shown(file, one.person, _)
    look = f"lane-gap {gap}" if one.person is None else f"lane-tone-{tones.get(one.person, 0)}"
    if kind == "over":
        look += " lane-override"
    words: Any = name if width > MOST_WORDS_SHARE else ""
    if one.person is None:
        words = [icon("close" if gap == "lane-gap" else "quiet"), words]
    return html.Span(
        words,
        className=f"lane-block {look}",
        role="listitem",
        title=f"{name} · {period(one, _)} · {told(one.reason, _)}",
        style={"left": f"{left:.4%}", "width": f"{width:.4%}"},
        **{"aria-label": f"{name}, {period(one, _)}"},
    )


def _days(start: datetime, end: datetime, _: Say) -> list[html.Span]:
    """The days of the viewer's zone, each at its midnight."""
    found: list[html.Span] = []
    day = start.astimezone(_.zone).date()
    while True:
        at = datetime(day.year, day.month, day.day, tzinfo=_.zone)
        if at >= end:
            return found
        if at >= start:
            left = (at - start) / (end - start)
            weekend = " lane-weekend" if day.weekday() > 4 else ""
            words = f"{_.day(day)[11:]} {day.day}"
            found.append(html.Span(words, className=f"lane-day{weekend}", style={"left": f"{left:.4%}"}))
        day += timedelta(days=1)


def _now(start: datetime, end: datetime, now: datetime) -> list[html.Span]:
    if not start <= now < end:
        return []
    left = (now - start) / (end - start)
    return [html.Span(className="lane-now", style={"left": f"{left:.4%}"}, **{"aria-hidden": "true"})]
