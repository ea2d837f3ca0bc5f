"""Whose a ticket is by department: people belong to a department, branch or integrator, and a ticket goes between these."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, func, select

from alerts.tickets.machine import WORK, Person, TicketError
from core.people import users
from core.people.identity import names_of, person_of
from core.people.rights import RIGHTS, allowed
from core.store.tables import user


def known(connection: Connection, person: Person) -> Person:
    """The person with their department and every name under which their doings are written down."""
    names = names_of(connection, person.name)
    return replace(person, names=names, department=department_of(connection, person.name))


def department_of(connection: Connection, name: str) -> str | None:
    """The department, branch or integrator of a person; none for somebody without one, or without an account."""
    found: str | None = connection.scalar(select(user.c.department).where(user.c.name == person_of(connection, name)))
    return found


def staffed(connection: Connection, department: str | None) -> bool:
    """Whether anybody who works on tickets belongs to it; what is passed on to nobody is for everybody."""
    query = select(func.count()).where(
        user.c.department == department, user.c.disabled_at.is_(None), user.c.role.in_(RIGHTS[WORK])
    )
    return department is not None and int(connection.scalar(query) or 0) > 0


def worker(connection: Connection, name: str) -> str:
    """The account of that name, if it can have a ticket: it is open and its role works on tickets.

    Raises TicketError for every other name, so that no ticket is given to somebody who never sees it.
    """
    found = users.find(connection, person_of(connection, name))
    if found is None or found.disabled_at is not None:
        raise TicketError(
            f"There is no account named {name[:64]} that is open; give the ticket to somebody who has one."
        )
    if not allowed(found.role, WORK):
        raise TicketError(
            f"{found.name} has the role {found.role}, which does not work on tickets; choose somebody else."
        )
    return found.name
