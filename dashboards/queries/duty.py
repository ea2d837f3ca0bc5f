"""The duty desk as its page shows it: who is on duty, handovers with what changed since, and the duty log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from alerts.duty import roster
from alerts.duty.collect import Item, Moment
from alerts.duty.config import Desk
from alerts.duty.shifts import Shift, shifts
from alerts.duty.wall import instant_of
from core.store.tables import duty_entry, handover, handover_event, user
from dashboards.queries.arrivals import arrivals
from dashboards.queries.rows import Row, rows

if TYPE_CHECKING:
    from reconciliation.deliveries import Expectation

FILE_DAYS = 14
ENTRIES = 200
AHEAD = timedelta(days=7)


def moment(connection: Connection, desk: str, expectations: Sequence[Expectation], now: datetime) -> Moment:
    """Of which desk and when a handover collects, with the files that are late or missing by then."""
    today = now.astimezone(UTC).date()
    found = arrivals(connection, expectations, today - timedelta(days=FILE_DAYS), today + timedelta(days=1), now)
    files = [
        Item(
            f"file/{row['control']}/{row['party']}/{row['business_day']}",
            f"{row['control']} {row['party']} {row['business_day']}",
            (row["due_at"] or row["arrived_at"] or now).astimezone(UTC).isoformat(),
            row["party"],
            row["state"],
            True,
            f"/arrivals?control={row['control']}&party={row['party']}",
        )
        for row in found
        if row["state"] == "missing" or (row["state"] == "late" and row["arrived_at"] >= now - timedelta(days=1))
    ]
    return Moment(desk, now, files)


def on_duty(connection: Connection, desk: Desk, now: datetime) -> list[Shift]:
    """The shift of now and those of the next week, with what was changed by hand."""
    return shifts(desk, now, now + AHEAD, roster.changes_of(connection, desk.name))


def current(connection: Connection, desk: str) -> Row | None:
    """The handover to look at: the latest that is not accepted, else the latest."""
    of_desk = select(handover).where(handover.c.desk == desk).order_by(handover.c.changes_at.desc()).limit(1)
    waiting = connection.execute(of_desk.where(handover.c.state != "accepted")).mappings().first()
    found = waiting or connection.execute(of_desk).mappings().first()
    return None if found is None else dict(found)


def one(connection: Connection, number: int) -> Row | None:
    """A handover, or None when there is no such one."""
    found = connection.execute(select(handover).where(handover.c.id == number)).mappings().first()
    return None if found is None else dict(found)


def latest(connection: Connection, desk: str, limit: int = 10) -> list[Row]:
    """The latest handovers of a desk, newest first, without their content."""
    columns = [column for column in handover.c if column.name not in ("content", "since_prepared")]
    statement = select(*columns).where(handover.c.desk == desk).order_by(handover.c.changes_at.desc()).limit(limit)
    return rows(connection.execute(statement).mappings())


def events(connection: Connection, number: int) -> list[Row]:
    """What happened to a handover, newest first: at, kind, who, detail."""
    statement = select(handover_event).where(handover_event.c.handover_id == number)
    order = (handover_event.c.at.desc(), handover_event.c.id.desc())
    return rows(connection.execute(statement.order_by(*order)).mappings())


def log(
    connection: Connection, desk: str, filters: Mapping[str, str], zone: ZoneInfo, limit: int = ENTRIES
) -> list[Row]:
    """Entries of the duty log, newest first, each with `corrected_by`.

    Filters: kind, who, from and to (days of the desk's zone), words (a part of the text).
    """
    later = duty_entry.alias("later")
    statement = select(duty_entry, later.c.id.label("corrected_by")).join(
        later, later.c.corrects == duty_entry.c.id, isouter=True
    )
    statement = statement.where(duty_entry.c.desk == desk)
    for name in ("kind", "who"):
        if filters.get(name):
            statement = statement.where(duty_entry.c[name] == filters[name])
    first, last = _day(filters.get("from")), _day(filters.get("to"))
    if first is not None:
        statement = statement.where(duty_entry.c.at >= _midnight(first, zone))
    if last is not None:
        statement = statement.where(duty_entry.c.at < _midnight(last + timedelta(days=1), zone))
    if filters.get("words"):
        part = "%" + filters["words"].replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        statement = statement.where(duty_entry.c.text.ilike(part, escape="\\"))
    order = (duty_entry.c.at.desc(), duty_entry.c.id.desc())
    return rows(connection.execute(statement.order_by(*order).limit(limit)).mappings())


def people(connection: Connection) -> list[str]:
    """Names of those who can have a shift: enabled operators, managers and administrators."""
    able = user.c.disabled_at.is_(None) & user.c.role.in_(("operator", "manager", "admin"))
    return list(connection.scalars(select(user.c.name).where(able).order_by(user.c.name)))


def _day(text: str | None) -> date | None:
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return instant_of(day, datetime.min.time(), zone)
