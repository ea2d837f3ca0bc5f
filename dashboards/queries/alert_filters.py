"""What narrows the list of alerts besides its columns: when they opened, whether anybody touched them, which are meant."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select

from core.store.tables import alert, shelf, ticket

STALE = timedelta(hours=24)
"""An alert that is open for longer and that nobody touched is stale."""
OPENED = {"10m": timedelta(minutes=10), "24h": timedelta(hours=24)}
MOST_IDS = 1000


def narrowed(
    statement: Select[Any], now: datetime, filters: Mapping[str, str], among: Collection[int] | None = None
) -> Select[Any]:
    """The statement over `alert` with further filters: opened (10m, 24h: within so long), stale (yes)."""
    within = OPENED.get(filters.get("opened", ""))
    if within is not None:
        statement = statement.where(alert.c.opened_at >= now - within)
    if filters.get("stale") == "yes":
        statement = statement.where(stale(now))
    if among is not None:
        statement = statement.where(alert.c.id.in_(list(among)[:MOST_IDS]))
    return statement


def stale(now: datetime) -> ColumnElement[bool]:
    """Open for more than a day, acknowledged by nobody, without an owner of its ticket, and not put aside."""
    owned = select(1).where(ticket.c.alert_id == alert.c.id, ticket.c.assignee.is_not(None)).correlate(alert).exists()
    aside = select(1).where(shelf.c.fingerprint == alert.c.fingerprint, shelf.c.until > now).correlate(alert).exists()
    return and_(
        alert.c.resolved_at.is_(None),
        alert.c.opened_at <= now - STALE,
        alert.c.acknowledged_at.is_(None),
        ~owned,
        ~aside,
    )
