"""A file that is not there, or is not what its manifest states, is told once.

The watch over arrivals tells it when it is due, unless a run refused the day for it by then; a run that refuses the day
later tells only what the watch does not. Both are judged by rows and instants alone, so that a restart changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bomc.configuration.models import home_path
from reconciliation.deliveries import Arrival, State


def told_by_watch(arrivals: Iterable[Arrival], refusals: Sequence[Any], home: Path) -> list[Arrival]:
    """The arrivals of a control without the missing files that a run of it, one of the rows `refusals`, refused their day for
    in time."""
    return [each for each in arrivals if not (each.state is State.MISSING and _told_before(each, refusals, home))]


def tells_more(reasons: Iterable[str], watched: Iterable[Arrival], home: Path) -> bool:
    """Whether a refusal has a reason besides the files that the watch tells as missing."""
    missing = [each for each in watched if each.state is State.MISSING]
    return not all(any(_names(reason, each, home) for each in missing) for reason in reasons)


def _told_before(arrival: Arrival, refusals: Iterable[Any], home: Path) -> bool:
    owed = arrival.expectation
    return any(
        row.finished_at <= owed.due_at
        and row.business_day == owed.business_day.isoformat()
        and any(_names(reason, arrival, home) for reason in row.reasons)
        for row in refusals
    )


def _names(reason: str, arrival: Arrival, home: Path) -> bool:
    """Whether a reason, which begins with the place that it is about, is about that file or its manifest."""
    return reason.startswith(str(home_path(home, arrival.expectation.path)))
