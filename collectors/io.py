"""What a collector may use of the world during one run: time left, secrets, a folder, and a memory between its runs.

A run has one deadline for everything it does, `timeout_s` after the Io was made; `left_s` is the only clock that the
collectors ask. The memory belongs to one probe, lives as long as the process, and may be lost at any time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collectors.errors import CollectError
from core import secrets


def read_secret(reference: str) -> str:
    """The secret that `env:NAME` or `file:PATH` points to. Raises CollectError when it is not there or empty."""
    try:
        return secrets.read_secret(reference)
    except secrets.SecretError as fault:
        raise CollectError(str(fault)) from None


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
