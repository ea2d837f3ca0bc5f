"""What is due when: the business days of a schedule, and the instants at which the files of each have to be there.

A schedule names business days. The file of a business day is due at a local time of the day after it, or as many days
after it as the party needs; weekends move nothing. A local time that the clock skips on a DST day, or shows twice, means
the later instant: nobody is late before the clock on the wall has shown the time for good.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from reconciliation.deliveries import Expectation


class Schedule(Protocol):
    """Which business days a control has; `reconciliation.controls.entries.Schedule` is one."""

    def covers(self, business_day: date) -> bool: ...


@dataclass(frozen=True, slots=True)
class Due:
    """What one party owes one control."""

    control: str
    party: str
    path: str  # {day} stands for the business day
    schedule: Schedule
    at: time  # local
    timezone: ZoneInfo
    days_after: int = 1  # days from the business day to the day on which its file is due
    since: date | None = None  # the first business day that is owed at all


def due_at(business_day: date, due: Due) -> datetime:
    """The instant at which the file of a business day has to be there, in the zone of its calendar."""
    local = datetime.combine(business_day + timedelta(days=due.days_after), due.at, due.timezone)
    return max(local.replace(fold=0), local.replace(fold=1), key=lambda each: each.timestamp())


def due_calendar(dues: Iterable[Due], now: datetime, days: int) -> list[Expectation]:
    """The files of the last `days` business days up to today's, by day, then in the order of `dues`.

    Today is the date of each party's own zone at `now`.
    """
    owed = []
    for place, due in enumerate(dues):
        today = now.astimezone(due.timezone).date()
        for back in range(days):
            day = today - timedelta(days=back)
            if due.schedule.covers(day) and (due.since is None or day >= due.since):
                path = due.path.replace("{day}", day.isoformat())
                owed.append((day, place, Expectation(due.control, due.party, day, path, due_at(day, due))))
    return [expectation for _, _, expectation in sorted(owed, key=lambda each: each[:2])]
