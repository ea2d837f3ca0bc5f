"""The turns of one layer as intervals of UTC: rotation, handoff, hours and days off, all in the schedule's own zone.

A turn from 09:00 to 09:00 stays so over a change of the clocks, and lasts 23 or 25 hours then. A local time that the
clock skips is the moment at which it skips; one that comes twice is the first of the two.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from alerts.oncall.config import DAY, WEEKDAYS, Layer, Schedule, Window
from core.workdays import Workdays

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody from `start` until before `end` (aware UTC); `person` is none where nobody is on call. `layer` is the
    name of the layer, "override", or "" for a gap; `number` is that of the turn or the override."""

    start: datetime
    end: datetime
    person: str | None
    layer: str
    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away."""

    id: int
    person: str
    start: datetime
    end: datetime
    reason: str


@cache
def workdays(country: str) -> Workdays:
    """The working days of a country. Raises WorkdaysError for an unknown one."""
    return Workdays(country)


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a naive local time, in UTC."""
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local:
        return first
    return _skipped(local.replace(tzinfo=zone, fold=1).astimezone(UTC), first, zone)


def _skipped(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second with the offset of `after`, sought between the two."""
    offset = after.astimezone(zone).utcoffset()
    low, high = before - SECOND, after
    while high - low > SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high


def layer_shifts(
    schedule: Schedule, layer: Layer, absences: Sequence[Absence], start: datetime, end: datetime
) -> list[Shift]:
    """The layer from `start` to `end`, in order and without overlaps; nothing where it does not hold."""
    zone = ZoneInfo(schedule.timezone)
    away = [one for one in absences if one.person in layer.people and one.start < end and one.end > start]
    found: list[Shift] = []
    windows = _windows(schedule, layer, zone, start, end)
    turns = list(_turns(layer, zone, start, end))
    at = 0
    for opens, closes in windows:
        while at < len(turns) and turns[at].end <= opens:
            at += 1
        for turn in turns[at:]:
            if turn.start >= closes:
                break
            found += _staffed(replace(turn, start=max(turn.start, opens), end=min(turn.end, closes)), layer, away)
    return found


def _turns(layer: Layer, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Shift]:
    """The turns as they are planned, everybody being there."""
    first = instant(datetime.combine(layer.start, layer.handoff), zone)
    start = max(start, first)
    base = datetime.combine(_base(layer), layer.handoff)
    number = (start.astimezone(zone).replace(tzinfo=None) - base) // layer.rotation
    while number > 0 and instant(base + number * layer.rotation, zone) > start:
        number -= 1
    while instant(base + (number + 1) * layer.rotation, zone) <= start:
        number += 1
    opens = instant(base + number * layer.rotation, zone)
    while opens < end:
        closes = instant(base + (number + 1) * layer.rotation, zone)
        if max(opens, start) < min(closes, end):
            person = layer.people[number % len(layer.people)]
            reason = f"turn {number + 1} of layer {layer.name}"
            yield Shift(max(opens, start), min(closes, end), person, layer.name, number, reason)
        opens, number = closes, number + 1


def _base(layer: Layer) -> date:
    """The day of the handoff from which turns are counted: with a weekday, the last such day up to `start`."""
    if layer.weekday is None:
        return layer.start
    return layer.start - (layer.start.weekday() - WEEKDAYS.index(layer.weekday)) % 7 * DAY


def _windows(
    schedule: Schedule, layer: Layer, zone: ZoneInfo, start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """When the layer holds between the two instants, joined where windows touch."""
    if not layer.only:
        return [(start, end)]
    spans: list[tuple[datetime, datetime]] = []
    day = start.astimezone(zone).date() - 2 * DAY
    while day <= end.astimezone(zone).date() + DAY:
        for window in layer.only:
            if _begins_on(window, day, schedule):
                opens, closes = _span(window, day, zone)
                spans.append((max(opens, start), min(closes, end)))
        day += DAY
    joined: list[tuple[datetime, datetime]] = []
    for opens, closes in sorted(span for span in spans if span[0] < span[1]):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], closes))
        else:
            joined.append((opens, closes))
    return joined


def _begins_on(window: Window, day: date, schedule: Schedule) -> bool:
    if window.weekdays and WEEKDAYS[day.weekday()] not in window.weekdays:
        return False
    return window.days == "all" or workdays(schedule.country).works(day) == (window.days == "workdays")


def _span(window: Window, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    opens, closes = window.from_ or time(), window.to or time()
    until = day if closes > opens else day + DAY
    return instant(datetime.combine(day, opens), zone), instant(datetime.combine(until, closes), zone)


def _staffed(turn: Shift, layer: Layer, away: Sequence[Absence]) -> Iterator[Shift]:
    """The turn with everybody's absences: who is away is stood in for by the next of the rotation who is not."""
    cuts = {turn.start, turn.end}
    cuts.update(at for one in away for at in (one.start, one.end) if turn.start < at < turn.end)
    edges = sorted(cuts)
    place = turn.number % len(layer.people)
    order = list(dict.fromkeys((*layer.people[place:], *layer.people[:place])))
    for opens, closes in itertools.pairwise(edges):
        gone = {one.person: one for one in away if one.start <= opens and closes <= one.end}
        piece = replace(turn, start=opens, end=closes)
        if turn.person not in gone:
            yield piece
            continue
        person = next((name for name in order if name not in gone), None)
        why = f"{turn.reason}; {turn.person} is away ({gone[str(turn.person)].reason})"
        stand_in = f", so {person}, next of the rotation" if person else ", and so is everybody else of the layer"
        yield replace(piece, person=person, reason=why + stand_in)
