"""Passing an alert on: whoever was told of it cannot take it, says why, and it stays open for the next one.

Whoever is next in its escalations is told at once.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from alerts.commands import AlertError
from alerts.occurrences import record
from alerts.oncall import escalating
from core.people import audit
from core.store.tables import alert

PASSED_ON = "passed_on"
LONGEST_REASON = 500


def pass_on(connection: Connection, alert_id: int, who: str, reason: str, now: datetime) -> None:
    """Say that `who` cannot take an open alert; if they had acknowledged it, it is given back.

    Raises AlertError when there is no such alert, when it is resolved, or when no reason is given.
    """
    reason = " ".join(reason.split())[:LONGEST_REASON]
    row = connection.execute(select(alert.c.resolved_at, alert.c.acknowledged_by).where(alert.c.id == alert_id)).first()
    if row is None:
        raise AlertError(f"There is no alert {alert_id}.")
    if row.resolved_at is not None:
        raise AlertError(f"Alert {alert_id} is resolved already; there is nothing to pass on.")
    if not reason:
        raise AlertError("Say why you cannot take it; whoever is next needs to know.")
    mine = (alert.c.id == alert_id) & (alert.c.acknowledged_by == who)
    given = update(alert).where(mine).values(acknowledged_by=None, acknowledged_at=None, acknowledgement=None)
    connection.execute(given)
    record(connection, [(alert_id, now, PASSED_ON, who, reason)])
    escalating.go_on(connection, alert_id, now)
    facts = {"reason": reason, "was_with": row.acknowledged_by}
    audit.record(connection, at=now, who=who, action="alert.pass_on", object=f"alert/{alert_id}", detail=facts)
