"""What people do with alerts. Every doing is an event of the alert and a row of the audit trail, in one transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from alerts.occurrences import AnyRow, record
from core.people import audit
from core.store.tables import alert

STOPS = "repeats stop until it is resolved, given back, or its severity rises"


class AlertError(Exception):
    """The doing is refused; the sentence says why, and who is in the way."""


def acknowledge(connection: Connection, alert_id: int, who: str, comment: str, now: datetime) -> None:
    """Take an open alert: its repeats stop. Taking it again renews the comment.

    Raises AlertError when there is no such alert, when it is resolved, or when somebody else has it.
    """
    free = alert.c.acknowledged_by.is_(None) | (alert.c.acknowledged_by == who)
    taking = update(alert).where(alert.c.id == alert_id, alert.c.resolved_at.is_(None), free)
    taken = connection.execute(taking.values(acknowledged_by=who, acknowledged_at=now, acknowledgement=comment))
    if taken.rowcount != 1:
        row = _found(connection, alert_id)
        if row.resolved_at is not None:
            raise AlertError(f"Alert {alert_id} is resolved already; there is nothing to acknowledge.")
        raise AlertError(f"Alert {alert_id} is with {row.acknowledged_by} already; ask them, or let them give it back.")
    detail = f"{comment}; {STOPS}" if comment else STOPS
    record(connection, [(alert_id, now, "acknowledged", who, detail)])
    audit.record(
        connection, at=now, who=who, action="acknowledge", object=f"alert/{alert_id}", detail={"comment": comment}
    )


def unacknowledge(connection: Connection, alert_id: int, who: str, comment: str, now: datetime) -> None:
    """Give an alert back, whoever has it: repeats go on.

    Raises AlertError when there is no such alert, when it is resolved, or when nobody has it.
    """
    row = _found(connection, alert_id)
    given = alert.c.acknowledged_by.is_not(None) & alert.c.resolved_at.is_(None)
    giving = update(alert).where(alert.c.id == alert_id, given)
    back = connection.execute(giving.values(acknowledged_by=None, acknowledged_at=None, acknowledgement=None))
    if back.rowcount != 1:
        if row.resolved_at is not None:
            raise AlertError(f"Alert {alert_id} is resolved already; there is nothing to give back.")
        raise AlertError(f"Alert {alert_id} is with nobody; there is nothing to give back.")
    detail = f"given back by {who}, {row.acknowledged_by} had it" + (f": {comment}" if comment else "")
    record(connection, [(alert_id, now, "unacknowledged", who, detail)])
    facts = {"comment": comment, "was_with": row.acknowledged_by}
    audit.record(connection, at=now, who=who, action="unacknowledge", object=f"alert/{alert_id}", detail=facts)


def _found(connection: Connection, alert_id: int) -> AnyRow:
    query = select(alert.c.acknowledged_by, alert.c.resolved_at).where(alert.c.id == alert_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise AlertError(f"There is no alert {alert_id}.")
    return row
