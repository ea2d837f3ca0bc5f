"""What people change of schedules: done once, with audit, or refused with a sentence and nothing written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, select

from alerts.oncall import commands
from alerts.oncall.commands import OnCallError
from alerts.oncall.roster import load
from alerts.oncall.shifts import on_call, shifts
from core.store.open import reading, writing
from core.store.tables import audit, on_call_absence, on_call_override
from tests.alerts.oncall.world import file, utc

NOW = utc("2026-01-06 00:00")
FILE = file()
SCHEDULE = FILE.schedules[0]


def who_at(store: Engine, at: str) -> str | None:
    with reading(store) as connection:
        roster = load(connection, NOW)
    return on_call(SCHEDULE, roster.overrides, roster.absences, utc(at)).person


def actions(store: Engine) -> list[tuple[str, str, str]]:
    with reading(store) as connection:
        rows = connection.execute(select(audit.c.who, audit.c.action, audit.c.object).order_by(audit.c.id))
        return [(row.who, row.action, row.object) for row in rows]


def override(connection: Connection, person: str, start: str, end: str, schedule: str = "platform") -> int:
    return commands.override(connection, FILE, schedule, person, utc(start), utc(end), " a  favour\n", "zhao.lei", NOW)


def test_an_override_holds_until_it_ends_or_is_taken_back(store: Engine) -> None:
    with writing(store) as connection:
        number = override(connection, "zhang.min", "2026-01-05 00:00", "2026-01-08 00:00")
    assert [who_at(store, at) for at in ("2026-01-06 00:00", "2026-01-08 00:00")] == ["zhang.min", "li.wei"]
    with reading(store) as connection:
        row = connection.execute(select(on_call_override)).one()
    assert (row.starts_at, row.reason) == (NOW, "a favour")  # a start in the past becomes now
    with writing(store) as connection:
        commands.cancel_override(connection, number, "li.wei", NOW)
    assert who_at(store, "2026-01-06 00:00") == "li.wei"
    assert actions(store) == [
        ("zhao.lei", "oncall.override", f"override/{number}"),
        ("li.wei", "oncall.cancel", f"override/{number}"),
    ]


def test_two_people_swap_their_shifts_and_both_halves_are_taken_back_together(store: Engine) -> None:
    with writing(store) as connection:
        first, second = commands.swap(
            connection, FILE, "platform", utc("2026-01-07 00:00"), utc("2026-01-13 00:00"), "", "li.wei", NOW
        )
    with reading(store) as connection:
        roster = load(connection, NOW)
    final = shifts(SCHEDULE, roster.overrides, (), NOW, utc("2026-01-26 01:00")).final
    assert [(one.person, one.end) for one in final] == [
        ("zhang.min", utc("2026-01-12 01:00")),
        ("li.wei", utc("2026-01-19 01:00")),
        ("zhao.lei", utc("2026-01-26 01:00")),
    ]
    assert [action for _, action, _ in actions(store)] == ["oncall.swap", "oncall.swap"]
    with writing(store) as connection:
        commands.cancel_override(connection, second, "zhang.min", NOW)
    assert who_at(store, "2026-01-07 00:00") == "li.wei"
    assert actions(store)[2:] == [("zhang.min", "oncall.cancel", f"override/{n}") for n in (first, second)]


def test_who_is_away_comes_back(store: Engine) -> None:
    with writing(store) as connection:
        number = commands.away(connection, FILE, "li.wei", NOW, utc("2026-01-09 00:00"), "on leave", "li.wei", NOW)
    assert who_at(store, "2026-01-07 00:00") == "zhang.min"
    with writing(store) as connection:
        commands.cancel_away(connection, number, "li.wei", NOW)
    assert who_at(store, "2026-01-07 00:00") == "li.wei"
    assert [action for _, action, _ in actions(store)] == ["oncall.away", "oncall.back"]


def do_swap(first: str, second: str) -> Callable[[Connection], object]:
    return lambda connection: commands.swap(connection, FILE, "platform", utc(first), utc(second), "", "li.wei", NOW)


def do_away(person: str, start: str, end: str) -> Callable[[Connection], object]:
    return lambda connection: commands.away(connection, FILE, person, utc(start), utc(end), "", "li.wei", NOW)


REFUSED: list[tuple[str, Callable[[Connection], object], str]] = [
    ("over", lambda c: override(c, "li.wei", "2026-01-01 00:00", "2026-01-06 00:00"), "which is over"),
    ("empty", lambda c: override(c, "li.wei", "2026-01-09 00:00", "2026-01-09 00:00"), "before it begins"),
    ("backwards", lambda c: override(c, "li.wei", "2026-01-09 00:00", "2026-01-08 00:00"), "before it begins"),
    ("too long", lambda c: override(c, "li.wei", "2026-01-09 00:00", "2027-02-08 00:00"), "longer than a year"),
    ("unknown person", lambda c: override(c, "wang", "2026-01-09 00:00", "2026-01-10 00:00"), "no person 'wang'"),
    (
        "unknown schedule",
        lambda c: override(c, "li.wei", "2026-01-09 00:00", "2026-01-10 00:00", "night"),
        "no schedule 'night'; the schedules are platform",
    ),
    ("one's own", lambda c: override(c, "zhang.min", "2026-01-20 12:00", "2026-01-22 00:00"), "has override 1"),
    ("away", lambda c: override(c, "zhao.lei", "2026-02-01 00:00", "2026-02-02 00:00"), "choose somebody else"),
    ("swap with oneself", do_swap("2026-01-07 00:00", "2026-01-08 00:00"), "same person"),
    ("swap of nothing", do_swap("2026-01-04 00:00", "2026-01-13 00:00"), "there is no shift to swap"),
    ("swap with the absent", do_swap("2026-02-03 00:00", "2026-03-03 00:00"), "zhao.lei is away for a part"),
    ("away twice", do_away("zhao.lei", "2026-02-02 00:00", "2026-02-20 00:00"), "take that back first"),
    ("away and unknown", do_away("wang", "2026-02-02 00:00", "2026-02-20 00:00"), "no person 'wang'"),
    ("no such override", lambda c: commands.cancel_override(c, 7, "li.wei", NOW), "no override 7 in force"),
    ("no such absence", lambda c: commands.cancel_away(c, 7, "li.wei", NOW), "no absence 7 in force"),
]


def test_what_will_not_do_is_refused_and_nothing_is_written(store: Engine) -> None:
    with writing(store) as connection:
        override(connection, "zhang.min", "2026-01-20 00:00", "2026-01-21 00:00")
        start, end = utc("2026-02-01 00:00"), utc("2026-02-10 00:00")
        commands.away(connection, FILE, "zhao.lei", start, end, "on leave", "zhao.lei", NOW)
    before = actions(store)
    for name, doing, words in REFUSED:
        with writing(store) as connection:
            with pytest.raises(OnCallError) as refused:
                doing(connection)
            assert words in str(refused.value), name
    assert actions(store) == before
    with reading(store) as connection:
        assert len(connection.execute(select(on_call_override)).all()) == 1
        assert len(connection.execute(select(on_call_absence)).all()) == 1
