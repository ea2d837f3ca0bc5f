"""Passwords: what is accepted as one, and their argon2id hashes (RFC 9106, second recommended set: 64 MiB)."""

from __future__ import annotations

import functools
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 1024  # hashing has a cost: nobody may choose it
FEWEST_DIFFERENT = 5

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)


def fault(password: str, name: str) -> str | None:
    """Why this cannot be the password of that account, as a sentence; None when it can."""
    if len(password) < MINIMUM_LENGTH:
        return f"The password has {len(password)} characters; choose one of at least {MINIMUM_LENGTH}."
    if len(password) > MAXIMUM_LENGTH:
        return f"The password has {len(password)} characters; choose one of at most {MAXIMUM_LENGTH}."
    if len(set(password)) < FEWEST_DIFFERENT:
        return f"The password repeats itself; use at least {FEWEST_DIFFERENT} different characters."
    if name.casefold() in password.casefold() and len(name) * 2 > len(password):
        return "The password is little more than the account's name; choose another one."
    return None


def hash_of(password: str) -> str:
    """The argon2id hash to store, with its own random salt."""
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the one behind that hash; None (no such account) takes as long and is False."""
    if len(password) > MAXIMUM_LENGTH:
        return False
    try:
        right = _hasher.verify(stored or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None


def outdated(stored: str) -> bool:
    """Whether the hash was made at another cost than today's and should be made anew at the next login."""
    return _hasher.check_needs_rehash(stored)


@functools.cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))
