"""The passes after the exact key: what may still belong together among the keys that only one of two parties has.

Each pass takes what the ones before left over, uses a row at most once, and gives the same whatever the order of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Tolerance:
    """One row of each of two parties: amounts at most `amount_minor` apart, instants at most `time` apart, currency and
    kind alike, and the columns named in `same` equal. The nearest pairs go first."""

    amount_minor: int
    time: timedelta
    same: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """All rows of each of two parties that are alike in the columns `by` (and currency and kind): they belong together
    when their totals differ by at most `amount_minor`."""

    by: tuple[str, ...]
    amount_minor: int = 0


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """As Tolerance, with keys whose likeness (0 to 1) is at least `likeness`; it only proposes, a person decides."""

    amount_minor: int
    time: timedelta
    likeness: float


Pass: TypeAlias = Tolerance | Batch | Fuzzy
