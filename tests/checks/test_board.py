"""The board equals a slow reference on anything, forgets nothing over a restart, and cares for no order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from checks import absence, limit, rate
from checks.board import NEVER, Board, Change, turns
from checks.check import Check, Series, matches
from checks.memory import FRESH, Memory
from core.model import Kind, Result, Status
from tests.checks.series import check, series

Told = tuple[str, int, str, str, bool, Result]
"""A change in short: check, series, status, held, first, and the whole result with its reason."""


def short(change: Change) -> Told:
    """All that two boards must agree on."""
    who = change.check.name, change.series.id
    return *who, change.result.status.value, change.held.value, change.first, change.result


@dataclass
class Reference:
    """The board as one would write it without thought for speed: every check asked about every sample."""

    checks: list[Check]
    series: list[Series] = field(default_factory=list)
    memories: dict[tuple[str, int], Memory] = field(default_factory=dict)
    last: dict[int, tuple[int, float]] = field(default_factory=dict)

    def settle(self, one: Check, index: int, memory: Memory, result: Result) -> list[Change]:
        key = (one.name, index)
        old = self.memories.get(key)
        self.memories[key] = memory
        if old is not None and old.status is memory.status:
            return []
        was = old.status if old is not None else Status.UNKNOWN
        return [Change(one, self.series[index], was, memory.held, result, old is None)]

    def judge(self, index: int, value: float, at_ms: int) -> list[Change]:
        changes: list[Change] = []
        before = self.last.get(index)
        self.last[index] = (at_ms, value)
        for one in self.checks:
            if not matches(one, self.series[index]):
                continue
            memory = self.memories.get((one.name, index), FRESH)
            if isinstance(one.params, rate.Params):
                if before is None:
                    continue
                change = value - before[1]
                if self.series[index].indicator.kind is Kind.COUNTER and change < 0:
                    change = value
                judged = change / ((at_ms - before[0]) / 1000) * one.params.per.total_seconds()
                memory, result = rate.check(one.params, memory, judged, at_ms, self.series[index].indicator)
            elif isinstance(one.params, limit.Params):
                memory, result = limit.check(one.params, memory, value, at_ms, self.series[index].indicator)
            else:
                continue
            changes += self.settle(one, index, memory, result)
        return changes

    def lose(self, indexes: list[int], error: str, at_ms: int) -> list[Change]:
        changes: list[Change] = []
        for index in indexes:
            for one in self.checks:
                memory = self.memories.get((one.name, index))
                if memory is not None and one.judge != "absence" and memory.status is not Status.UNKNOWN:
                    result = Result(Status.UNKNOWN, None, f"nothing to judge: {error}", at_ms)
                    changes += self.settle(one, index, memory._replace(status=Status.UNKNOWN), result)
        return changes

    def tick(self, now_ms: int) -> list[Change]:
        changes: list[Change] = []
        for index, (last_ms, _) in self.last.items():
            for one in self.checks:
                if isinstance(one.params, absence.Params) and matches(one, self.series[index]):
                    memory = self.memories.get((one.name, index), FRESH)
                    allowed = absence.allowed_ms(one.params, self.series[index].every_s)
                    memory, result = absence.check(memory, last_ms, now_ms, allowed, None)
                    changes += self.settle(one, index, memory, result)
        return changes


VALUES = st.sampled_from(
    [-30.0, -11.0, -10.5, -10.0, -5.0, 0.0, 5.0, 9.5, 9.6, 10.0, 10.1, 19.0, 19.5, 20.0, 25.0, 1e6]
)
LIMITS = st.sampled_from([-20.0, -10.0, 0.0, 10.0, 20.0])
SHARES = st.sampled_from(["1 of 1", "1 of 3", "2 of 2", "2 of 3", "3 of 5", "4 of 4"])


@st.composite
def limit_settings(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {"raise": draw(SHARES), "clear_margin": draw(st.sampled_from([0, 0.05, 0.5]))}
    sides = draw(st.sampled_from([("above",), ("below",), ("above", "below")]))
    for side in sides:
        low, high = sorted([draw(LIMITS), draw(LIMITS)])
        levels = {"warning": low, "critical": high} if side == "above" else {"warning": high, "critical": low}
        keep = draw(st.sampled_from([("warning",), ("critical",), ("warning", "critical")]))
        found[side] = {name: levels[name] for name in keep}
    return found


@st.composite
def some_checks(draw: st.DrawFn) -> list[Check]:
    found = []
    for number in range(draw(st.integers(1, 4))):
        judge = draw(st.sampled_from(["limit", "rate", "absence"]))
        select = draw(st.sampled_from([{}, {"half": ("0",)}]))
        params = {"after": draw(st.sampled_from(["15s", None]))} if judge == "absence" else draw(limit_settings())
        found.append(check(judge, params, name=f"check-{number}", select=select))
    return found


Step = tuple[str, Any]


@st.composite
def stories(draw: st.DrawFn) -> list[Step]:
    """Batches, losses, ticks; instants only rise."""
    steps: list[Step] = []
    now_ms = 1_000_000
    for _ in range(draw(st.integers(1, 14))):
        now_ms += draw(st.sampled_from([1_000, 5_000, 20_000]))
        kind = draw(st.sampled_from(["batch", "batch", "batch", "lose", "tick"]))
        if kind == "batch":
            places = draw(st.lists(st.integers(0, 3), unique=True, max_size=4))
            steps.append(("batch", [(place, draw(VALUES), now_ms) for place in places]))
        elif kind == "lose":
            steps.append(("lose", (draw(st.lists(st.integers(0, 3), unique=True)), now_ms)))
        else:
            steps.append(("tick", now_ms))
    return steps


def four_series() -> list[Series]:
    """Two gauges and two counters, probed every five seconds."""
    kinds = (Kind.GAUGE, Kind.COUNTER, Kind.GAUGE, Kind.COUNTER)
    return [series(n + 1, kind=kind, every_s=5, labels=(("half", str(n % 2)),)) for n, kind in enumerate(kinds)]


def nobody(_probe: str) -> str | None:
    return None


def play(board: Board, steps: list[Step]) -> list[list[Told]]:
    """What the board says at each step, sorted: the order within a batch is nobody's business."""
    told = []
    for kind, what in steps:
        if kind == "batch":
            places, values, at = zip(*what, strict=True) if what else ((), (), ())
            changes = board.judge(np.array(places, dtype=np.int64), np.array(values), np.array(at, dtype=np.int64))
        elif kind == "lose":
            changes = board.lose(what[0], "no answer", what[1])
        else:
            changes = board.tick(what, nobody)
        told.append(sorted(map(short, changes), key=repr))
    return told


def new_board(checks: list[Check]) -> Board:
    board = Board(checks)
    for one in four_series():
        board.add(one)
    return board


@settings(max_examples=250, deadline=None)
@given(some_checks(), stories())
def test_the_board_says_what_asking_every_check_about_every_sample_says(checks: list[Check], steps: list[Step]) -> None:
    """The arrays that spare the board most of the asking never change an answer."""
    reference = Reference(checks, four_series())
    expected = []
    for kind, what in steps:
        if kind == "batch":
            changes = [change for sample in what for change in reference.judge(*sample)]
        elif kind == "lose":
            changes = reference.lose(what[0], "no answer", what[1])
        else:
            changes = reference.tick(what)
        expected.append(sorted(map(short, changes), key=repr))
    assert play(new_board(checks), steps) == expected


@settings(max_examples=250, deadline=None)
@given(some_checks(), stories(), st.data())
def test_a_restart_at_any_point_changes_nothing_afterwards(
    checks: list[Check], steps: list[Step], data: st.DataObject
) -> None:
    """A new board, restored from samples and results as the store has them, goes on as the old one would have."""
    cut = data.draw(st.integers(0, len(steps)))
    expected = play(new_board(checks), steps)

    old, kept, results = new_board(checks), Kept(), {}
    for step in steps[:cut]:
        kept.see(step)
        for name, number, status, held, *_ in play(old, [step])[0]:
            results[name, number] = (Status(status), Status(held))
    restarted = new_board(checks)
    for index, one in enumerate(restarted.series):
        known = {name: value for (name, number), value in results.items() if number == one.id}
        restarted.restore(index, kept.latest(index, restarted.longest_window()), known)
    assert play(restarted, steps[cut:]) == expected[cut:]


@dataclass
class Kept:
    """What the store would hold of the samples."""

    samples: dict[int, list[tuple[int, float]]] = field(default_factory=dict)

    def see(self, step: Step) -> None:
        if step[0] == "batch":
            for place, value, at_ms in step[1]:
                self.samples.setdefault(place, []).append((at_ms, value))

    def latest(self, index: int, count: int) -> list[tuple[int, float]]:
        return self.samples.get(index, [])[-count:]


@settings(max_examples=100, deadline=None)
@given(some_checks(), stories(), st.randoms())
def test_the_order_of_series_within_a_batch_never_matters(checks: list[Check], steps: list[Step], rng: Any) -> None:
    """Shuffled batches bring the same changes."""
    shuffled = [(kind, rng.sample(what, len(what)) if kind == "batch" else what) for kind, what in steps]
    assert play(new_board(checks), shuffled) == play(new_board(checks), steps)


def judged(board: Board, index: int, value: float, at_ms: int) -> list[Change]:
    return board.judge(np.array([index]), np.array([value]), np.array([at_ms]))


def test_a_lost_series_is_unknown_with_the_reason_and_comes_back_to_what_it_was() -> None:
    """UNKNOWN holds the status before it: a value inside the margin is still a warning afterwards."""
    board = Board([check("limit", {"above": {"warning": 80}})])
    index = board.add(series())
    judged(board, index, 85, 1_000)
    [lost] = board.lose([index], "connection refused", 2_000)
    assert lost.result == Result(Status.UNKNOWN, None, "nothing to judge: connection refused", 2_000)
    assert (lost.old, lost.held) == (Status.WARNING, Status.WARNING)
    assert board.lose([index], "again", 3_000) == []
    [back] = judged(board, index, 78, 4_000)
    assert (back.old, back.result.status) == (Status.UNKNOWN, Status.WARNING)
    assert "still warning until" in back.result.reason


def test_losing_a_series_that_was_never_judged_says_nothing() -> None:
    """Nothing is known of it, so nothing is lost."""
    board = Board([check("limit", {"above": {"warning": 80}}), check("absence", {}, name="silent")])
    assert board.lose([board.add(series())], "no answer", 1_000) == []


def test_absence_of_a_series_that_was_never_seen_says_nothing() -> None:
    """Silence is measured from a sample; without one there is nothing to be silent about."""
    board = Board([check("absence", {"after": "10s"})])
    board.add(series())
    assert board.tick(10**9, nobody) == []


def absences(board: Board, now_ms: int, errors: Callable[[str], str | None] = nobody) -> list[str]:
    return [f"{change.result.status.value}: {change.result.reason}" for change in board.tick(now_ms, errors)]


def test_absence_comes_once_at_its_boundary_and_goes_with_the_next_sample() -> None:
    """OK first, UNKNOWN a millisecond after the allowance, OK again when a sample has come."""
    board = Board([check("absence", {"after": "10s"})])
    index = board.add(series())
    judged(board, index, 1, 100_000)
    assert absences(board, 100_000) == ["ok: the latest sample is 0 s old"]
    assert absences(board, 110_000) == []
    [silent] = absences(board, 110_001, lambda probe: f"{probe} is refused")
    assert silent.endswith("its probe says: host-1/disk is refused")
    assert absences(board, 200_000) == []
    judged(board, index, 1, 200_500)
    assert absences(board, 200_600) == ["ok: the latest sample is 100 ms old"]


def test_samples_that_come_always_late_do_not_make_absence_flap() -> None:
    """A target whose clock is 40 s behind is silent by a limit of 30 s, and stays so until its samples are young enough."""
    board = Board([check("absence", {"after": "30s"})])
    index = board.add(series())
    told = []
    for now_ms in range(1_000_000, 1_050_000, 5_000):
        assert judged(board, index, 1, now_ms - 40_000) == []
        told += [text[:7] for text in absences(board, now_ms)]
    assert told == ["unknown"]


def test_silence_while_nobody_listened_is_not_held_against_a_series() -> None:
    """After our own down-time a series gets its whole allowance before it is called silent; then it is."""
    board = Board([check("absence", {"after": "10s"})], awake_ms=500_000)
    index = board.add(series())
    board.restore(index, [(100_000, 1.0)], {"the-check": (Status.OK, Status.OK)})
    assert absences(board, 505_000) == []
    assert len(absences(board, 510_001)) == 1


def test_more_series_than_the_first_room_are_judged_like_the_first() -> None:
    """The arrays grow past 1,024 without losing what they held."""
    board = Board([check("limit", {"above": {"warning": 80}}), check("absence", {"after": "10s"}, name="silent")])
    for number in range(1_000):
        board.add(series(number))
    judged(board, 7, 85, 1_000)
    for number in range(1_000, 2_600):
        board.add(series(number))
    everything = np.arange(2_600)
    changes = board.judge(everything, np.full(2_600, 85.0), np.full(2_600, 2_000))
    assert len(changes) == 2_599  # number 7 was a warning already
    assert {change.result.status for change in changes} == {Status.WARNING}
    assert len(board.tick(2_000, nobody)) == 2_600
    assert board.last_ms(everything).tolist() == [2_000] * 2_600


def test_what_a_board_knows_of_a_fresh_series() -> None:
    """No instant, and judged by the checks that choose it only."""
    board = Board([check("limit", {"above": {"warning": 80}}, select={"site": ("south",)}), check("absence", {}, "s")])
    index = board.add(series())
    assert board.last_ms(np.array([index])).tolist() == [NEVER]
    assert not board.judges("the-check", index)
    assert board.judges("s", index)
    assert not board.judges("no such check", index)


@given(st.lists(st.integers(0, 5)))
def test_turns_hold_every_place_once_and_no_series_twice(indexes: list[int]) -> None:
    """Every place is in exactly one turn, in order for each series, and no turn holds a series twice."""
    found = [turn.tolist() for turn in turns(np.array(indexes, dtype=np.int64))]
    assert sorted(place for turn in found for place in turn) == list(range(len(indexes)))
    for turn in found:
        assert len({indexes[place] for place in turn}) == len(turn)
    for one in set(indexes):
        places = [place for turn in found for place in turn if indexes[place] == one]
        assert places == sorted(places)
