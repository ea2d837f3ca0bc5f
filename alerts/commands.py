"""What people do with alerts. Every doing is an event of the alert and a row of the audit trail, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Text, select, type_coerce, update

from alerts.occurrences import AnyRow, chunks, record
from core.people import audit
from core.refused import RefusedError
from core.store.tables import alert, notify_group

GIVEN_BACK = {"acknowledged_by": None, "acknowledged_at": None, "acknowledgement": None, "acknowledged_until": None}
STOPS = "repeats stop until it is resolved, given back, or its severity rises"


class AlertError(RefusedError):
    """The doing is refused; the sentence says why, and who is in the way."""


def acknowledge(
    connection: Connection, alert_id: int, who: str, comment: str, now: datetime, until: datetime | None = None
) -> None:
    """Take an open alert: its repeats stop, for good or until then. Taking it again renews the comment and the end.

    Raises AlertError when there is no such alert, when it is resolved, when somebody else has it, or when the end is past.
    """
    if until is not None and until <= now:
        raise AlertError("The end of an acknowledgement must be in the future.")
    free = alert.c.acknowledged_by.is_(None) | (alert.c.acknowledged_by == who)
    taking = update(alert).where(alert.c.id == alert_id, alert.c.resolved_at.is_(None), free)
    taken = connection.execute(
        taking.values(acknowledged_by=who, acknowledged_at=now, acknowledgement=comment, acknowledged_until=until)
    )
    if taken.rowcount != 1:
        row = _found(connection, alert_id)
        if row.resolved_at is not None:
            raise AlertError(f"Alert {alert_id} is resolved already; there is nothing to acknowledge.")
        raise AlertError(f"Alert {alert_id} is with {row.acknowledged_by} already; ask them, or let them give it back.")
    stops = STOPS if until is None else f"{STOPS}, or until {until:%Y-%m-%d %H:%M} UTC"
    detail = f"{comment}; {stops}" if comment else stops
    if until is not None:
        _look_again(connection, alert_id, until)
    record(connection, [(alert_id, now, "acknowledged", who, detail)])
    facts = {"comment": comment} if until is None else {"comment": comment, "until": until.isoformat()}
    audit.record(connection, at=now, who=who, action="acknowledge", object=f"alert/{alert_id}", detail=facts)


def unacknowledge(connection: Connection, alert_id: int, who: str, comment: str, now: datetime) -> None:
    """Give an alert back, whoever has it: repeats go on.

    Raises AlertError when there is no such alert, when it is resolved, or when nobody has it.
    """
    row = _found(connection, alert_id)
    given = alert.c.acknowledged_by.is_not(None) & alert.c.resolved_at.is_(None)
    giving = update(alert).where(alert.c.id == alert_id, given)
    back = connection.execute(giving.values(GIVEN_BACK))
    if back.rowcount != 1:
        if row.resolved_at is not None:
            raise AlertError(f"Alert {alert_id} is resolved already; there is nothing to give back.")
        raise AlertError(f"Alert {alert_id} is with nobody; there is nothing to give back.")
    detail = f"given back by {who}, {row.acknowledged_by} had it" + (f": {comment}" if comment else "")
    record(connection, [(alert_id, now, "unacknowledged", who, detail)])
    facts = {"comment": comment, "was_with": row.acknowledged_by}
    audit.record(connection, at=now, who=who, action="unacknowledge", object=f"alert/{alert_id}", detail=facts)


def lapse(connection: Connection, rows: Iterable[AnyRow], now: datetime) -> None:
    """Give back alerts whose acknowledgement was for a time that is over; repeats go on."""
    over = list(rows)
    for chunk in chunks(row.id for row in over):
        connection.execute(update(alert).where(alert.c.id.in_(chunk)).values(GIVEN_BACK))
    detail = "the time is over for which {} had it"
    record(connection, [(row.id, now, "unacknowledged", "alerts", detail.format(row.acknowledged_by)) for row in over])


def _look_again(connection: Connection, alert_id: int, at: datetime) -> None:
    """Let the groups that told of an alert be looked at by then."""
    told = type_coerce(notify_group.c.notified_firing, Text).contains(f'"{alert_id}":', autoescape=True)
    later = notify_group.c.next_flush_at > at
    connection.execute(update(notify_group).where(told, later).values(next_flush_at=at))


def _found(connection: Connection, alert_id: int) -> AnyRow:
    query = select(alert.c.acknowledged_by, alert.c.resolved_at).where(alert.c.id == alert_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise AlertError(f"There is no alert {alert_id}.")
    return row
