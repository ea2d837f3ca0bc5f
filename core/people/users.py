"""Accounts of people: adding, changing, disabling. Every change is audited in the transaction that makes it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, delete, insert, select, update

from core.people import audit, passwords
from core.people.rights import ROLES
from core.refused import RefusedError
from core.store.tables.people import session, user

LANGUAGES = ("zh_CN", "en")
NAME = re.compile(r"\w[\w.@-]{0,63}")


class PeopleError(RefusedError):
    """The account or token cannot be made or changed as asked; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class User:
    """A person's account. `password_hash` stays out of its text."""

    id: int
    name: str
    role: str
    language: str
    created_at: datetime
    disabled_at: datetime | None
    department: str | None = None  # code of the department, branch or integrator whose tickets are theirs
    login: str | None = None  # name of their account of the operating system, if it is another one


def canonical(name: str) -> str:
    """The one spelling of an account's name: NFKC, lower case, no spaces around it."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def add(
    connection: Connection,
    *,
    name: str,
    role: str,
    password: str,
    by: str,
    now: datetime,
    language: str = "zh_CN",
    department: str | None = None,
) -> User:
    """Make an account. Raises PeopleError when the name, role, language or password will not do, or is taken.

    Whether there is such a department is for the caller to know: they stand in the configuration of tickets.
    """
    spelled = canonical(name)
    if not NAME.fullmatch(spelled):
        raise PeopleError(f"{name!r} cannot be an account's name: use 1 to 64 letters, digits, '.', '-', '_' or '@'.")
    require_role(role)
    require_language(language)
    require_password(password, spelled)
    if find(connection, spelled) is not None:
        raise PeopleError(f"There is already an account named {spelled}; choose another name.")
    values = {"name": spelled, "role": role, "language": language, "created_at": now, "department": department}
    connection.execute(insert(user).values(**values, password_hash=passwords.hash_of(password)))
    detail = {"role": role} if department is None else {"role": role, "department": department}
    audit.record(connection, at=now, who=by, action="user.add", object=spelled, detail=detail)
    return require(connection, spelled)


def disable(connection: Connection, *, name: str, by: str, now: datetime) -> None:
    """Close an account and end its sessions at once. Raises PeopleError when there is no such open account."""
    account = require(connection, name)
    if account.disabled_at is not None:
        raise PeopleError(f"The account {account.name} is disabled already, since {account.disabled_at:%Y-%m-%d}.")
    connection.execute(update(user).where(user.c.id == account.id).values(disabled_at=now))
    ended = _end_sessions(connection, account.id)
    audit.record(
        connection, at=now, who=by, action="user.disable", object=account.name, detail={"sessions_ended": ended}
    )


def set_password(connection: Connection, *, name: str, password: str, by: str, now: datetime) -> None:
    """Give an account another password and end its sessions. Raises PeopleError when it will not do."""
    account = require(connection, name)
    require_password(password, account.name)
    _store_password(connection, account.id, password)
    ended = _end_sessions(connection, account.id)
    audit.record(
        connection, at=now, who=by, action="user.password", object=account.name, detail={"sessions_ended": ended}
    )


def renew_hash(connection: Connection, account: User, password: str) -> None:
    """Store the same password at today's hashing cost; the sessions go on."""
    _store_password(connection, account.id, password)


def set_role(connection: Connection, *, name: str, role: str, by: str, now: datetime) -> None:
    """Give an account another role, effective with its next request. Raises PeopleError when there is none such."""
    account = require(connection, name)
    require_role(role)
    connection.execute(update(user).where(user.c.id == account.id).values(role=role))
    detail = {"old": account.role, "new": role}
    audit.record(connection, at=now, who=by, action="user.role", object=account.name, detail=detail)


def set_department(connection: Connection, *, name: str, department: str | None, by: str, now: datetime) -> None:
    """Say to which department, branch or integrator a person belongs; none: to no one. Raises PeopleError for an unknown
    account."""
    account = require(connection, name)
    connection.execute(update(user).where(user.c.id == account.id).values(department=department))
    detail = {"old": account.department, "new": department}
    audit.record(connection, at=now, who=by, action="user.department", object=account.name, detail=detail)


def set_login(connection: Connection, *, name: str, login: str | None, by: str, now: datetime) -> None:
    """Say under which name of the operating system a person works at the terminal; none: under the account's own name.

    Raises PeopleError for an unknown account, and for a login that is somebody else's.
    """
    account = require(connection, name)
    spelled = canonical(login) if login else None
    if spelled is not None:
        owner = connection.scalar(select(user.c.name).where(user.c.login == spelled, user.c.id != account.id))
        if owner is None:
            owner = connection.scalar(select(user.c.name).where(user.c.name == spelled, user.c.id != account.id))
        if owner is not None:
            raise PeopleError(f"The login {spelled} is that of the account {owner}; one person has one account.")
    connection.execute(update(user).where(user.c.id == account.id).values(login=spelled))
    detail = {"old": account.login, "new": spelled}
    audit.record(connection, at=now, who=by, action="user.login", object=account.name, detail=detail)


def set_language(connection: Connection, *, name: str, language: str, by: str, now: datetime) -> None:
    """Choose the language in which the console speaks to that account. Raises PeopleError when it speaks no such."""
    account = require(connection, name)
    require_language(language)
    if language == account.language:
        return
    connection.execute(update(user).where(user.c.id == account.id).values(language=language))
    detail = {"old": account.language, "new": language}
    audit.record(connection, at=now, who=by, action="user.language", object=account.name, detail=detail)


def find(connection: Connection, name: str) -> User | None:
    """The account of that name, disabled or not; None when there is none."""
    row = connection.execute(select(user).where(user.c.name == canonical(name))).one_or_none()
    return None if row is None else _user(row)


def require(connection: Connection, name: str) -> User:
    """The account of that name. Raises PeopleError when there is none."""
    found = find(connection, name)
    if found is None:
        raise PeopleError(f"There is no account named {canonical(name)}; `bomc user list` shows them all.")
    return found


def password_hash(connection: Connection, name: str) -> tuple[User | None, str | None]:
    """The open account of that name with its hash; twice None when it does not exist or is disabled."""
    query = select(user).where(user.c.name == canonical(name), user.c.disabled_at.is_(None))
    row = connection.execute(query).one_or_none()
    return (None, None) if row is None else (_user(row), row.password_hash)


def everybody(connection: Connection) -> list[User]:
    """All accounts by name, the disabled ones too."""
    return [_user(row) for row in connection.execute(select(user).order_by(user.c.name))]


def require_role(role: str) -> None:
    """Raises PeopleError unless there is such a role."""
    if role not in ROLES:
        raise PeopleError(f"There is no role {role!r}; choose one of {', '.join(ROLES)}.")


def require_language(language: str) -> None:
    """Raises PeopleError unless the console speaks it."""
    if language not in LANGUAGES:
        raise PeopleError(f"The console does not speak {language!r}; choose one of {', '.join(LANGUAGES)}.")


def require_password(password: str, name: str) -> None:
    """Raises PeopleError unless it will do as the password of that account."""
    sentence = passwords.fault(password, name)
    if sentence is not None:
        raise PeopleError(sentence)


def _store_password(connection: Connection, user_id: int, password: str) -> None:
    connection.execute(update(user).where(user.c.id == user_id).values(password_hash=passwords.hash_of(password)))


def _end_sessions(connection: Connection, user_id: int) -> int:
    return connection.execute(delete(session).where(session.c.user_id == user_id)).rowcount


def _user(row: Row[tuple[object, ...]]) -> User:
    return User(row.id, row.name, row.role, row.language, row.created_at, row.disabled_at, row.department, row.login)
