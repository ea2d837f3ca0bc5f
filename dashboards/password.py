"""Whether a password is right, at the cost of guessing: the login's, and that of machines with basic authentication.

Every failed try counts against the account and the address (`core/people/throttle.py`), and hashing is done two at a
time in a process. A sender that comes every few seconds would hash all day, so that it once was right is remembered in
memory - as a keyed digest of stored hash and password together. The account is read anew for each request: one that is
disabled, or has another password, has no such hash any more and so is out at once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from sqlalchemy import Connection

from core.people import audit, passwords, throttle, users
from core.people.users import User
from core.store.open import reading, writing
from dashboards.context import Console, Viewer

HASHINGS = 2
"""Passwords hashed at once: each takes 64 MiB, and each console can overrun the throttle by one guess fewer than this."""
REMEMBERED = 256

T = TypeVar("T")
_hashings: RunVar[CapacityLimiter] = RunVar("bomc_hashings")


class Proven:
    """Pairs of a stored hash and the password that fitted it; the least used of too many is forgotten."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, stored: str, password: str) -> None:
        """The password was right for that hash."""
        with self._lock:
            self._known[self._digest(stored, password)] = None
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def knows(self, stored: str, password: str) -> bool:
        """Whether it was right before."""
        digest = self._digest(stored, password)
        with self._lock:
            if digest not in self._known:
                return False
            self._known.move_to_end(digest)
            return True

    def _digest(self, stored: str, password: str) -> bytes:
        return hmac.digest(self._key, f"{stored}\0{password}".encode("utf-8", "surrogatepass"), hashlib.sha256)


def prove(
    console: Console, name: str, password: str, address: str, admit: Callable[[Connection, User, str], T]
) -> tuple[T | None, timedelta]:
    """Try a password; when it is right, `admit` gets the account and its hash in the transaction that checked both again.

    Blocks for the time of one hashing, which holds no transaction open. Without an answer of `admit` the time is how
    long to wait before the next try is heard; zero: at once.
    """
    now = console.clock()
    with reading(console.engine) as connection:
        pause = throttle.wait(connection, name=name, address=address, now=now)
        account, stored = users.password_hash(connection, name)
    if pause > timedelta():
        return None, pause
    right = passwords.matches(stored, password)
    with writing(console.engine) as connection:
        still, unchanged = users.password_hash(connection, name)
        if not right or still is None or stored is None or unchanged != stored:
            throttle.failed(connection, name=name, exists=account is not None, address=address, now=now)
            return None, timedelta()
        if passwords.outdated(stored):
            users.renew_hash(connection, still, password)
        return admit(connection, still, stored), timedelta()


def remembered(console: Console, proven: Proven, name: str, password: str) -> Viewer | None:
    """The person whose name and password those are, if the password is known to be right; nothing is hashed."""
    with reading(console.engine) as connection:
        account, stored = users.password_hash(connection, name)
    if account is None or stored is None or not proven.knows(stored, password):
        return None
    return _viewer(console, account)


def basic(console: Console, proven: Proven, name: str, password: str, address: str) -> tuple[Viewer | None, timedelta]:
    """The person whose name and password those are, as a viewer without a session; else how long to wait."""

    def admit(connection: Connection, owner: User, fitting: str) -> User:
        detail = {"address": address, "by": "basic authentication"}
        audit.record(connection, at=console.clock(), who=owner.name, action="login", object=owner.name, detail=detail)
        proven.remember(fitting, password)
        return owner

    owner, pause = prove(console, name, password, address, admit)
    return None if owner is None else _viewer(console, owner), pause


async def in_hashing(function: Callable[[], T]) -> T:
    """Run something that hashes a password in a worker thread, HASHINGS at once."""
    try:
        limiter = _hashings.get()
    except LookupError:
        limiter = CapacityLimiter(HASHINGS)
        _hashings.set(limiter)
    return await to_thread.run_sync(function, limiter=limiter)


def _viewer(console: Console, account: User) -> Viewer:
    return Viewer(account.name, account.role, account.language, console.timezone)
