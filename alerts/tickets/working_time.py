"""Working time: how much of it lies between two instants, and when so much of it will have passed. Pure.

Days are days of the calendar's zone; lengths are real time, so that an hour of a day on which the clocks change is as
long as any other. Public holidays and swapped working days are those of `core.workdays`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.workdays import Workdays

NONE = timedelta()
LONGEST_DAYS = 3660
"""Days that are looked through for working time; a calendar without any in ten years has none."""


class NoWorkingTime(ValueError):
    """The calendar has no working time within ten years; the sentence says so."""


@dataclass(frozen=True)
class WorkingTime:
    """On working days, the spans of local time in which people work; without spans, all hours of every day."""

    zone: ZoneInfo
    days: Workdays
    spans: tuple[tuple[time, time], ...] = ()  # from, until; until 00:00 is the end of the day

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time between two instants; none when `end` is not later."""
        if end <= start:
            return NONE
        if not self.spans:
            return end - start
        day, last = start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        found = NONE
        while day <= last:
            for opens, closes in self._of(day):
                found += max(NONE, min(end, closes) - max(start, opens))
            day += timedelta(days=1)
        return found

    def after(self, start: datetime, length: timedelta) -> datetime:
        """The first instant by which that much working time has passed since `start`.

        Raises NoWorkingTime when the calendar has too little of it within ten years.
        """
        if length <= NONE or not self.spans:
            return start + max(NONE, length)
        left = length
        for opens, closes in self._from(start):
            begins = max(start, opens)
            if closes <= begins:
                continue
            if left <= closes - begins:
                return begins + left
            left -= closes - begins
        raise NoWorkingTime("The calendar has no working time that reaches so far; look at its hours and exceptions.")

    def _from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        first = start.astimezone(self.zone).date()
        for number in range(LONGEST_DAYS):
            yield from self._of(first + timedelta(days=number))

    def _of(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        if not self.days.works(day):
            return
        for begins, ends in self.spans:
            closing = day if ends != time() else day + timedelta(days=1)
            yield self._instant(day, begins), self._instant(closing, ends)

    def _instant(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)


ALWAYS = WorkingTime(ZoneInfo("UTC"), Workdays(None))
"""Around the clock."""
