"""Absence: the exact boundary, the default allowance, and what the reason tells."""

from __future__ import annotations

from datetime import timedelta

import pytest

from checks import absence
from checks.memory import FRESH, Memory
from core.model import Status

LAST = 1_772_452_800_000  # 2026-03-02 12:00:00 UTC


@pytest.mark.parametrize(
    ("after", "every_s", "allowed_ms"),
    [
        (None, 60.0, 180_000),  # three intervals
        (None, 1.0, 10_000),  # never less than ten seconds
        (None, 3.4, 10_200),
        ("2m", 60.0, 120_000),  # as configured, whatever the interval
        ("500ms", 60.0, 500),
    ],
)
def test_how_long_a_series_may_be_silent(after: str | None, every_s: float, allowed_ms: int) -> None:
    """Three intervals unless told otherwise, and never less than ten seconds by default."""
    assert absence.allowed_ms(absence.Params.model_validate({"after": after}), every_s) == allowed_ms


@pytest.mark.parametrize(("silent_ms", "status"), [(0, Status.OK), (30_000, Status.OK), (30_001, Status.UNKNOWN)])
def test_exactly_the_allowance_is_still_in_time(silent_ms: int, status: Status) -> None:
    """One millisecond more is silence."""
    _, result = absence.check(FRESH, LAST, LAST + silent_ms, 30_000, None)
    assert result.status is status


def test_the_reason_says_since_when_how_long_and_what_the_probe_says() -> None:
    """UNKNOWN, the instant of the latest sample, the allowance, and the probe's own error."""
    _, result = absence.check(FRESH, LAST, LAST + 90_000, 30_000, "connection refused")
    assert result.reason == (
        "no data for 90 s (latest at 2026-03-02 12:00:00 UTC, 30 s allowed); its probe says: connection refused"
    )
    assert result.value is None
    _, quiet = absence.check(FRESH, LAST, LAST + 90_000, 30_000, None)
    assert "its probe says" not in quiet.reason


def test_a_sample_from_a_clock_that_runs_ahead_is_not_silence() -> None:
    """An instant in the future within tolerance is an age of nothing."""
    _, result = absence.check(FRESH, LAST + 5_000, LAST, 30_000, None)
    assert (result.status, result.reason) == (Status.OK, "the latest sample is 0 s old")


def test_silence_keeps_what_was_held_before() -> None:
    """UNKNOWN is no judgement: the status before it is remembered."""
    memory, _ = absence.check(Memory(Status.OK, Status.WARNING), LAST, LAST + 90_000, 30_000, None)
    assert memory.held is Status.WARNING
    assert absence.Params().after is None
    assert timedelta(seconds=10) == absence.SHORTEST
