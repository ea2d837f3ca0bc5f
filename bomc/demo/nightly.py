"""The operator's nightly jobs: fill days that were missed, deliver the day's files, and forget old days."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bomc.demo.export import export_past_days, forget
from bomc.demo.history import fill
from bomc.demo.shop.days import ZONE

log = logging.getLogger(__name__)

EVERY_S = 30.0
SETTLED = timedelta(minutes=5)
"""So long after midnight nothing of the day before is still on its way."""


def close_days(engine: Engine, home: Path, today: date) -> list[Path]:
    """Make sure that every past day exists and is delivered; returns the folders that are new."""
    fill(engine, today)
    delivered = export_past_days(engine, home, today)
    forget(engine, home, today)
    return delivered


class Nightly:
    """A thread that closes the days soon after each midnight; a failure is logged and tried again."""

    def __init__(self, engine: Engine, home: Path, clock: Callable[[], datetime], every_s: float = EVERY_S) -> None:
        self._engine, self._home, self._clock, self._every_s = engine, home, clock, every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="nightly", daemon=True)

    def start(self) -> None:
        """Begin to look at the clock."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being done."""
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        closed: date | None = None
        while not self._stopping.wait(self._every_s):
            today = (self._clock().astimezone(ZONE) - SETTLED).date()
            if today == closed:
                continue
            try:
                for folder in close_days(self._engine, self._home, today):
                    log.info("the files of %s are delivered", folder.name)
                closed = today
            except (OSError, SQLAlchemyError) as problem:
                log.error("the files of the day before cannot be delivered yet: %s", problem)
