"""Where probes run: bounded by kind, each with a wall-clock limit, so that a hung target hangs alone.

A run that is past its limit is given up: its outcome is the failure, its place goes to the next probe, and whatever it
brings later is dropped and counted. The probe itself stays busy until the old run has really ended, so one hung target
never holds more than one thread; while it hangs, each time that the probe is due is a failure of its own. A probe whose
latest run used up its time goes by a lane of its own, as wide as the other, until it answers again: however many targets
fall silent, the others do not queue behind them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from core.model import Outcome, Probe

GRACE_S = 1.0
"""What a run may take beyond its own limit before it is given up; collectors keep their limits themselves."""

SILENT_SHARE = 0.9
"""Share of its limit after which a run that failed was waiting for an answer that did not come."""

STILL_HANGS = "it hangs: an earlier run was given up and has not ended yet; is the target reachable?"

Runner = Callable[[Probe], Outcome]


@dataclass(slots=True)
class _Lane:
    """Probes that wait, and the places that those before them hold."""

    waiting: deque[Probe] = field(default_factory=deque)
    held: int = 0


@dataclass(slots=True)
class _Run:
    probe: Probe
    give_up_at: float  # monotonic seconds
    lane: _Lane
    given_up: bool = False


class Pool:
    """At most `limit` probes of one kind at the same time, and as many silent ones; the others wait in order."""

    def __init__(
        self, limit: int, run: Runner, deliver: Callable[[Outcome], object], wall_ms: Callable[[], int]
    ) -> None:
        self._limit = limit
        self._run = run
        self._deliver = deliver
        self._wall_ms = wall_ms
        self._lock = threading.Lock()
        self._answering, self._silent = _Lane(), _Lane()
        self._found_silent: set[str] = set()
        self._running: dict[str, _Run] = {}
        self._busy: set[str] = set()  # probes that wait or run, also those given up whose thread still lives
        self._closed = False
        self.given_up = 0
        self.dropped_late = 0

    def submit(self, probe: Probe) -> bool:
        """Run it as soon as there is a place; False when its previous run is not over, and nothing is done then."""
        with self._lock:
            hung = self._running.get(probe.key)
            free = not self._closed and probe.key not in self._busy
            if free:
                self._busy.add(probe.key)
                lane = self._silent if probe.key in self._found_silent else self._answering
                lane.waiting.append(probe)
            started = self._next_runs()
            still_hangs = hung is not None and hung.given_up and not self._closed
        self._start(started)
        if still_hangs:
            self._deliver(Outcome(probe.key, probe.target, self._wall_ms(), 0.0, error=STILL_HANGS))
        return free

    def _next_runs(self) -> list[_Run]:
        started = []
        for lane in (self._answering, self._silent):
            while lane.waiting and lane.held < self._limit and not self._closed:
                probe = lane.waiting.popleft()
                run = _Run(probe, time.monotonic() + probe.timeout_s + GRACE_S, lane)
                self._running[probe.key] = run
                lane.held += 1
                started.append(run)
        return started

    def _start(self, runs: list[_Run]) -> None:
        for run in runs:
            threading.Thread(target=self._carry_out, args=(run,), name=f"probe {run.probe.key}", daemon=True).start()

    def _carry_out(self, run: _Run) -> None:
        outcome = self._run(run.probe)
        with self._lock:
            self._busy.discard(run.probe.key)
            self._running.pop(run.probe.key, None)
            late = run.given_up
            if late:
                self.dropped_late += 1
            else:
                run.lane.held -= 1
            if outcome.error is not None and outcome.took_s >= SILENT_SHARE * run.probe.timeout_s:
                self._found_silent.add(run.probe.key)
            else:
                self._found_silent.discard(run.probe.key)
            started = self._next_runs()
        self._start(started)
        if not late:
            self._deliver(outcome)

    def give_up_overdue(self) -> None:
        """Give up every run that is past its limit; to be called about once a second."""
        now, overdue = time.monotonic(), []
        with self._lock:
            for run in self._running.values():
                if not run.given_up and now > run.give_up_at:
                    run.given_up = True
                    run.lane.held -= 1
                    self._found_silent.add(run.probe.key)
                    overdue.append(run)
            self.given_up += len(overdue)
            started = self._next_runs()
        self._start(started)
        for run in overdue:
            limit_s = run.probe.timeout_s
            took_s = limit_s + GRACE_S
            error = f"it hung: no answer within {limit_s:g} s, so this run was given up; is the target reachable?"
            begun_ms = self._wall_ms() - round(took_s * 1000)
            self._deliver(Outcome(run.probe.key, run.probe.target, begun_ms, took_s, error=error))

    def close(self) -> None:
        """Start nothing more; what runs is left to end by itself."""
        with self._lock:
            self._closed = True
            for lane in (self._answering, self._silent):
                self._busy.difference_update(probe.key for probe in lane.waiting)
                lane.waiting.clear()

    @property
    def depth(self) -> int:
        """How many probes wait for a place."""
        return len(self._answering.waiting) + len(self._silent.waiting)
