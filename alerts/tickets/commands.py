"""What people do with tickets: open them, move them along the flow of their kind, comment on them.

Each doing moves the ticket only from a state that allows it and only once, whoever else does the same at the same time; it
is an event of the ticket and a row of the audit trail. `rights` are the rights of who does it; by default those of
somebody who works on tickets.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, update

from alerts.tickets import fields
from alerts.tickets.automatic import adopt, alert_cleared, from_alert
from alerts.tickets.book import Book, default_book
from alerts.tickets.declared import PRIORITIES
from alerts.tickets.history import found, write_down
from alerts.tickets.links import link
from alerts.tickets.machine import EVENT_OF, WORK, Person, TicketError, move_of, permitted
from alerts.tickets.membership import department_of, known, staffed, worker
from alerts.tickets.moving import changed_by, require_member, said_of
from alerts.tickets.opening import opened_with
from alerts.tickets.priorities import prioritise
from alerts.tickets.turning import turned
from core.store.tables import ticket

__all__ = [
    "Person",
    "TicketError",
    "alert_cleared",
    "assign",
    "close",
    "comment",
    "do",
    "doings",
    "from_alert",
    "open_ticket",
    "prioritise",
    "reopen",
    "resolve",
]
WORKER: Final = frozenset({WORK})
_NEEDED: Final = {
    "assignee": "somebody to have it",
    "department": "a department, branch or integrator",
    "reason": "a reason",
    "waits_on": "whom it waits for",
    "cause": "a cause",
    "remedy": "a remedy",
}
_LONGEST: Final = 4000


def open_ticket(
    connection: Connection,
    who: str,
    kind: str,
    title: str,
    now: datetime,
    *,
    description: str = "",
    priority: str | None = None,
    due_at: datetime | None = None,
    alert_id: int | None = None,
    demo: bool = False,
    given: Mapping[str, object] | None = None,
    origin: str = "",
    department: str = "",
    about: tuple[str, int] | None = None,
    book: Book | None = None,
) -> int:
    """Open a ticket and return its number.

    `given` are the fields of its kind, as people write them; None leaves those that are needed to who resolves it. A
    deadline that is given counts around the clock and holds instead of the kind's. `about` is what it is tied to, such
    as ("job", 3): an open alert without a ticket at work has this one from now on. Raises TicketError for an unknown
    kind, priority or party, without a title, for fields that are missing or wrong, and for something that is not there.
    """
    book = book or default_book()
    if kind not in book.kinds:
        raise TicketError(f"There is no kind of ticket {kind!r}; choose one of {', '.join(book.kinds)}.")
    priority = priority or book.kinds[kind].priority
    if priority not in PRIORITIES:
        raise TicketError(f"There is no priority {priority!r}; choose one of {', '.join(PRIORITIES)}.")
    title = _written({"title": title}, "title", "a title")
    for party, parties in ((origin, book.origins(kind)), (department, book.doers(kind))):
        codes = [one.code for one in parties]
        if party and party not in codes:
            raise TicketError(
                f"{party!r} is no party for tickets of the kind {kind}; choose one of {', '.join(codes)}."
            )
    within = None if due_at is None else due_at - now
    values = {
        "kind": kind,
        "title": title,
        "description": description,
        "priority": priority,
        "state": "open",
        "opened_by": who,
        "alert_id": alert_id,
        "demo": demo,
        "fields": None if given is None else fields.checked(book, kind, given, "opening"),
        "origin": origin or None,
        **opened_with(book, kind, priority, within, now, department),
    }
    number: int = connection.execute(insert(ticket).returning(ticket.c.id).values(values)).scalar_one()
    write_down(connection, number, who, "opened", title, now, {"kind": kind, "priority": priority})
    if about is not None and not (about[0] == "alert" and adopt(connection, about[1], number, who, now)):
        link(connection, number, who, *about, now)
    return number


def do(
    connection: Connection,
    ticket_id: int,
    doing: str,
    person: Person,
    now: datetime,
    said: Mapping[str, str] | None = None,
    *,
    given: Mapping[str, object] | None = None,
    book: Book | None = None,
) -> None:
    """Move the ticket. `said` is what the move needs (reason, cause, ...) and a note; `given` are fields of its kind.

    Raises TicketError when the move is not permitted now, or not to this person, or something that it needs is missing, or
    somebody else has just changed the ticket.
    """
    book, said = book or default_book(), said or {}
    row = found(connection, ticket_id)
    person, staff = known(connection, person), staffed(connection, row.department)
    asked = book.flow(row.kind).move(doing) if row.kind in book.kinds else None
    words: dict[str, str] = {name: _written(said, name, _NEEDED[name]) for name in (asked.needs if asked else ())}
    move = move_of(book, row, doing, person, staffed=staff)
    if doing == "assign":
        words["assignee"] = worker(connection, words["assignee"])
        if staff:
            require_member(connection, row, person, words["assignee"])
    note = said.get("note", "").strip()[:_LONGEST]
    values = changed_by(book, row, move, person, words, given, now)
    events = [(EVENT_OF[doing], said_of(doing, words, note), words | ({"note": note} if note else {}))]
    if doing == "resolve" and row.assignee is None:
        events.insert(0, ("assigned", f"to {person.name}", {"assignee": person.name}))
    values |= turned(connection, book, row, values["state"], [kind for kind, _, _ in events], now)
    holder = values["assignee"]
    own = department_of(connection, holder) if holder is not None and holder != row.assignee else None
    if own is not None and own != row.department:
        values["department"] = own
        events.append(("department", f"{own}: {holder} is of it", {"department": own}))
    unchanged = (
        ticket.c.id == ticket_id,
        ticket.c.state == row.state,
        ticket.c.assignee.is_not_distinct_from(row.assignee),
        ticket.c.department.is_not_distinct_from(row.department),
    )
    if connection.execute(update(ticket).where(*unchanged).values(values)).rowcount != 1:
        move_of(book, found(connection, ticket_id), doing, person, staffed=staff)
        raise TicketError(f"Ticket {ticket_id} was changed by somebody else just now; look at it again.")
    for kind, text, detail in events:
        write_down(connection, ticket_id, person.name, kind, text, now, detail)


def doings(connection: Connection, ticket_id: int, person: Person, book: Book | None = None) -> tuple[str, ...]:
    """What this person may do with the ticket now. Raises TicketError when there is no such ticket."""
    row = found(connection, ticket_id)
    person = known(connection, person)
    return permitted(book or default_book(), row, person, staffed=staffed(connection, row.department))


def assign(
    connection: Connection,
    ticket_id: int,
    who: str,
    assignee: str,
    now: datetime,
    *,
    rights: frozenset[str] = WORKER,
    book: Book | None = None,
) -> None:
    """Give the ticket to somebody. Raises TicketError like `do`."""
    do(connection, ticket_id, "assign", Person(who, rights), now, {"assignee": assignee}, book=book)


def comment(connection: Connection, ticket_id: int, who: str, text: str, now: datetime) -> None:
    """Write something on the ticket, in whatever state it is. Raises TicketError without text or ticket."""
    text = _written({"text": text}, "text", "a comment")
    found(connection, ticket_id)
    write_down(connection, ticket_id, who, "comment", text, now, {"text": text})


def resolve(
    connection: Connection,
    ticket_id: int,
    who: str,
    cause: str,
    remedy: str,
    now: datetime,
    *,
    given: Mapping[str, object] | None = None,
    rights: frozenset[str] = WORKER,
    book: Book | None = None,
) -> None:
    """Say what it was and what was done. A ticket that nobody has becomes the work of who resolves it.

    Raises TicketError like `do`.
    """
    said = {"cause": cause, "remedy": remedy}
    do(connection, ticket_id, "resolve", Person(who, rights), now, said, given=given, book=book)


def close(
    connection: Connection,
    ticket_id: int,
    who: str,
    now: datetime,
    note: str = "",
    *,
    rights: frozenset[str] = WORKER,
    book: Book | None = None,
) -> None:
    """Be done with a ticket whose remedy holds. Raises TicketError like `do`."""
    do(connection, ticket_id, "close", Person(who, rights), now, {"note": note}, book=book)


def reopen(
    connection: Connection,
    ticket_id: int,
    who: str,
    reason: str,
    now: datetime,
    *,
    rights: frozenset[str] = WORKER,
    book: Book | None = None,
) -> None:
    """Take a ticket up again, with whoever had it. Raises TicketError like `do`."""
    do(connection, ticket_id, "reopen", Person(who, rights), now, {"reason": reason}, book=book)


def _written(said: Mapping[str, str], name: str, what: str) -> str:
    text = (said.get(name) or "").strip()
    if not text:
        raise TicketError(f"This needs {what}; nothing was written.")
    if len(text) > _LONGEST:
        raise TicketError(f"The text has more than {_LONGEST} characters; put it into a file.")
    return text
