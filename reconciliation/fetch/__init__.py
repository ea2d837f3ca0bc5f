"""Bringing a party's file to where its control looks for it, one file a way; a way is a file, a line here and a test.

A way is a module with `Config` and `fetch(config, business_day, target, party=..., home=...)`, which leaves `target` and
its manifest whole, or as they were: never a half file. It returns None while there is nothing to bring yet, and raises
FetchError when something is wrong; whether a later attempt can help, the error says.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Protocol, cast

from pydantic import BaseModel

from core import secrets
from core.cutting import cut_after

FETCHERS: Final = ("reconciliation.fetch.sftp", "reconciliation.fetch.sql_query")


class FetchError(Exception):
    """A file was not brought: what, where and what to do, in a sentence; `retryable` when a later attempt can help."""

    def __init__(self, sentence: str, *, retryable: bool) -> None:
        super().__init__(" ".join(sentence.split()))
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that stands whole at its place."""

    path: Path
    size_bytes: int
    sha256: str
    modified_at: datetime | None = None  # the sender's own time of the file, where there is one
    manifest: Path | None = None
    changed: bool = True  # False: it stood there already, as the sender has it
    resumed_at_bytes: int = 0  # how much of it an earlier attempt had brought


class Fetcher(Protocol):
    """The shape of a way's module."""

    @property
    def Config(self) -> type[BaseModel]: ...

    def fetch(
        self, config: Any, business_day: date, target: Path, *, party: str = "", home: Path = Path()
    ) -> Fetched | None: ...


def fetcher(name: str) -> Fetcher:
    """The way of that name, as a control names it: `sftp`, `sql_query`. Raises LookupError when there is none."""
    module = f"{__name__}.{name}"
    if module not in FETCHERS:
        known = ", ".join(each.rpartition(".")[2] for each in FETCHERS)
        raise LookupError(f"there is no way to fetch called {name!r}; the ways are {known}")
    return cast(Fetcher, importlib.import_module(module))


def secret(reference: str) -> str:
    """The secret that a reference points to. Raises FetchError when it is not there."""
    try:
        return secrets.read_secret(reference)
    except secrets.SecretError as fault:
        raise FetchError(str(fault), retryable=False) from None


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """One limit of wall-clock time for everything that one fetch does."""

    seconds: float
    started_s: float = field(default_factory=time.monotonic)

    def left_s(self, doing: str) -> float:
        """Seconds left, more than zero. Raises FetchError naming what was being done when there are none."""
        left = self.started_s + self.seconds - time.monotonic()
        if left <= 0:
            raise self.over(doing)
        return left

    def over(self, doing: str) -> FetchError:
        """The error of a fetch whose time is over."""
        return FetchError(f"{doing} did not finish within {self.seconds:.3g} s; it is tried again", retryable=True)

    def cutting(self, cut: Callable[[], object], doing: str) -> AbstractContextManager[None]:
        """Call `cut` from another thread when the time is over inside the block; what fails then is a FetchError."""
        return cut_after(self.left_s(doing), cut, self.over(doing))
