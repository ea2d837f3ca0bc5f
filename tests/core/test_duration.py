"""Lengths of time: what may be written, and that showing is the reverse of reading."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from core.duration import Duration, parse_duration, show_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("1h30m", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(days=14)),
        ("1y", timedelta(days=365)),
        ("250ms", timedelta(milliseconds=250)),
        ("1m", timedelta(minutes=1)),
        ("1m1ms", timedelta(seconds=60, milliseconds=1)),
        ("1y2w3d4h5m6s7ms", timedelta(days=365 + 14 + 3, hours=4, minutes=5, seconds=6, milliseconds=7)),
        ("0", timedelta()),
        ("0s", timedelta()),
        (0, timedelta()),
        (timedelta(seconds=3), timedelta(seconds=3)),
    ],
)
def test_what_can_be_written(text: object, length: timedelta) -> None:
    """The notation of Prometheus, largest unit first."""
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "5", 5, 0.0 + 5, "5 m", "m5", "30s1m", "1h1h", "-5m", "1.5h", "5min", None, False, True, [], "٣s", "9" * 5000 + "s"],
)  # fmt: skip
def test_what_is_no_length_is_refused_with_a_sentence(text: object) -> None:
    """A bare number has no unit, a truth is no length, and units come once and in order."""
    with pytest.raises(ValueError, match=r"is not a length of time|longer than any clock"):
        parse_duration(text)


def test_what_no_clock_can_count_is_refused() -> None:
    """Longer than a timedelta holds."""
    with pytest.raises(ValueError, match="longer than any clock"):
        parse_duration("99999999999y")


@given(st.integers(0, 10**15))
def test_showing_is_the_reverse_of_reading(ms: int) -> None:
    """parse(show(x)) == x for every whole number of milliseconds."""
    length = timedelta(milliseconds=ms)
    assert parse_duration(show_duration(length)) == length


def test_a_field_reads_and_writes_the_text() -> None:
    """In a model it is a text outside and a timedelta inside."""

    class Model(BaseModel):
        every: Duration

    assert Model.model_validate({"every": "90s"}).model_dump() == {"every": "1m30s"}
