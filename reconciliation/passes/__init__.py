"""The passes after the exact key: what may still belong together among the keys that one of two parties has no record of.

A pass looks between two of the match's parties. It takes what the ones before left over, uses a row at most once, and
gives the same whatever the order of rows. `apply` carries the passes out, `open_keys` says what they do to the keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias

PAIRS: Final = "pairs.csv"
PROPOSALS: Final = "proposals.csv"
MATCHED: Final = ("record_id", "business_key", "occurred_at")
"""Columns that every match has at hand."""
Between: TypeAlias = tuple[str, str] | None
"""The two parties that a pass looks between, the first and the second; None where the match has no others."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """One row of each of two parties: amounts at most `amount_minor` apart, instants at most `time` apart, currency and
    kind alike, and the columns named in `same` equal. The nearest pairs go first."""

    amount_minor: int
    time: timedelta
    same: tuple[str, ...] = ()
    between: Between = None


@dataclass(frozen=True, slots=True)
class Batch:
    """All rows of each of two parties that are alike in the columns `by` (and currency and kind): they belong together
    when their totals differ by at most `amount_minor`. Each of `by` names a column of the first party's records and the
    one of the second's that holds the same, as an order's batch number is a bank entry's reference."""

    by: tuple[tuple[str, str], ...]
    amount_minor: int = 0
    between: Between = None


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """As Tolerance, with keys whose likeness (0 to 1) is at least `likeness`; it only proposes, a person decides."""

    amount_minor: int
    time: timedelta
    likeness: float
    between: Between = None


Pass: TypeAlias = Tolerance | Batch | Fuzzy
NAMES: Final = {Tolerance: "tolerance", Batch: "batch", Fuzzy: "fuzzy"}


def columns(passes: Iterable[Pass]) -> tuple[str, ...]:
    """The columns beyond those of every match that these passes look at."""
    named: set[str] = set()
    for each in passes:
        if isinstance(each, Tolerance):
            named.update(each.same)
        elif isinstance(each, Batch):
            named.update(column for pair in each.by for column in pair)
    return tuple(sorted(named - set(MATCHED)))


def unclear(between: Sequence[str] | None, parties: Sequence[str]) -> tuple[str, ...]:
    """A sentence for each reason why a pass does not say between which two of these parties it looks."""
    if between is None:
        if len(parties) == 2:
            return ()
        return (
            f"a pass brings rows of two parties together; this match has {len(parties)}, so name two of them, "
            f"such as `between: [{parties[0]}, {parties[-1]}]`",
        )
    told = [
        f"between: there is no party {name!r}; there are {', '.join(parties)}"
        for name in dict.fromkeys(between)
        if name not in parties
    ]
    if between[0] == between[1]:
        told.append(f"between: {between[0]!r} is named twice; a pass looks between two different parties")
    return tuple(told)


def described(each: Pass) -> dict[str, Any]:
    """A pass as its certificate tells it."""
    told: dict[str, Any] = {"pass": NAMES[type(each)], "amount_minor": each.amount_minor}
    if isinstance(each, Tolerance | Fuzzy):
        told["time_s"] = int(each.time.total_seconds())
    if isinstance(each, Tolerance):
        told["same"] = list(each.same)
    elif isinstance(each, Batch):
        told["by"] = [list(pair) for pair in each.by]
    else:
        told["likeness"] = str(each.likeness)
    if each.between is not None:
        told["between"] = list(each.between)
    return told
