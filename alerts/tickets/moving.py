"""What a move along the flow changes in the row of a ticket, but for its clocks, and how its history says it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from alerts.occurrences import AnyRow
from alerts.tickets import fields
from alerts.tickets.book import Book
from alerts.tickets.declared import Move
from alerts.tickets.machine import DISPATCH, Person, TicketError, state_after
from alerts.tickets.membership import department_of


def changed_by(
    book: Book,
    row: AnyRow,
    move: Move,
    person: Person,
    words: Mapping[str, str],
    given: Mapping[str, object] | None,
    now: datetime,
) -> dict[str, Any]:
    """What the move changes in the row, but for the clock."""
    doing, values = move.doing, dict[str, Any]()
    assignee = row.assignee
    if doing == "assign":
        assignee = words["assignee"]
    elif doing == "take" or (doing == "resolve" and assignee is None):
        assignee = person.name
    elif doing == "transfer":
        assignee = None
        values |= {"department": _party(book, row, words["department"]), "passed_on_at": now}
    values |= {"assignee": assignee, "state": state_after(book, row, move, assignee)}
    if move.answers and row.responded_at is None:
        values["responded_at"] = now
    values["waits_on"] = words.get("waits_on")
    if doing == "resolve":
        known = (
            fields.checked(book, row.kind, given or {}, "resolving", row.fields) if _checks(row, given) else row.fields
        )
        values |= {"cause": words["cause"], "remedy": words["remedy"], "resolved_at": now, "resolved_by": person.name}
        values["fields"] = known
    elif doing == "reopen":
        values |= {"resolved_at": None, "closed_at": None, "resolved_by": None}
    elif doing in ("close", "cancel", "reject"):
        values["closed_at"] = now
    return values


def require_member(connection: Connection, row: AnyRow, person: Person, assignee: str) -> None:
    """Raises TicketError when a ticket that was passed on to a department is to be given to somebody of another one."""
    if row.passed_on_at is None or DISPATCH in person.rights or department_of(connection, assignee) == row.department:
        return
    raise TicketError(
        f"{assignee} is not of {row.department}, to which ticket {row.id} was passed on; ask a dispatcher."
    )


def _checks(row: AnyRow, given: Mapping[str, object] | None) -> bool:
    """Fields are asked for where a person filled some in; a ticket that a program opened may be resolved without any."""
    return row.fields is not None or given is not None


def _party(book: Book, row: AnyRow, code: str) -> str:
    known = {party.code for party in (*book.doers(row.kind), *book.origins(row.kind))}
    if code not in known:
        choices = ", ".join(sorted(known))
        raise TicketError(f"{code!r} is no party for tickets of the kind {row.kind}; choose one of {choices}.")
    return code


def said_of(doing: str, words: Mapping[str, str], note: str) -> str:
    """The detail of the event of a move, in words."""
    if doing == "assign":
        return f"to {words['assignee']}"
    if doing == "transfer":
        return f"to {words['department']}: {words['reason']}"
    if doing == "pause":
        return f"waits for {words['waits_on']}: {words['reason']}"
    if doing == "resolve":
        return f"cause: {words['cause']}; remedy: {words['remedy']}"
    return words.get("reason", note)
