"""Another priority for a ticket at work: its clocks are worked out anew from its opening, with what the new one allows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from alerts.occurrences import AnyRow
from alerts.tickets.book import Book, default_book
from alerts.tickets.declared import AT_WORK, PRIORITIES
from alerts.tickets.history import found, write_down
from alerts.tickets.machine import DISPATCH, WORK, Person, TicketError
from alerts.tickets.turning import redirected
from core.store.tables import ticket

LONGEST_REASON = 1000


def prioritise(
    connection: Connection,
    ticket_id: int,
    person: Person,
    priority: str,
    reason: str,
    now: datetime,
    *,
    book: Book | None = None,
) -> None:
    """Give the ticket another priority. Whoever works on tickets may raise it; to lower it is for a dispatcher.

    An answer that was given keeps its deadline, and so does a ticket with a deadline of its own. What was warned of already
    is not warned of again; a breach that the new deadline undoes is over, and would be told again. Raises TicketError for an
    unknown priority, the one that it has, without a reason or the right, and for a ticket that nobody has to work on.
    """
    book, row = book or default_book(), found(connection, ticket_id)
    reason = reason.strip()[:LONGEST_REASON]
    _require(row, person, priority, reason)
    values = {"priority": priority, **_clocks(connection, book, row, priority, now)}
    unchanged = (ticket.c.id == ticket_id, ticket.c.state == row.state, ticket.c.priority == row.priority)
    if connection.execute(update(ticket).where(*unchanged).values(values)).rowcount != 1:
        raise TicketError(f"Ticket {ticket_id} was changed by somebody else just now; look at it again.")
    facts = {"old": row.priority, "new": priority, "reason": reason, "due_at": values.get("due_at", row.due_at)}
    write_down(connection, ticket_id, person.name, "priority", f"{row.priority} -> {priority}: {reason}", now, facts)


def raises(old: str, new: str) -> bool:
    """Whether the new priority is higher than the old one."""
    order: list[str] = list(PRIORITIES)
    return old not in order or order.index(new) < order.index(old)


def _require(row: AnyRow, person: Person, priority: str, reason: str) -> None:
    if priority not in PRIORITIES:
        raise TicketError(f"There is no priority {priority!r}; choose one of {', '.join(PRIORITIES)}.")
    if row.state not in AT_WORK:
        raise TicketError(f"Ticket {row.id} is {row.state}; its priority is of no more use.")
    if WORK not in person.rights:
        raise TicketError(f"{person.name} has no right to work on tickets; an administrator can give one.")
    if priority == row.priority:
        raise TicketError(f"Ticket {row.id} has the priority {priority} already.")
    if not raises(row.priority, priority) and DISPATCH not in person.rights:
        raise TicketError(f"A lower priority gives ticket {row.id} more time; it is for a dispatcher to give.")
    if not reason:
        raise TicketError("This needs a reason; nothing was written.")


def _clocks(connection: Connection, book: Book, row: AnyRow, priority: str, now: datetime) -> dict[str, Any]:
    """The columns of both clocks with what the new priority allows."""
    if row.kind not in book.kinds:
        return {}
    kind, target = book.kinds[row.kind], book.target(row.kind, priority)
    values: dict[str, Any] = {}
    if row.responded_at is None and row.respond_due_at is not None:
        values["respond_due_at"] = book.time(kind.hours).after(row.opened_at, target.respond)
        if values["respond_due_at"] > now:
            values["respond_late_at"] = None
    if row.resolve_s is not None and not _own_deadline(book, row):
        values |= redirected(connection, book, row, int(target.resolve.total_seconds()), now)
        if values["due_at"] is None or values["due_at"] > now:
            values["resolve_late_at"] = None
    return values


def _own_deadline(book: Book, row: AnyRow) -> bool:
    """Whether it was opened with a deadline that is not its kind's."""
    allowed = book.target(row.kind, row.priority).resolve.total_seconds()
    return bool(row.hours != book.kinds[row.kind].hours or row.resolve_s != int(allowed))
