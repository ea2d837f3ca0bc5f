"""The one writer: takes outcomes from a bounded queue and runs a cycle for each batch of them, and for each second.

When the store does not take a batch, the writer keeps it and tries again with growing pauses; meanwhile the queue fills,
and outcomes that find it full are dropped and counted. When it is the batch that cannot be stored, its outcomes are taken
one by one, and the one to blame becomes a failure of its own probe.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError, StatementError

from bomc.pipeline.cycle import Cycle, Done
from bomc.pipeline.lead import LeadLost
from core.model import Outcome, instant_ms

log = logging.getLogger("bomc.writer")
TICK_S = 1.0
LONGEST_PAUSE_S = 30.0
MINUTE_MS = 60_000
NOT_STORED = "what it brought cannot be stored; the log of the pipeline says why"


class Writer:
    """Owns the cycle and its thread."""

    def __init__(
        self,
        cycle: Cycle,
        clock: Callable[[], datetime],
        *,
        queue_size: int,
        batch_samples: int,
        after: Callable[[Done], None],
        extra_pulse: Callable[[], dict[str, object]],
        lost: Callable[[str], None],
    ) -> None:
        self._cycle = cycle
        self._clock = clock
        self._queue: queue.Queue[Outcome] = queue.Queue(queue_size)
        self._batch_samples = batch_samples
        self._after = after
        self._extra_pulse = extra_pulse
        self._lost = lost
        self._skipped: Counter[str] = Counter()
        self._skipped_lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._recent: deque[tuple[int, int]] = deque()  # (ms, samples) of the last minute
        self._next_tick = 0.0
        self._next_due: datetime | None = None
        self._last_sample_ms = 0
        self._totals: Counter[str] = Counter()
        self._ended = False
        self.trouble: str | None = None  # why the store does not take anything at the moment

    def start(self) -> None:
        """Load what the store knows, then write in a thread of its own. Raises what the store raises."""
        self._cycle.load(self._clock())
        self._thread.start()

    def submit(self, outcome: Outcome) -> bool:
        """Hand over what a probe brought; when the queue is full it is dropped, counted as skipped, and False comes back."""
        try:
            self._queue.put_nowait(outcome)
        except queue.Full:
            self.skip(outcome.probe)
            return False
        return True

    def skip(self, probe: str) -> None:
        """Count a run that did not happen or whose outcome could not be taken."""
        with self._skipped_lock:
            self._skipped[probe] += 1

    def stop(self, within_s: float = 10.0) -> None:
        """Write what is queued and end."""
        self._stop.set()
        self._thread.join(within_s)

    @property
    def depth(self) -> int:
        """Outcomes that wait."""
        return self._queue.qsize()

    def _work(self) -> None:
        while not (self._stop.is_set() and (self._queue.empty() or self._ended)):
            self._persist(self._gather())

    def _persist(self, batch: list[Outcome]) -> None:
        """Write the batch however long it takes, unless the process stops meanwhile."""
        pause_s = 0.25
        while not self._write(batch):
            if self._stop.wait(pause_s):
                log.error("Stopping while the store does not answer: %d outcomes are lost.", len(batch) + self.depth)
                self._ended = True
                return
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _isolate(self, batch: list[Outcome], error: Exception) -> None:
        """Take the outcomes of a batch that cannot be stored one by one; one that cannot be either is a failed run."""
        if len(batch) > 1:
            for outcome in batch:
                self._persist([outcome])
            return
        [outcome] = batch
        log.error("What %s brought cannot be stored and is dropped: %s: %s", outcome.probe, type(error).__name__, error)
        self.skip(outcome.probe)
        if outcome.error != NOT_STORED:
            self._persist([replace(outcome, samples=(), notes=(), indicators=(), error=NOT_STORED)])

    def _gather(self) -> list[Outcome]:
        batch: list[Outcome] = []
        samples = 0
        try:
            batch.append(self._queue.get(timeout=max(0.0, min(self._next_tick - time.monotonic(), self._until_due()))))
            samples = len(batch[0].samples)
            while samples < self._batch_samples:
                outcome = self._queue.get_nowait()
                batch.append(outcome)
                samples += len(outcome.samples)
        except queue.Empty:
            return batch
        return batch

    def _until_due(self) -> float:
        if self._next_due is None:
            return TICK_S
        return max(0.0, (self._next_due - self._clock()).total_seconds())

    def _write(self, batch: list[Outcome]) -> bool:
        now = self._clock()
        ticking = time.monotonic() >= self._next_tick
        due = self._next_due is not None and now >= self._next_due
        if not batch and not ticking and not due:
            return True
        with self._skipped_lock:
            skipped, self._skipped = self._skipped, Counter()
        try:
            done = self._cycle.run(batch, now, skipped, self._pulse(now) if ticking else None)
        except LeadLost as lost:
            self._ended = True
            self._stop.set()
            self._lost(str(lost))
            return True
        except Exception as error:
            with self._skipped_lock:
                self._skipped.update(skipped)
            if batch and _is_of_the_batch(error):
                self._isolate(batch, error)
                return True
            self.trouble = f"The store does not take what was collected: {type(error).__name__}: {error}"
            log.warning("%s. It is tried again.", self.trouble, exc_info=not isinstance(error, SQLAlchemyError))
            return False
        self.trouble = None
        if ticking:
            self._next_tick = time.monotonic() + TICK_S
        self._count(done, now, len(batch))
        self._after(done)
        return True

    def _count(self, done: Done, now: datetime, outcomes: int) -> None:
        self._next_due = done.next_due
        self._last_sample_ms = max(self._last_sample_ms, done.latest_ms)
        self._totals.update(
            batches=1, outcomes=outcomes, samples=done.samples, refused=done.refused, transitions=done.transitions
        )
        if done.samples:
            self._recent.append((instant_ms(now), done.samples))

    def _pulse(self, now: datetime) -> dict[str, object]:
        since = instant_ms(now) - MINUTE_MS
        while self._recent and self._recent[0][0] < since:
            self._recent.popleft()
        return {
            "queue_depth": self.depth,
            "samples_last_minute": sum(count for _, count in self._recent),
            "last_sample_ms": self._last_sample_ms or None,
            **self._totals,
            **self._extra_pulse(),
        }


def _is_of_the_batch(error: Exception) -> bool:
    """Whether what was to be stored is at fault, not the store: a value or text that a database cannot hold, say."""
    if isinstance(error, DataError | IntegrityError):
        return True
    return not isinstance(error, SQLAlchemyError) or type(error) is StatementError
