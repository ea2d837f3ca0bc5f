"""Secrets are kept elsewhere and only referred to: `env:NAME` for an environment variable, `file:PATH` for a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

SecretRef = Annotated[str, StringConstraints(pattern=r"^(env|file):.+")]
"""Where a secret is kept; never the secret itself."""

LARGEST_BYTES = 65_536


class SecretError(Exception):
    """The secret is not where its reference says; the sentence says why."""


def is_reference(text: str) -> bool:
    """Whether the text says where a secret is kept."""
    return text.startswith(("env:", "file:"))


def read_secret(reference: str) -> str:
    """The secret that `reference` points to, without the line's end. Raises SecretError when it is not there or empty."""
    scheme, _, place = reference.partition(":")
    if scheme == "env":
        value = os.environ.get(place, "")
        if not value:
            raise SecretError(f"the environment variable {place} is not set; the secret is expected there")
        return value
    if scheme != "file":
        raise SecretError("a secret must be given as env:NAME or file:PATH, not as itself")
    try:
        with Path(place).expanduser().open(encoding="utf-8") as file:
            value = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or "it is not UTF-8 text"
        raise SecretError(f"the secret file {place} cannot be read: {reason}") from None
    if len(value) > LARGEST_BYTES:
        raise SecretError(f"the secret file {place} is larger than {LARGEST_BYTES:,} characters; is it the right one?")
    value = value.rstrip("\r\n")
    if not value:
        raise SecretError(f"the secret file {place} is empty")
    return value
