"""Rates: what a counter's fall means, what has no rate yet, and the unit that the rate is given for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from checks import rate
from checks.board import Board
from core.model import Kind, Status
from tests.checks.series import check, series


def one_rate(before: float, before_ms: int, value: float, at_ms: int, counter: bool = False) -> float:
    found = rate.rates(
        np.array([before]), np.array([before_ms]), np.array([value]), np.array([at_ms]), np.array([counter])
    )
    return float(found[0])


CASES = [
    ("a gauge that rises", 10.0, 0, 30.0, 10_000, False, 2.0),
    ("a gauge that falls has a negative rate", 30.0, 0, 10.0, 10_000, False, -2.0),
    ("a counter that falls began again at zero", 1000.0, 0, 50.0, 10_000, True, 5.0),
    ("a counter that fell to zero has counted nothing since", 1000.0, 0, 0.0, 10_000, True, 0.0),
    ("a counter that stands still", 7.0, 0, 7.0, 1_000, True, 0.0),
    ("milliseconds count", 0.0, 0, 1.0, 250, False, 4.0),
    ("nothing before: no rate", math.nan, 0, 1.0, 1_000, False, math.nan),
    ("the same instant: no rate", 1.0, 5_000, 2.0, 5_000, False, math.nan),
    ("an instant before: no rate", 1.0, 5_000, 2.0, 4_000, False, math.nan),
    ("a change that no float can hold: no rate", -1.7e308, 0, 1.7e308, 1_000, False, math.nan),
]


@pytest.mark.parametrize(("before", "before_ms", "value", "at_ms", "counter", "expected"), [c[1:] for c in CASES],
                         ids=[c[0] for c in CASES])  # fmt: skip
def test_the_rate_of_two_samples(
    before: float, before_ms: int, value: float, at_ms: int, counter: bool, expected: float
) -> None:
    """Change for each second, or NaN where there is none."""
    assert one_rate(before, before_ms, value, at_ms, counter) == pytest.approx(expected, nan_ok=True)


def test_the_first_sample_says_nothing_and_the_second_is_judged() -> None:
    """A rate needs two samples: the first makes no change on the board, not even a first OK."""
    board = Board([check("rate", {"above": {"warning": 5}, "per": "1m"})])
    place = np.array([board.add(series(kind=Kind.COUNTER))])
    assert board.judge(place, np.array([100.0]), np.array([0])) == []
    [first] = board.judge(place, np.array([101.0]), np.array([60_000]))
    assert (first.result.status, first.first, first.result.value) == (Status.OK, True, 1.0)
    [raised] = board.judge(place, np.array([111.0]), np.array([120_000]))
    assert raised.result.status is Status.WARNING
    assert raised.result.reason == "changes by 10 in 1m, above the warning limit 5"
    [cleared] = board.judge(place, np.array([1.0]), np.array([180_000]))  # began again: one a minute
    assert (cleared.result.status, cleared.result.value) == (Status.OK, 1.0)


def test_a_fall_can_be_limited() -> None:
    """`below` with a negative limit: it falls faster than it may."""
    board = Board([check("rate", {"below": {"critical": -10}})])
    place = np.array([board.add(series())])
    board.judge(place, np.array([100.0]), np.array([0]))
    assert [c.result.status for c in board.judge(place, np.array([95.0]), np.array([1_000]))] == [Status.OK]
    assert [c.result.status for c in board.judge(place, np.array([80.0]), np.array([2_000]))] == [Status.CRITICAL]


@pytest.mark.parametrize("per", ["0s", 0])
def test_a_rate_for_no_time_is_refused(per: object) -> None:
    """`per` must be longer than nothing."""
    with pytest.raises(ValidationError, match="longer than nothing"):
        rate.Params.model_validate({"above": {"warning": 1}, "per": per})
