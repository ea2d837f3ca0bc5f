"""What alerting forgets: messages that were delivered long ago. Alerts, their events, tickets and dead letters stay."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete

from core.store.tables import delivery

SENT_KEPT = timedelta(days=90)


def forget_sent(connection: Connection, now: datetime) -> int:
    """Delete messages that were taken more than 90 days ago; returns how many."""
    old = delivery.c.state.in_(("sent", "merged")) & (delivery.c.done_at < now - SENT_KEPT)
    return connection.execute(delete(delivery).where(old)).rowcount
