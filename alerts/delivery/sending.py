"""What every channel shares: how it fails, where its secrets are, and what it may use of the world."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from core import secrets
from core.secrets import SecretError

Destination = tuple[str, str, int]
"""Receiver, channel, and which of the receiver's channels of that kind."""


class NotifyError(Exception):
    """A message was not delivered: why, whether another try can help, and how many seconds the other side asks for."""

    def __init__(self, sentence: str, *, retryable: bool, retry_after_s: float | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.retryable = retryable
        self.retry_after_s = retry_after_s


def read_secret(reference: str) -> str:
    """The secret that `env:NAME` or `file:PATH` points to. Raises NotifyError, retryable: somebody can put it there."""
    try:
        return secrets.read_secret(reference)
    except SecretError as error:
        raise NotifyError(f"{error}; a channel needs it", retryable=True) from None


def as_written(sentence: str) -> str:
    """The sentence in the language in which it was written."""
    return sentence


def untranslated(_language: str, sentence: str) -> str:
    """The sentence in the language in which it was written, whatever the reader's is."""
    return sentence


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What a message for people carries besides its body: their language, who has the worst alert, its last hour, one link."""

    language: str = "en"
    owner: str = ""  # a name, with the ticket's number if there is one; empty: nobody has it
    ticket: str = ""
    picture: bytes = b""  # PNG of the last hour of the worst alert's series; empty: there is nothing to draw
    link: str = ""  # the phone page
    translate: Callable[[str], str] = (
        as_written  # what checks and programs wrote, in the language above where it is known
    )
    zone: tzinfo = UTC  # by whose clocks instants are told


@dataclass(frozen=True, slots=True)
class Io:
    """The world of the channels. Keep one for the life of the process: it knows which destinations are being sent to."""

    secret: Callable[[str], str] = read_secret
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    busy: set[Destination] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    enclosed: Enclosed = Enclosed()
    language: str = "en"  # the operator's, for receivers that name none
    translate: Callable[[str, str], str] = (
        untranslated  # (language, sentence): the sentence in that language, if it is known
    )
    zone: tzinfo = UTC  # the operator's

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
