"""What the store knows of on-call: the roster to lay over oncall.yaml, the changes in force, the viewer's calendar."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from alerts.oncall.roster import Roster, load
from core.store.tables import on_call_absence, on_call_override
from dashboards.queries.rows import Row, rows

SHOWN = 100


def roster(connection: Connection, start: datetime) -> Roster:
    """Overrides and absences that end after `start`."""
    return load(connection, start)


def overrides(connection: Connection, now: datetime) -> list[Row]:
    """Overrides that are not over and not taken back, the next first: id, schedule, person, starts_at, ends_at, by, reason."""
    over = on_call_override.c
    query = select(on_call_override).where(over.cancelled_at.is_(None), over.ends_at > now)
    return rows(connection.execute(query.order_by(over.starts_at, over.id).limit(SHOWN)).mappings())


def absences(connection: Connection, now: datetime) -> list[Row]:
    """Absences that are not over and not taken back, the next first: id, person, starts_at, ends_at, by, reason."""
    away = on_call_absence.c
    query = select(on_call_absence).where(away.cancelled_at.is_(None), away.ends_at > now)
    return rows(connection.execute(query.order_by(away.starts_at, away.id).limit(SHOWN)).mappings())
