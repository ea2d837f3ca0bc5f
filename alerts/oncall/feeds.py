"""Personal addresses of calendars: a secret in the address, its SHA-256 in the store, revocable; one in force a person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from core.people import audit
from core.people.secret import digest, new_secret
from core.store.tables import on_call_feed, user


def renew(connection: Connection, owner: str, now: datetime) -> str:
    """Make a new secret for the owner's address and return it, once; the one before is worthless from now on."""
    _revoke(connection, owner, now)
    secret = new_secret()
    connection.execute(insert(on_call_feed).values(owner=owner, token_hash=digest(secret), made_at=now))
    audit.record(connection, at=now, who=owner, action="oncall.feed", object=f"feed/{owner}", detail={})
    return secret


def revoke(connection: Connection, owner: str, now: datetime) -> bool:
    """Make the owner's address worthless; False when there was none."""
    if not _revoke(connection, owner, now):
        return False
    audit.record(connection, at=now, who=owner, action="oncall.feed_revoke", object=f"feed/{owner}", detail={})
    return True


def owner_of(connection: Connection, secret: str) -> str | None:
    """Whose address it is; none when it is unknown or revoked, or when the owner's account is closed."""
    feed = on_call_feed.c
    query = select(feed.owner).join(user, user.c.name == feed.owner)
    query = query.where(feed.token_hash == digest(secret), feed.revoked_at.is_(None), user.c.disabled_at.is_(None))
    found: str | None = connection.scalar(query)
    return found


def made_at(connection: Connection, owner: str) -> datetime | None:
    """Since when the owner has an address in force; none without one."""
    mine = (on_call_feed.c.owner == owner) & on_call_feed.c.revoked_at.is_(None)
    found: datetime | None = connection.scalar(select(on_call_feed.c.made_at).where(mine))
    return found


def _revoke(connection: Connection, owner: str, now: datetime) -> int:
    mine = (on_call_feed.c.owner == owner) & on_call_feed.c.revoked_at.is_(None)
    return connection.execute(update(on_call_feed).where(mine).values(revoked_at=now)).rowcount
