"""The history of tickets: events are appended, and for what people do, a row of the audit trail with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, insert, select

from alerts.occurrences import AnyRow
from alerts.tickets.machine import TicketError
from core.people import audit
from core.store.tables import ticket, ticket_event

Event = tuple[int, datetime, str, str, str]
"""Ticket, instant, kind, who, detail."""


def record(connection: Connection, events: Iterable[Event]) -> None:
    """Append events to the history of tickets."""
    names = ("ticket_id", "at", "kind", "who", "detail")
    rows = [dict(zip(names, event, strict=True)) for event in events]
    if rows:
        connection.execute(insert(ticket_event), rows)


def write_down(
    connection: Connection, number: int, who: str, kind: str, text: str, now: datetime, detail: Mapping[str, object]
) -> None:
    """What a person did: an event of the ticket and a row of the trail."""
    record(connection, [(number, now, kind, who, text)])
    audit.record(connection, at=now, who=who, action=f"ticket_{kind}", object=f"ticket/{number}", detail=detail)


def found(connection: Connection, number: int) -> AnyRow:
    """The ticket as it stands. Raises TicketError when there is no such ticket."""
    row = connection.execute(select(ticket).where(ticket.c.id == number)).one_or_none()
    if row is None:
        raise TicketError(f"There is no ticket {number}.")
    return row


def steps(connection: Connection, number: int) -> list[tuple[datetime, str]]:
    """Instant and kind of every event of a ticket, in the order in which they were written."""
    query = select(ticket_event.c.at, ticket_event.c.kind).where(ticket_event.c.ticket_id == number)
    return [(row.at, row.kind) for row in connection.execute(query.order_by(ticket_event.c.id))]
