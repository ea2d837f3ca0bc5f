"""The pool of probes: bounded, never two runs of one probe, and a hung run costs its own target only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from bomc.pipeline import pool as pools
from bomc.pipeline.pool import Pool
from core.model import Outcome, Probe
from tests.servers.process import wait_until


def probe(name: str, timeout_s: float = 5.0) -> Probe:
    return Probe(name, "fake", 1.0, timeout_s, None)


@dataclass
class Runs:
    """Runs that go on until the test lets them end, and what was delivered of them."""

    gates: dict[str, threading.Event] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)  # keys whose runs use up their time and fail
    begun: list[str] = field(default_factory=list)
    delivered: list[Outcome] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, one: Probe) -> Outcome:
        gate = self.gates.setdefault(one.key, threading.Event())
        with self.lock:
            self.begun.append(one.key)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        gate.wait(30)
        with self.lock:
            self.at_once -= 1
        if one.key in self.silent:
            return Outcome(one.key, one.target, 0, one.timeout_s, error="no answer in time")
        return Outcome(one.key, one.target, 0, 0.0)

    def end(self, name: str) -> None:
        self.gates.setdefault(f"{name}/fake", threading.Event()).set()

    @property
    def told(self) -> list[tuple[str, bool]]:
        return [(outcome.target, outcome.error is None) for outcome in self.delivered]


@pytest.fixture
def runs() -> Iterator[Runs]:
    found = Runs()
    yield found
    for gate in found.gates.values():
        gate.set()


def pool(runs: Runs, limit: int = 2) -> Pool:
    return Pool(limit, runs.run, runs.delivered.append, lambda: 1_000_000)


def test_no_more_run_at_once_than_the_limit_and_the_others_wait_in_order(runs: Runs) -> None:
    """Five probes in a pool of two."""
    small = pool(runs)
    names = ["a", "b", "c", "d", "e"]
    assert all(small.submit(probe(name)) for name in names)
    wait_until(lambda: len(runs.begun) == 2, "two runs begin")
    assert small.depth == 3
    for done, name in enumerate(names, 1):  # one by one, so that the order in which the next ones begin can be seen
        runs.end(name)
        wait_until(
            lambda done=done: len(runs.delivered) == done and len(runs.begun) == min(5, 2 + done), "the next begins"
        )
    assert runs.most_at_once <= 2
    assert runs.begun[2:] == ["c/fake", "d/fake", "e/fake"]
    assert small.depth == 0


def test_a_probe_whose_run_is_not_over_is_skipped(runs: Runs) -> None:
    """Neither a second run beside it, nor a second place in the queue."""
    small = pool(runs, limit=1)
    assert small.submit(probe("a"))
    assert not small.submit(probe("a"))
    assert small.submit(probe("b"))
    assert not small.submit(probe("b"))
    runs.end("a")
    wait_until(lambda: runs.told == [("a", True)], "a is delivered")
    assert small.submit(probe("a"))
    runs.end("b")
    wait_until(lambda: len(runs.delivered) == 3, "all are delivered")
    assert runs.begun == ["a/fake", "b/fake", "a/fake"]


def test_a_hung_run_is_given_up_and_its_place_goes_to_the_next(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """One failure with the reason; its own thread is never doubled; what it brings late is dropped and counted."""
    monkeypatch.setattr(pools, "GRACE_S", 0.05)
    small = pool(runs, limit=1)
    small.submit(probe("hung", timeout_s=0.05))
    small.submit(probe("next"))
    runs.end("next")

    def given_up() -> bool:
        small.give_up_overdue()
        return small.given_up == 1

    wait_until(given_up, "the hung run is given up")
    wait_until(lambda: sorted(runs.told) == [("hung", False), ("next", True)], "the next one ran")
    [failure] = [item for item in runs.delivered if item.target == "hung"]
    assert "hung: no answer within 0.05 s" in str(failure.error)
    assert failure.started_ms < 1_000_000

    assert not small.submit(probe("hung"))
    assert runs.told[-1] == ("hung", False)  # still failing, each time that it is due
    assert "has not ended yet" in str(runs.delivered[-1].error)
    assert runs.begun.count("hung/fake") == 1
    small.give_up_overdue()
    assert small.given_up == 1

    runs.end("hung")
    wait_until(lambda: small.dropped_late == 1, "the late answer is dropped")
    assert len(runs.delivered) == 3
    assert small.submit(probe("hung"))
    wait_until(lambda: runs.told[-1] == ("hung", True), "it runs again")


def test_silent_targets_queue_behind_each_other_only(runs: Runs) -> None:
    """Once found out, more of them than the pool has places do not keep one that answers from being asked."""
    small, silent = pool(runs, limit=2), ["s1", "s2", "s3", "s4"]
    runs.silent = {f"{name}/fake" for name in silent}
    for name in silent:
        small.submit(probe(name))
        runs.end(name)
    wait_until(lambda: len(runs.delivered) == 4, "they are found out")
    for name in silent:
        runs.gates[f"{name}/fake"].clear()
        assert small.submit(probe(name))
    runs.end("sound")
    assert small.submit(probe("sound"))
    wait_until(lambda: runs.told[-1] == ("sound", True), "the sound one is asked and answers")
    assert small.depth == 2  # of the silent ones no more than two are asked at a time
    runs.silent.clear()
    for name in silent:
        runs.end(name)
    wait_until(lambda: len(runs.delivered) == 9, "they answer")


def test_a_closed_pool_starts_nothing_more(runs: Runs) -> None:
    """What waits is let go, what runs ends by itself."""
    small = pool(runs, limit=1)
    small.submit(probe("a"))
    small.submit(probe("b"))
    wait_until(lambda: runs.begun == ["a/fake"], "a begins")
    small.close()
    assert small.depth == 0
    assert not small.submit(probe("c"))
    runs.end("a")
    wait_until(lambda: runs.told == [("a", True)], "a is delivered")
    assert runs.begun == ["a/fake"]
