"""Sessions of logged-in people: a random cookie of which only the SHA-256 is stored, expiring on the server.

A session ends when nobody used it for the idle time, in any case at the end of its lifetime, when its owner logs out,
and when the account is disabled. Uses are noted at most once a minute, so reading a page is not a write.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select, update

from core.people import audit
from core.people.secret import digest, new_secret
from core.people.users import User
from core.store.tables.people import session, user

NOTED_EVERY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Started:
    """A new session: the cookie, which is nowhere else, and the value that state-changing requests repeat."""

    cookie: str
    csrf: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A session in force, with its owner as of this moment."""

    id_hash: str
    csrf: str
    name: str
    role: str
    language: str
    seen_at: datetime
    expires_at: datetime

    def to_note(self, now: datetime) -> bool:
        """Whether this use should be written down."""
        return now - self.seen_at >= NOTED_EVERY


def begin(
    connection: Connection, *, owner: User, address: str, idle: timedelta, lifetime: timedelta, now: datetime
) -> Started:
    """Start a session with a new id after a login; sessions that ran out are cleared away with it."""
    connection.execute(delete(session).where(or_(session.c.expires_at <= now, session.c.seen_at <= now - idle)))
    started = Started(new_secret(), new_secret(), now + lifetime)
    connection.execute(
        insert(session).values(
            id_hash=digest(started.cookie),
            user_id=owner.id,
            csrf=started.csrf,
            created_at=now,
            seen_at=now,
            expires_at=started.expires_at,
        )
    )
    audit.record(connection, at=now, who=owner.name, action="login", object=owner.name, detail={"address": address})
    return started


def find(connection: Connection, cookie: str, *, idle: timedelta, now: datetime) -> Session | None:
    """The session of that cookie if it is in force and its owner's account is open; None otherwise."""
    return find_by_hash(connection, digest(cookie), idle=idle, now=now)


def find_by_hash(connection: Connection, id_hash: str, *, idle: timedelta, now: datetime) -> Session | None:
    """The same by the stored hash, for those who hold a session open without its cookie."""
    row = connection.execute(
        select(session.c.csrf, session.c.seen_at, session.c.expires_at, user.c.name, user.c.role, user.c.language)
        .join(user, user.c.id == session.c.user_id)
        .where(
            session.c.id_hash == id_hash,
            session.c.expires_at > now,
            session.c.seen_at > now - idle,
            user.c.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    return Session(id_hash, row.csrf, row.name, row.role, row.language, row.seen_at, row.expires_at)


def note(connection: Connection, id_hash: str, now: datetime) -> None:
    """Write down that the session was used, which puts its idle end off."""
    connection.execute(update(session).where(session.c.id_hash == id_hash).values(seen_at=now))


def end(connection: Connection, id_hash: str, *, who: str, now: datetime) -> None:
    """Log out: the cookie is worth nothing from now on."""
    if connection.execute(delete(session).where(session.c.id_hash == id_hash)).rowcount:
        audit.record(connection, at=now, who=who, action="logout", object=who, detail={})
