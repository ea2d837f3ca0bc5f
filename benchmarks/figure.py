"""A measured figure beside its target, and the line that tells of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.servers.process import Missing, NotReady

Sense = Literal["at least", "at most", "below"]


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, its value and unit, and the target (None: told for openness, nothing hangs on it)."""

    what: str
    value: float
    unit: str = ""
    target: float | None = None
    sense: Sense = "at most"
    detail: str = ""

    @property
    def met(self) -> bool:
        """Whether the value keeps to the target; NaN never does."""
        if self.target is None:
            return True
        if self.sense == "at least":
            return self.value >= self.target
        return self.value < self.target if self.sense == "below" else self.value <= self.target

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        detail = f"  [{self.detail}]" if self.detail else ""
        if self.target is None:
            return f"   {self.what}: {self.value:.3g}{unit}{detail}"
        verdict = "met" if self.met else "MISSED"
        return f"   {self.what}: {self.value:.3g}{unit} (target {self.sense} {self.target:g}{unit}: {verdict}){detail}"


def tell(measure: Callable[[], Sequence[Figure]]) -> int:
    """Measure, print, and answer with the exit status; what is not installed is a sentence and 2."""
    try:
        figures = measure()
    except Missing as missing:
        print(f"   {missing}", file=sys.stderr)
        return 2
    except NotReady as fault:
        print(f"   It could not be measured: {fault}", file=sys.stderr)
        return 2
    for figure in figures:
        print(figure, flush=True)
    return 0 if all(figure.met for figure in figures) else 1


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least that share of the values does not exceed; NaN of none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-len(ordered) * share // 1) - 1))]
