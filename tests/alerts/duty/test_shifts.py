"""Which shift it is and who has it, at the edges of days, of summer time, of holidays and of rotations."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.duty.config import DutyFile, faults
from alerts.duty.shifts import before, named, shift_at, shifts
from tests.alerts.duty.desks import DAY, NIGHT, desk

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


AT = {
    "the first minute of the day shift": ("2026-03-02T00:00", "2026-03-02 day", "zhang.min"),
    "the last minute of the night before": ("2026-03-01T23:59", "2026-03-01 night", "li.wei"),
    "midnight belongs to the night that began": ("2026-03-02T16:00", "2026-03-02 night", "zhao.lei"),
}


@pytest.mark.parametrize(("at", "key", "person"), AT.values(), ids=AT)
def test_who_is_on_duty(at: str, key: str, person: str) -> None:
    found = shift_at(desk(), utc(at))
    assert found is not None
    assert (found.key, found.people[0]) == (key, person)


TURNS = {
    "each shift": ("shift", ["a", "b", "c", "a", "b", "c"]),
    "each day": ("day", ["a", "b", "b", "c", "c", "a"]),
    "each week": ("week", ["a", "b", "a", "b", "a", "b"]),
}


@pytest.mark.parametrize(("turns", "expected"), TURNS.values(), ids=TURNS)
def test_turns_pass_on(turns: str, expected: list[str]) -> None:
    one = desk(roster={"since": "2026-03-02", "groups": [["a"], ["b"], ["c"]], "turns": turns})
    found = shifts(one, utc("2026-03-02T00:00"), utc("2026-03-05T00:00"))
    assert [shift.people[0] for shift in found] == expected


def test_nobody_is_on_duty_before_the_roster_begins() -> None:
    one = desk(roster={"since": "2026-03-02", "groups": [["a"], ["b"]]})
    assert shift_at(one, utc("2026-03-01T23:59")) is None
    assert before(one, utc("2026-03-02T00:00")) is None


def test_what_was_changed_by_hand_holds() -> None:
    found = shift_at(desk(), utc("2026-03-02T04:00"), {"2026-03-02 day": ["wang.fang"]})
    assert found is not None
    assert (found.people, found.changed) == (("wang.fang",), True)


def test_a_shift_is_found_by_its_key_and_nonsense_is_none() -> None:
    one = desk()
    found = named(one, "2026-03-02 night")
    assert found is not None
    assert found.start == utc("2026-03-02T12:00")
    for key in ("", "2026-03-02", "2026-03-02 noon", "never day", "9999-12-31 day", "0001-01-01 day"):
        assert named(one, key) is None


def test_shifts_of_working_days_follow_the_swapped_ones() -> None:
    """14 February 2026 is a Saturday that is worked; from the 15th on it is the Spring Festival."""
    office = {"name": "office", "title": DAY["title"], "start": "09:00", "end": "18:00", "days": "working"}
    one = desk(shifts=[office], around_the_clock=False)
    found = shifts(one, utc("2026-02-12T16:00"), utc("2026-02-24T16:00"))
    assert [shift.day for shift in found] == [date(2026, 2, 13), date(2026, 2, 14), date(2026, 2, 24)]


@given(
    zone=st.sampled_from(ZONES),
    begin=st.integers(0, 365 * 24 * 60).map(lambda n: datetime(2026, 1, 10, tzinfo=UTC) + timedelta(minutes=n)),
    hours=st.integers(1, 24 * 30),
    edge=st.integers(0, 24 * 60 - 1),
)
def test_exactly_one_shift_at_any_instant(zone: str, begin: datetime, hours: int, edge: int) -> None:
    """Shifts that touch on the wall touch at every instant, over both edges of summer time."""
    at = f"{edge // 60:02}:{edge % 60:02}"
    other = f"{(edge // 60 + 12) % 24:02}:{edge % 60:02}"
    first, second = sorted((at, other))
    one = desk(timezone=zone, shifts=[{**DAY, "start": first, "end": second}, {**NIGHT, "start": second, "end": first}])
    end = begin + timedelta(hours=hours)
    found = shifts(one, begin, end)
    assert found[0].start <= begin
    assert found[-1].end >= end
    assert all(left.end == right.start for left, right in pairwise(found))
    assert shift_at(one, begin) == found[0]


def test_a_night_is_an_hour_shorter_or_longer_where_the_clocks_change() -> None:
    one = desk(timezone="Europe/Berlin")
    lengths = {
        key: shift.end - shift.start for key in ("2026-03-28 night", "2026-10-24 night") if (shift := named(one, key))
    }
    assert lengths == {"2026-03-28 night": timedelta(hours=11), "2026-10-24 night": timedelta(hours=13)}


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a gap": ({"shifts": [{**DAY, "end": "19:00"}, NIGHT]}, "nobody is on duty at 19:00 on working days"),
    "two at once": ({"shifts": [{**DAY, "end": "21:00"}, NIGHT]}, "two shifts of a day hold 20:00"),
    "two of one name": ({"shifts": [DAY, {**NIGHT, "name": "day"}]}, "2 shifts have the name 'day'"),
    "out of order": ({"shifts": [NIGHT, DAY]}, "not in the order in which they begin"),
    "one person alone": ({"roster": {"since": "2026-01-05", "groups": [["a"]]}}, "hand every shift over to themselves"),
    "twice in a group": ({"roster": {"since": "2026-01-05", "groups": [["a", "a"], ["b"]]}}, "'a' is 2 times"),
    "a gap on days off only": (
        {"shifts": [{**DAY, "days": "working"}, NIGHT]},
        "nobody is on duty at 08:00 on days off",
    ),
}


@pytest.mark.parametrize(("given", "words"), FAULTS.values(), ids=FAULTS)
def test_a_desk_that_cannot_work_is_refused(given: dict[str, Any], words: str) -> None:
    found = [sentence for _place, sentence in faults(DutyFile(desks=[desk(**given)]))]
    assert len(found) == 1
    assert words in found[0]


def test_a_sound_desk_has_no_fault() -> None:
    assert faults(DutyFile(desks=[desk()])) == []
