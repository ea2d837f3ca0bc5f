"""Absence: has a series fallen silent?

A series whose latest sample is older than it may be is UNKNOWN, and says since when and how often it should have come.
Without `after`, three of its probe's intervals may pass (never less than ten seconds). Emits UNKNOWN and OK only.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from checks.memory import Memory
from core.duration import Duration
from core.model import Result, Status
from core.quantity import show_quantity

MISSED_INTERVALS = 3
SHORTEST = timedelta(seconds=10)


class Params(BaseModel):
    """How long a series may be silent."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    after: Duration | None = Field(
        default=None, description="Silence that is too long, e.g. `2m`; three probe intervals if not given."
    )


def allowed_ms(params: Params, every_s: float) -> int:
    """How many milliseconds may lie between two samples of a series that is probed every `every_s` seconds."""
    allowed = params.after or max(SHORTEST, timedelta(seconds=every_s) * MISSED_INTERVALS)
    return allowed // timedelta(milliseconds=1)


def check(memory: Memory, last_ms: int, now_ms: int, allowed: int, error: str | None) -> tuple[Memory, Result]:
    """UNKNOWN when the latest sample, at `last_ms`, is more than `allowed` ms before `now_ms`; `error` says why if known."""
    silent_ms = now_ms - last_ms
    if silent_ms <= allowed:
        reason = f"the latest sample is {show_quantity(max(silent_ms, 0) / 1000, 's')} old"
        return Memory(Status.OK, Status.OK), Result(Status.OK, None, reason, now_ms)
    since = datetime.fromtimestamp(last_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    why = f"; its probe says: {error}" if error else ""
    reason = (
        f"no data for {show_quantity(silent_ms // 1000, 's')} (latest at {since}, "
        f"{show_quantity(allowed / 1000, 's')} allowed){why}"
    )
    return Memory(Status.UNKNOWN, memory.held), Result(Status.UNKNOWN, None, reason, now_ms)
