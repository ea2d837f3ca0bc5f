"""Tickets as columns by state, the next to be late first; and what happened to each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from core.store.tables import alert, ticket, ticket_event, user
from dashboards.queries.rows import Row, rows

CLOSED_DAYS = 7


def tickets(connection: Connection, now: datetime, filters: Mapping[str, str]) -> list[Row]:
    """Open tickets, and those closed within 7 days; sorted by what is left until they are late.

    Filters: state, kind, priority, assignee (a name, or `none`), q (a part of the title).
    """
    statement = select(ticket, alert.c.target, alert.c.severity, alert.c.check_name).join(
        alert, alert.c.id == ticket.c.alert_id, isouter=True
    )
    statement = statement.where(
        (ticket.c.state != "closed") | (ticket.c.closed_at >= now - timedelta(days=CLOSED_DAYS))
    )
    for name in ("state", "kind", "priority"):
        if filters.get(name):
            statement = statement.where(ticket.c[name] == filters[name])
    if filters.get("assignee") == "none":
        statement = statement.where(ticket.c.assignee.is_(None))
    elif filters.get("assignee"):
        statement = statement.where(ticket.c.assignee == filters["assignee"])
    if filters.get("q"):
        part = "%" + filters["q"].replace("%", r"\%").replace("_", r"\_") + "%"
        statement = statement.where(ticket.c.title.ilike(part, escape="\\"))
    found = rows(connection.execute(statement.limit(500)).mappings())
    return sorted(found, key=lambda row: (row["due_at"] is None, row["due_at"] or row["opened_at"]))


def one(connection: Connection, ticket_id: int) -> Row | None:
    """A ticket with its alert's target, or None when there is no such ticket."""
    statement = (
        select(ticket, alert.c.target, alert.c.severity, alert.c.check_name)
        .join(alert, alert.c.id == ticket.c.alert_id, isouter=True)
        .where(ticket.c.id == ticket_id)
    )
    found = connection.execute(statement).mappings().first()
    return None if found is None else dict(found)


def events(connection: Connection, ticket_id: int) -> list[Row]:
    """What happened to a ticket, newest first: at, kind, who, detail."""
    return rows(
        connection.execute(
            select(ticket_event)
            .where(ticket_event.c.ticket_id == ticket_id)
            .order_by(ticket_event.c.at.desc(), ticket_event.c.id.desc())
        ).mappings()
    )


def load(connection: Connection, now: datetime) -> Row:
    """How many tickets are not closed, by state; how many are late and how many nobody has."""
    by_state: dict[str, int] = {}
    for name, n in connection.execute(
        select(ticket.c.state, func.count()).where(ticket.c.state != "closed").group_by(ticket.c.state)
    ):
        by_state[name] = n
    at_work = ticket.c.state.in_(("open", "assigned"))
    late, nobody = connection.execute(
        select(
            func.count().filter(at_work & (ticket.c.due_at < now)),
            func.count().filter(at_work & ticket.c.assignee.is_(None)),
        )
    ).one()
    return {
        "by_state": by_state,
        "open": by_state.get("open", 0) + by_state.get("assigned", 0),
        "late": late,
        "nobody": nobody,
    }


def people(connection: Connection) -> list[str]:
    """Names of those who can be given a ticket: enabled operators, managers and administrators."""
    statement = (
        select(user.c.name)
        .where(user.c.disabled_at.is_(None), user.c.role.in_(("operator", "manager", "admin")))
        .order_by(user.c.name)
    )
    return [name for (name,) in connection.execute(statement)]
