"""How long tickets took and how many were answered and resolved in time, by month, kind and department."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Connection, func, select, type_coerce

from core.store.tables import ticket
from dashboards.queries.rows import Row

MONTHS = 6
MOST_MONTHS = 36
_MINUTE_MS = 60_000


def figures(
    connection: Connection, now: datetime, zone: ZoneInfo, filters: Mapping[str, str], months: int = MONTHS
) -> list[Row]:
    """A row for each month, kind and department of which people resolved tickets, the latest month first.

    `handled_minutes` is the mean time from opening to resolving, around the clock; `answered` and `resolved` count those with
    such a clock, `..._in_time` those of them that held it. Tickets that alerts closed by themselves are left out. Filters:
    kind, department, priority.
    """
    found = []
    for first, begins, ends in _months(now, zone, min(months, MOST_MONTHS)):
        lasted = type_coerce(ticket.c.resolved_at, BigInteger) - type_coerce(ticket.c.opened_at, BigInteger)
        held = ticket.c.responded_at <= ticket.c.respond_due_at
        statement = (
            select(
                ticket.c.kind,
                ticket.c.department,
                func.count().label("tickets"),
                func.sum(lasted).label("lasted_ms"),
                func.count().filter(ticket.c.respond_due_at.is_not(None)).label("answered"),
                func.count().filter(held).label("answered_in_time"),
                func.count().filter(ticket.c.due_at.is_not(None)).label("resolved"),
                func.count().filter(ticket.c.resolved_at <= ticket.c.due_at).label("resolved_in_time"),
            )
            .where(
                ticket.c.resolved_at >= begins,
                ticket.c.resolved_at < ends,
                ticket.c.resolved_by.is_not(None),
                ticket.c.state.not_in(("cancelled",)),
            )
            .group_by(ticket.c.kind, ticket.c.department)
            .order_by(ticket.c.kind, ticket.c.department)
        )
        for name in ("kind", "department", "priority"):
            if filters.get(name):
                statement = statement.where(ticket.c[name] == filters[name])
        for row in connection.execute(statement).mappings():
            minutes = int(row["lasted_ms"]) / _MINUTE_MS / row["tickets"]
            found.append(dict(row) | {"month": f"{first:%Y-%m}", "handled_minutes": minutes})
    return found


def _months(now: datetime, zone: ZoneInfo, count: int) -> Iterator[tuple[date, datetime, datetime]]:
    """The last months, the current one first: its first day, and the instants between which it lies."""
    first = now.astimezone(zone).date().replace(day=1)
    for _number in range(count):
        after = (first + timedelta(days=32)).replace(day=1)
        yield first, _midnight(first, zone), _midnight(after, zone)
        first = (first - timedelta(days=1)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
