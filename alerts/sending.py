"""What every channel shares: how it fails, where its secrets are, and what it may use of the world."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

SecretRef = Annotated[str, StringConstraints(pattern=r"^(env|file):.+")]
"""Where a secret is kept: `env:NAME` or `file:PATH`; never the secret itself."""

MAX_SECRET_BYTES = 65_536

Destination = tuple[str, str, int]
"""Receiver, channel, and which of the receiver's channels of that kind."""


class NotifyError(Exception):
    """A message was not delivered: why, whether another try can help, and how many seconds the other side asks for."""

    def __init__(self, sentence: str, *, retryable: bool, retry_after_s: float | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.retryable = retryable
        self.retry_after_s = retry_after_s


def is_reference(text: str) -> bool:
    """Whether the text says where a secret is kept."""
    return text.startswith(("env:", "file:"))


def read_secret(reference: str) -> str:
    """The secret that `env:NAME` or `file:PATH` points to, without the line's end.

    Raises NotifyError (retryable: somebody can put it there) when it is not there or empty.
    """
    scheme, _, place = reference.partition(":")
    if scheme == "env":
        value = os.environ.get(place, "")
        if not value:
            raise NotifyError(f"the environment variable {place} is not set; a channel needs it", retryable=True)
        return value
    try:
        with Path(place).expanduser().open(encoding="utf-8") as file:
            value = file.read(MAX_SECRET_BYTES).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "it is not UTF-8 text"
        raise NotifyError(f"the secret file {place} cannot be read: {reason}", retryable=True) from None
    if not value:
        raise NotifyError(f"the secret file {place} is empty", retryable=True)
    return value


@dataclass(frozen=True, slots=True)
class Io:
    """The world of the channels. Keep one for the life of the process: it knows which destinations are being sent to."""

    secret: Callable[[str], str] = read_secret
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    busy: set[Destination] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def claim(self, destination: Destination) -> bool:
        """Take a destination for sending; False when another thread of this process has it."""
        with self.lock:
            if destination in self.busy:
                return False
            self.busy.add(destination)
            return True

    def release(self, destination: Destination) -> None:
        """Give a destination back."""
        with self.lock:
            self.busy.discard(destination)
