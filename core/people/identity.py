"""Who is who: a person at the terminal and on the pages is one person, whatever name the doing was written down with.

What is done at a terminal is written down as `terminal:LOGIN`, what is done on a page under the account's name. The login
is that of the account which names it as its own (`bomc user login`), else of the account with the same name.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from core.people.users import canonical
from core.store.tables.people import user

TERMINAL = "terminal:"


def person_of(connection: Connection, who: str) -> str:
    """The one name of who is meant: their account's, else what stands for somebody without an account."""
    if not who.startswith(TERMINAL):
        return canonical(who)
    login = canonical(who.removeprefix(TERMINAL))
    owner: str | None = connection.scalar(select(user.c.name).where(user.c.login == login))
    return owner or login


def same_person(connection: Connection, one: str | None, other: str | None) -> bool:
    """Whether both names are of one person; nobody is the same as nobody else."""
    return one is not None and other is not None and person_of(connection, one) == person_of(connection, other)


def names_of(connection: Connection, who: str) -> frozenset[str]:
    """Every name under which the doings of this person may be written down, the given one among them."""
    person = person_of(connection, who)
    logins = {person} | set(
        connection.scalars(select(user.c.login).where(user.c.name == person, user.c.login.is_not(None)))
    )
    own = {f"{TERMINAL}{login}" for login in logins if person_of(connection, f"{TERMINAL}{login}") == person}
    return frozenset({who, person} | own)


def seen_by(connection: Connection, viewer: str, who: str | None) -> str | None:
    """The name of who did something; the viewer's own name where it was the viewer under another one."""
    return viewer if same_person(connection, who, viewer) else who
