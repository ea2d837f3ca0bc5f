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
EVERY_S = 5.0
LEARNT_AFTER_S = 2.5 * EVERY_S  # by then every silent target has been found out
LONGER_BY, LATE_S = 1.10, 1.0


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


def cycles_s(seen: Seen, targets: range) -> list[float]:
    """The times between two runs of each of these targets once the silent ones are known, in order of length."""
    first_ms = min(outcome.started_ms for these in seen.outcomes.values() for outcome in these)
    gaps: list[float] = []
    for n in targets:
        started = [outcome.started_ms / 1000 for outcome in seen.outcomes[f"host-{n:03d}"]]
        gaps += [b - a for a, b in pairwise(started) if a >= first_ms / 1000 + LEARNT_AFTER_S]
    return sorted(gaps)


@pytest.mark.faults
@pytest.mark.parametrize("timeout_s", [EVERY_S / 2, EVERY_S])
def test_hung_targets_are_alone_in_hanging(tmp_path: Path, timeout_s: float) -> None:
    """The others' cycle is at most 10 % longer beside them, even where a probe may take its whole interval."""
    sound, silent_ones = range(TARGETS - HUNG), range(TARGETS - HUNG, TARGETS)
    with source(5) as there, silent() as hung:
        seen = watch(tmp_path, [there.url] * len(sound) + [hung.url] * HUNG, timeout_s, rounds=5)
    failed = [outcome.error for n in sound for outcome in seen.outcomes[f"host-{n:03d}"] if outcome.error]
    assert not failed, failed[:3]
    cycles = cycles_s(seen, sound)
    assert len(cycles) >= 2 * len(sound), "the others were asked too seldom"
    mean_s, p99_s = statistics.fmean(cycles), cycles[int(len(cycles) * 0.99)]
    print(f"cycle {mean_s:.3f} s on average, {p99_s:.3f} s at p99; {seen.threads} threads; {seen.skipped} skipped")
    assert mean_s <= LONGER_BY * EVERY_S
    assert p99_s <= EVERY_S + LATE_S
    errors = [outcome.error for n in silent_ones for outcome in seen.outcomes.get(f"host-{n:03d}", [])]
    assert errors, "the silent targets have no outcome"
    assert all(error and "answer" in error for error in errors), set(errors)
    assert seen.threads <= WORKERS + HUNG
