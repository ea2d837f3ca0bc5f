"""Tickets as columns by state, the next to be late first; and what happened to each, hangs on it and belongs to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from alerts.tickets import membership
from alerts.tickets.kinds import AT_WORK, OVER
from core.store.tables import alert, break_case, target, ticket, ticket_event, ticket_file, ticket_link, user
from dashboards.queries.about import subject
from dashboards.queries.rows import Row, rows

CLOSED_DAYS = 7
MOST = 500


def tickets(connection: Connection, now: datetime, filters: Mapping[str, str]) -> list[Row]:
    """Tickets that are not over, and those that ended within 7 days; sorted by what is left until they are late.

    Filters: state, kind, priority, department, assignee (a name, or `none`), late (yes), q (a part of the title). Each row
    has `next_due_at` besides: when the first of its clocks that still run has run out; and `at_risk`: minor units and
    currency of what its breaks put at risk.
    """
    statement = select(ticket, alert.c.target, alert.c.severity, alert.c.check_name).join(
        alert, alert.c.id == ticket.c.alert_id, isouter=True
    )
    statement = statement.where(ticket.c.state.not_in(OVER) | (ticket.c.closed_at >= now - timedelta(days=CLOSED_DAYS)))
    for name in ("state", "kind", "priority", "department"):
        if filters.get(name):
            statement = statement.where(ticket.c[name] == filters[name])
    if filters.get("late") == "yes":
        statement = statement.where(_late(now))
    if filters.get("assignee") == "none":
        statement = statement.where(ticket.c.assignee.is_(None))
    elif filters.get("assignee"):
        statement = statement.where(ticket.c.assignee == filters["assignee"])
    if filters.get("q"):
        part = "%" + filters["q"].replace("%", r"\%").replace("_", r"\_") + "%"
        statement = statement.where(ticket.c.title.ilike(part, escape="\\"))
    statement = statement.order_by(ticket.c.due_at.is_(None), ticket.c.due_at, ticket.c.id).limit(MOST)
    found = [row | {"next_due_at": next_due(row)} for row in rows(connection.execute(statement).mappings())]
    at_risk = money_at_risk(connection, [row["id"] for row in found])
    found = [row | {"at_risk": at_risk.get(row["id"], [])} for row in found]
    return sorted(found, key=_place)


def _place(row: Row) -> tuple[bool, float, int]:
    """Where a ticket stands in its column: by what is left until it is late; of what is done, the latest first."""
    ended = row["closed_at"] or row["resolved_at"]
    if row["state"] not in AT_WORK and ended is not None:
        return True, -ended.timestamp(), row["id"]
    due_at = row["next_due_at"]
    return due_at is None, (due_at or row["opened_at"]).timestamp(), row["id"]


def money_at_risk(connection: Connection, numbers: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """What the breaks that wait for these tickets put at risk, by ticket: minor units and currency, one for each currency."""
    found: dict[int, list[tuple[int, str]]] = {}
    query = select(break_case.c.ticket_id, break_case.c.currency, func.sum(break_case.c.at_risk_minor).label("minor"))
    query = query.where(break_case.c.ticket_id.in_(numbers), break_case.c.closed_at.is_(None))
    query = query.group_by(break_case.c.ticket_id, break_case.c.currency).order_by(break_case.c.currency)
    for row in connection.execute(query) if numbers else ():
        found.setdefault(row.ticket_id, []).append((int(row.minor), row.currency))
    return found


def department_of(connection: Connection, name: str) -> str | None:
    """The department, branch or integrator of a person; none for somebody without one."""
    return membership.department_of(connection, name)


def next_due(row: Row) -> datetime | None:
    """When the first of the clocks of a ticket that still run has run out; its deadline when it is done."""
    waits = row["state"] in AT_WORK and row["responded_at"] is None
    known = [row["due_at"], row["respond_due_at"] if waits else None]
    return min((at for at in known if at is not None), default=None)


def _late(now: datetime) -> ColumnElement[bool]:
    """Whether a ticket at work is late with its answer or its remedy."""
    unanswered = and_(ticket.c.responded_at.is_(None), ticket.c.respond_due_at < now)
    return and_(ticket.c.state.in_(AT_WORK), or_(ticket.c.due_at < now, unanswered))


def one(connection: Connection, ticket_id: int) -> Row | None:
    """A ticket with its alert's target, or None when there is no such ticket."""
    of_alert = (alert.c.target, alert.c.severity, alert.c.check_name, alert.c.labels.label("alert_labels"))
    statement = (
        select(ticket, *of_alert, target.c.kind.label("target_kind"))
        .join(alert, alert.c.id == ticket.c.alert_id, isouter=True)
        .join(target, target.c.name == alert.c.target, isouter=True)
        .where(ticket.c.id == ticket_id)
    )
    found = connection.execute(statement).mappings().first()
    return None if found is None else dict(found) | {"next_due_at": next_due(dict(found))}


def events(connection: Connection, ticket_id: int) -> list[Row]:
    """What happened to a ticket, newest first: at, kind, who, detail."""
    return rows(
        connection.execute(
            select(ticket_event)
            .where(ticket_event.c.ticket_id == ticket_id)
            .order_by(ticket_event.c.at.desc(), ticket_event.c.id.desc())
        ).mappings()
    )


def files(connection: Connection, ticket_id: int) -> list[Row]:
    """The files of a ticket without their contents, oldest first."""
    columns = [column for column in ticket_file.c if column.name != "content"]
    statement = select(*columns).where(ticket_file.c.ticket_id == ticket_id).order_by(ticket_file.c.id)
    return rows(connection.execute(statement).mappings())


def links(connection: Connection, ticket_id: int) -> list[Row]:
    """What a ticket is tied to, and the tickets that are tied to it: relation, backward, number, title and state."""
    to_ticket = ticket_link.c.relation.in_(("duplicate_of", "child_of", "caused_by"))
    forward = (
        select(ticket_link.c.relation, ticket_link.c.other_id.label("number"), ticket.c.title, ticket.c.state)
        .join(ticket, and_(ticket.c.id == ticket_link.c.other_id, to_ticket), isouter=True)
        .where(ticket_link.c.ticket_id == ticket_id)
        .order_by(ticket_link.c.id)
        .limit(MOST)
    )
    backward = (
        select(ticket_link.c.relation, ticket_link.c.ticket_id.label("number"), ticket.c.title, ticket.c.state)
        .join(ticket, ticket.c.id == ticket_link.c.ticket_id)
        .where(ticket_link.c.other_id == ticket_id, to_ticket)
        .order_by(ticket_link.c.id)
        .limit(MOST)
    )
    found = [row | {"backward": False} for row in rows(connection.execute(forward).mappings())]
    for row in found:
        row["title"] = row["title"] or subject(connection, row["relation"], row["number"])
    return found + [row | {"backward": True} for row in rows(connection.execute(backward).mappings())]


def load(connection: Connection, now: datetime) -> Row:
    """How many tickets are not over, by state; how many are late and how many nobody has."""
    by_state: dict[str, int] = {}
    for name, n in connection.execute(
        select(ticket.c.state, func.count()).where(ticket.c.state.not_in(OVER)).group_by(ticket.c.state)
    ):
        by_state[name] = n
    at_work = ticket.c.state.in_(AT_WORK)
    late, nobody = connection.execute(
        select(
            func.count().filter(_late(now)),
            func.count().filter(at_work & ticket.c.assignee.is_(None)),
        )
    ).one()
    return {
        "by_state": by_state,
        "open": sum(by_state.get(state, 0) for state in AT_WORK),
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
