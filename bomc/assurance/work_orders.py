"""The watch over the clocks of tickets: a round that comes again and again, driven by the service."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from alerts.config import RoutesFile
from alerts.tickets.book import Book
from alerts.tickets.lateness import Watched, watch
from bomc.pipeline.lead import LeadLost, keep_lead
from core.store.open import writing

log = logging.getLogger("bomc.assurance")


class WorkOrders:
    """Warns of tickets that will be late and escalates those that are. `wake` is called when messages were made of it."""

    def __init__(
        self,
        engine: Engine,
        routes: RoutesFile,
        book: Book,
        clock: Callable[[], datetime],
        external_url: str = "",
        leader: str | None = None,
        wake: Callable[[], None] | None = None,
    ) -> None:
        self._engine, self._routes, self._book, self._clock = engine, routes, book, clock
        self._external_url, self._leader, self._wake = external_url, leader, wake

    def reroute(self, routes: RoutesFile) -> None:
        """Tell by another routing from the next round on."""
        self._routes = routes

    def round(self) -> Watched | None:
        """Look at every clock once. None when the store does not answer or another pipeline leads: it is tried again."""
        now = self._clock()
        try:
            with writing(self._engine) as connection:
                if self._leader is not None:
                    keep_lead(connection, self._leader, now)
                found = watch(connection, self._routes, self._book, now, self._external_url)
        except LeadLost as lost:
            log.warning("The clocks of tickets were not looked at: %s", lost)
            return None
        except SQLAlchemyError as error:
            log.warning("The clocks of tickets could not be looked at: %s. It is tried again.", error)
            return None
        if found.deliveries and self._wake is not None:
            self._wake()
        return found
