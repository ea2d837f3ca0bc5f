"""The two clocks of a ticket as functions of its events: the one for answering, the one for resolving. Pure.

The clock for resolving runs from the opening and stands while the ticket is paused, and from its being resolved, closed or
cancelled until it is reopened. The clock for answering runs until somebody accepts, approves or resolves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.tickets.working_time import NONE, WorkingTime

STOPPING = frozenset({"paused", "resolved", "closed", "cancelled", "rejected"})
STARTING = frozenset({"resumed", "reopened"})

Stop = tuple[datetime, datetime | None]
"""From when until when a clock stands; until is none while it still does."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clock shows: how much of its time has run, when all of it will have, and what is left."""

    elapsed: timedelta
    due_at: datetime | None  # none while it stands before it has run out
    left: timedelta  # never below zero
    runs: bool


def stops_of(events: Iterable[tuple[datetime, str]]) -> list[Stop]:
    """When the clock for resolving stood, from (instant, kind) in the order in which they were written.

    An event that was written with an earlier instant than the one before it counts as simultaneous: no clock runs back.
    """
    found: list[Stop] = []
    latest: datetime | None = None
    for at, kind in events:
        latest = at if latest is None else max(at, latest)
        standing = bool(found) and found[-1][1] is None
        if kind in STOPPING and not standing:
            found.append((latest, None))
        elif kind in STARTING and standing:
            found[-1] = (found[-1][0], latest)
    return found


def runs_of(start: datetime, stops: Sequence[Stop], now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """From when until when the clock ran, up to `now`; the last of them ends there while it runs."""
    cursor = start
    for since, until in (*stops, (max(now, start), None)):
        ends = max(cursor, min(since, now))
        yield cursor, ends
        cursor = ends
        if until is None or until > now:
            return
        cursor = max(cursor, until)


def ran(hours: WorkingTime, start: datetime, stops: Sequence[Stop], now: datetime) -> timedelta:
    """How much of these hours the clock has counted by `now`, the times at which it stood left out."""
    return sum((hours.between(begins, ends) for begins, ends in runs_of(start, stops, now)), NONE)


def read(hours: WorkingTime, start: datetime, allowed: timedelta, stops: Sequence[Stop], now: datetime) -> Reading:
    """What the clock shows at `now`. Once it has run out, `due_at` stays the instant at which it did."""
    elapsed, cursor, due_at = NONE, start, None
    for begins, ends in runs_of(start, stops, now):
        counted = hours.between(begins, ends)
        if due_at is None and elapsed + counted >= allowed:
            due_at = hours.after(begins, allowed - elapsed)
        elapsed, cursor = elapsed + counted, ends
    runs = not any(since <= now and (until is None or now < until) for since, until in stops)
    if due_at is None and runs:
        due_at = hours.after(cursor, allowed - elapsed)
    return Reading(elapsed, due_at, max(NONE, allowed - elapsed), runs)


def warns_at(hours: WorkingTime, due_at: datetime, allowed: timedelta, share: float, now: datetime) -> bool:
    """Whether so much of the allowed time has run that people are warned; once it is late there is nothing to warn of."""
    if now >= due_at:
        return False
    return hours.between(now, due_at) <= allowed * (1 - share)
