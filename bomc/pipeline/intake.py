"""What is refused of a batch before anything is judged: values that are no numbers, instants that cannot be.

Every refused sample is counted by probe and reason, with the latest example, and shown (`core/store/refusals.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

FUTURE_TOLERANCE_MS = 60_000
"""How far a target's clock may run ahead of ours before its samples are refused."""

EARLIEST_MS = 0
"""No sample is older than the epoch: such an instant comes of a broken clock or a unit misread."""

NOT_FINITE, FUTURE, TOO_OLD, OUT_OF_ORDER = "not_finite", "future", "too_old", "out_of_order"


def acceptable(
    values: NDArray[np.float64], at_ms: NDArray[np.int64], last_ms: NDArray[np.int64], now_ms: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which samples may be stored and which of those are newer than what is known; arrays of shape (n,)."""
    sound = np.isfinite(values) & (at_ms <= now_ms + FUTURE_TOLERANCE_MS) & (at_ms >= EARLIEST_MS)
    return sound, sound & (at_ms > last_ms)


def why_refused(value: float, at_ms: int, last_ms: int, now_ms: int) -> tuple[str, str]:
    """The reason, and the example in words, of a sample that was not acceptable."""
    if not np.isfinite(value):
        return NOT_FINITE, f"the value {value}"
    if at_ms > now_ms + FUTURE_TOLERANCE_MS:
        return FUTURE, f"{_shown(at_ms)} is {(at_ms - now_ms) / 1000:.0f} s ahead of this machine's clock"
    if at_ms < EARLIEST_MS:
        return TOO_OLD, f"{_shown(at_ms)} is before 1970"
    return OUT_OF_ORDER, f"{_shown(at_ms)} is not after the latest sample, of {_shown(last_ms)}"


def _shown(at_ms: int) -> str:
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"
    except (OverflowError, ValueError, OSError):
        return f"{at_ms} ms"


def representable(at_ms: Iterable[int]) -> NDArray[np.int64]:
    """Instants as an array; what does not fit 64 bits becomes the largest instant there is, and so is refused as future."""
    limit = np.iinfo(np.int64).max // 2
    instants = list(at_ms)
    try:
        return np.clip(np.array(instants, dtype=np.int64), -limit, limit)
    except OverflowError:
        return np.array([min(max(int(at), -limit), limit) for at in instants], dtype=np.int64)
