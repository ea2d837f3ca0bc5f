"""The worker that empties the outbox: woken when a cycle leaves something in it, and when a try is due again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from alerts.config import RoutesFile
from alerts.outbox import deliver_due
from alerts.sending import Io

log = logging.getLogger("bomc.delivery")
LONGEST_WAIT_S = 5.0
TROUBLE_PAUSE_S = 2.0


class Delivery:
    """Owns the worker's thread."""

    def __init__(self, engine: Engine, routes: RoutesFile, clock: Callable[[], datetime], io: Io) -> None:
        self._engine, self._routes, self._clock, self._io = engine, routes, clock, io
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="delivery", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def stop(self, within_s: float = 5.0) -> None:
        """Send nothing more; what was not sent stays in the outbox."""
        self._stop.set()
        self._wake.set()
        self._thread.join(within_s)

    def _work(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            wait_s = LONGEST_WAIT_S
            try:
                done = deliver_due(self._engine, self._routes, self._clock, self._io)
                if done.next_due is not None:
                    wait_s = min(wait_s, max(0.0, (done.next_due - self._clock()).total_seconds()))
            except SQLAlchemyError as error:
                log.warning("The outbox cannot be read: %s. It is tried again.", error)
                wait_s = TROUBLE_PAUSE_S
            except Exception:
                log.exception("The delivery broke down. It is tried again.")
                wait_s = TROUBLE_PAUSE_S
            self._wake.wait(wait_s)
