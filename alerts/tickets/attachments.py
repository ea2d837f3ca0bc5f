"""Files of tickets: kept in the store with their SHA-256, of a few types that are told from the content, never the name."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, insert, select

from alerts.files import taken
from alerts.occurrences import AnyRow
from alerts.tickets.history import write_down
from alerts.tickets.machine import TicketError
from core.store.tables import ticket, ticket_file

LARGEST_BYTES: Final = 5 * 1024 * 1024
MOST_FILES: Final = 20


def attach(connection: Connection, ticket_id: int, who: str, name: str, content: bytes, now: datetime) -> int:
    """Keep a file with the ticket and return its number.

    Raises TicketError for an empty or too large file, one of an unknown type, one too many, and an unknown ticket.
    """
    facts, media_type = taken(name, content, LARGEST_BYTES, TicketError)
    found = connection.scalar(select(ticket.c.id).where(ticket.c.id == ticket_id).with_for_update())
    if found is None:
        raise TicketError(f"There is no ticket {ticket_id}.")
    query = select(func.count()).select_from(ticket_file).where(ticket_file.c.ticket_id == ticket_id)
    if int(connection.scalar(query) or 0) >= MOST_FILES:
        raise TicketError(f"Ticket {ticket_id} has {MOST_FILES} files already; pack some into one.")
    number: int = connection.execute(
        insert(ticket_file)
        .returning(ticket_file.c.id)
        .values(
            ticket_id=ticket_id,
            **facts,
            media_type=media_type,
            content=content,
            added_by=who,
            added_at=now,
        )
    ).scalar_one()
    write_down(connection, ticket_id, who, "attached", facts["name"], now, facts)
    return number


def fetch(connection: Connection, ticket_id: int, file_id: int) -> AnyRow | None:
    """A file of a ticket with its content; None when the ticket has no such file."""
    query = select(ticket_file).where(ticket_file.c.id == file_id, ticket_file.c.ticket_id == ticket_id)
    return connection.execute(query).one_or_none()
