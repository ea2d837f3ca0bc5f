"""Planned work is muted from its start to its end by the clocks of its zone, once or again and again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Engine

from alerts.muting.maintenance import MaintenanceFile, Window, faults, windows_of
from tests.alerts.test_dispatch import _handle, _tick
from tests.alerts.world import NOON, after, deliveries, events, finding, routes, told, with_series

ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//changes//EN
BEGIN:VEVENT
UID:1
DTSTART;TZID=Asia/Shanghai:20260301T220000
DTEND;TZID=Asia/Shanghai:20260302T040000
RRULE:FREQ=MONTHLY;BYMONTHDAY=1
EXDATE;TZID=Asia/Shanghai:20260401T220000
SUMMARY:switch software
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;VALUE=DATE:20260501
DTEND;VALUE=DATE:20260502
SUMMARY:holiday works
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def _window(**parts: Any) -> dict[str, Any]:
    return {"name": "work", "matchers": ["target=host-1"], **parts}


def _made(**parts: Any) -> Window:
    file = MaintenanceFile.model_validate({"windows": [_window(**parts)]})
    calendars = {"x.ics": ICS}
    assert list(faults(file, calendars)) == []
    return windows_of(file, calendars)[0]


BERLIN = {"start": "2026-01-01 02:30", "duration": "1h", "rrule": "FREQ=DAILY", "location": "Europe/Berlin"}
CASES: dict[str, tuple[dict[str, Any], dict[str, str | None]]] = {
    # a window -> instants and the end of what lasts then
    "once, by the clocks of its zone": (
        {"start": "2026-03-02 20:00", "duration": "2h", "location": "Asia/Shanghai"},
        {
            "2026-03-02T11:59:59": None,
            "2026-03-02T12:00": "2026-03-02T14:00",
            "2026-03-02T13:59:59": "2026-03-02T14:00",
            "2026-03-02T14:00": None,
            "2026-03-03T12:00": None,
        },
    ),
    "every sunday": (
        {"start": "2026-01-04 02:00", "duration": "2h", "rrule": "FREQ=WEEKLY;BYDAY=SU"},
        {"2025-12-28T03:00": None, "2026-03-01T03:00": "2026-03-01T04:00", "2026-03-02T03:00": None},
    ),
    "over midnight and a month's end": (
        {"start": "2026-01-31 22:00", "duration": "8h", "rrule": "FREQ=MONTHLY;BYMONTHDAY=-1"},
        {
            "2026-02-28T23:00": "2026-03-01T06:00",
            "2026-03-01T05:59": "2026-03-01T06:00",
            "2028-02-29T23:00": "2028-03-01T06:00",
        },
    ),
    "until the rule ends": (
        {"start": "2026-03-01 10:00", "duration": "1h", "rrule": "FREQ=DAILY;COUNT=2"},
        {"2026-03-02T10:30": "2026-03-02T11:00", "2026-03-03T10:30": None},
    ),
    "longer than its interval": (
        {"start": "2026-03-01 10:00", "duration": "30h", "rrule": "FREQ=DAILY"},
        {"2026-03-05T11:00": "2026-03-06T16:00"},
    ),
    "a month long": (
        {"start": "2026-03-01 00:00", "duration": "31d"},
        {"2026-03-31T23:59": "2026-04-01T00:00", "2026-04-01T00:00": None},
    ),
    "an hour that spring leaves out is an hour all the same": (
        BERLIN,
        {"2026-03-28T01:30": "2026-03-28T02:30", "2026-03-29T01:29": None, "2026-03-29T01:30": "2026-03-29T02:30"},
    ),
    "an hour that autumn repeats is not two": (
        BERLIN,
        {"2026-10-25T00:30": "2026-10-25T01:30", "2026-10-25T01:30": None, "2026-10-26T01:30": "2026-10-26T02:30"},
    ),
    "a calendar with repetition and exception": (
        {"calendar": "x.ics"},
        {
            "2026-03-01T13:59": None,
            "2026-03-01T14:00": "2026-03-01T20:00",
            "2026-04-01T15:00": None,
            "2026-06-01T15:00": "2026-06-01T20:00",
        },
    ),
    "whole days of a calendar are days of the window's zone": (
        {"calendar": "x.ics", "location": "Asia/Shanghai"},
        {"2026-04-30T15:59": None, "2026-04-30T16:00": "2026-05-01T16:00", "2026-05-01T13:59": "2026-05-01T16:00"},
    ),
}


@pytest.mark.parametrize(("parts", "expected"), CASES.values(), ids=CASES.keys())
def test_when_a_window_lasts(parts: dict[str, Any], expected: dict[str, str | None]) -> None:
    """At each edge."""
    window = _made(**parts)
    found = {at: window.end(datetime.fromisoformat(at).replace(tzinfo=UTC)) for at in expected}
    assert {at: end and f"{end:%Y-%m-%dT%H:%M}" for at, end in found.items()} == expected


@settings(deadline=None, max_examples=15)
@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai"]),
    st.integers(0, 366),
    st.integers(0, 23),
    st.integers(1, 20),
)
def test_a_daily_window_begins_by_its_clocks_and_lasts_its_length(zone: str, day: int, hour: int, hours: int) -> None:
    """On every day of a leap year, both changes of the clocks included."""
    window = _made(start=f"2027-12-01 {hour:02}:15", duration=f"{hours}h", rrule="FREQ=DAILY", location=zone)
    date = datetime(2028, 1, 1, tzinfo=UTC) + timedelta(days=day)
    begun = datetime(date.year, date.month, date.day, hour, 15, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert window.end(begun) == begun + timedelta(hours=hours)
    if hours < 20:
        assert window.end(begun - timedelta(minutes=1)) is None
        assert window.end(begun + timedelta(hours=hours)) is None


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "neither start nor calendar": ({}, "needs start and duration, or a calendar"),
    "both": ({"calendar": "x.ics", "rrule": "FREQ=DAILY"}, "take out start, duration and rrule"),
    "a start with a zone": ({"start": "2026-03-02T20:00+08:00", "duration": "1h"}, "write it without a zone"),
    "no length": ({"start": "2026-03-02 20:00", "duration": "0s"}, "longer than nothing"),
    "too long": ({"start": "2026-03-02 20:00", "duration": "32d"}, "at most 31d"),
    "no rule": ({"start": "2026-03-02 20:00", "duration": "1h", "rrule": "every sunday"}, "must say how often"),
    "a rule of minutes": (
        {"start": "2026-03-02 20:00", "duration": "1h", "rrule": "FREQ=MINUTELY"},
        "must say how often",
    ),
    "a rule of many hours and minutes": (
        {"start": "2026-03-02 20:00", "duration": "1h", "rrule": "FREQ=DAILY;BYHOUR=0,1;BYMINUTE=1,2"},
        "take BYHOUR, BYMINUTE out",
    ),
    "no zone": ({"start": "2026-03-02 20:00", "duration": "1h", "location": "Asia/Peking"}, "no time zone"),
    "no matchers": ({"start": "2026-03-02 20:00", "duration": "1h", "matchers": []}, "at least 1"),
}


@pytest.mark.parametrize(("parts", "part"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(parts: dict[str, Any], part: str) -> None:
    """With a sentence that says what would be right."""
    with pytest.raises(ValidationError, match=part):
        MaintenanceFile.model_validate({"windows": [_window(**parts)]})


ONCE = {"start": "2026-03-02 12:00", "duration": "1h"}


def test_faults_are_named_at_their_place() -> None:
    """Names twice, bad matchers, everything at once, and a calendar that is none."""
    parts = [_window(**ONCE), _window(**ONCE, matchers=["a"]), _window(**ONCE, matchers=['alertname=~".+"'])]
    parts.append({**_window(calendar="bad.ics"), "name": "calendar"})
    file = MaintenanceFile.model_validate({"windows": parts})
    found = list(faults(file, {"bad.ics": "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:NONSENSE\n"}))
    assert [place for place, _ in found] == [
        ("windows", 1, "name"),
        ("windows", 1, "matchers", 0),
        ("windows", 2, "name"),
        ("windows", 2, "matchers"),
        ("windows", 3, "calendar"),
    ]
    assert "would mute every alert there can be" in found[3][1]


CALENDARS: dict[str, tuple[str, str]] = {
    # lines of its one event -> what is said of the calendar
    "every second": ("DTSTART:20260301T100000Z\nRRULE:FREQ=SECONDLY", "'x' comes more often than daily"),
    "every minute of a day": (
        "DTSTART:20260301T100000Z\nRRULE:FREQ=DAILY;BYMINUTE=1,2",
        "'x' comes more often than daily",
    ),
    "no start": ("DTEND:20260301T100000Z", "No DTSTART given"),
    "a day that ends at a time": (
        "DTSTART;VALUE=DATE:20260301\nDTEND:20260302T100000Z",
        "must be of the same type",
    ),
    "an end before the start": ("DTSTART:20260301T100000Z\nDTEND:20260301T090000Z", "'x' ends before it starts"),
    "years from now": ("DTSTART:20410301T100000Z\nDTEND:20410301T090000Z", "'x' ends before it starts"),
}


def _calendar(*events: str) -> str:
    parts = [f"BEGIN:VEVENT\nUID:{n}\nSUMMARY:x\n{event}\nEND:VEVENT\n" for n, event in enumerate(events)]
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{''.join(parts)}END:VCALENDAR\n"


@pytest.mark.parametrize(("event", "says"), CALENDARS.values(), ids=CALENDARS.keys())
def test_a_calendar_that_cannot_be_followed_is_refused_when_it_is_read(event: str, says: str) -> None:
    """And not at the flush of that day, when it would keep everybody from being told of anything."""
    file = MaintenanceFile.model_validate({"windows": [_window(calendar="x.ics")]})
    [(place, sentence)] = faults(file, {"x.ics": _calendar(event)})
    assert place == ("windows", 0, "calendar")
    assert says in sentence


def test_work_that_was_cancelled_mutes_nobody() -> None:
    """As calendars say it of a whole event, and of one of several."""
    work = "DTSTART:20260302T120000Z\nDTEND:20260302T130000Z"
    file = MaintenanceFile.model_validate({"windows": [_window(calendar="x.ics")]})
    [held] = windows_of(file, {"x.ics": _calendar(work)})
    [cancelled] = windows_of(file, {"x.ics": _calendar(f"{work}\nSTATUS:CANCELLED")})
    assert (held.end(NOON), cancelled.end(NOON)) == (after(hours=1), None)


def test_an_alert_in_a_window_is_told_at_its_end(store: Engine) -> None:
    """If it still fires; one that ended within is never told, and both histories say why."""
    with_series(store)
    window = _made(**ONCE)
    file = routes(group_wait="0s", group_by=["mount"], group_interval="5m").with_maintenance((window,))
    handled = _handle(store, file, NOON, finding(mount="/a"), finding(mount="/b"), finding(host="other", mount="/c"))
    assert handled.deliveries == 1
    _handle(store, file, after(minutes=30), finding("ok", mount="/a"))
    for minutes in range(5, 60, 5):
        assert _tick(store, file, after(minutes=minutes)).deliveries == 0
    _tick(store, file, after(hours=1))
    assert [told(row)[2] for row in deliveries(store)] == [["firing other critical"], ["firing host-1 critical"]]
    quiet = [detail for _, _, detail in events(store, "kept_quiet", "let_through")]
    assert quiet.count("receiver ops: in the maintenance window work until 2026-03-02 13:00 UTC") == 2
    assert quiet[-1] == "receiver ops: no longer kept quiet: its maintenance is over"
