"""The worst status of many series over time, as spans: one walk over their changes, however many there are at once."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from itertools import groupby

from dashboards.queries.rows import WORST_FIRST, Row

NAMED = 3
"""A span names at most so many targets that made it so."""
QUIET = ("ok", "unjudged")
"""Statuses that nobody has to be named for."""

Changes = Sequence[tuple[int, str]]
"""What a series changed to, each with its instant (ms), the oldest first; the first is what it began with."""


class _Standing:
    """How many series stand in each status now, and by name in order those of which somebody would ask."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(WORST_FIRST, 0)
        self.by_name: dict[str, dict[str, int]] = {status: {} for status in WORST_FIRST}
        self.names: dict[str, list[str]] = {status: [] for status in WORST_FIRST}

    def enter(self, name: str, status: str) -> None:
        self.counts[status] += 1
        if status in QUIET:
            return
        known = self.by_name[status]
        known[name] = known.get(name, 0) + 1
        if known[name] == 1:
            insort(self.names[status], name)

    def leave(self, name: str, status: str) -> None:
        self.counts[status] -= 1
        if status in QUIET:
            return
        known = self.by_name[status]
        known[name] -= 1
        if not known[name]:
            del self.names[status][bisect_left(self.names[status], name)]

    def worst(self) -> tuple[str, list[str]]:
        status = next((one for one in WORST_FIRST if self.counts[one]), WORST_FIRST[-1])
        return status, self.names[status][:NAMED]


def bands(members: Iterable[tuple[str, Changes]], end_ms: int) -> list[Row]:
    """Spans {start_ms, end_ms, status, why} until `end_ms` of the worst status of these series, each with its target's
    name; `why` names targets that were in it, the first by their names. Pure.

    Each change is looked at once, so that ten thousand series that change within a minute cost no more than in a day.
    """
    moves = sorted(_moves(members), key=lambda move: move[0])
    standing = _Standing()
    spans: list[Row] = []
    for at_ms, together in groupby(moves, key=lambda move: move[0]):
        for _at_ms, name, old, new in together:
            if old is not None:
                standing.leave(name, old)
            standing.enter(name, new)
        status, why = standing.worst()
        if spans and spans[-1]["status"] == status and spans[-1]["why"] == why:
            continue
        if spans:
            spans[-1]["end_ms"] = at_ms
        spans.append({"start_ms": at_ms, "end_ms": end_ms, "status": status, "why": why})
    return spans


def _moves(members: Iterable[tuple[str, Changes]]) -> Iterable[tuple[int, str, str | None, str]]:
    """Every change as instant, name, status before (none at the begin) and after; one that is told late counts from the
    one before it."""
    for name, changes in members:
        before: str | None = None
        latest_ms = changes[0][0]
        for at_ms, status in changes:
            latest_ms = max(latest_ms, at_ms)
            yield latest_ms, name, before, status
            before = status
