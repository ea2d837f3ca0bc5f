"""What the tests of work orders need: people, a ticket of every kind with what its kind asks for, and a look at it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from alerts.occurrences import AnyRow
from alerts.tickets import commands
from alerts.tickets.book import Book, default_book
from alerts.tickets.declared import FieldEntry
from alerts.tickets.machine import Person
from core.people.rights import rights_of
from core.store.open import reading
from core.store.tables import alert, ticket, ticket_event, user
from tests.alerts.world import NOON

LI = Person("li", rights_of("operator"))
WANG = Person("wang", rights_of("operator"))
BOSS = Person("boss", rights_of("manager"))
GUEST = Person("guest", rights_of("viewer"))
SAID = {
    "assignee": "li",
    "reason": "so it is",
    "waits_on": "the vendor",
    "cause": "a worn part",
    "remedy": "changed it",
}
_VALUES = {
    "text": "something",
    "number": "12",
    "money": "12.30 CNY",
    "date": "2026-03-05",
    "instant": "2026-03-05 02:00",
    "subscriber": "13812345678",
}


def accounts(connection: Connection) -> None:
    """The people of these tests as accounts, which belong to no department; zhao is an operator, gone has left."""
    roles = {
        "li": "operator",
        "wang": "operator",
        "zhao": "operator",
        "boss": "manager",
        "guest": "viewer",
        "gone": "operator",
    }
    rows = [
        {
            "name": name,
            "role": role,
            "password_hash": "",
            "language": "en",
            "created_at": NOON,
            "disabled_at": NOON if name == "gone" else None,
        }
        for name, role in roles.items()
    ]
    connection.execute(insert(user), rows)


def value_for(field: FieldEntry) -> str:
    """Something that a field of this type takes."""
    return field.choices[0].code if field.choices else _VALUES[field.type]


def all_fields(book: Book, kind: str) -> dict[str, str]:
    """A value for every field of a kind."""
    return {field.name: value_for(field) for field in book.kinds[kind].fields}


def open_one(
    connection: Connection,
    kind: str = "fault",
    now: datetime = NOON,
    *,
    who: str = "li",
    given: Mapping[str, str] | None = None,
    **known: Any,
) -> int:
    """A ticket of that kind, opened by li with all its fields."""
    book = known.pop("book", None) or default_book()
    fields = all_fields(book, kind) if given is None else given
    return commands.open_ticket(connection, who, kind, f"A {kind}", now, given=fields, book=book, **known)


def said_for(book: Book, kind: str) -> dict[str, str]:
    """What any doing may need; a transfer goes to whoever can do this kind of work."""
    return SAID | {"department": book.doers(kind)[0].code}


def row_of(connection: Connection, number: int) -> AnyRow:
    """The ticket as it stands."""
    return connection.execute(select(ticket).where(ticket.c.id == number)).one()


def kinds_of(engine: Engine, number: int) -> list[str]:
    """The kinds of the events of a ticket, in order."""
    query = select(ticket_event.c.kind).where(ticket_event.c.ticket_id == number).order_by(ticket_event.c.id)
    with reading(engine) as connection:
        return list(connection.scalars(query))


def an_alert(connection: Connection, number: int, at: datetime = NOON) -> int:
    """An open alert to hang a ticket on."""
    values = {
        "id": number,
        "fingerprint": f"f{number}",
        "check_name": "disk-full",
        "target": "host-1",
        "labels": {"alertname": "disk-full"},
        "annotations": {},
        "severity": "critical",
        "state": "firing",
        "opened_at": at,
        "updated_at": at + timedelta(),
        "demo": False,
    }
    connection.execute(insert(alert).values(values))
    return number
