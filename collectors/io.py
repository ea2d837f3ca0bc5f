"""What a collector may use of the world during one run: time left, secrets, a folder, and a memory between its runs.

A run has one deadline for everything it does, `timeout_s` after the Io was made; `left_s` is the only clock that the
collectors ask. The memory belongs to one probe, lives as long as the process, and may be lost at any time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import StringConstraints

from collectors.errors import CollectError

SecretRef = Annotated[str, StringConstraints(pattern=r"^(env|file):.+")]
"""Where a secret is kept: `env:NAME` or `file:PATH`; never the secret itself."""

MAX_SECRET_BYTES = 65_536


def read_secret(reference: str) -> str:
    """The secret that `env:NAME` or `file:PATH` points to, without the line's end.

    Raises CollectError when it is not there, is empty, or is no such reference.
    """
    scheme, _, place = reference.partition(":")
    if scheme == "env":
        value = os.environ.get(place, "")
        if not value:
            raise CollectError(f"the environment variable {place} is not set; the probe needs its secret there")
        return value
    if scheme != "file":
        raise CollectError("a secret must be given as env:NAME or file:PATH, not as itself")
    try:
        with Path(place).expanduser().open(encoding="utf-8") as file:
            value = file.read(MAX_SECRET_BYTES).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "it is not UTF-8 text"
        raise CollectError(f"the secret file {place} cannot be read: {reason}") from None
    if not value:
        raise CollectError(f"the secret file {place} is empty")
    return value


@dataclass(frozen=True, slots=True)
class Io:
    """The world of one run of one probe. Make a new one for each run, with the same `memory` each time."""

    timeout_s: float
    home: Path = Path()  # relative paths in a configuration (pinned keys, feeds, CA files) start here
    memory: dict[str, Any] = field(default_factory=dict)
    secret: Callable[[str], str] = read_secret
    started_s: float = field(default_factory=time.monotonic)

    def left_s(self, doing: str) -> float:
        """Seconds until the deadline, more than zero. Raises CollectError naming what was being done when it passed."""
        left = self.started_s + self.timeout_s - time.monotonic()
        if left <= 0:
            raise CollectError(f"{doing} did not finish within {self.timeout_s:g} s")
        return left

    def path(self, place: Path) -> Path:
        """A configured path: `~` is the user's home, and a relative one lies in the probe's home folder."""
        return self.home / place.expanduser()
