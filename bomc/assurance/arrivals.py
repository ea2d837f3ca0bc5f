"""The files of controls: brought where a control says how, looked at, and kept as deliveries.

A file is brought once its business day is over, so that it never holds half a day. A file whose manifest states another
content is still on its way (or was damaged, which its run says) and is no delivery yet.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, func, select

from bomc.assurance.calendar import Control, ended_days, expectations
from bomc.configuration.models import home_path
from core.store.open import reading, writing
from core.store.tables import file_delivery
from reconciliation import deliveries
from reconciliation.controls.entries import MatchControl
from reconciliation.controls.file_totals import filled
from reconciliation.deliveries import Arrival, Expectation, Known, Look
from reconciliation.fetch import FetchError, fetcher
from reconciliation.standard_record import manifest_path

log = logging.getLogger("bomc.assurance")
MOST_KNOWN = 10_000


def first_days(engine: Engine) -> dict[str, date]:
    """The first business day that each control has a file of; nothing was owed before a control was there."""
    query = select(file_delivery.c.control, func.min(file_delivery.c.business_day)).group_by(file_delivery.c.control)
    with reading(engine) as connection:
        return {control: date.fromisoformat(day) for control, day in connection.execute(query)}


class Arrivals:
    """Looks after the files that parties owe; to be called from one thread at a time."""

    def __init__(
        self,
        engine: Engine,
        home: Path,
        controls: Sequence[Control],
        operator: ZoneInfo,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine, self._home, self._operator, self._clock = engine, home, operator, clock
        self._controls = [control for control in controls if isinstance(control, MatchControl)]
        self._known: Known = {}
        self._noted: set[tuple[Expectation, Path, str]] = set()  # deliveries that are kept already
        self._days = 1 + max([control.catch_up_days for control in self._controls], default=0)

    def look(self) -> list[Arrival]:
        """Bring and look at every file that is owed around now, and say what became of each."""
        for control in self._controls:
            self._bring(control)
        now = self._clock()
        owed = expectations(self._controls, self._operator, now, self._days)
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
            self._noted.clear()
        for each in owed:
            for path in self._paths(each):
                self._note(each, path, now)
        with reading(self._engine) as connection:
            return deliveries.arrivals(connection, owed, now)

    def _paths(self, owed: Expectation) -> list[Path]:
        path = home_path(self._home, owed.path)
        return [path, *deliveries.copies(path)]

    def _note(self, owed: Expectation, path: Path, now: datetime) -> None:
        """Keep what stands at a path as a delivery, if it is whole and new."""
        try:
            looked = deliveries.look(path, now, self._known)
        except OSError as error:
            log.warning("%s cannot be looked at: %s. It is tried again.", path, error.strerror or error)
            return
        if looked is None or (owed, path, looked.sha256) in self._noted:
            return
        with writing(self._engine) as connection:
            if not (_as_stated(looked) or _is_kept(connection, owed)):
                return
            deliveries.record(connection, owed, looked, now, self._home)
        self._noted.add((owed, path, looked.sha256))

    def _bring(self, control: MatchControl) -> None:
        """Fetch what the control says how to bring; what is wrong is logged, and the file stays missing."""
        for party, entry in control.parties.items():
            for name, settings in (entry.fetch or {}).items():
                way = fetcher(name)
                for day in ended_days(control, self._operator, self._clock()):
                    target = home_path(self._home, filled(entry.path, day))
                    try:
                        if not target.exists():
                            target.parent.mkdir(parents=True, exist_ok=True)
                            way.fetch(way.Config.model_validate(settings), day, target, party=party, home=self._home)
                    except (FetchError, OSError) as error:
                        log.warning("%s, %s of %s: %s", control.name, party, day, error)


def _as_stated(looked: Look) -> bool:
    """Whether the file's manifest, where it has one, states this content."""
    try:
        stated = json.loads(manifest_path(looked.path).read_bytes())
    except (OSError, ValueError, RecursionError):
        return True  # without a manifest that can be read there is nothing to go by; a run says what is wrong with it
    told = stated.get("sha256") if isinstance(stated, dict) else None
    return not isinstance(told, str) or told.lower() == looked.sha256


def _is_kept(connection: Connection, owed: Expectation) -> bool:
    """Whether a file of this party and day was kept before: what comes now is a change of it, whole or not."""
    query = select(file_delivery.c.id).where(
        file_delivery.c.control == owed.control,
        file_delivery.c.party == owed.party,
        file_delivery.c.business_day == owed.business_day.isoformat(),
    )
    return connection.execute(query.limit(1)).first() is not None
