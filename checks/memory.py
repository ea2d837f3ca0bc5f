"""What a check remembers of one series between two samples; small, immutable, rebuilt from the store after a restart."""

from __future__ import annotations

from typing import NamedTuple

from core.model import Status


class Memory(NamedTuple):
    """`held` is the latest status that was not UNKNOWN; `window` the latest judged values, oldest first."""

    status: Status
    held: Status
    window: tuple[float, ...] = ()


FRESH = Memory(Status.UNKNOWN, Status.OK)
"""Of a series that was never judged."""
