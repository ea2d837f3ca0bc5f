"""What the tests of checks need: series, checks, and a way to walk one check through values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from checks import limit
from checks.check import Check, Series
from checks.memory import FRESH, Memory
from checks.registry import PARAMS
from core.model import Indicator, Kind, Labels, Result, Target

HOST = Target("host-1", "host", labels=(("team", "storage"),), site="north", system="billing")
USED = Indicator("disk.used_ratio", "1")
MINUTE_MS = 60_000


def series(
    number: int = 1,
    *,
    target: Target = HOST,
    indicator: Indicator = USED,
    labels: Labels = (),
    every_s: float = 60.0,
    kind: Kind | None = None,
) -> Series:
    """A series of a host, but for what the test says."""
    if kind is not None:
        indicator = Indicator(indicator.name, indicator.unit, kind)
    return Series(number, target, indicator, labels, f"{target.name}/disk", every_s)


def check(judge: str, settings: Mapping[str, Any], name: str = "the-check", indicator: str = "*", **more: Any) -> Check:
    """A configured check over every series."""
    return Check(name, judge, indicator, PARAMS[judge].model_validate(settings), **more)


def walk(settings: Mapping[str, Any], values: Iterable[float], memory: Memory = FRESH) -> list[Result]:
    """The results of a limit check over these values, a minute apart."""
    params = limit.Params.model_validate(settings)
    results = []
    for number, value in enumerate(values):
        memory, result = limit.check(params, memory, value, number * MINUTE_MS, USED)
        results.append(result)
    return results


def statuses(settings: Mapping[str, Any], values: Iterable[float]) -> str:
    """The same in short: o, w, c for each value."""
    return "".join(result.status.value[0] for result in walk(settings, values))
