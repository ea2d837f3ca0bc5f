"""Personal addresses of calendars: a secret in the address, its SHA-256 in the store, revocable; one in force for each person
and each of what a calendar can show, which is one of WHAT."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, insert, select, update

from core.people import audit
from core.people.secret import digest, new_secret
from core.store.tables import on_call_feed, user

SHIFTS: Final = "shifts"
CHANGES: Final = "changes"
WHAT: Final = (SHIFTS, CHANGES)
_ACTION: Final = {SHIFTS: "oncall.feed", CHANGES: "changes.feed"}


def renew(connection: Connection, owner: str, now: datetime, what: str = SHIFTS) -> str:
    """Make a new secret for the owner's address and return it, once; the one before is worthless from now on."""
    _revoke(connection, owner, now, what)
    secret = new_secret()
    connection.execute(insert(on_call_feed).values(owner=owner, token_hash=digest(secret), made_at=now, what=what))
    audit.record(connection, at=now, who=owner, action=_ACTION[what], object=f"feed/{owner}", detail={})
    return secret


def revoke(connection: Connection, owner: str, now: datetime, what: str = SHIFTS) -> bool:
    """Make the owner's address worthless; False when there was none."""
    if not _revoke(connection, owner, now, what):
        return False
    audit.record(connection, at=now, who=owner, action=f"{_ACTION[what]}_revoke", object=f"feed/{owner}", detail={})
    return True


def owner_of(connection: Connection, secret: str, what: str = SHIFTS) -> str | None:
    """Whose address it is; none when it is unknown, revoked or of another calendar, or when the owner's account is closed."""
    feed = on_call_feed.c
    query = select(feed.owner).join(user, user.c.name == feed.owner)
    in_force = feed.revoked_at.is_(None) & user.c.disabled_at.is_(None)
    found: str | None = connection.scalar(query.where(feed.token_hash == digest(secret), feed.what == what, in_force))
    return found


def made_at(connection: Connection, owner: str, what: str = SHIFTS) -> datetime | None:
    """Since when the owner has an address in force; none without one."""
    found: datetime | None = connection.scalar(select(on_call_feed.c.made_at).where(_in_force(owner, what)))
    return found


def _revoke(connection: Connection, owner: str, now: datetime, what: str) -> int:
    return connection.execute(update(on_call_feed).where(_in_force(owner, what)).values(revoked_at=now)).rowcount


def _in_force(owner: str, what: str) -> ColumnElement[bool]:
    feed = on_call_feed.c
    return (feed.owner == owner) & (feed.what == what) & feed.revoked_at.is_(None)
