"""Rate of change: does it grow or fall faster than it may?

Judges (value - value before) / time between, for each `per` (one second unless told otherwise), with the same k of n and
clearing rule as `limit`. A counter that falls has started again at zero: what it shows then was all counted since. The
first sample of a series has nothing before it and is not judged.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from checks.hysteresis import LimitParams, crosses
from checks.limit import judge, show
from checks.memory import Memory
from core.duration import Duration, show_duration
from core.model import Indicator, Kind, Result


class Params(LimitParams):
    """Limits of the rate, which may be negative for a fall."""

    per: Duration = Field(default=timedelta(seconds=1), description="The time that the rate is given for, e.g. `1m`.")

    @field_validator("per")
    @classmethod
    def _positive(cls, per: timedelta) -> timedelta:
        if per <= timedelta():
            raise ValueError("must be longer than nothing")
        return per


could_matter = crosses


def rates(
    before: NDArray[np.float64],
    before_ms: NDArray[np.int64],
    values: NDArray[np.float64],
    at_ms: NDArray[np.int64],
    counter: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Change for each second; arrays of shape (n,). NaN where there was nothing before (`before` is NaN)."""
    passed_s = (at_ms - before_ms) / 1000.0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        change = np.where(counter & (values < before), values, values - before)
        found = change / passed_s
    return np.where((passed_s > 0) & np.isfinite(found), found, np.nan)


def check(params: Params, memory: Memory, value: float, at_ms: int, indicator: Indicator) -> tuple[Memory, Result]:
    """Judge `value`, a change for each `per`, after what `memory` holds."""
    unit = Indicator(indicator.name, indicator.unit, Kind.RATIO if indicator.kind is Kind.RATIO else Kind.GAUGE)
    what = f"changes by {show(value, unit)} in {show_duration(params.per)}"
    return judge(params, memory, value, at_ms, indicator, what=what, shown_limit=unit)
