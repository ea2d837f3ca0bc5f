"""Guessing passwords is slowed: so many failed logins for an account or from an address, and then none for a while.

The failures are counted in the audit trail, so all consoles on one store count together. A name that is no account is
written down only as a digest: people now and then type their password where the name belongs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from core.people import audit
from core.people.secret import digest
from core.people.users import canonical
from core.store.tables.people import audit as trail

FAILED = "login.failed"
WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 10
PER_ADDRESS = 30


def failed(connection: Connection, *, name: str, exists: bool, address: str, now: datetime) -> None:
    """Write down a login that failed."""
    spelled = canonical(name)
    detail = {"account": _key(spelled), "address": address}
    who = spelled if exists else "unknown account"
    audit.record(connection, at=now, who=who, action=FAILED, object=who, detail=detail)


def wait(connection: Connection, *, name: str, address: str, now: datetime) -> timedelta:
    """How long until the next try for this account from this address is heard; zero when it is now."""
    account = _key(canonical(name))
    by_account: list[datetime] = []
    by_address: list[datetime] = []
    query = (
        select(trail.c.at, trail.c.detail)
        .where(trail.c.at > now - WINDOW, trail.c.action == FAILED)
        .order_by(trail.c.at.desc(), trail.c.id.desc())
    )
    for row in connection.execute(query):
        if row.detail.get("account") == account:
            by_account.append(row.at)
        if row.detail.get("address") == address:
            by_address.append(row.at)
    ends = [now]
    for found, limit in ((by_account, PER_ACCOUNT), (by_address, PER_ADDRESS)):
        if len(found) >= limit:
            ends.append(found[limit - 1] + WINDOW)
    return max(ends) - now


def _key(spelled: str) -> str:
    return digest("account:" + spelled)[:16]
