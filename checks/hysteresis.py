"""Raising only when k of the last n samples cross, and clearing only when as many are well back.

The levels and the rule are shared by every check that compares a number with limits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from core.model import Status

Direction = Literal["above", "below"]
KOFN = re.compile(r"(\d+)\s+of\s+(\d+)")
LARGEST_WINDOW = 60
SEVERITY = {Status.OK: 0, Status.WARNING: 1, Status.CRITICAL: 2}


@dataclass(frozen=True, slots=True)
class Share:
    """`k of n`: so many of the last so many samples."""

    k: int
    n: int

    def __str__(self) -> str:
        return f"{self.k} of {self.n}"


def parse_share(text: object) -> Share:
    """Read `3 of 5`. Raises ValueError with a sentence when it is not one."""
    if isinstance(text, Share):
        return text
    match = KOFN.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is not a share of samples; write it like 3 of 5")
    k, n = int(match[1]), int(match[2])
    if not 1 <= k <= n <= LARGEST_WINDOW:
        raise ValueError(f"{text!r} needs 1 <= k <= n <= {LARGEST_WINDOW}")
    return Share(k, n)


class Levels(BaseModel):
    """The two limits of one direction; either may be left out, not both."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    warning: float | None = Field(default=None, allow_inf_nan=False, description="Limit at which it is a warning.")
    critical: float | None = Field(default=None, allow_inf_nan=False, description="Limit at which it is critical.")

    @model_validator(mode="after")
    def _one_at_least(self) -> Levels:
        if self.warning is None and self.critical is None:
            raise ValueError("give a warning limit, a critical limit or both")
        return self


class LimitParams(BaseModel):
    """Limits in one direction or both, with hysteresis; what `limit` and `rate` share."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    above: Levels | None = Field(default=None, description="Limits that the value must not exceed.")
    below: Levels | None = Field(default=None, description="Limits that the value must not fall under.")
    raise_at: Annotated[Share, BeforeValidator(parse_share, json_schema_input_type=str)] = Field(
        default=Share(1, 1), alias="raise", description="How many of the last samples must cross, e.g. `3 of 5`."
    )
    clear_margin: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="How far back of the limit it must come to clear, as a share of the limit.",
    )

    @model_validator(mode="after")
    def _sensible(self) -> LimitParams:
        if self.above is None and self.below is None:
            raise ValueError("give `above`, `below` or both")
        for side, levels, order in (("above", self.above, 1), ("below", self.below, -1)):
            if levels is None or levels.warning is None or levels.critical is None:
                continue
            if order * levels.warning > order * levels.critical:
                raise ValueError(f"{side}: the warning limit lies beyond the critical one, so it would never warn")
        return self


@dataclass(frozen=True, slots=True)
class Verdict:
    """A status with the limit that decided it; `limit` is None when it is OK."""

    status: Status
    direction: Direction = "above"
    limit: float | None = None
    crossing: int = 0  # how many samples of the window are beyond the limit
    holding: bool = False  # the value is back of the limit, but not far or long enough to clear


def crosses(params: LimitParams, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values are beyond any limit: shape (n,) -> (n,). NaN is beyond none."""
    crossing = np.zeros(values.shape, dtype=np.bool_)
    if params.above is not None:
        crossing |= values > min(_given(params.above))
    if params.below is not None:
        crossing |= values < max(_given(params.below))
    return crossing


def decide(params: LimitParams, held: Status, window: Sequence[float]) -> Verdict:
    """The status after `window` (oldest first, at most n values), when it was `held` before the last of them.

    Critical first, then warning; a level is entered when k of the window cross it, and left when k of the window are back
    of it by the margin (or the whole window when it is shorter than k).
    """
    share = params.raise_at
    for status in (Status.CRITICAL, Status.WARNING):
        for direction, limit in limits(params, status):
            crossing = sum(beyond(value, limit, direction) for value in window)
            if crossing >= share.k:
                return Verdict(status, direction, limit, crossing)
            if SEVERITY.get(held, 0) >= SEVERITY[status]:
                line = _clear_line(limit, direction, params.clear_margin)
                back = sum(not beyond(value, line, direction) for value in window)
                if back < share.k and _was_held(window, limit, line, direction):
                    return Verdict(status, direction, limit, crossing, holding=True)
    return Verdict(Status.OK)


def _was_held(window: Sequence[float], limit: float, line: float, direction: Direction) -> bool:
    """With two directions held in one status, only the side that the window is on is held."""
    return any(beyond(value, line, direction) or beyond(value, limit, direction) for value in window)


def limits(params: LimitParams, status: Status) -> list[tuple[Direction, float]]:
    """The limits at which it is `status`, one for each direction that has one."""
    found: list[tuple[Direction, float]] = []
    sides: tuple[tuple[Direction, Levels | None], ...] = (("above", params.above), ("below", params.below))
    for direction, levels in sides:
        limit = None if levels is None else (levels.critical if status is Status.CRITICAL else levels.warning)
        if limit is not None:
            found.append((direction, limit))
    return found


def beyond(value: float, limit: float, direction: Direction) -> bool:
    """Whether `value` crosses `limit`; at the limit it does not."""
    return value > limit if direction == "above" else value < limit


def _clear_line(limit: float, direction: Direction, margin: float) -> float:
    return limit - abs(limit) * margin if direction == "above" else limit + abs(limit) * margin


def _given(levels: Levels) -> list[float]:
    return [limit for limit in (levels.warning, levels.critical) if limit is not None]
