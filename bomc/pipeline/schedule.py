"""When probes are asked: APScheduler fires each at its interval, starts spread evenly, a late one once, an overlapping
one not at all - and counted."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from zlib import crc32

from apscheduler.events import EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.debug import DebugExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bomc.pipeline.pool import Pool
from core.model import Outcome, Probe

SPREAD_LIMIT_S = 60.0
LATENESS_KEPT = 20_000
EARLY_SHARE = 0.01
"""Share of an interval by which a probe may come early, as two clocks measure it, and still be of that round."""


class Schedule:
    """Fires probes into one bounded pool for each kind of collector."""

    def __init__(
        self,
        probes: Iterable[Probe],
        *,
        run: Callable[[Probe], Outcome],
        deliver: Callable[[Outcome], object],
        skip: Callable[[str], None],
        clock: Callable[[], datetime],
        workers: int,
    ) -> None:
        self._skip = skip
        self._probes = tuple(probes)
        self._keys = {probe.key for probe in self._probes}
        self._clock = clock
        self._pools: dict[str, Pool] = {
            kind: Pool(workers, self._timed(run), deliver, lambda: round(clock().timestamp() * 1000))
            for kind in {probe.collector for probe in self._probes}
        }
        self._due: dict[str, float] = {}  # monotonic seconds at which each probe should have started
        self.lateness_s: deque[float] = deque(maxlen=LATENESS_KEPT)
        # Jobs only hand a probe to its pool, so the scheduler's own thread runs them; nothing ever waits there.
        self.scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": DebugExecutor(), "slow": ThreadPoolExecutor(2)},
            job_defaults={"coalesce": True, "max_instances": 1},
        )
        self.scheduler.add_listener(self._missed, EVENT_JOB_MISSED)

    def _timed(self, run: Callable[[Probe], Outcome]) -> Callable[[Probe], Outcome]:
        def timed(probe: Probe) -> Outcome:
            due = self._due.get(probe.key)
            if due is not None:
                self.lateness_s.append(max(0.0, time.monotonic() - due))
            return run(probe)

        return timed

    def start(self) -> None:
        """Begin to fire."""
        now, begun = self._clock(), time.monotonic()
        for probe in self._probes:
            offset_s = spread_s(probe.key, probe.every_s)
            self.scheduler.add_job(
                self._fire,
                _every(probe.every_s, now),
                args=(probe, begun + offset_s),
                id=probe.key,
                name=probe.key,
                next_run_time=now + timedelta(seconds=offset_s),
                misfire_grace_time=max(1, int(probe.every_s)),
            )
        self.scheduler.add_job(self._give_up_overdue, _every(1.0, now), id="give up what hangs")
        self.scheduler.start()

    def stop(self) -> None:
        """Fire nothing more."""
        for pool in self._pools.values():
            pool.close()
        self.scheduler.shutdown(wait=False)

    def _fire(self, probe: Probe, first_due: float) -> None:
        now = time.monotonic()
        rounds = max(0, int((now - first_due) / probe.every_s + EARLY_SHARE))
        self._due[probe.key] = first_due + rounds * probe.every_s
        if not self._pools[probe.collector].submit(probe):
            self._skip(probe.key)

    def _missed(self, event: JobExecutionEvent) -> None:
        if event.job_id in self._keys:
            self._skip(event.job_id)

    def _give_up_overdue(self) -> None:
        for pool in self._pools.values():
            pool.give_up_overdue()

    def pulse(self) -> Mapping[str, object]:
        """How the probing fares, for the pipeline's sign of life."""
        late = sorted(self.lateness_s)
        return {
            "probes": len(self._probes),
            "probes_waiting": sum(pool.depth for pool in self._pools.values()),
            "given_up": sum(pool.given_up for pool in self._pools.values()),
            "lateness_p99_s": late[int(len(late) * 0.99)] if late else None,
        }


def _every(seconds: float, start: datetime) -> IntervalTrigger:
    return IntervalTrigger(seconds=seconds, start_date=start, timezone="UTC")


def spread_s(key: str, every_s: float) -> float:
    """Seconds after the start at which a probe first runs: the same for the same key, spread over its interval."""
    return crc32(key.encode()) / 2**32 * min(every_s, SPREAD_LIMIT_S)
