"""How long tickets took and how many were answered and resolved in time, by month, kind and department."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Connection, func, select, type_coerce

from core.store.tables import ticket
from dashboards.queries.rows import Row, rows

MONTHS = 6
MOST_MONTHS = 36
MOST = 500
_MINUTE_MS = 60_000
_MINUTE_S = 60
_IN_TIME = ticket.c.responded_at <= ticket.c.respond_due_at
_HELD = ticket.c.resolved_at <= ticket.c.due_at
PARTS: dict[str, ColumnElement[bool]] = {
    "answered": ticket.c.respond_due_at.is_not(None) & _IN_TIME,
    "answered_late": ticket.c.respond_due_at.is_not(None) & func.coalesce(~_IN_TIME, True),
    "resolved": ticket.c.due_at.is_not(None) & _HELD,
    "resolved_late": ticket.c.due_at.is_not(None) & ~_HELD,
}
"""The tickets that make up a share: those that held a clock, and those that did not."""


def figures(
    connection: Connection, now: datetime, zone: ZoneInfo, filters: Mapping[str, str], months: int = MONTHS
) -> list[Row]:
    """A row for each month, kind and department of which people resolved tickets, the latest month first.

    `handled_minutes` is the mean of the time that the clock of their kind ran until they were resolved: working time where
    the kind counts that, pauses left out; none where no ticket has it, which was resolved before it was kept.
    `elapsed_minutes` is the mean time from opening to resolving, around the clock and with its pauses. `answered` and
    `resolved` count those with such a clock, `..._in_time` those of them that held it. Tickets that alerts closed by
    themselves are left out. Filters: kind, department, priority.
    """
    found = []
    for first, begins, ends in _months(now, zone, min(months, MOST_MONTHS)):
        lasted = type_coerce(ticket.c.resolved_at, BigInteger) - type_coerce(ticket.c.opened_at, BigInteger)
        statement = (
            select(
                ticket.c.kind,
                ticket.c.department,
                func.count().label("tickets"),
                func.sum(lasted).label("lasted_ms"),
                func.count().filter(ticket.c.respond_due_at.is_not(None)).label("answered"),
                func.sum(ticket.c.handled_s).label("handled_s"),
                func.count(ticket.c.handled_s).label("handled"),
                func.count().filter(_IN_TIME).label("answered_in_time"),
                func.count().filter(ticket.c.due_at.is_not(None)).label("resolved"),
                func.count().filter(_HELD).label("resolved_in_time"),
            )
            .where(*_resolved_between(begins, ends))
            .group_by(ticket.c.kind, ticket.c.department)
            .order_by(ticket.c.kind, ticket.c.department)
        )
        for name in ("kind", "department", "priority"):
            if filters.get(name):
                statement = statement.where(ticket.c[name] == filters[name])
        for row in connection.execute(statement).mappings():
            minutes = {
                "elapsed_minutes": int(row["lasted_ms"]) / _MINUTE_MS / row["tickets"],
                "handled_minutes": int(row["handled_s"]) / _MINUTE_S / row["handled"] if row["handled"] else None,
            }
            found.append(dict(row) | {"month": f"{first:%Y-%m}", **minutes})
    return found


def members(connection: Connection, zone: ZoneInfo, filters: Mapping[str, str]) -> list[Row]:
    """The tickets that make up one line of the figures, or one share of it; at most 500, the latest resolved first.

    Filters: month (2026-11), kind, department (`none`: with nobody), priority, and `part`, a key of PARTS. A month that is
    none has no tickets.
    """
    try:
        first = datetime.strptime(filters.get("month", ""), "%Y-%m").date()  # noqa: DTZ007  # a month of `zone`
    except ValueError:
        return []
    after = (first + timedelta(days=32)).replace(day=1)
    statement = select(ticket).where(*_resolved_between(_midnight(first, zone), _midnight(after, zone)))
    for name in ("kind", "priority"):
        if filters.get(name):
            statement = statement.where(ticket.c[name] == filters[name])
    if filters.get("department"):
        wanted = filters["department"]
        statement = statement.where(
            ticket.c.department.is_(None) if wanted == "none" else ticket.c.department == wanted
        )
    if filters.get("part") in PARTS:
        statement = statement.where(PARTS[filters["part"]])
    latest = (ticket.c.resolved_at.desc(), ticket.c.id.desc())
    return rows(connection.execute(statement.order_by(*latest).limit(MOST)).mappings())


def _resolved_between(begins: datetime, ends: datetime) -> tuple[ColumnElement[bool], ...]:
    """Tickets that people resolved in that time; those that alerts closed by themselves are left out."""
    return (
        ticket.c.resolved_at >= begins,
        ticket.c.resolved_at < ends,
        ticket.c.resolved_by.is_not(None),
        ticket.c.state.not_in(("cancelled",)),
    )


def _months(now: datetime, zone: ZoneInfo, count: int) -> Iterator[tuple[date, datetime, datetime]]:
    """The last months, the current one first: its first day, and the instants between which it lies."""
    first = now.astimezone(zone).date().replace(day=1)
    for _number in range(count):
        after = (first + timedelta(days=32)).replace(day=1)
        yield first, _midnight(first, zone), _midnight(after, zone)
        first = (first - timedelta(days=1)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
