"""Giving alerts an owner: whoever has an alert's ticket has the alert."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from alerts import groups
from alerts.commands import AlertError
from alerts.config import RoutesFile, TicketPolicy
from alerts.pipeline import ABOUT_TICKETS
from alerts.routes.routing import route
from alerts.tickets.automatic import open_for
from alerts.tickets.book import Book
from alerts.tickets.commands import WORKER, assign
from alerts.tickets.declared import AT_WORK
from core.store.tables import ticket


def give(
    connection: Connection,
    alert_id: int,
    who: str,
    assignee: str,
    routes: RoutesFile,
    now: datetime,
    *,
    rights: frozenset[str] = WORKER,
    book: Book | None = None,
) -> int:
    """Give the ticket at work on an open alert to somebody, opened as its route says where there is none; its number.

    An alert that says that a ticket is late has that ticket. Raises AlertError when there is no such alert or it is
    resolved, TicketError when the ticket cannot be assigned.
    """
    row = groups.alerts_by_id(connection, [alert_id]).get(alert_id)
    if row is None:
        raise AlertError(f"There is no alert {alert_id}.")
    if row.resolved_at is not None:
        raise AlertError(f"Alert {alert_id} is resolved already; there is nothing to assign.")
    at_work = select(ticket.c.id).where(ticket.c.alert_id == alert_id, ticket.c.state.in_(AT_WORK))
    number = connection.scalar(at_work.order_by(ticket.c.id.desc()).limit(1))
    if number is None and row.check_name in ABOUT_TICKETS:
        number = int(row.labels["ticket"])
    if number is None:
        policies = (one.ticket for one in route(routes.tree, row.labels))
        policy = next((one for one in policies if one is not None), TicketPolicy())
        number = open_for(connection, [(row, policy)], now, book)[alert_id]
    assign(connection, number, who, assignee, now, rights=rights, book=book)
    return int(number)
