"""Links of tickets: to other tickets (duplicate of, child of, caused by), and to alerts, breaks, runs, jobs and changes."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Table, delete, select

from alerts.tickets.history import write_down
from alerts.tickets.machine import TicketError
from core.store.tables import alert, break_case, control_run, job, planned_change, ticket, ticket_link
from core.store.upsert import upsert

TO_TICKETS: Final = ("duplicate_of", "child_of", "caused_by")
_OTHERS: Final[dict[str, Table]] = {
    "alert": alert,
    "break": break_case,
    "run": control_run,
    "job": job,
    "change": planned_change,
}
ABOUT: Final = tuple(_OTHERS)
"""What a ticket can be about besides other tickets."""
RELATIONS: Final = (*TO_TICKETS, *_OTHERS)
_DEEPEST: Final = 100


def link(connection: Connection, ticket_id: int, who: str, relation: str, other_id: int, now: datetime) -> None:
    """Tie the ticket to something; tying it again changes nothing.

    Raises TicketError for an unknown relation, when either end does not exist, and for a ring of tickets.
    """
    if relation not in RELATIONS:
        raise TicketError(f"There is no relation {relation!r}; choose one of {', '.join(RELATIONS)}.")
    _require(connection, ticket, ticket_id, "ticket")
    if relation in TO_TICKETS:
        _require(connection, ticket, other_id, "ticket")
        if ticket_id in _above(connection, relation, other_id):
            raise TicketError(f"Ticket {other_id} hangs on ticket {ticket_id} already; a ring of tickets has no end.")
    else:
        _require(connection, _OTHERS[relation], other_id, relation)
    tying = upsert(connection, ticket_link).values(
        ticket_id=ticket_id, relation=relation, other_id=other_id, added_by=who, added_at=now
    )
    if connection.scalar(tying.on_conflict_do_nothing().returning(ticket_link.c.id)) is not None:
        detail = {"relation": relation, "other": other_id}
        write_down(connection, ticket_id, who, "linked", _said(relation, other_id), now, detail)


def unlink(connection: Connection, ticket_id: int, who: str, relation: str, other_id: int, now: datetime) -> None:
    """Take a link off again. Raises TicketError when there is none."""
    gone = delete(ticket_link).where(
        ticket_link.c.ticket_id == ticket_id,
        ticket_link.c.relation == relation,
        ticket_link.c.other_id == other_id,
    )
    if connection.execute(gone).rowcount != 1:
        raise TicketError(f"Ticket {ticket_id} has no such link.")
    detail = {"relation": relation, "other": other_id}
    write_down(connection, ticket_id, who, "unlinked", _said(relation, other_id), now, detail)


def about(text: str) -> tuple[str, int]:
    """What a ticket is about, from what a person or a program writes: `job/3`. Raises TicketError for anything else."""
    what, slash, number = text.strip().lower().partition("/")
    if what not in ABOUT or not slash or not number.isascii() or not number.isdigit():
        raise TicketError(
            f"{text[:40]!r} is nothing that a ticket can be about; write one of {', '.join(ABOUT)}, a slash "
            f"and a number: alert/12."
        )
    return what, int(number)


def _above(connection: Connection, relation: str, number: int) -> set[int]:
    """The ticket and everything that it hangs on by this relation."""
    found, asked = {number}, {number}
    for _level in range(_DEEPEST):
        query = select(ticket_link.c.other_id).where(
            ticket_link.c.ticket_id.in_(asked), ticket_link.c.relation == relation
        )
        asked = set(connection.scalars(query)) - found
        if not asked:
            return found
        found |= asked
    return found


def _require(connection: Connection, table: Table, number: int, what: str) -> None:
    if not 0 < number < 2**63 or connection.scalar(select(table.c.id).where(table.c.id == number)) is None:
        raise TicketError(f"There is no {what} {number}.")


def _said(relation: str, other_id: int) -> str:
    if relation in TO_TICKETS:
        return f"{relation.replace('_', ' ')} ticket {other_id}"
    return f"{relation} {other_id}"
