"""What tickets are about besides other tickets: its name for people, and the tickets that are tied to it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, select

from alerts.pipeline import ABOUT_TICKETS
from core.store.tables import alert, break_case, control_run, job, planned_change, ticket, ticket_link
from dashboards.queries.rows import Row, rows

_NAMED = {
    "break": (break_case, ("class", "business_key", "control")),
    "run": (control_run, ("control", "business_day")),
    "job": (job, ("plan", "day")),
    "change": (planned_change, ("requirement", "title")),
}
"""Where something is kept, and the columns that name it."""


def subject(connection: Connection, what: str, number: int) -> str | None:
    """What people call that alert, break, run, job or change; None when there is none."""
    if what == "alert":
        found = connection.execute(select(alert.c.annotations, alert.c.check_name).where(alert.c.id == number)).first()
        return None if found is None else str(found.annotations.get("summary") or found.check_name)
    if what not in _NAMED:
        return None
    table, names = _NAMED[what]
    row = connection.execute(select(*(table.c[name] for name in names)).where(table.c.id == number)).first()
    return None if row is None else " ".join(str(part) for part in row)


def tickets_about(connection: Connection, what: str, number: int) -> list[Row]:
    """The tickets that were opened for it or are tied to it, oldest first: id, title and state."""
    tied = select(ticket_link.c.ticket_id).where(ticket_link.c.relation == what, ticket_link.c.other_id == number)
    wanted: ColumnElement[bool] = ticket.c.id.in_(tied)
    if what == "alert":
        wanted |= (ticket.c.alert_id == number) | (ticket.c.id == _late_ticket(connection, number))
    elif what == "change":  # the one that it got because it had no result
        wanted |= ticket.c.id.in_(select(planned_change.c.ticket_id).where(planned_change.c.id == number))
    statement = select(ticket.c.id, ticket.c.title, ticket.c.state).where(wanted).order_by(ticket.c.id)
    return rows(connection.execute(statement).mappings())


def _late_ticket(connection: Connection, number: int) -> int | None:
    """The ticket that an alert says is late; None for every other alert."""
    query = select(alert.c.labels).where(alert.c.id == number, alert.c.check_name.in_(ABOUT_TICKETS))
    labels = connection.scalar(query)
    return None if labels is None else int(labels["ticket"])
