"""Who is on call, instant by instant: turns, hours, days off, absences, overrides; over both edges of summer time."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.oncall.config import Schedule
from alerts.oncall.fairness import fairness
from alerts.oncall.rotation import instant
from alerts.oncall.shifts import Absence, Override, gaps, next_shift, on_call, shifts
from tests.alerts.oncall.world import PEOPLE, gone, layer, over, schedule, utc

HOUR = timedelta(hours=1)
OFFICE = [{"weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday"], "from": "09:00", "to": "18:00"}]

# name, schedule, instant, who
TURNS: list[tuple[str, Schedule, str, str | None]] = [
    ("before the first handoff", schedule(), "2026-01-05 00:59", None),
    ("at the first handoff", schedule(), "2026-01-05 01:00", "li.wei"),
    ("the last moment of a turn", schedule(), "2026-01-12 00:59", "li.wei"),
    ("the first moment of the next", schedule(), "2026-01-12 01:00", "zhang.min"),
    ("round again after everybody", schedule(), "2026-01-26 01:00", "li.wei"),
    ("daily", schedule(layer(rotation="daily")), "2026-01-06 01:00", "zhang.min"),
    ("half a day: the night", schedule(layer(rotation="12h")), "2026-01-05 13:00", "zhang.min"),
    ("half a day: the next day", schedule(layer(rotation="12h")), "2026-01-06 01:00", "zhao.lei"),
    ("two weeks", schedule(layer(rotation="14d")), "2026-01-18 23:00", "li.wei"),
    ("a start between two handoffs", schedule(layer(weekday="monday", start="2026-01-07")), "2026-01-11 23:00", "li.wei"),
    ("and the Monday after it", schedule(layer(weekday="monday", start="2026-01-07")), "2026-01-12 01:00", "zhang.min"),
    ("and before it", schedule(layer(weekday="monday", start="2026-01-07")), "2026-01-07 00:59", None),
    ("in office hours", schedule(layer(only=OFFICE)), "2026-01-05 09:59", "li.wei"),
    ("after office hours", schedule(layer(only=OFFICE)), "2026-01-05 10:00", None),
    ("on a Saturday", schedule(layer(only=OFFICE)), "2026-01-10 04:00", None),
    ("the Spring Festival is no working day", schedule(layer(only=[{"days": "workdays"}])), "2026-02-17 04:00", None),
    ("and a holiday", schedule(layer(only=[{"days": "holidays"}])), "2026-02-17 04:00", "li.wei"),
    ("a Saturday worked for it", schedule(layer(only=[{"days": "workdays"}])), "2026-02-14 04:00", "zhao.lei"),
    ("a night over midnight", schedule(layer(only=[{"from": "22:00", "to": "06:00"}])), "2026-01-05 21:59", "li.wei"),
    ("and its end", schedule(layer(only=[{"from": "22:00", "to": "06:00"}])), "2026-01-05 22:00", None),
    ("the later layer wins", schedule(layer(), layer(name="top", people=["zhao.lei"])), "2026-01-06 01:00", "zhao.lei"),
    ("where it holds", schedule(layer(), layer(name="top", people=["zhao.lei"], only=OFFICE)), "2026-01-06 12:00", "li.wei"),
    ("a leap day", schedule(layer(rotation="daily", start="2028-02-28")), "2028-02-29 01:00", "zhang.min"),
    ("the turn of the year", schedule(layer(rotation="daily", start="2026-12-31")), "2026-12-31 17:00", "li.wei"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "of", "at", "who"), TURNS, ids=[case[0] for case in TURNS])
def test_who_is_on_call(name: str, of: Schedule, at: str, who: str | None) -> None:
    """At each boundary; and the reason is never empty."""
    found = on_call(of, (), (), utc(at))
    assert (found.person, bool(found.reason)) == (who, True)


# zone, first local day, hours of the turns handed over at 09:00
DST = [
    ("Europe/Berlin", "2026-03-28", [23, 24]),
    ("Europe/Berlin", "2026-10-24", [25, 24]),
    ("America/Sao_Paulo", "2018-11-03", [23, 24]),
    ("America/Sao_Paulo", "2019-02-16", [25, 24]),
    ("Asia/Shanghai", "2026-03-28", [24, 24]),
    ("Asia/Shanghai", "1991-04-13", [23, 24]),
]


@pytest.mark.parametrize(("zone", "day", "hours"), DST)
def test_a_turn_of_a_day_lasts_23_or_25_hours_when_the_clocks_change(zone: str, day: str, hours: list[int]) -> None:
    """09:00 stays 09:00 on the wall."""
    of = schedule(layer(rotation="daily", start=day), timezone=zone)
    start = instant(datetime.fromisoformat(f"{day} 09:00"), ZoneInfo(zone))
    found = shifts(of, (), (), start, start + timedelta(hours=sum(hours))).final
    assert [one.end - one.start for one in found] == [number * HOUR for number in hours]
    assert {one.start.astimezone(ZoneInfo(zone)).hour for one in found} == {9}


LOCAL = [
    ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:00"),  # skipped: the moment at which the clock skips
    ("Europe/Berlin", "2026-03-29 02:00", "2026-03-29 01:00"),
    ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30"),  # twice: the first
    ("America/Sao_Paulo", "2018-11-04 00:00", "2018-11-04 03:00"),
    ("America/Sao_Paulo", "2018-11-04 00:59", "2018-11-04 03:00"),
    ("America/Sao_Paulo", "2019-02-16 23:30", "2019-02-17 01:30"),
    ("Asia/Shanghai", "2026-03-02 08:00", "2026-03-02 00:00"),
]


@pytest.mark.parametrize(("zone", "local", "expected"), LOCAL)
def test_a_local_time_that_is_skipped_or_comes_twice(zone: str, local: str, expected: str) -> None:
    assert instant(datetime.fromisoformat(local), ZoneInfo(zone)) == utc(expected)


def test_a_handoff_in_the_skipped_hour_leaves_no_hole() -> None:
    """Turns of an hour through the night on which 02:00 to 03:00 is missing."""
    of = schedule(layer(rotation="1h", start="2026-03-28", handoff="00:30"), timezone="Europe/Berlin")
    rota = shifts(of, (), (), utc("2026-03-28 12:00"), utc("2026-03-30 12:00"))
    assert gaps(rota) == []
    assert [one.end for one in rota.final[:-1]] == [one.start for one in rota.final[1:]]


def test_who_is_away_is_stood_in_for_by_the_next_of_the_rotation() -> None:
    """For the time of the absence only; when everybody is away it is a gap that says so."""
    of, start, end = schedule(), utc("2026-01-05 01:00"), utc("2026-01-12 01:00")
    away = gone("li.wei", "2026-01-06 00:00", "2026-01-07 00:00")
    rota = shifts(of, (), [away], start, end)
    assert [(one.person, one.end - one.start) for one in rota.final] == [
        ("li.wei", 23 * HOUR),
        ("zhang.min", 24 * HOUR),
        ("li.wei", 121 * HOUR),
    ]
    assert "li.wei is away (on leave), so zhang.min" in rota.final[1].reason
    everybody = [gone(name, "2026-01-06 00:00", "2026-01-07 00:00") for name in PEOPLE]
    (gap,) = gaps(shifts(of, (), everybody, start, end))
    assert (gap.start, gap.end) == (utc("2026-01-06 00:00"), utc("2026-01-07 00:00"))
    assert "and so is everybody else" in gap.reason


def test_a_lower_layer_answers_when_everybody_of_the_higher_one_is_away() -> None:
    of = schedule(layer(people=["zhao.lei"]), layer(name="top", people=["li.wei"]))
    found = on_call(of, (), [gone("li.wei", "2026-01-06 00:00", "2026-01-07 00:00")], utc("2026-01-06 12:00"))
    assert (found.person, found.layer) == ("zhao.lei", "base")


def test_overrides_win_the_later_made_over_the_earlier_and_none_whose_person_is_away() -> None:
    of = schedule()
    first = over("zhang.min", "2026-01-06 00:00", "2026-01-08 00:00", 1, "2026-01-02 00:00")
    later = over("zhao.lei", "2026-01-07 00:00", "2026-01-09 00:00", 2, "2026-01-03 00:00")
    cases = {"2026-01-06 12:00": "zhang.min", "2026-01-07 12:00": "zhao.lei", "2026-01-09 12:00": "li.wei"}
    assert {at: on_call(of, [later, first], (), utc(at)).person for at in cases} == cases
    away = gone("zhao.lei", "2026-01-07 06:00", "2026-01-07 18:00")
    assert on_call(of, [first, later], [away], utc("2026-01-07 12:00")).person == "zhang.min"
    assert "override 2 by zhao.lei: a favour" in on_call(of, [first, later], (), utc("2026-01-07 12:00")).reason


def test_the_next_shift_is_that_of_another_person() -> None:
    final = shifts(schedule(), (), (), utc("2026-01-06 00:00"), utc("2026-02-06 00:00")).final
    found = next_shift(final, utc("2026-01-06 00:00"))
    assert found is not None
    assert (found.person, found.start) == ("zhang.min", utc("2026-01-12 01:00"))
    assert next_shift(final[:1], utc("2026-01-06 00:00")) is None


def test_fairness_counts_hours_nights_weekends_and_holidays() -> None:
    """A week of the Spring Festival, Monday 2026-02-16 09:00 to 02-23 09:00 in Shanghai, all of it li.wei's."""
    of = schedule(layer(start="2026-02-16"))
    final = shifts(of, (), (), utc("2026-02-16 01:00"), utc("2026-02-23 01:00")).final
    loads = {one.person: one for one in fairness(of, final)}
    mine = loads["li.wei"]
    assert (mine.shifts, mine.total, mine.night) == (1, 168 * HOUR, 56 * HOUR)
    assert mine.holiday == (15 + 24 * 6 + 9) * HOUR  # 15 to 23 February are the holiday
    assert mine.weekend == timedelta()
    assert loads["zhao.lei"].total == timedelta()
    plain = schedule(layer(start="2026-03-02"))
    usual = fairness(plain, shifts(plain, (), (), utc("2026-03-02 01:00"), utc("2026-03-09 01:00")).final)[0]
    assert (usual.weekend, usual.holiday) == (48 * HOUR, timedelta())


ZONES = st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "Asia/Shanghai", "Australia/Lord_Howe"])
EDGES = ["2018-11-03", "2019-02-16", "2026-03-28", "2026-10-24", "2028-02-28", "2026-12-31", "2026-04-04"]
WINDOWS = st.lists(
    st.fixed_dictionaries(
        {
            "weekdays": st.lists(st.sampled_from(["monday", "friday", "sunday"]), unique=True, max_size=2),
            "days": st.sampled_from(["all", "all", "workdays", "holidays"]),
            "from": st.sampled_from(["00:00", "02:30", "09:00", "22:00"]),
            "to": st.sampled_from(["00:00", "02:30", "09:00", "18:00"]),
        }
    ),
    max_size=2,
)


@st.composite
def plans(draw: st.DrawFn) -> tuple[Schedule, datetime, list[Override], list[Absence]]:
    """A schedule around a change of the clocks, with overrides and absences."""
    start = datetime.fromisoformat(draw(st.sampled_from(EDGES))).replace(tzinfo=UTC)
    layers = [
        layer(
            name=f"l{number}",
            rotation=draw(st.sampled_from(["1h", "8h", "12h", "daily", "2d", "weekly", "36h"])),
            handoff=draw(st.sampled_from(["00:00", "02:30", "09:00", "23:30"])),
            start=(start - timedelta(days=draw(st.integers(-1, 9)))).date(),
            people=draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True)),
            only=draw(WINDOWS),
        )
        for number in range(draw(st.integers(1, 3)))
    ]
    spans = [
        (start + timedelta(minutes=at), start + timedelta(minutes=at + length))
        for at, length in draw(st.lists(st.tuples(st.integers(-600, 4000), st.integers(1, 3000)), max_size=6))
    ]
    overrides, absences = [], []
    for number, (opens, closes) in enumerate(spans):
        person = draw(st.sampled_from(PEOPLE))
        if number % 2:
            absences.append(Absence(number, person, opens, closes, "on leave"))
        else:
            made = start - timedelta(days=draw(st.integers(1, 3)))
            overrides.append(Override(number, "platform", person, opens, closes, "x", "", made))
    return schedule(*layers, timezone=draw(ZONES)), start, overrides, absences


@settings(max_examples=120, deadline=None)
@given(made=plans(), data=st.data())
def test_the_final_lane_has_exactly_one_answer_for_every_instant(
    made: tuple[Schedule, datetime, list[Override], list[Absence]], data: st.DataObject
) -> None:
    """It covers the period without overlap; who it names is named by a layer or an override then; a gap is where none
    does; nobody who is away is named; and the order of the rows changes nothing."""
    of, start, overrides, absences = made
    end = start + timedelta(days=3)
    rota = shifts(of, overrides, absences, start, end)
    assert (rota.final[0].start, rota.final[-1].end) == (start, end)
    assert [one.end for one in rota.final[:-1]] == [one.start for one in rota.final[1:]]
    for lane in rota.layers.values():
        assert all(one.start < one.end for one in lane)
        assert all(one.end <= other.start for one, other in itertools.pairwise(lane))
    shuffled = data.draw(st.permutations(overrides)), data.draw(st.permutations(absences))
    assert shifts(of, *shuffled, start, end) == rota
    for minutes in range(0, 3 * 24 * 60, 97):
        at = start + timedelta(minutes=minutes)
        final = [one for one in rota.final if one.start <= at < one.end]
        assert len(final) == 1
        lanes = [*rota.layers.values(), rota.overrides]
        there = {one.person for lane in lanes for one in lane if one.start <= at < one.end} - {None}
        assert final[0].person in there if there else final[0].person is None
        away = {one.person for one in absences if one.start <= at < one.end}
        assert final[0].person not in away
        assert on_call(of, overrides, absences, at).person == final[0].person


@settings(max_examples=60, deadline=None)
@given(
    zone=ZONES,
    day=st.sampled_from(EDGES),
    length=st.sampled_from(["1h", "12h", "daily", "weekly"]),
    handoff=st.sampled_from(["00:00", "00:30", "02:00", "02:30", "09:00"]),
)
def test_a_layer_without_limits_has_somebody_at_every_instant_of_a_day_of_change(
    zone: str, day: str, length: str, handoff: str
) -> None:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    of = schedule(layer(rotation=length, handoff=handoff, start="2018-01-01"), timezone=zone)
    rota = shifts(of, (), (), start, start + timedelta(days=3))
    assert gaps(rota) == []
    for one in rota.final[1:]:
        wall = one.start.astimezone(ZoneInfo(zone))
        if length in ("daily", "weekly") and instant(wall.replace(tzinfo=None), ZoneInfo(zone)) == one.start:
            skipped = wall.strftime("%H:%M") != handoff
            assert (
                not skipped
                or instant(datetime.fromisoformat(f"{wall:%Y-%m-%d} {handoff}"), ZoneInfo(zone)) == one.start
            )
