"""When probes are asked: spread over their interval, again and again, overlaps skipped and counted."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bomc.pipeline.schedule import SPREAD_LIMIT_S, Schedule, spread_s
from core.model import Outcome, Probe
from tests.servers.process import wait_until


def now() -> datetime:
    return datetime.now(UTC)


def probe(name: str, every_s: float = 0.2, collector: str = "fake") -> Probe:
    return Probe(name, collector, every_s, every_s, None)


def test_starts_are_spread_over_the_interval() -> None:
    """A thousand probes of a minute: no ten seconds have more than a third above their share."""
    offsets = Counter(int(spread_s(f"host-{number}/linux_ssh", 60) // 10) for number in range(1_000))
    assert set(offsets) == set(range(6))
    assert max(offsets.values()) < 1_000 / 6 * 1.34


@given(st.text(), st.floats(0.2, 86_400))
def test_a_start_is_always_the_same_and_within_the_interval(key: str, every_s: float) -> None:
    """Known beforehand, less than the interval, and less than a minute even for daily ones."""
    found = spread_s(key, every_s)
    assert found == spread_s(key, every_s)
    assert 0 <= found <= min(every_s, SPREAD_LIMIT_S)


def started(probes: list[Probe], run: Callable[[Probe], Outcome], skipped: list[str]) -> Schedule:
    made = Schedule(probes, run=run, deliver=lambda _: None, skip=skipped.append, clock=now, workers=4)
    made.start()
    return made


def test_probes_run_again_and_again_and_an_overlap_is_skipped_and_counted() -> None:
    """A quick one keeps its rhythm beside one that hangs; the hung one runs once and is counted each time."""
    seen: Counter[str] = Counter()
    skipped: list[str] = []
    gate = threading.Event()

    def run(one: Probe) -> Outcome:
        seen[one.target] += 1
        if one.target == "slow":
            gate.wait(20)
        return Outcome(one.key, one.target, 0, 0.0)

    schedule = started([probe("quick"), probe("slow")], run, skipped)
    try:
        wait_until(lambda: seen["quick"] >= 4 and skipped.count("slow/fake") >= 2, "four rounds and two skips")
        assert seen["slow"] == 1
        assert "quick/fake" not in skipped
        told = schedule.pulse()
        assert told["probes"] == 2
        assert isinstance(told["lateness_p99_s"], float)
        assert told["lateness_p99_s"] < 0.2  # an early clock is not a whole interval late
    finally:
        gate.set()
        schedule.stop()


def test_kinds_do_not_wait_for_each_other() -> None:
    """A pool full of hung probes of one collector holds up none of another."""
    seen: Counter[str] = Counter()
    gate = threading.Event()

    def run(one: Probe) -> Outcome:
        seen[one.collector] += 1
        if one.collector == "hangs":
            gate.wait(20)
        return Outcome(one.key, one.target, 0, 0.0)

    schedule = started([*(probe(f"h{n}", collector="hangs") for n in range(9)), probe("q")], run, [])
    try:
        wait_until(lambda: seen["hangs"] == 4 and seen["fake"] >= 3, "the other kind goes on")
        assert int(str(schedule.pulse()["probes_waiting"])) >= 1
    finally:
        gate.set()
        schedule.stop()
