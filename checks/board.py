"""The board: what every check says of every series now, and what changes as samples arrive.

A batch holds tens of thousands of samples of which hardly any changes anything, so arrays over all series answer the
cheap question first - can this sample matter to this check? - and the check itself is asked only where it can: when
the value crosses a limit, when the series is already in some way noted, or when it is judged for the first time.
What a check remembers is rebuilt from stored samples and results after a restart, so nothing here need be saved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from checks import absence, limit, rate
from checks.check import Check, Series, matches
from checks.memory import FRESH, Memory
from core.model import Kind, Result, Status

Indexes = NDArray[np.int64]
NEVER = np.iinfo(np.int64).min
GROWTH = 1024


class Change(NamedTuple):
    """A first judgement or a change of status of one check on one series; `first` ones have no `old` worth telling."""

    check: Check
    series: Series
    old: Status
    held: Status  # the latest status that was not UNKNOWN, after the change
    result: Result
    first: bool


@dataclass(slots=True)
class _Column:
    """One check over all series: who is judged, who was, who needs asking again, and what is remembered of those."""

    check: Check
    member: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    noted: NDArray[np.bool_]
    memory: dict[int, Memory] = field(default_factory=dict)


class Board:
    """All checks over all series. Not thread-safe: it belongs to the one writer."""

    def __init__(self, checks: Sequence[Check], awake_ms: int = 0) -> None:
        """`awake_ms`: since when somebody listens; silence is held against a series only from then on."""
        self._awake_ms = awake_ms
        self.series: list[Series] = []
        self._room = GROWTH
        self._last_ms = np.full(GROWTH, NEVER, dtype=np.int64)
        self._last_value = np.full(GROWTH, np.nan)
        self._counter = np.zeros(GROWTH, dtype=np.bool_)
        self._columns = [_Column(check, _no(GROWTH), _no(GROWTH), _no(GROWTH)) for check in checks]
        self._allowed = {check.name: np.zeros(GROWTH, dtype=np.int64) for check in checks if check.judge == "absence"}
        self._rated = any(check.judge == "rate" for check in checks)

    def add(self, series: Series) -> int:
        """Take a series onto the board; its index is what `judge` and the others take."""
        index = len(self.series)
        if index == self._room:
            self._grow()
        self.series.append(series)
        self._counter[index] = series.indicator.kind is Kind.COUNTER
        for column in self._columns:
            column.member[index] = matches(column.check, series)
            params = column.check.params
            if isinstance(params, absence.Params):
                self._allowed[column.check.name][index] = absence.allowed_ms(params, series.every_s)
        return index

    def last_ms(self, indexes: Indexes) -> NDArray[np.int64]:
        """Instants of the latest samples, ms; the least int64 where there is none."""
        return self._last_ms[indexes]

    def judge(self, indexes: Indexes, values: NDArray[np.float64], at_ms: NDArray[np.int64]) -> list[Change]:
        """Judge one sample each of different series: arrays of shape (n,), instants after those judged before."""
        per_second = np.empty(0)
        if self._rated:
            before, before_ms = self._last_value[indexes], self._last_ms[indexes]
            per_second = rate.rates(before, before_ms, values, at_ms, self._counter[indexes])
        self._last_value[indexes] = values
        self._last_ms[indexes] = at_ms
        changes: list[Change] = []
        for column in self._columns:
            member = column.member[indexes]
            if not member.any():
                continue
            params = column.check.params
            unsettled = column.noted[indexes] | ~column.seen[indexes]
            if isinstance(params, rate.Params):
                judged = per_second * params.per.total_seconds()
                asked = member & ~np.isnan(judged) & (unsettled | rate.could_matter(params, judged))
                changes += self._ask(column, indexes, judged, at_ms, asked, rate.check)
            elif isinstance(params, limit.Params):  # silence, the third kind, is judged by `tick`
                asked = member & (unsettled | limit.could_matter(params, values))
                changes += self._ask(column, indexes, values, at_ms, asked, limit.check)
        return changes

    def _ask(
        self,
        column: _Column,
        indexes: Indexes,
        values: NDArray[np.float64],
        at_ms: NDArray[np.int64],
        asked: NDArray[np.bool_],
        check: Callable[..., tuple[Memory, Result]],
    ) -> list[Change]:
        changes: list[Change] = []
        places = np.flatnonzero(asked)
        if not len(places):
            return changes
        for place in places.tolist():
            index = int(indexes[place])
            memory = self._memory(column, index)
            new, result = check(
                column.check.params, memory, float(values[place]), int(at_ms[place]), self.series[index].indicator
            )
            changes += self._settle(column, index, new, result)
        return changes

    def _memory(self, column: _Column, index: int) -> Memory:
        known = column.memory.get(index)
        if known is not None:
            return known
        return Memory(Status.OK, Status.OK) if column.seen[index] else FRESH

    def _settle(self, column: _Column, index: int, memory: Memory, result: Result) -> list[Change]:
        old = self._memory(column, index)
        first = not column.seen[index]
        column.seen[index] = True
        if memory.status is Status.OK and not self._window_matters(column, memory):
            column.noted[index] = False
            column.memory.pop(index, None)
        else:
            column.noted[index] = True
            column.memory[index] = memory
        if memory.status is old.status and not first:
            return []
        return [Change(column.check, self.series[index], old.status, memory.held, result, first)]

    def _window_matters(self, column: _Column, memory: Memory) -> bool:
        params = column.check.params
        if not memory.window or not isinstance(params, limit.Params):
            return False
        return bool(limit.could_matter(params, np.array(memory.window)).any())

    def lose(self, indexes: Iterable[int], error: str, at_ms: int) -> list[Change]:
        """The probe of these series brought nothing: what was judged of them is UNKNOWN, with the reason."""
        result = Result(Status.UNKNOWN, None, f"nothing to judge: {error}", at_ms)
        changes: list[Change] = []
        for index in indexes:
            for column in self._columns:
                if not column.member[index] or not column.seen[index] or column.check.judge == "absence":
                    continue
                memory = self._memory(column, index)
                if memory.status is not Status.UNKNOWN:
                    lost = memory._replace(status=Status.UNKNOWN)
                    changes += self._settle(column, index, lost, result)
        return changes

    def tick(self, now_ms: int, errors: Callable[[str], str | None]) -> list[Change]:
        """Judge silence, and its end, as of `now_ms`; `errors` tells the latest error of a probe by its key."""
        size = len(self.series)
        known = self._last_ms[:size] != NEVER
        silent_ms = now_ms - np.where(known, self._last_ms[:size], now_ms)
        awake_ms = now_ms - self._awake_ms
        changes: list[Change] = []
        for column in self._columns:
            allowed = self._allowed.get(column.check.name)
            if allowed is None:
                continue
            overdue = silent_ms > allowed[:size]
            moved = (overdue != column.noted[:size]) | ~column.seen[:size]  # noted here means: UNKNOWN already
            excused = overdue & (awake_ms <= allowed[:size])
            for index in np.flatnonzero(column.member[:size] & known & moved & ~excused).tolist():
                memory, last_ms = self._memory(column, index), int(self._last_ms[index])
                error = errors(self.series[index].probe)
                new, result = absence.check(memory, last_ms, now_ms, int(allowed[index]), error)
                changes += self._settle(column, index, new, result)
        return changes

    def judges(self, check: str, index: int) -> bool:
        """Whether a check of this name judges that series."""
        return any(column.member[index] for column in self._columns if column.check.name == check)

    def restore(
        self, index: int, samples: Sequence[tuple[int, float]], results: dict[str, tuple[Status, Status]]
    ) -> None:
        """Take up a series after a restart: its latest samples (ms, value), oldest first, and (status, held) by check."""
        if samples:
            self._last_ms[index], self._last_value[index] = samples[-1]
        for column in self._columns:
            if column.check.name not in results or not column.member[index]:
                continue
            status, held = results[column.check.name]
            memory = Memory(status, held, self._window(column, index, samples))
            column.seen[index] = True
            if status is not Status.OK or self._window_matters(column, memory):
                column.noted[index] = True
                column.memory[index] = memory

    def _window(self, column: _Column, index: int, samples: Sequence[tuple[int, float]]) -> tuple[float, ...]:
        params = column.check.params
        if not isinstance(params, limit.Params) or not samples:
            return ()
        at_ms = np.array([at for at, _ in samples], dtype=np.int64)
        values = np.array([value for _, value in samples])
        if isinstance(params, rate.Params):
            counter = np.full(len(values) - 1, self._counter[index])
            values = rate.rates(values[:-1], at_ms[:-1], values[1:], at_ms[1:], counter) * params.per.total_seconds()
            values = values[~np.isnan(values)]
        return tuple(float(value) for value in values[-params.raise_at.n :])

    def longest_window(self) -> int:
        """How many of the latest samples of a series `restore` can use."""
        sizes = [c.check.params.raise_at.n + 1 for c in self._columns if isinstance(c.check.params, limit.Params)]
        return max(sizes, default=1)

    def _grow(self) -> None:
        more = self._room
        self._last_ms = np.concatenate([self._last_ms, np.full(more, NEVER, dtype=np.int64)])
        self._last_value = np.concatenate([self._last_value, np.full(more, np.nan)])
        self._counter = np.concatenate([self._counter, _no(more)])
        for column in self._columns:
            column.member = np.concatenate([column.member, _no(more)])
            column.seen = np.concatenate([column.seen, _no(more)])
            column.noted = np.concatenate([column.noted, _no(more)])
        self._allowed = {
            name: np.concatenate([allowed, np.zeros(more, dtype=np.int64)]) for name, allowed in self._allowed.items()
        }
        self._room += more


def _no(size: int) -> NDArray[np.bool_]:
    return np.zeros(size, dtype=np.bool_)


def turns(indexes: Indexes) -> Iterator[NDArray[np.int64]]:
    """Places of `indexes` in turns, so that no turn holds an index twice: [5, 7, 5] -> [0, 1], [2]."""
    if len(np.unique(indexes)) == len(indexes):
        yield np.arange(len(indexes))
        return
    occurrence = _occurrences(indexes)
    for turn in range(int(occurrence.max()) + 1):
        yield np.flatnonzero(occurrence == turn)


def _occurrences(indexes: Indexes) -> NDArray[np.int64]:
    """For each place, how many earlier places hold the same index: [5, 7, 5] -> [0, 0, 1]."""
    order = np.argsort(indexes, kind="stable")
    ordered = indexes[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(ordered)]]))
    counts = np.arange(len(ordered)) - np.repeat(starts, lengths)
    occurrence = np.empty(len(indexes), dtype=np.int64)
    occurrence[order] = counts
    return occurrence
