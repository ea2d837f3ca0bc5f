"""What the store knows of schedules beside oncall.yaml: overrides and absences that are in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from alerts.occurrences import AnyRow
from alerts.oncall.rotation import Absence
from alerts.oncall.shifts import Override
from core.store.tables import on_call_absence, on_call_override


@dataclass(frozen=True, slots=True)
class Roster:
    """Overrides and absences, to be laid over the layers."""

    overrides: tuple[Override, ...] = ()
    absences: tuple[Absence, ...] = ()

    def away(self, person: str, at: datetime) -> Absence | None:
        """Why that person is not there at that instant, if so."""
        return next((one for one in self.absences if one.person == person and one.start <= at < one.end), None)


def load(connection: Connection, start: datetime, end: datetime | None = None) -> Roster:
    """What touches the time from `start` to `end`, or all that comes when there is no end; cancelled ones are left out."""
    over, away = on_call_override.c, on_call_absence.c
    overrides = select(on_call_override).where(over.cancelled_at.is_(None), over.ends_at > start).order_by(over.id)
    absences = select(on_call_absence).where(away.cancelled_at.is_(None), away.ends_at > start).order_by(away.id)
    if end is not None:
        overrides, absences = overrides.where(over.starts_at < end), absences.where(away.starts_at < end)
    return Roster(
        tuple(override_of(row) for row in connection.execute(overrides)),
        tuple(absence_of(row) for row in connection.execute(absences)),
    )


def override_of(row: AnyRow) -> Override:
    """An override as its row says."""
    return Override(row.id, row.schedule, row.person, row.starts_at, row.ends_at, row.by, row.reason, row.made_at)


def absence_of(row: AnyRow) -> Absence:
    """An absence as its row says."""
    return Absence(row.id, row.person, row.starts_at, row.ends_at, row.reason)
