"""Bearer tokens for machines: a random secret shown once, its SHA-256 stored; with a role, revocable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, insert, or_, select, update

from core.people import audit
from core.people.secret import digest, new_secret
from core.people.users import NAME, PeopleError, canonical, require_role
from core.store.tables.people import token

PREFIX = "bomc_"
"""Heads every token, so that a leaked one is recognised wherever it turns up."""


@dataclass(frozen=True, slots=True)
class Token:
    """A machine's way in; the secret itself is not kept."""

    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def create(
    connection: Connection, *, name: str, role: str, by: str, now: datetime, expires_at: datetime | None = None
) -> str:
    """Make a token and return its secret, once. Raises PeopleError when the name is taken or will not do."""
    spelled = canonical(name)
    if not NAME.fullmatch(spelled):
        raise PeopleError(f"{name!r} cannot be a token's name: use 1 to 64 letters, digits, '.', '-', '_' or '@'.")
    require_role(role)
    if expires_at is not None and expires_at <= now:
        raise PeopleError(f"The token would have expired at {expires_at.isoformat()} already; choose a later time.")
    if connection.execute(select(token.c.id).where(token.c.name == spelled)).one_or_none() is not None:
        raise PeopleError(f"There is already a token named {spelled}; choose another name, revoked ones keep theirs.")
    secret = new_secret(PREFIX)
    connection.execute(
        insert(token).values(name=spelled, role=role, token_hash=digest(secret), created_at=now, expires_at=expires_at)
    )
    detail = {"role": role, "expires_at": expires_at}
    audit.record(connection, at=now, who=by, action="token.create", object=spelled, detail=detail)
    return secret


def find(connection: Connection, secret: str, *, now: datetime) -> Token | None:
    """The token in force with that secret; None when it is unknown, revoked or expired."""
    row = connection.execute(
        select(token).where(
            token.c.token_hash == digest(secret),
            token.c.revoked_at.is_(None),
            or_(token.c.expires_at.is_(None), token.c.expires_at > now),
        )
    ).one_or_none()
    return None if row is None else _token(row)


def revoke(connection: Connection, *, name: str, by: str, now: datetime) -> None:
    """Make a token worthless from its next request on. Raises PeopleError when there is no such token in force."""
    spelled = canonical(name)
    changed = connection.execute(
        update(token).where(token.c.name == spelled, token.c.revoked_at.is_(None)).values(revoked_at=now)
    ).rowcount
    if not changed:
        raise PeopleError(f"There is no token named {spelled} that could be revoked.")
    audit.record(connection, at=now, who=by, action="token.revoke", object=spelled, detail={})


def all_tokens(connection: Connection) -> list[Token]:
    """All tokens by name, the revoked ones too."""
    return [_token(row) for row in connection.execute(select(token).order_by(token.c.name))]


def _token(row: Row[tuple[object, ...]]) -> Token:
    return Token(row.name, row.role, row.created_at, row.expires_at, row.revoked_at)
