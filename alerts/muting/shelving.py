"""Shelving: a person puts one alert aside for a time, with a reason, and it comes back by itself.

What is shelved is the condition, so an alert that resolves and opens again meanwhile stays shelved. Source of the idea:
time-limited shelving of ISA-18.2, the field's standard of alarm management.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from alerts import groups
from alerts.commands import AlertError
from alerts.occurrences import AnyRow, chunks, record
from core.people import audit
from core.store.tables import alert, shelf

LONGEST = timedelta(days=7)
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shelved:
    """A condition that is put aside."""

    fingerprint: str
    who: str
    reason: str
    since: datetime
    until: datetime

    @property
    def sentence(self) -> str:
        """Why nobody is told, in words."""
        return f"shelved by {self.who} until {self.until:%Y-%m-%d %H:%M} UTC: {self.reason}"


def shelve(connection: Connection, alert_id: int, who: str, reason: str, until: datetime, now: datetime) -> None:
    """Put an open alert aside until then; one that is shelved already gets the new end and reason.

    Raises AlertError when there is no such alert, it is resolved, or the reason or the time will not do.
    """
    row = _found(connection, alert_id)
    if row.resolved_at is not None:
        raise AlertError(f"Alert {alert_id} is resolved already; there is nothing to shelve.")
    if not reason.strip():
        raise AlertError("Shelving needs a reason; say why it can wait.")
    if not now < until <= now + LONGEST:
        raise AlertError(f"An alert is shelved for a time: at most {LONGEST.days} days from now.")
    connection.execute(delete(shelf).where((shelf.c.fingerprint == row.fingerprint) | (shelf.c.until < now - KEPT)))
    values = {"fingerprint": row.fingerprint, "who": who, "reason": reason.strip(), "since": now, "until": until}
    connection.execute(insert(shelf).values(values))
    record(connection, [(alert_id, now, "shelved", who, f"until {until:%Y-%m-%d %H:%M} UTC: {reason.strip()}")])
    facts = {"until": until.isoformat(), "reason": reason.strip()}
    audit.record(connection, at=now, who=who, action="shelve", object=f"alert/{alert_id}", detail=facts)


def unshelve(connection: Connection, alert_id: int, who: str, now: datetime) -> None:
    """Bring a shelved alert back before its time. Raises AlertError when it is not shelved."""
    row = _found(connection, alert_id)
    mine = (shelf.c.fingerprint == row.fingerprint) & (shelf.c.until > now)
    shelved_before = connection.execute(select(shelf.c.who).where(mine)).all()
    if connection.execute(delete(shelf).where(mine)).rowcount != 1:
        raise AlertError(f"Alert {alert_id} is not shelved; there is nothing to bring back.")
    groups.nudge(connection, {f"shelved:{one.who}": now for one in shelved_before})
    record(connection, [(alert_id, now, "unshelved", who, f"brought back by {who}")])
    audit.record(connection, at=now, who=who, action="unshelve", object=f"alert/{alert_id}", detail={})


def shelved(connection: Connection, now: datetime, fingerprints: Collection[str] | None = None) -> dict[str, Shelved]:
    """What is shelved now, by fingerprint; of these conditions only, if any are given."""
    query = select(shelf).where(shelf.c.since <= now, shelf.c.until > now).order_by(shelf.c.until)
    rows: list[AnyRow] = []
    if fingerprints is None:
        rows = list(connection.execute(query))
    else:
        for chunk in chunks(dict.fromkeys(fingerprints)):
            rows += connection.execute(query.where(shelf.c.fingerprint.in_(chunk)))
    return {row.fingerprint: Shelved(**row._mapping) for row in rows}


def _found(connection: Connection, alert_id: int) -> AnyRow:
    query = select(alert.c.fingerprint, alert.c.resolved_at).where(alert.c.id == alert_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise AlertError(f"There is no alert {alert_id}.")
    return row
