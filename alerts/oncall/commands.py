"""What people change of schedules: overrides, swaps, absences. Every doing is a row with its reason and one of the audit
trail, in one transaction; nothing is deleted, what is taken back says when and by whom."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from alerts.oncall.config import OnCallFile, Schedule
from alerts.oncall.roster import load
from alerts.oncall.shifts import MOMENT, Shift, shifts
from core.people import audit
from core.refused import RefusedError
from core.store.tables import on_call_absence, on_call_override

LONGEST = timedelta(days=366)
LONGEST_REASON = 500
AROUND = timedelta(days=60)
"""How far around an instant the ends of its shift are sought."""


class OnCallError(RefusedError):
    """The doing is refused; the sentence says why and what to do."""


def override(
    connection: Connection,
    file: OnCallFile,
    schedule: str,
    person: str,
    start: datetime,
    end: datetime,
    reason: str,
    who: str,
    now: datetime,
) -> int:
    """Put somebody on call whatever the layers say; a start in the past becomes now. Returns the override's number.

    Raises OnCallError when the time is over, empty or too long, the schedule or person is unknown, the person has an
    override of that schedule then already, or is away all the time.
    """
    _schedule(file, schedule)
    _person(file, person)
    start, end = _period(start, end, now)
    _lock(connection)
    roster = load(connection, start, end)
    for one in roster.overrides:
        if (one.schedule, one.person) == (schedule, person):
            raise OnCallError(
                f"{person} has override {one.id} of {schedule} from {_shown(one.start)} to {_shown(one.end)} already; "
                f"take that one back first."
            )
    for away in roster.absences:
        if away.person == person and away.start <= start and end <= away.end:
            raise OnCallError(
                f"{person} is away from {_shown(away.start)} to {_shown(away.end)}; choose somebody else."
            )
    return _insert(connection, schedule, person, start, end, reason, who, now, None)


def swap(
    connection: Connection,
    file: OnCallFile,
    schedule: str,
    first: datetime,
    second: datetime,
    reason: str,
    who: str,
    now: datetime,
) -> tuple[int, int]:
    """Let the two people whose shifts hold at these instants change places, as two overrides in this transaction.

    Raises OnCallError when nobody is on call at one of them, both are of one person, or a shift is over.
    """
    chosen = _schedule(file, schedule)
    _lock(connection)
    one, other = (shift_at(connection, chosen, at) for at in (first, second))
    for at, found in ((first, one), (second, other)):
        if found is None or found.person is None:
            raise OnCallError(f"Nobody is on call in {schedule} at {_shown(at)}; there is no shift to swap.")
        if found.end <= now:
            raise OnCallError(f"The shift of {schedule} that ended at {_shown(found.end)} is over; choose a later one.")
    if one is None or other is None or one.person == other.person:
        raise OnCallError("Both shifts are of the same person; choose one of somebody else.")
    together = uuid.uuid4().hex
    numbers = []
    for shift, person in ((one, other.person), (other, one.person)):
        start = max(shift.start, now)
        gone = load(connection, start, shift.end).absences
        if any(away.person == person for away in gone):
            raise OnCallError(f"{person} is away for a part of the shift from {_shown(start)}; choose another one.")
        numbers.append(_insert(connection, schedule, str(person), start, shift.end, reason, who, now, together))
    return numbers[0], numbers[1]


def shift_at(connection: Connection, schedule: Schedule, at: datetime) -> Shift | None:
    """The whole shift of the final lane that holds at an instant."""
    roster = load(connection, at - AROUND, at + AROUND)
    final = shifts(schedule, roster.overrides, roster.absences, at - AROUND, at + AROUND).final
    return next((one for one in final if one.start <= at < one.end), None)


def cancel_override(connection: Connection, number: int, who: str, now: datetime) -> None:
    """Take an override back, and with it the other half of a swap. Raises OnCallError when there is none in force."""
    over = on_call_override.c
    row = connection.execute(select(on_call_override).where(over.id == number)).one_or_none()
    if row is None or row.cancelled_at is not None or row.ends_at <= now:
        raise OnCallError(f"There is no override {number} in force; there is nothing to take back.")
    both = over.id == number if row.swap is None else over.swap == row.swap
    mine = both & over.cancelled_at.is_(None) & (over.ends_at > now)
    numbers = list(connection.scalars(select(over.id).where(mine).order_by(over.id)))
    connection.execute(update(on_call_override).where(mine).values(cancelled_at=now, cancelled_by=who))
    for each in numbers:
        audit.record(connection, at=now, who=who, action="oncall.cancel", object=f"override/{each}", detail={})


def away(
    connection: Connection,
    file: OnCallFile,
    person: str,
    start: datetime,
    end: datetime,
    reason: str,
    who: str,
    now: datetime,
) -> int:
    """Say that somebody is not there: their shifts go to the next of the rotation. Returns the absence's number.

    Raises OnCallError when the time is over, empty or too long, the person is unknown, or is marked away then already.
    """
    _person(file, person)
    start, end = _period(start, end, now)
    _lock(connection)
    for one in load(connection, start, end).absences:
        if one.person == person:
            raise OnCallError(
                f"{person} is away from {_shown(one.start)} to {_shown(one.end)} already; take that back first."
            )
    values = {"person": person, "starts_at": start, "ends_at": end, "by": who, "reason": _said(reason), "made_at": now}
    made = insert(on_call_absence).values(values).returning(on_call_absence.c.id)
    number = connection.execute(made).scalar_one()
    facts = {"person": person, "from": start, "until": end, "reason": reason}
    audit.record(connection, at=now, who=who, action="oncall.away", object=f"absence/{number}", detail=facts)
    return int(number)


def cancel_away(connection: Connection, number: int, who: str, now: datetime) -> None:
    """Somebody is there after all. Raises OnCallError when there is no such absence in force."""
    absence = on_call_absence.c
    mine = (absence.id == number) & absence.cancelled_at.is_(None) & (absence.ends_at > now)
    changed = connection.execute(update(on_call_absence).where(mine).values(cancelled_at=now, cancelled_by=who))
    if changed.rowcount != 1:
        raise OnCallError(f"There is no absence {number} in force; there is nothing to take back.")
    audit.record(connection, at=now, who=who, action="oncall.back", object=f"absence/{number}", detail={})


def _insert(
    connection: Connection,
    schedule: str,
    person: str,
    start: datetime,
    end: datetime,
    reason: str,
    who: str,
    now: datetime,
    together: str | None,
) -> int:
    values = {"schedule": schedule, "person": person, "starts_at": start, "ends_at": end, "by": who, "swap": together}
    made = {**values, "reason": _said(reason), "made_at": now}
    adding = insert(on_call_override).values(made).returning(on_call_override.c.id)
    number = connection.execute(adding).scalar_one()
    facts = {"schedule": schedule, "person": person, "from": start, "until": end, "reason": reason, "swap": together}
    action = "oncall.override" if together is None else "oncall.swap"
    audit.record(connection, at=now, who=who, action=action, object=f"override/{number}", detail=facts)
    return int(number)


def _lock(connection: Connection) -> None:
    """On PostgreSQL, whoever looks for what is in the way waits for those who write it, as on SQLite."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE on_call_override, on_call_absence IN SHARE ROW EXCLUSIVE MODE")


def _schedule(file: OnCallFile, name: str) -> Schedule:
    found = file.schedule.get(name)
    if found is None:
        raise OnCallError(f"There is no schedule {name!r}; the schedules are {', '.join(file.schedule) or 'none'}.")
    return found


def _person(file: OnCallFile, name: str) -> None:
    if name not in file.person:
        raise OnCallError(f"There is no person {name!r}; oncall.yaml has {', '.join(sorted(file.person)) or 'nobody'}.")


def _period(start: datetime, end: datetime, now: datetime) -> tuple[datetime, datetime]:
    """The time without what is over."""
    if end <= now:
        raise OnCallError(f"The time ends at {_shown(end)}, which is over; choose a later end.")
    start = max(start, now)
    if end - start < MOMENT:
        raise OnCallError(f"The time ends at {_shown(end)}, before it begins; choose a later end.")
    if end - start > LONGEST:
        raise OnCallError("The time is longer than a year; choose a shorter one.")
    return start, end


def _said(reason: str) -> str:
    return " ".join(reason.split())[:LONGEST_REASON]


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
