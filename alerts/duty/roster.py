"""Who is on duty, with what was changed by hand: swaps, leave, illness. The latest change of a shift holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select

from alerts.duty.config import Desk
from alerts.duty.errors import DutyError, written
from alerts.duty.shifts import named
from core.people import audit
from core.store.tables import roster_change, user

MOST = 20


def changes_of(connection: Connection, desk: str) -> dict[str, tuple[str, ...]]:
    """People set by hand, by the key of the shift."""
    query = select(roster_change.c.shift, roster_change.c.people).where(roster_change.c.desk == desk)
    return {row.shift: tuple(row.people) for row in connection.execute(query.order_by(roster_change.c.id))}


def change(
    connection: Connection, desk: Desk, shift: str, people: Sequence[str], reason: str, who: str, now: datetime
) -> None:
    """Set who has a shift of a desk. Raises DutyError without a reason, for an unknown or ended shift, and for people
    who are no users or are disabled."""
    reason = written(reason, "a reason", 500)
    found = named(desk, shift)
    if found is None:
        raise DutyError(f"The desk {desk.name} has no shift {shift}.")
    if found.end <= now:
        raise DutyError(f"The shift {shift} is over; what happened in it belongs into the duty log.")
    names = list(dict.fromkeys(name.strip() for name in people if name.strip()))
    if not 1 <= len(names) <= MOST:
        raise DutyError(f"A shift has from 1 to {MOST} people; {len(names)} were given.")
    known = set(connection.scalars(select(user.c.name).where(user.c.name.in_(names), user.c.disabled_at.is_(None))))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DutyError(f"There is no user {unknown[0]} who could have a shift.")
    row = {"desk": desk.name, "shift": shift, "people": names, "reason": reason, "who": who, "at": now}
    connection.execute(insert(roster_change).values(row))
    detail = {
        "people": names,
        "before": list(changes_of(connection, desk.name).get(shift, found.people)),
        "reason": reason,
    }
    audit.record(
        connection, at=now, who=who, action="roster_changed", object=f"shift/{desk.name}/{shift}", detail=detail
    )
