"""What is due when: schedules, local due times, days on which the clock jumps, and the ends of months."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.controls.entries import Schedule
from reconciliation.due import Due, due_at, due_calendar

SHANGHAI, BERLIN, AZORES = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("Atlantic/Azores")
CYCLES = (1, 5, 10, 15, 20, 25)


def due(zone: ZoneInfo = SHANGHAI, at: time = time(8), party: str = "billing", **changes: object) -> Due:
    settings: dict[str, object] = {"at": "09:30", **changes}
    since = settings.pop("since", None)
    schedule = Schedule.model_validate(settings)
    return Due("c", party, "in/{day}/a.csv", schedule, at, zone, since=since)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "at", "day", "utc"),
    [
        (SHANGHAI, time(8), date(2026, 11, 1), "2026-11-02T00:00"),
        (SHANGHAI, time(7, 59), date(2026, 12, 31), "2026-12-31T23:59"),
        (BERLIN, time(8), date(2026, 3, 27), "2026-03-28T07:00"),
        (BERLIN, time(8), date(2026, 3, 28), "2026-03-29T06:00"),
        (BERLIN, time(2, 30), date(2026, 3, 28), "2026-03-29T01:30"),
        (BERLIN, time(1, 59), date(2026, 3, 28), "2026-03-29T00:59"),
        (BERLIN, time(3), date(2026, 3, 28), "2026-03-29T01:00"),
        (BERLIN, time(2, 30), date(2026, 10, 24), "2026-10-25T01:30"),
        (BERLIN, time(1, 59), date(2026, 10, 24), "2026-10-24T23:59"),
        (BERLIN, time(3), date(2026, 10, 24), "2026-10-25T02:00"),
        (AZORES, time(0, 30), date(2026, 3, 28), "2026-03-29T01:30"),
    ],
    ids=[
        "eight in Shanghai is midnight UTC",
        "the year's last day",
        "winter time",
        "the day the clock goes forward",
        "a time that is skipped is the same while after the jump",
        "just before the jump",
        "the first time after the jump",
        "a time that comes twice is the second",
        "just before the hour that comes twice",
        "just after the hour that comes twice",
        "a jump at midnight",
    ],
)
def test_a_local_due_time_is_one_instant(zone: ZoneInfo, at: time, day: date, utc: str) -> None:
    assert due_at(day, due(zone, at)).astimezone(UTC) == datetime.fromisoformat(f"{utc}Z")


@pytest.mark.parametrize(
    ("schedule", "now", "days", "owed"),
    [
        ({}, "2026-11-03T12:00", 3, ["2026-11-01", "2026-11-02", "2026-11-03"]),
        ({}, "2026-11-03T00:00", 1, ["2026-11-03"]),
        ({}, "2026-11-02T23:59", 1, ["2026-11-02"]),
        ({}, "2026-03-01T12:00", 2, ["2026-02-28", "2026-03-01"]),
        ({}, "2028-03-01T12:00", 2, ["2028-02-29", "2028-03-01"]),
        ({}, "2026-11-03T12:00", 0, []),
        ({"days": "weekdays"}, "2026-11-09T12:00", 4, ["2026-11-06", "2026-11-09"]),
        ({"month_day": 1}, "2026-11-03T12:00", 34, ["2026-10-01", "2026-11-01"]),
        ({"month_day": 31}, "2026-03-31T12:00", 60, ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ({"month_day": 30}, "2028-02-29T12:00", 31, ["2028-01-30", "2028-02-29"]),
        (
            {"cycles": CYCLES},
            "2026-11-30T12:00",
            30,
            ["2026-11-01", "2026-11-05", "2026-11-10", "2026-11-15", "2026-11-20", "2026-11-25"],
        ),
        ({"cycles": CYCLES}, "2026-11-04T12:00", 4, ["2026-11-01"]),
        ({"cycles": CYCLES}, "2026-11-05T00:00", 4, ["2026-11-05"]),
        ({"since": date(2026, 11, 2)}, "2026-11-03T12:00", 5, ["2026-11-02", "2026-11-03"]),
    ],
    ids=[
        "every day up to today",
        "midnight begins a business day",
        "a minute before midnight",
        "February of 28 days",
        "February of 29 days",
        "no days",
        "no weekend",
        "the first of the month",
        "the 31st of a month of 28 days is its last",
        "the 30th of a month of 29 days is its last",
        "six bill cycles a month",
        "between two cycles",
        "the day of a cycle",
        "nothing is owed before the first day",
    ],
)
def test_the_calendar_lists_the_business_days_of_a_schedule(
    schedule: dict[str, object], now: str, days: int, owed: list[str]
) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=SHANGHAI)
    found = due_calendar([due(**schedule)], at.astimezone(UTC), days)  # type: ignore[arg-type]
    assert [each.business_day.isoformat() for each in found] == owed
    assert [each.path for each in found] == [f"in/{day}/a.csv" for day in owed]


def test_the_calendar_is_by_day_and_each_party_has_its_own_zone() -> None:
    now = datetime(2026, 11, 2, 18, 0, tzinfo=UTC)  # the 3rd in Shanghai, still the 2nd in Berlin
    found = due_calendar([due(BERLIN, party="bank"), due(party="billing")], now, 2)
    assert [(each.business_day.day, each.party) for each in found] == [
        (1, "bank"),
        (2, "bank"),
        (2, "billing"),
        (3, "billing"),
    ]


@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai", "Africa/Casablanca"]),
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.times().map(lambda at: at.replace(microsecond=0)),
)
def test_files_of_later_days_are_due_later_and_never_before_the_clock_shows_it(zone: str, day: date, at: time) -> None:
    one = due(ZoneInfo(zone), at)
    instant = due_at(day, one)
    following = due_at(date.fromordinal(day.toordinal() + 1), one)
    assert instant.timestamp() < following.timestamp()
    shown = instant.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert shown >= datetime.combine(date.fromordinal(day.toordinal() + 1), at)
