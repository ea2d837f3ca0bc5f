"""Working time over nights, weekends, Chinese holidays with their swapped days, and the edges of summer time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.tickets.working_time import ALWAYS, NoWorkingTime, WorkingTime
from core.workdays import Workdays

SHANGHAI, BERLIN, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
OFFICE = WorkingTime(SHANGHAI, Workdays("CN"), ((time(9), time(18)),))
SPLIT = WorkingTime(SHANGHAI, Workdays("CN"), ((time(8, 30), time(12)), (time(14), time(17, 30))))
NIGHT = WorkingTime(BERLIN, Workdays(None), ((time(0), time(6)), (time(22), time(0))))
NORMAL = WorkingTime(NEW_YORK, Workdays("US"), ((time(9), time(17)),))
CALENDARS = (OFFICE, SPLIT, NIGHT, NORMAL, ALWAYS)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    """A local time as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


BETWEEN = [
    ("within a day", OFFICE, "2026-03-02 10:00", "2026-03-02 11:30", 90),
    ("before and after hours", OFFICE, "2026-03-02 07:00", "2026-03-02 20:00", 540),
    ("a night", OFFICE, "2026-03-02 17:00", "2026-03-03 10:00", 120),
    ("a weekend", OFFICE, "2026-03-06 17:00", "2026-03-09 10:00", 120),
    ("Spring Festival 2026, 15 to 23 February", OFFICE, "2026-02-14 17:00", "2026-02-24 10:00", 120),
    ("the Saturday that was worked for it", OFFICE, "2026-02-14 09:00", "2026-02-14 18:00", 540),
    ("the Saturday after it, worked, too", OFFICE, "2026-02-28 09:00", "2026-02-28 12:00", 180),
    ("National Day 2026", OFFICE, "2026-10-01 00:00", "2026-10-08 00:00", 0),
    ("a lunch break", SPLIT, "2026-03-02 11:30", "2026-03-02 14:30", 60),
    ("backwards is nothing", OFFICE, "2026-03-03 10:00", "2026-03-02 10:00", 0),
]


@pytest.mark.parametrize(("hours", "start", "end", "minutes"), [r[1:] for r in BETWEEN], ids=[r[0] for r in BETWEEN])
def test_how_much_working_time_lies_between(hours: WorkingTime, start: str, end: str, minutes: int) -> None:
    assert hours.between(at(start), at(end)) == timedelta(minutes=minutes)


AFTER = [
    ("on the same day", OFFICE, "2026-03-02 10:00", 120, "2026-03-02 12:00"),
    ("it begins with the next working time", OFFICE, "2026-03-02 20:00", 60, "2026-03-03 10:00"),
    ("over the night", OFFICE, "2026-03-02 17:00", 120, "2026-03-03 10:00"),
    ("a whole day ends with its hours", OFFICE, "2026-03-02 09:00", 540, "2026-03-02 18:00"),
    ("over the weekend", OFFICE, "2026-03-06 17:30", 60, "2026-03-09 09:30"),
    ("over Spring Festival", OFFICE, "2026-02-14 17:00", 90, "2026-02-24 09:30"),
    ("nothing is now", OFFICE, "2026-03-02 20:00", 0, "2026-03-02 20:00"),
]


@pytest.mark.parametrize(("hours", "start", "minutes", "end"), [r[1:] for r in AFTER], ids=[r[0] for r in AFTER])
def test_when_so_much_of_it_has_passed(hours: WorkingTime, start: str, minutes: int, end: str) -> None:
    assert hours.after(at(start), timedelta(minutes=minutes)) == at(end)


def test_a_night_on_which_the_clocks_change_is_as_long_as_it_is() -> None:
    """Berlin, 29 March 2026: 02:00 becomes 03:00; 25 October 2026: 03:00 becomes 02:00. Both are Sundays."""
    all_days = WorkingTime(BERLIN, Workdays(None, {date(2026, 3, 29): True, date(2026, 10, 25): True}), NIGHT.spans)
    for day, hours in (("2026-03-29", 5), ("2026-10-25", 7)):
        start, end = at(f"{day} 00:00", BERLIN), at(f"{day} 06:00", BERLIN)
        assert all_days.between(start, end) == timedelta(hours=hours)
        assert all_days.after(start, timedelta(hours=hours)) == end


def test_a_calendar_without_working_time_says_so() -> None:
    """All days are exceptions, or rather: a span that is nowhere long enough."""
    never = WorkingTime(SHANGHAI, _Never(), ((time(9), time(18)),))
    with pytest.raises(NoWorkingTime, match="no working time"):
        never.after(at("2026-03-02 10:00"), timedelta(minutes=1))


class _Never(Workdays):
    """Nobody ever works."""

    def works(self, day: date) -> bool:
        return False


INSTANTS = st.integers(min_value=0, max_value=400 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
LENGTHS = st.integers(min_value=1, max_value=200 * 60).map(lambda minutes: timedelta(minutes=minutes))
HOURS = st.sampled_from(CALENDARS)


@given(hours=HOURS, start=INSTANTS, length=LENGTHS)
def test_after_and_between_agree(hours: WorkingTime, start: datetime, length: timedelta) -> None:
    """So much passes until then, and not a minute earlier."""
    end = hours.after(start, length)
    assert hours.between(start, end) == length
    assert hours.between(start, end - timedelta(minutes=1)) < length


@given(hours=HOURS, instants=st.lists(INSTANTS, min_size=3, max_size=3).map(sorted))
def test_working_time_adds_up_and_is_never_more_than_time(hours: WorkingTime, instants: list[datetime]) -> None:
    """Two stretches together are the whole; none runs back or faster than the clock on the wall."""
    first, second, third = instants
    whole = hours.between(first, third)
    assert hours.between(first, second) + hours.between(second, third) == whole
    assert timedelta() <= whole <= third - first
