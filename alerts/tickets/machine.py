"""What a person may do with a ticket now: a function of its kind's moves, its row and the person. Pure.

Every refusal is a sentence that says what stands in the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from alerts.tickets.book import Book
from alerts.tickets.declared import DOINGS, STATES, Move
from core.refused import RefusedError

WORK: Final = "tickets.work"
APPROVE: Final = "tickets.approve"
DISPATCH: Final = "tickets.dispatch"
EVENT_OF: Final = {
    "approve": "approved",
    "reject": "rejected",
    "assign": "assigned",
    "take": "taken",
    "accept": "accepted",
    "transfer": "transferred",
    "pause": "paused",
    "resume": "resumed",
    "resolve": "resolved",
    "confirm": "confirmed",
    "close": "closed",
    "reopen": "reopened",
    "cancel": "cancelled",
}
"""The event that each doing is in the history of a ticket."""
_PEOPLE: Final = {"assignee": "its assignee", "opener": "who opened it", "approver": "an approver"}


class TicketError(RefusedError):
    """The doing is refused; the sentence says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who does something, with their rights."""

    name: str
    rights: frozenset[str] = frozenset({WORK})
    names: frozenset[str] = frozenset()  # others under which their doings are written down
    department: str | None = None

    def did(self, who: str | None) -> bool:
        """Whether that name is one of this person's."""
        return who is not None and (who == self.name or who in self.names)


def move_of(book: Book, row: Any, doing: str, person: Person, *, staffed: bool = True) -> Move:
    """The move that this person may make with the ticket; `row` has id, kind, state, assignee, opened_by, resolved_by,
    department and passed_on_at. `staffed` says whether anybody belongs to the department that has it.

    Raises TicketError when the kind has no such move, the state does not allow it, or it is not for this person.
    """
    move = book.flow(row.kind).move(doing) if row.kind in book.kinds else None
    if move is None:
        raise TicketError(f"Ticket {row.id} is of the kind {row.kind}, which does not know how to {doing}.")
    if row.state not in move.start:
        possible = " or ".join(state for state in STATES if state in move.start)
        raise TicketError(f"Ticket {row.id} is {row.state}; to {doing} it, it must be {possible}.")
    if WORK not in person.rights:
        raise TicketError(f"{person.name} has no right to work on tickets; an administrator can give one.")
    if "opener" in move.never and person.did(row.opened_by):
        raise TicketError(f"{person.name} opened ticket {row.id}; another person must {doing} it.")
    if "resolver" in move.never and person.did(row.resolved_by):
        raise TicketError(f"{person.name} resolved ticket {row.id}; another person must {doing} it.")
    if not any(_is(who, row, person) for who in move.who):
        wanted = " or ".join(_PEOPLE[who] for who in move.who)
        raise TicketError(f"It is for {wanted} to {doing} ticket {row.id}.")
    if move.members and staffed and not belongs(row, person):
        raise TicketError(
            f"Ticket {row.id} was passed on to {row.department}; it is for its people or a dispatcher to {doing} it."
        )
    return move


def belongs(row: Any, person: Person) -> bool:
    """Whether a ticket that was passed on to a department is for this person: of that department, having it already, or a
    dispatcher. One that was passed on to nobody is for everybody."""
    return (
        row.passed_on_at is None
        or person.department == row.department
        or person.did(row.assignee)
        or DISPATCH in person.rights
    )


def permitted(book: Book, row: Any, person: Person, *, staffed: bool = True) -> tuple[str, ...]:
    """The doings that this person may do with the ticket now, in the order of DOINGS."""
    found = []
    for doing in DOINGS:
        try:
            move_of(book, row, doing, person, staffed=staffed)
        except TicketError:
            continue
        found.append(doing)
    return tuple(found)


def state_after(book: Book, row: Any, move: Move, assignee: str | None) -> str:
    """The state that the move leads to; to `assigned` only where somebody has the ticket, else to where one is waited for."""
    if move.to != "assigned" or assignee is not None:
        return move.to
    assign = book.flow(row.kind).move("assign")
    return "open" if assign is None or "open" in assign.start else "approved"


def _is(who: str, row: Any, person: Person) -> bool:
    if who == "assignee":
        return person.did(row.assignee)
    if who == "opener":
        return person.did(row.opened_by)
    if who == "approver":
        return APPROVE in person.rights
    return True
