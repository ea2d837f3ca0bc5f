"""What people do with tickets: open -> assigned -> resolved -> closed, and back by reopening.

Each doing moves the ticket only from a state that allows it, and is an event of the ticket and a row of the audit trail.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from alerts.occurrences import AnyRow
from alerts.tickets.automatic import alert_cleared, from_alert, record
from alerts.tickets.kinds import BY_CODE, PRIORITIES, STATES, UNDER_WAY
from core.people import audit
from core.store.tables import ticket

__all__ = [
    "TicketError",
    "alert_cleared",
    "assign",
    "close",
    "comment",
    "from_alert",
    "open_ticket",
    "reopen",
    "resolve",
]


class TicketError(Exception):
    """The doing is refused; the sentence says why and what to do instead."""


def open_ticket(
    connection: Connection,
    who: str,
    kind: str,
    title: str,
    now: datetime,
    *,
    description: str = "",
    priority: str = "normal",
    due_at: datetime | None = None,
    alert_id: int | None = None,
    demo: bool = False,
) -> int:
    """Open a ticket and return its number. Raises TicketError for an unknown kind or priority, or without a title."""
    if kind not in BY_CODE:
        raise TicketError(f"There is no kind of ticket {kind!r}; choose one of {', '.join(BY_CODE)}.")
    if priority not in PRIORITIES:
        raise TicketError(f"There is no priority {priority!r}; choose one of {', '.join(PRIORITIES)}.")
    title = _written(title, "a title")
    opening = insert(ticket).returning(ticket.c.id)
    number: int = connection.execute(
        opening.values(
            kind=kind,
            title=title,
            description=description,
            priority=priority,
            state="open",
            opened_by=who,
            opened_at=now,
            due_at=due_at,
            alert_id=alert_id,
            demo=demo,
        )
    ).scalar_one()
    _write_down(connection, number, who, "opened", title, now, {"kind": kind, "priority": priority})
    return number


def assign(connection: Connection, ticket_id: int, who: str, assignee: str, now: datetime) -> None:
    """Give the ticket to somebody. Raises TicketError when it is resolved or closed, or there is no such ticket."""
    assignee = _written(assignee, "somebody to have it")
    _move(connection, ticket_id, UNDER_WAY, "assign", state="assigned", assignee=assignee)
    _write_down(connection, ticket_id, who, "assigned", f"to {assignee}", now, {"assignee": assignee})


def comment(connection: Connection, ticket_id: int, who: str, text: str, now: datetime) -> None:
    """Write something on the ticket, in whatever state it is. Raises TicketError without text or ticket."""
    text = _written(text, "a comment")
    _found(connection, ticket_id)
    _write_down(connection, ticket_id, who, "comment", text, now, {"text": text})


def resolve(connection: Connection, ticket_id: int, who: str, cause: str, remedy: str, now: datetime) -> None:
    """Say what it was and what was done. A ticket that nobody has becomes the work of who resolves it.

    Raises TicketError without cause or remedy, or when it is resolved or closed already.
    """
    cause, remedy = _written(cause, "a cause"), _written(remedy, "a remedy")
    before = _found(connection, ticket_id)
    if before.state == "open":
        assign(connection, ticket_id, who, who, now)
    _move(
        connection, ticket_id, ("assigned",), "resolve", state="resolved", cause=cause, remedy=remedy, resolved_at=now
    )
    detail = {"cause": cause, "remedy": remedy}
    _write_down(connection, ticket_id, who, "resolved", f"cause: {cause}; remedy: {remedy}", now, detail)


def close(connection: Connection, ticket_id: int, who: str, now: datetime, note: str = "") -> None:
    """Accept the remedy of a resolved ticket. Raises TicketError when it is in another state."""
    _move(connection, ticket_id, ("resolved",), "close", state="closed", closed_at=now)
    _write_down(connection, ticket_id, who, "closed", note, now, {"note": note})


def reopen(connection: Connection, ticket_id: int, who: str, reason: str, now: datetime) -> None:
    """Take a resolved or closed ticket up again, with whoever had it. Raises TicketError without a reason."""
    reason = _written(reason, "a reason")
    before = _found(connection, ticket_id)
    state = "assigned" if before.assignee else "open"
    _move(connection, ticket_id, ("resolved", "closed"), "reopen", state=state, resolved_at=None, closed_at=None)
    _write_down(connection, ticket_id, who, "reopened", reason, now, {"reason": reason})


def _move(connection: Connection, ticket_id: int, allowed: Collection[str], doing: str, **values: Any) -> None:
    """Change the ticket if its state allows that. Raises TicketError with the state that does not."""
    moving = update(ticket).where(ticket.c.id == ticket_id, ticket.c.state.in_(allowed))
    if connection.execute(moving.values(values)).rowcount != 1:
        state = _found(connection, ticket_id).state
        possible = " or ".join(one for one in STATES if one in allowed)
        raise TicketError(f"Ticket {ticket_id} is {state}; to {doing} it, it must be {possible}.")


def _found(connection: Connection, ticket_id: int) -> AnyRow:
    row = connection.execute(select(ticket.c.state, ticket.c.assignee).where(ticket.c.id == ticket_id)).one_or_none()
    if row is None:
        raise TicketError(f"There is no ticket {ticket_id}.")
    return row


def _written(text: str, what: str) -> str:
    if not text.strip():
        raise TicketError(f"This needs {what}; nothing was written.")
    return text.strip()


def _write_down(
    connection: Connection, ticket_id: int, who: str, kind: str, text: str, now: datetime, detail: dict[str, Any]
) -> None:
    record(connection, [(ticket_id, now, kind, who, text)])
    action = f"ticket_{kind}"
    audit.record(connection, at=now, who=who, action=action, object=f"ticket/{ticket_id}", detail=detail)
