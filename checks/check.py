"""One configured check: what it judges, of which series, with which parameters and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.model import Indicator, Labels, Target


@dataclass(frozen=True, slots=True)
class Check:
    """A check as configured. `indicator` is a name, or a prefix with a trailing `*`; all of `select` must agree."""

    name: str
    judge: str  # a kind of checks.registry
    indicator: str
    params: object  # that kind's Params
    select: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Labels = ()
    annotations: Labels = ()


@dataclass(frozen=True, slots=True)
class Series:
    """One series with all that a judgement of it must know; `id` is its number in the store."""

    id: int
    target: Target
    indicator: Indicator
    labels: Labels
    probe: str
    every_s: float


def matches(check: Check, series: Series) -> bool:
    """Whether `check` judges `series`."""
    if not _agrees(check.indicator, series.indicator.name):
        return False
    known = properties(series)
    return all(
        any(_agrees(choice, known.get(name, "")) for choice in choices) for name, choices in check.select.items()
    )


def properties(series: Series) -> dict[str, str]:
    """What `select` can name: the target's name, kind, site and system, its labels, and the series' own labels."""
    target = series.target
    return {
        **dict(target.labels),
        **dict(series.labels),
        "target": target.name,
        "kind": target.kind,
        "site": target.site,
        "system": target.system,
        "probe": series.probe,
    }


def _agrees(pattern: str, value: str) -> bool:
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == value
