"""The clock for resolving: what it counts, when it runs out, and that it never runs back, whatever people do."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from alerts.tickets import clocks, commands
from alerts.tickets.book import default_book
from alerts.tickets.clocks import Reading, stops_of, warns_at
from alerts.tickets.declared import AT_WORK, CODES, DOINGS
from alerts.tickets.history import steps
from alerts.tickets.machine import TicketError
from alerts.tickets.working_time import ALWAYS
from core.store.open import writing
from tests.alerts.tickets.test_working_time import OFFICE, at
from tests.alerts.tickets.world import BOSS, GUEST, LI, WANG, open_one, row_of, said_for
from tests.alerts.world import NOON, after

ALLOWED = timedelta(hours=2)
CASES = [
    ("it runs", [], 30, Reading(timedelta(minutes=30), after(hours=2), timedelta(minutes=90), True)),
    ("it has run out", [], 150, Reading(timedelta(minutes=150), after(hours=2), timedelta(), True)),
    (
        "paused, it stands",
        [(20, "paused")],
        60,
        Reading(timedelta(minutes=20), None, timedelta(minutes=100), False),
    ),
    (
        "paused and resumed, it is due later",
        [(20, "paused"), (50, "resumed")],
        60,
        Reading(timedelta(minutes=30), after(hours=2, minutes=30), timedelta(minutes=90), True),
    ),
    (
        "paused when it had run out already, it stays late",
        [(130, "paused")],
        300,
        Reading(timedelta(minutes=130), after(hours=2), timedelta(), False),
    ),
    (
        "resolved and reopened, the time between does not count",
        [(60, "resolved"), (600, "reopened")],
        610,
        Reading(timedelta(minutes=70), after(minutes=660), timedelta(minutes=50), True),
    ),
    (
        "resolved and closed is one stop",
        [(60, "resolved"), (70, "closed"), (100, "reopened")],
        110,
        Reading(timedelta(minutes=70), after(minutes=160), timedelta(minutes=50), True),
    ),
    (
        "what does not concern it changes nothing",
        [(5, "assigned"), (6, "comment"), (7, "resumed"), (8, "linked")],
        30,
        Reading(timedelta(minutes=30), after(hours=2), timedelta(minutes=90), True),
    ),
]


@pytest.mark.parametrize(("events", "minute", "expected"), [r[1:] for r in CASES], ids=[r[0] for r in CASES])
def test_what_the_clock_shows(events: list[tuple[int, str]], minute: int, expected: Reading) -> None:
    stops = stops_of((after(minutes=at_minute), kind) for at_minute, kind in events)
    assert clocks.read(ALWAYS, NOON, ALLOWED, stops, after(minutes=minute)) == expected


def test_a_pause_over_a_weekend_costs_no_working_time() -> None:
    """Paused on Friday at 17:00 with an hour left, resumed on Monday at 10:00: due on Monday at 11:00."""
    stops = [(at("2026-03-06 17:00"), at("2026-03-09 10:00"))]
    found = clocks.read(OFFICE, at("2026-03-06 16:00"), ALLOWED, stops, at("2026-03-09 10:30"))
    assert (found.elapsed, found.due_at) == (timedelta(minutes=90), at("2026-03-09 11:00"))


def test_an_event_with_an_earlier_instant_than_the_one_before_does_not_turn_the_clock_back() -> None:
    """The machine's clock was set back between pausing and going on."""
    assert stops_of([(after(minutes=20), "paused"), (after(minutes=5), "resumed")]) == [
        (after(minutes=20), after(minutes=20))
    ]


WARNED = [(0, False), (89, False), (90, True), (119, True), (120, False), (500, False)]


@pytest.mark.parametrize(("minute", "warned"), WARNED)
def test_people_are_warned_when_three_quarters_have_run(minute: int, warned: bool) -> None:
    assert warns_at(ALWAYS, after(hours=2), ALLOWED, 0.75, after(minutes=minute)) is warned


DOING = st.tuples(
    st.sampled_from(DOINGS), st.sampled_from((LI, WANG, BOSS, GUEST)), st.integers(min_value=0, max_value=3 * 24 * 60)
)


@given(kind=st.sampled_from(CODES), doings=st.lists(DOING, max_size=10))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_people_do_state_and_clocks_stay_sound(
    sqlite_store: Engine, kind: str, doings: list[tuple[str, object, int]]
) -> None:
    """A ticket is always in a state of its flow; its clock never runs back, nor while it stands or nobody works; what the row
    says is what its events say."""
    book, now = default_book(), NOON
    hours = book.time(book.kinds[kind].hours)
    refused: list[str] = []
    with sqlite_store.connect().execution_options(bomc_writes=True) as connection:
        transaction = connection.begin()
        number = open_one(connection, kind, now)
        row, elapsed = row_of(connection, number), timedelta()
        allowed = timedelta(seconds=row.resolve_s)
        for doing, person, minutes in doings:
            before, was_running, now = (
                elapsed,
                row.state in AT_WORK and row.state != "paused",
                now + timedelta(minutes=minutes),
            )
            stops = stops_of(steps(connection, number))
            elapsed = clocks.read(hours, NOON, allowed, stops, now).elapsed
            passed = hours.between(now - timedelta(minutes=minutes), now)
            assert elapsed - before == (passed if was_running else timedelta())
            try:
                commands.do(connection, number, doing, person, now, said_for(book, kind), given={})  # type: ignore[arg-type]
            except TicketError as error:
                refused.append(str(error))
            row = row_of(connection, number)
            assert row.state in book.flow(kind).states
            assert (row.assignee is None) <= (row.state not in ("assigned", "accepted", "paused"))
            found = clocks.read(hours, NOON, allowed, stops_of(steps(connection, number)), now)
            assert found.runs is (row.state in AT_WORK and row.state != "paused")
            if found.runs:
                assert row.due_at == found.due_at
        transaction.rollback()
    assert all(sentence.endswith(".") for sentence in refused)


def test_a_paused_ticket_has_no_deadline_and_gets_one_when_it_goes_on(store: Engine) -> None:
    """The row follows the events: what was left when it was paused is left when it goes on."""
    with writing(store) as connection:
        number = open_one(connection, "fault", priority="high")  # 4 h around the clock
        commands.do(connection, number, "take", LI, after(hours=1))
        commands.do(connection, number, "pause", LI, after(hours=2), {"reason": "no part", "waits_on": "the vendor"})
        paused = row_of(connection, number)
        assert (paused.due_at, paused.left_s, paused.waits_on) == (None, 7200, "the vendor")
        commands.do(connection, number, "resume", LI, after(hours=12))
        going = row_of(connection, number)
        assert (going.due_at, going.left_s, going.waits_on) == (after(hours=14), None, None)


def test_the_clocks_of_a_working_time_kind_begin_on_the_next_working_day(store: Engine) -> None:
    """Opened on the Friday evening before National Day: due on 8 October, the first working day after it."""
    evening: datetime = at("2026-09-30 19:00")
    with writing(store) as connection:
        row = row_of(connection, open_one(connection, "high_fee", evening, priority="high"))
    assert (row.respond_due_at, row.due_at) == (at("2026-10-08 09:15"), at("2026-10-08 11:00"))


def test_a_clock_that_was_set_back_leaves_no_ticket_without_a_deadline(store: Engine) -> None:
    """Paused at one o'clock by the old clock, gone on with at half past twelve by the new one: nothing has passed."""
    with writing(store) as connection:
        number = open_one(connection, "fault", priority="high")
        commands.do(connection, number, "take", LI, NOON)
        commands.do(connection, number, "pause", LI, after(hours=1), {"reason": "no part", "waits_on": "the vendor"})
        commands.do(connection, number, "resume", LI, after(minutes=30))
        assert row_of(connection, number).due_at == after(hours=4)
