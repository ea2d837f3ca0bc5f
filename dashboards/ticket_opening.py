"""Opening a ticket for somebody, whatever it is about; page, API and command line share it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from alerts.tickets import commands
from alerts.tickets.book import Book
from core.store.tables import break_case
from reconciliation.desk import cases

KINDS: Final[Mapping[str, str]] = {
    "alert": "fault",
    "break": "handling",
    "run": "handling",
    "job": "maintenance",
    "change": "maintenance",
}
"""The kind that a ticket about something has unless another one is chosen."""


def open_one(
    connection: Connection,
    who: str,
    kind: str,
    title: str,
    now: datetime,
    book: Book,
    about: tuple[str, int] | None,
    **more: Any,
) -> int:
    """Open the ticket and return its number; a break that has no ticket yet has this one. Raises TicketError."""
    number = commands.open_ticket(connection, who, kind, title, now, about=about, book=book, **more)
    if about is not None and about[0] == "break":
        without = select(break_case.c.id).where(break_case.c.id == about[1], break_case.c.ticket_id.is_(None))
        if connection.scalar(without) is not None:
            cases.link_ticket(connection, [about[1]], number, who, now)
    return number
