"""Time intervals hold when Alertmanager's would, on whatever clocks, and what amtool refuses is refused."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.muting.intervals import IntervalConfig, Intervals, NamedIntervals
from tests.servers.process import program

NIGHT: list[dict[str, str]] = [
    {"start_time": "22:00", "end_time": "24:00"},
    {"start_time": "00:00", "end_time": "06:00"},
]

CASES: dict[str, tuple[dict[str, Any], dict[str, bool]]] = {
    "nothing given holds always": ({}, {"2026-03-02T12:00Z": True}),
    "times include their start and leave out their end": (
        {"times": [{"start_time": "09:00", "end_time": "17:00"}]},
        {
            "2026-03-02T08:59:59Z": False,
            "2026-03-02T09:00Z": True,
            "2026-03-02T16:59:59Z": True,
            "2026-03-02T17:00Z": False,
        },
    ),
    "a night is two stretches": (
        {"times": NIGHT},
        {
            "2026-03-02T21:59Z": False,
            "2026-03-02T23:59:59Z": True,
            "2026-03-03T00:00Z": True,
            "2026-03-03T06:00Z": False,
        },
    ),
    "days of the week": (
        {"weekdays": ["monday:friday"]},
        {"2026-03-01T12:00Z": False, "2026-03-02T00:00Z": True, "2026-03-06T23:59Z": True, "2026-03-07T00:00Z": False},
    ),
    "sunday is the first day of a week": (
        {"weekdays": ["sunday:monday", "Saturday"]},
        {"2026-03-01T12:00Z": True, "2026-03-02T12:00Z": True, "2026-03-03T12:00Z": False, "2026-03-07T12:00Z": True},
    ),
    "days of the month": (
        {"days_of_month": ["1:5", "20"]},
        {"2026-03-05T23:59Z": True, "2026-03-06T00:00Z": False, "2026-03-20T12:00Z": True},
    ),
    "days from the end of the month": (
        {"days_of_month": ["-3:-1"]},
        {
            "2026-02-25T12:00Z": False,
            "2026-02-26T12:00Z": True,
            "2028-02-26T12:00Z": False,
            "2028-02-29T12:00Z": True,
            "2026-04-30T12:00Z": True,
        },
    ),
    "the whole month, from both ends": ({"days_of_month": ["1:-1"]}, {"2026-02-28T12:00Z": True}),
    "a day that the month does not have": (
        {"days_of_month": ["30:31"]},
        {"2026-02-28T12:00Z": False, "2028-02-29T12:00Z": False, "2026-04-30T12:00Z": True},
    ),
    "a range that goes beyond the month": (
        {"days_of_month": ["28:31"]},
        {"2026-02-28T12:00Z": True, "2026-02-27T12:00Z": False},
    ),
    "a leap day alone": (
        {"days_of_month": ["29"], "months": ["february"]},
        {"2028-02-29T12:00Z": True, "2026-03-01T12:00Z": False, "2028-03-29T12:00Z": False},
    ),
    "months by name and number": (
        {"months": ["may:august", "12", "1:2"]},
        {"2026-04-30T23:59Z": False, "2026-05-01T00:00Z": True, "2026-12-31T12:00Z": True, "2026-02-28T12:00Z": True},
    ),
    "years": (
        {"years": ["2026:2027", 2030]},
        {"2025-12-31T23:59Z": False, "2026-01-01T00:00Z": True, "2028-01-01T00:00Z": False, "2030-06-01T00:00Z": True},
    ),
    "all that is given must hold": (
        {"weekdays": ["monday"], "times": [{"start_time": "09:00", "end_time": "17:00"}]},
        {"2026-03-02T12:00Z": True, "2026-03-02T18:00Z": False, "2026-03-03T12:00Z": False},
    ),
    "clocks of another zone": (
        {"times": [{"start_time": "09:00", "end_time": "17:00"}], "location": "Asia/Shanghai"},
        {"2026-03-02T00:59Z": False, "2026-03-02T01:00Z": True, "2026-03-02T09:00Z": False},
    ),
    "the day of another zone": (
        {"weekdays": ["monday"], "location": "Asia/Shanghai"},
        {"2026-03-01T16:00Z": True, "2026-03-02T15:59Z": True, "2026-03-02T16:00Z": False},
    ),
    "the hour that spring leaves out never comes": (
        {"times": [{"start_time": "02:00", "end_time": "03:00"}], "location": "Europe/Berlin"},
        {"2026-03-29T00:59:59Z": False, "2026-03-29T01:00Z": False, "2026-03-28T01:30Z": True},
    ),
    "the hour that autumn repeats holds twice": (
        {"times": [{"start_time": "02:00", "end_time": "03:00"}], "location": "Europe/Berlin"},
        {
            "2026-10-24T23:59Z": False,
            "2026-10-25T00:30Z": True,
            "2026-10-25T01:30Z": True,
            "2026-10-25T02:00Z": False,
        },
    ),
    "nine o'clock stays nine o'clock over both edges": (
        {"times": [{"start_time": "09:00", "end_time": "10:00"}], "location": "America/New_York"},
        {
            "2026-03-07T14:00Z": True,
            "2026-03-08T13:00Z": True,
            "2026-03-08T14:00Z": False,
            "2026-11-01T14:00Z": True,
            "2026-11-01T13:30Z": False,
        },
    ),
}


@pytest.mark.parametrize(("settings", "expected"), CASES.values(), ids=CASES.keys())
def test_when_an_interval_holds(settings: dict[str, Any], expected: dict[str, bool]) -> None:
    """Instants at each edge."""
    interval = IntervalConfig.model_validate(settings).interval
    assert {at: interval.contains(datetime.fromisoformat(at)) for at in expected} == expected


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "time without quotes": ({"times": [{"start_time": 750, "end_time": "14:00"}]}, "in quotes"),
    "time of one digit": ({"times": [{"start_time": "9:00", "end_time": "14:00"}]}, "is no time"),
    "time past the day": ({"times": [{"start_time": "09:00", "end_time": "24:01"}]}, "is no time"),
    "a night in one": ({"times": [{"start_time": "22:00", "end_time": "06:00"}]}, "for a night write two"),
    "no day of the week": ({"weekdays": ["mon"]}, "no day of the week"),
    "a week end that wraps": ({"weekdays": ["saturday:sunday"]}, "ends before it starts"),
    "day 0": ({"days_of_month": ["0"]}, "no day 0"),
    "day 32": ({"days_of_month": ["32"]}, "no day of a month"),
    "from the end to the start": ({"days_of_month": ["-3:2"]}, "as two ranges"),
    "backwards": ({"days_of_month": ["5:2"]}, "ends before it starts"),
    "backwards from the end": ({"days_of_month": ["-1:-5"]}, "ends before it starts"),
    "backwards from both ends": ({"days_of_month": ["20:-25"]}, "ends before it starts"),
    "month 13": ({"months": ["13"]}, "no month"),
    "months backwards": ({"months": ["december:january"]}, "ends before it starts"),
    "no year": ({"years": ["MMXXVI"]}, "no year"),
    "no zone": ({"location": "Asia/Peking"}, "no time zone"),
    "misspelt": ({"weekday": ["monday"]}, "Extra inputs"),
}


@pytest.mark.parametrize(("settings", "part"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(settings: dict[str, Any], part: str) -> None:
    """With a sentence that says what would be right."""
    with pytest.raises(ValidationError, match=part):
        IntervalConfig.model_validate(settings)


STRICTER = {"time without quotes", "month 13"}
"""Refused here only: an unquoted 12:30, which this reader takes for 750, and a month that never comes."""


def test_amtool_takes_and_refuses_the_same(tmp_path: Path) -> None:
    """The real amtool on every interval of the two tables."""
    amtool = program(["amtool"], "prometheus-alertmanager")
    verdicts = {}
    for name, (settings, _) in {**CASES, **REFUSED}.items():
        path = tmp_path / "alertmanager.yml"
        intervals = [
            {"name": "x", "time_intervals": [{**settings, "years": [str(y) for y in settings.get("years", [])]}]}
        ]
        file = {"route": {"receiver": "r"}, "receivers": [{"name": "r"}], "time_intervals": intervals}
        path.write_text(yaml.safe_dump(file))
        verdicts[name] = subprocess.run([amtool, "check-config", str(path)], capture_output=True).returncode == 0
    assert {name: taken for name, taken in verdicts.items() if taken != (name in CASES) and name not in STRICTER} == {}


def _named(**named: dict[str, Any]) -> Intervals:
    return Intervals.of(
        NamedIntervals.model_validate({"name": name, "time_intervals": [one]}) for name, one in named.items()
    )


NAMED = _named(
    night={"times": NIGHT},
    office={"weekdays": ["monday:friday"], "times": [{"start_time": "09:00", "end_time": "17:00"}]},
)
MUTED: dict[str, tuple[list[str], list[str], str, str | None]] = {
    "no intervals": ([], [], "2026-03-02T12:00Z", None),
    "within a mute one": (["night"], [], "2026-03-02T23:00Z", "mute during the interval night"),
    "outside of a mute one": (["night"], [], "2026-03-02T12:00Z", None),
    "within an active one": ([], ["office"], "2026-03-02T12:00Z", None),
    "outside of an active one": ([], ["office"], "2026-03-01T12:00Z", "active only during office"),
    "one of two active ones is enough": ([], ["office", "night"], "2026-03-01T23:00Z", None),
    "mute wins over active": (["night"], ["night"], "2026-03-02T23:00Z", "mute during the interval night"),
}


@pytest.mark.parametrize(("mute", "active", "at", "part"), MUTED.values(), ids=MUTED.keys())
def test_when_a_route_is_mute(mute: list[str], active: list[str], at: str, part: str | None) -> None:
    """Each with its reason."""
    found = NAMED.muted(mute, active, datetime.fromisoformat(at))
    assert (found is None) is (part is None)
    assert part is None or part in found[1]  # type: ignore[index]


@given(
    st.integers(0, 6 * 366 * 86_400).map(lambda s: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=s)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"]),
)
def test_the_end_of_a_mute_is_the_first_minute_that_is_not(at: datetime, zone: str) -> None:
    """Whatever the zone and the day: mute until then, and not at it, unless it lasts longer than was looked."""
    named = _named(night={"times": NIGHT, "location": zone})
    horizon = timedelta(hours=1)
    if named.muted(["night"], [], at) is None:
        return
    end = named.muted_until(["night"], [], at, horizon)
    assert at < end <= at + horizon
    assert named.muted(["night"], [], end - timedelta(seconds=1)) is not None
    assert end == at + horizon or named.muted(["night"], [], end) is None
