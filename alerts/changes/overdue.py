"""Changes whose window is over and that nobody said a result of: each becomes one ticket, and says so."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select, update

from alerts.changes.commands import OPEN, note
from alerts.occurrences import AnyRow
from alerts.tickets.book import Book
from alerts.tickets.commands import open_ticket
from core.store.tables import planned_change

WHO: Final = "duty"
WORDS: Final = {
    "planned": "was neither approved nor cancelled",
    "approved": "was approved and did not begin",
    "running": "runs on after its window",
}


def open_tickets(connection: Connection, now: datetime, book: Book | None = None) -> list[int]:
    """A ticket for each such change that has none; the ticket and its number on the change are one transaction."""
    query = select(planned_change).where(
        planned_change.c.state.in_(OPEN), planned_change.c.ends_at <= now, planned_change.c.ticket_id.is_(None)
    )
    opened = []
    for row in connection.execute(query.order_by(planned_change.c.id).with_for_update()).all():
        title = f"{row.requirement} {row.title}: the change has no result and its window is over"
        number = open_ticket(
            connection,
            WHO,
            "maintenance",
            title,
            now,
            description=_description(row),
            priority="high",
            demo=row.demo,
            about=("change", row.id),
            book=book,
        )
        connection.execute(update(planned_change).where(planned_change.c.id == row.id).values(ticket_id=number))
        note(connection, row.id, now, "ticket", WHO, f"ticket {number}: it {WORDS[row.state]}")
        opened.append(number)
    return opened


def _description(row: AnyRow) -> str:
    return (
        f"Change {row.id} {WORDS[row.state]}; say under Changes how it ended, or cancel it.\n"
        f"window: {row.starts_at.isoformat()} - {row.ends_at.isoformat()}\n"
        f"targets: {', '.join(row.targets)}\nrequested by: {row.requested_by}\ncontact: {row.contact}\n"
        f"back-out: {row.back_out}"
    )
