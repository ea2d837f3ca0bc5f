"""Limits with hysteresis, at every boundary: which value raises, which one clears, and what is held between."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from checks.hysteresis import LimitParams, Share, parse_share
from tests.checks.series import statuses, walk

BOTH = {"above": {"warning": 80, "critical": 90}}
THREE_OF_FIVE = {"above": {"warning": 80}, "raise": "3 of 5"}

CASES: list[tuple[str, dict[str, Any], list[float], str]] = [
    ("exactly at the limit is not beyond it", {"above": {"warning": 80}}, [80], "o"),
    ("a hair beyond the limit is", {"above": {"warning": 80}}, [80.0000001], "w"),
    ("both levels in turn, up and down", BOTH, [79, 81, 91, 85, 70], "owcwo"),
    ("a leap over the warning level is critical at once", BOTH, [10, 99], "oc"),
    ("held at exactly the limit", {"above": {"warning": 80}}, [81, 80], "ww"),
    ("held down to just above the margin of 5 %", {"above": {"warning": 80}}, [81, 76.01], "ww"),
    ("cleared at exactly the margin", {"above": {"warning": 80}}, [81, 76], "wo"),
    ("critical is held to its own margin, then falls to warning", BOTH, [91, 85.6, 85.5, 76.1, 76], "ccwwo"),
    ("no margin: cleared at the limit itself", {"above": {"warning": 80}, "clear_margin": 0}, [81, 80], "wo"),
    ("a wide margin", {"above": {"warning": 80}, "clear_margin": 0.5}, [81, 40.1, 40], "wwo"),
    ("below: exactly at the limit is not beyond it", {"below": {"warning": 20}}, [20, 19.9], "ow"),
    ("below: cleared at limit plus margin", {"below": {"warning": 20}}, [19, 20, 20.99, 21], "wwwo"),
    ("below: both levels", {"below": {"warning": 20, "critical": 10}}, [9, 10.4, 10.5, 20.9, 21], "ccwwo"),
    ("both directions at once", {"above": {"warning": 80}, "below": {"warning": 20}}, [50, 81, 50, 19, 50], "owowo"),
    (
        "from one side straight to the other",
        {"above": {"critical": 80}, "below": {"critical": 20}},
        [81, 19, 81],
        "ccc",
    ),
    ("a negative limit: the margin lies further down", {"above": {"warning": -10}}, [-11, -9, -10.4, -10.5], "owwo"),
    ("a negative limit from below", {"below": {"warning": -10}}, [-9, -11, -9.6, -9.5], "owwo"),
    ("a limit of zero has no margin", {"above": {"critical": 0}}, [0, 1, 0.0001, 0], "occo"),
    ("a limit of zero from below", {"below": {"critical": 0}}, [0, -0.1, 0], "oco"),
    ("two of the last five are too few", THREE_OF_FIVE, [81, 81, 1, 1, 1], "ooooo"),
    ("three in a row", THREE_OF_FIVE, [81, 81, 81], "oow"),
    ("three of five with gaps", THREE_OF_FIVE, [81, 1, 81, 1, 81], "oooow"),
    ("three of six are two of the last five", THREE_OF_FIVE, [81, 1, 1, 81, 1, 81], "oooooo"),
    ("cleared when three of the last five are back", THREE_OF_FIVE, [81, 81, 81, 1, 1, 1], "oowwwo"),
    (
        "a value between limit and margin is neither beyond nor back",
        THREE_OF_FIVE,
        [81, 81, 81, 78, 78, 78, 78, 78, 78],
        "oowwwwwww",
    ),
    ("one of three lingers until it has left", {"above": {"warning": 80}, "raise": "1 of 3"}, [81, 1, 1, 1], "wwwo"),
    ("critical needs its own share", {**BOTH, "raise": "2 of 3"}, [91, 85, 91, 85, 85], "owcww"),
    ("warning and critical only: no warning level", {"above": {"critical": 90}}, [89, 91, 85.5], "oco"),
]


@pytest.mark.parametrize(("settings", "values", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_the_boundaries(settings: dict[str, Any], values: list[float], expected: str) -> None:
    """Each row of the table: values in, a status for each out."""
    assert statuses(settings, values) == expected


def test_every_reason_says_value_limit_and_why() -> None:
    """A reader of the reason needs nothing else: value, limit, count, and why it is held."""
    reasons = [result.reason for result in walk({**BOTH, "raise": "2 of 3"}, [50, 95, 95, 85.7, 85.7, 10, 10])]
    assert reasons[0] == "50, within at most 80"
    assert reasons[1] == "95, above the critical limit 90 (1 of the last 3 samples; it takes 2)"
    assert reasons[2] == "95, above the critical limit 90 (2 of the last 3 samples)"
    assert reasons[3] == "85.7, but 2 of the last 3 samples are above the critical limit 90"
    assert reasons[4] == "85.7, still critical until 2 of the last 3 samples are 5 % back of the limit 90"
    assert reasons[6] == "10, within at most 80"
    assert (
        walk({"above": {"warning": 80}}, [81, 79])[1].reason
        == "79, still warning until a sample is 5 % back of the limit 80"
    )


@pytest.mark.parametrize(
    ("settings", "values", "reason"),
    [
        (THREE_OF_FIVE, [81], "81, above the warning limit 80 (1 of the last 5 samples; it takes 3)"),
        (THREE_OF_FIVE, [81, 81], "81, above the warning limit 80 (2 of the last 5 samples; it takes 3)"),
        (THREE_OF_FIVE, [81, 81, 80], "80, within at most 80"),
        (THREE_OF_FIVE, [81, 1, 1, 1, 1, 81], "81, above the warning limit 80 (1 of the last 5 samples; it takes 3)"),
        (
            {"below": {"critical": 5}, "raise": "2 of 2"},
            [4],
            "4, below the critical limit 5 (1 of the last 2 samples; it takes 2)",
        ),
        ({**BOTH, "raise": "2 of 3"}, [85, 95], "95, above the warning limit 80 (2 of the last 3 samples)"),
    ],
)  # fmt: skip
def test_what_is_beyond_a_limit_is_never_said_to_be_within(
    settings: dict[str, Any], values: list[float], reason: str
) -> None:
    """Too few samples for an alert, but the sentence says what is so: the limit, how many samples, how many it takes."""
    assert walk(settings, values)[-1].reason == reason


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "give `above`, `below` or both"),
        ({"above": {}}, "give a warning limit, a critical limit or both"),
        ({"above": {"warning": 90, "critical": 80}}, "would never warn"),
        ({"below": {"warning": 10, "critical": 20}}, "would never warn"),
        ({"above": {"warning": float("nan")}}, "finite"),
        ({"above": {"warning": 1}, "clear_margin": 1}, "less than 1"),
        ({"above": {"warning": 1}, "clear_margin": -0.1}, "greater than or equal to 0"),
        ({"above": {"warning": 1}, "raise": "5 of 3"}, "1 <= k <= n"),
        ({"above": {"warning": 1}, "raise": "0 of 3"}, "1 <= k <= n"),
        ({"above": {"warning": 1}, "raise": "3 of 61"}, "1 <= k <= n <= 60"),
        ({"above": {"warning": 1}, "raise": "3/5"}, "write it like 3 of 5"),
        ({"above": {"warning": 1}, "raise": 3}, "write it like 3 of 5"),
        ({"over": {"warning": 1}}, "Extra inputs"),
    ],
)
def test_senseless_settings_are_refused_with_a_sentence(settings: dict[str, Any], sentence: str) -> None:
    """What could never warn, or cannot be read, is no check."""
    with pytest.raises(ValidationError, match=sentence):
        LimitParams.model_validate(settings)


def test_a_share_reads_back_as_it_is_shown() -> None:
    """The text of a share is the text that makes it."""
    assert parse_share(str(Share(3, 5))) == Share(3, 5)
    assert parse_share(Share(1, 1)) == Share(1, 1)
