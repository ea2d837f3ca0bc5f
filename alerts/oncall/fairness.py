"""How the load is shared: hours on call by person, and how many of them at night, at weekends and on public holidays."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.oncall.config import DAY, Schedule
from alerts.oncall.rotation import Shift, instant, workdays

NIGHT_ENDS = time(6)
NIGHT_BEGINS = time(22)
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Load:
    """One person's share; lengths are real ones. Night is 22:00 to 06:00 local; weekend hours are those of Saturdays and
    Sundays that are no working days; hours of a public holiday count as such only."""

    person: str
    shifts: int
    total: timedelta
    night: timedelta
    weekend: timedelta
    holiday: timedelta


def fairness(schedule: Schedule, final: Sequence[Shift]) -> list[Load]:
    """Everybody of the schedule and of its final lane, the most hours first; those who had none too."""
    names = dict.fromkeys((*schedule.people, *(one.person for one in final if one.person is not None)))
    loads = {name: Load(name, 0, timedelta(), timedelta(), timedelta(), timedelta()) for name in names}
    for one in final:
        if one.person is not None:
            loads[one.person] = _add(loads[one.person], schedule, one)
    return sorted(loads.values(), key=lambda load: (-load.total, load.person))


def _add(load: Load, schedule: Schedule, one: Shift) -> Load:
    night, weekend, holiday = load.night, load.weekend, load.holiday
    calendar = workdays(schedule.country)
    for start, end, local in _pieces(one.start, one.end, ZoneInfo(schedule.timezone)):
        length = end - start
        if not NIGHT_ENDS <= local.time() < NIGHT_BEGINS:
            night += length
        if calendar.holiday(local.date()) is not None:
            holiday += length
        elif local.weekday() >= SATURDAY and not calendar.works(local.date()):
            weekend += length
    return Load(load.person, load.shifts + 1, load.total + (one.end - one.start), night, weekend, holiday)


def _pieces(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, datetime]]:
    """The time cut at local midnight, 06:00 and 22:00, each piece with the local time in its middle."""
    day = start.astimezone(zone).date()
    edges = {start, end}
    while day <= end.astimezone(zone).date():
        edges |= {instant(datetime.combine(day, at), zone) for at in (time(), NIGHT_ENDS, NIGHT_BEGINS)}
        day += DAY
    inside = sorted(at for at in edges if start <= at <= end)
    for opens, closes in itertools.pairwise(inside):
        yield opens, closes, (opens + (closes - opens) / 2).astimezone(zone)
