"""Random secrets that are handed out once, and the digest by which the store recognises them again."""

from __future__ import annotations

import hashlib
import secrets

BYTES = 32


def new_secret(prefix: str = "") -> str:
    """A random value of 256 bits in URL-safe letters; nobody can guess it, so a plain digest protects it."""
    return prefix + secrets.token_urlsafe(BYTES)


def digest(secret: str) -> str:
    """What is stored in a secret's place: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
