"""20 of 200 targets accept a connection and never say a word; the other 180 are asked as before, by a bounded number of
threads, and the silent ones say in words that they hang."""

from __future__ import annotations

import statistics
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from bomc.pipeline.probing import Prober
from bomc.pipeline.schedule import Schedule
from collectors import prometheus_exporter
from core.model import Outcome, Probe
from tests.faults.estate import source
from tests.servers.hostile import silent
from tests.servers.process import wait_until

TARGETS, HUNG, WORKERS = 200, 20, 16
EVERY_S = 3.0
LONGER_BY = 1.10


class Seen(NamedTuple):
    """What a watched schedule did: outcomes by target, and the most threads of probes there were at once."""

    outcomes: dict[str, list[Outcome]]
    threads: int
    skipped: int


def watch(home: Path, urls: list[str], timeout_s: float, rounds: int) -> Seen:
    """Probe these addresses by the real schedule, pools and collector for that many rounds after the first."""
    lock = threading.Lock()
    found: dict[str, list[Outcome]] = defaultdict(list)
    skipped: list[str] = []
    most = 0

    def clock() -> datetime:
        return datetime.now(UTC)

    def deliver(outcome: Outcome) -> None:
        with lock:
            found[outcome.target].append(outcome)

    probes = [
        Probe(
            f"host-{n:03d}", "prometheus_exporter", EVERY_S, timeout_s, prometheus_exporter.Config(url=url), "metrics"
        )
        for n, url in enumerate(urls)
    ]
    schedule = Schedule(
        probes, run=Prober(home, clock).run, deliver=deliver, skip=skipped.append, clock=clock, workers=WORKERS
    )
    schedule.start()
    over = time.monotonic() + EVERY_S * (rounds + 1)

    def passed() -> bool:
        nonlocal most
        most = max(most, sum(thread.name.startswith("probe ") for thread in threading.enumerate()))
        return time.monotonic() >= over

    try:
        wait_until(passed, "the rounds", EVERY_S * (rounds + 1) + 30)
    finally:
        schedule.stop()
    with lock:
        return Seen(
            {name: list(these) for name, these in found.items()},
            most,
            len(skipped),
        )


def cycles_s(seen: Seen, first_hung: int) -> list[float]:
    """The times between two runs of every sound target, in order of length."""
    gaps: list[float] = []
    for n in range(first_hung):
        started = [outcome.started_ms / 1000 for outcome in seen.outcomes[f"host-{n:03d}"]]
        assert len(started) >= 3, f"host-{n:03d} was asked {len(started)} times only"
        gaps += [later - earlier for earlier, later in pairwise(started)]
    return sorted(gaps)


@pytest.mark.faults
@pytest.mark.parametrize("timeout_s", [EVERY_S / 2, EVERY_S])
def test_hung_targets_are_alone_in_hanging(tmp_path: Path, timeout_s: float) -> None:
    """The others' cycle is at most 10 % longer beside them, even where a probe may take its whole interval."""
    sound = TARGETS - HUNG
    with source(5) as there, silent() as hung:
        alone = watch(tmp_path, [there.url] * sound, timeout_s, rounds=3)
        beside = watch(tmp_path, [there.url] * sound + [hung.url] * HUNG, timeout_s, rounds=3)
    failed = [o.error for n in range(sound) for o in beside.outcomes[f"host-{n:03d}"] if o.error]
    assert not failed, failed[:3]
    cycles, cycles_beside = cycles_s(alone, sound), cycles_s(beside, sound)
    mean_s, mean_beside_s = statistics.fmean(cycles), statistics.fmean(cycles_beside)
    p99_beside_s = cycles_beside[int(len(cycles_beside) * 0.99)]
    print(
        f"cycle {mean_s:.3f} s alone, {mean_beside_s:.3f} s beside, {p99_beside_s:.3f} s at p99; {beside.threads} threads"
    )
    assert mean_beside_s <= LONGER_BY * mean_s
    assert p99_beside_s <= EVERY_S + 1.0
    errors = [o.error for n in range(sound, TARGETS) for o in beside.outcomes.get(f"host-{n:03d}", [])]
    assert errors, "the silent targets have no outcome"
    assert all(error and "answer" in error for error in errors), set(errors)
    assert beside.threads <= WORKERS + HUNG
    assert alone.skipped == 0
