"""What alerting forgets: messages that were delivered long ago, silences that ended. Alerts, their events, tickets and
dead letters stay; what a silence was about stays in the audit trail."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete

from core.store.tables import delivery, silence

SENT_KEPT = timedelta(days=90)
SILENCES_KEPT = timedelta(days=5)


def forget_sent(connection: Connection, now: datetime) -> int:
    """Delete messages that were taken more than 90 days ago; returns how many."""
    old = delivery.c.state.in_(("sent", "merged")) & (delivery.c.done_at < now - SENT_KEPT)
    return connection.execute(delete(delivery).where(old)).rowcount


def forget_silences(connection: Connection, now: datetime) -> int:
    """Delete silences that ended more than 5 days ago; returns how many."""
    return connection.execute(delete(silence).where(silence.c.ends_at < now - SILENCES_KEPT)).rowcount
