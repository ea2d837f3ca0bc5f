"""The duty desk's round, done again and again: what begins is stored, what is over is followed up, and all is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from alerts.changes import overdue
from alerts.duty import handovers, jobs
from alerts.duty.config import DutyFile
from alerts.duty.plan_config import PlansFile
from alerts.tickets.book import Book
from bomc.duty import telling
from core.model import Outcome
from core.store.open import reading, writing

log = logging.getLogger("bomc.duty")


class DutyRound:
    """To be called from one thread at a time. `submit` says whether it took an outcome."""

    def __init__(
        self,
        engine: Engine,
        duty: DutyFile,
        plans: PlansFile,
        clock: Callable[[], datetime],
        submit: Callable[[Outcome], bool],
        book: Book | None = None,
    ) -> None:
        self._engine, self._duty, self._plans, self._clock, self._submit = engine, duty, plans, clock, submit
        self._book = book  # what tickets are here; as the package has them if not given

    def round(self) -> None:
        """Each doing by itself: one that fails is logged and tried again, and does not keep the others."""
        for doing in (self.store_jobs, self.begin_handovers, self.follow_changes, self.tell):
            try:
                doing()
            except (SQLAlchemyError, OSError) as error:
                log.warning("%s could not be done: %s. It is tried again.", doing.__name__, error)
            except Exception:
                log.exception("%s broke down. It is tried again.", doing.__name__)

    def store_jobs(self) -> None:
        """Jobs that can be begun by now."""
        with writing(self._engine) as connection:
            jobs.store_due(connection, self._plans.plans, self._duty.by_name, self._clock())

    def begin_handovers(self) -> None:
        """Handovers of the shifts that changed."""
        with writing(self._engine) as connection:
            handovers.begin_due(connection, self._duty.desks, self._clock())

    def follow_changes(self) -> None:
        """A ticket for each change whose window is over and that nobody said a result of."""
        with writing(self._engine) as connection:
            overdue.open_tickets(connection, self._clock(), self._book)

    def tell(self) -> None:
        """What checks and alerts are to know of each desk."""
        now = self._clock()
        for desk in self._duty.desks:
            with reading(self._engine) as connection:
                outcome = telling.of_desk(connection, desk, now)
            self._submit(outcome)
