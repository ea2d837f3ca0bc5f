"""What a probe brings home: samples, what was refused on the way, and indicators that only the target can name."""

from __future__ import annotations

from typing import NamedTuple

from core.model import Indicator, Sample


class Reading(NamedTuple):
    """The outcome of one `parse`. An indicator that is absent from `samples` is unknown, never zero."""

    samples: list[Sample]
    notes: tuple[str, ...] = ()  # each part that was refused, counted, as a sentence
    indicators: tuple[Indicator, ...] = ()  # discovered ones, besides the collector's own INDICATORS


def not_finite(count: int) -> str:
    """The note on values that are NaN or infinite."""
    return f"{count:,} value{' is' if count == 1 else 's are'} not a finite number and left out"
