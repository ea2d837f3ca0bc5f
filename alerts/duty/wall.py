"""Local times as instants: one rule for shifts and due times on the days on which the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant (UTC) of a local time; one that is skipped, or shown twice, means the later instant."""
    local = datetime.combine(day, at, zone)
    return max(local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC))


def days_between(first: date, last: date) -> list[date]:
    """Every day from the first to the last."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
