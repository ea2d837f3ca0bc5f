"""The workers that empty the outbox: woken when a cycle leaves something in it, and when a try is due again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from alerts.config import RoutesFile
from alerts.delivery.outbox import deliver_due
from alerts.delivery.sending import Io
from dashboards.sentences import for_messages

log = logging.getLogger("bomc.delivery")
WORKERS = 3
LONGEST_WAIT_S = 5.0
SHORTEST_WAIT_S = 0.05  # while another worker has the destination that is due
TROUBLE_PAUSE_S = 2.0


def world(language: str, timezone: str) -> Io:
    """The world of the channels: who names no language is told in the operator's, and reasons are said as on the pages."""
    return Io(language=language, translate=for_messages(timezone), zone=ZoneInfo(timezone))


class Delivery:
    """Owns the workers' threads; with several, a receiver that does not answer holds up nobody else's messages."""

    def __init__(self, engine: Engine, routes: RoutesFile, clock: Callable[[], datetime], io: Io) -> None:
        self._engine, self._routes, self._clock, self._io = engine, routes, clock, io
        self._wakes = [threading.Event() for _ in range(WORKERS)]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(wake,), name=f"delivery {number}", daemon=True)
            for number, wake in enumerate(self._wakes, 1)
        ]

    def start(self) -> None:
        """Begin to deliver."""
        for thread in self._threads:
            thread.start()

    def reroute(self, routes: RoutesFile) -> None:
        """Send by another routing from the next look at the outbox on."""
        self._routes = routes
        self.wake()

    @property
    def alive(self) -> bool:
        """Whether every worker is at work."""
        return all(thread.is_alive() for thread in self._threads)

    def wake(self) -> None:
        """There is something to send."""
        for wake in self._wakes:
            wake.set()

    def stop(self, within_s: float = 5.0) -> None:
        """Send nothing more; what was not sent stays in the outbox."""
        self._stop.set()
        self.wake()
        deadline = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, wake: threading.Event) -> None:
        while not self._stop.is_set():
            wake.clear()
            wait_s = LONGEST_WAIT_S
            try:
                done = deliver_due(self._engine, self._routes, self._clock, self._io)
                if done.next_due is not None:
                    wait_s = min(wait_s, max(SHORTEST_WAIT_S, (done.next_due - self._clock()).total_seconds()))
            except SQLAlchemyError as error:
                log.warning("The outbox cannot be read: %s. It is tried again.", error)
                wait_s = TROUBLE_PAUSE_S
            except Exception:
                log.exception("The delivery broke down. It is tried again.")
                wait_s = TROUBLE_PAUSE_S
            wake.wait(wait_s)
