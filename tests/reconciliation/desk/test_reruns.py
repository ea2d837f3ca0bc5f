"""Requests for a run: one open one a day, taken in their order, ended once, and all of it in the trail."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, Engine, select

from core.store.open import reading, writing
from core.store.tables import audit as trail
from core.store.tables import run_request
from reconciliation.desk import reruns
from reconciliation.desk.journal import DeskError
from tests.reconciliation.desk.world import CONTROL, DAY, NOON, run_of

FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)


def ask(connection: Connection, day: date = FIRST, who: str = "sun.yi", reason: str = "The file was mended.") -> int:
    return reruns.ask(connection, CONTROL, day, who, reason, NOON)


def states(connection: Connection) -> list[str]:
    return [reruns.state(row) for row in connection.execute(select(run_request).order_by(run_request.c.id))]


def test_a_request_waits_runs_and_is_done_with_its_run(store: Engine) -> None:
    with writing(store) as connection:
        run = run_of(connection)
        number = ask(connection)
        assert states(connection) == ["waiting"]
        taken = reruns.take(connection, NOON + timedelta(minutes=1))
        assert taken is not None
        assert (taken.id, taken.control, taken.business_day, taken.asked_by) == (number, CONTROL, DAY, "sun.yi")
        assert states(connection) == ["running"]
        reruns.finish(connection, number, run.id, NOON + timedelta(minutes=2))
        assert states(connection) == ["done"]
        assert reruns.take(connection, NOON) is None
        assert [row.run_id for row in reruns.of_day(connection, CONTROL, DAY, 5)] == [run.id]
        told = connection.execute(select(trail.c.who, trail.c.action, trail.c.object).order_by(trail.c.id)).all()
    assert [tuple(row) for row in told] == [
        ("sun.yi", "rerun_asked", f"run_request/{number}"),
        ("reconciliation", "rerun_done", f"run_request/{number}"),
    ]


def test_what_could_not_be_run_says_why_and_may_be_asked_for_again(store: Engine) -> None:
    with writing(store) as connection:
        number = ask(connection)
        reruns.take(connection, NOON)
        reruns.fail(connection, number, "The disk is full.", NOON)
        [row] = reruns.of_day(connection, CONTROL, DAY, 5)
        assert (reruns.state(row), row.fault) == ("failed", "The disk is full.")
        again = ask(connection)
        assert [row.id for row in reruns.of_day(connection, CONTROL, DAY, 5)] == [again, number]
        assert [row.id for row in reruns.of_day(connection, CONTROL, DAY, 1)] == [again]


def test_a_request_needs_a_reason(store: Engine) -> None:
    with writing(store) as connection, pytest.raises(DeskError, match="needs a reason"):
        ask(connection, reason="  ")
    with reading(store) as connection:
        assert states(connection) == []


def test_there_is_one_open_request_for_a_day_of_a_control(store: Engine) -> None:
    """Waiting or running; another day and another control have their own."""
    with writing(store) as connection:
        ask(connection)
        with pytest.raises(DeskError) as refused:
            ask(connection, who="li.wei")
        assert str(refused.value) == (
            "A run of mobile-payment for 2026-11-01 was asked for by sun.yi already; wait for its end."
        )
        reruns.take(connection, NOON)
        with pytest.raises(DeskError, match="already"):
            ask(connection, who="li.wei")
        ask(connection, SECOND)
        reruns.ask(connection, "another", FIRST, "li.wei", "why", NOON)
        assert len(states(connection)) == 3


def test_of_two_who_ask_at_once_one_is_refused(store: Engine) -> None:
    came: list[object] = []

    def asking(who: str) -> None:
        try:
            with writing(store) as connection:
                came.append(ask(connection, who=who))
        except DeskError as error:
            came.append(error)

    people = [threading.Thread(target=asking, args=(f"person-{number}",)) for number in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert [isinstance(one, DeskError) for one in came].count(False) == 1
    assert len(came) == 4
    with reading(store) as connection:
        assert states(connection) == ["waiting"]


def test_what_was_begun_and_not_ended_is_taken_up_again_before_what_waits(store: Engine) -> None:
    """A killed pipeline left it; the time of its beginning stays."""
    with writing(store) as connection:
        older = ask(connection)
        newer = ask(connection, SECOND)
        first = reruns.take(connection, NOON + timedelta(minutes=1))
        again = reruns.take(connection, NOON + timedelta(minutes=9))
        assert first == again
        assert again is not None
        assert (again.id, again.begun_at) == (older, NOON + timedelta(minutes=1))
        reruns.fail(connection, older, "It broke down.", NOON)
        following = reruns.take(connection, NOON)
        assert following is not None
        assert following.id == newer


def test_a_request_ends_once(store: Engine) -> None:
    with writing(store) as connection:
        number = ask(connection)
        reruns.fail(connection, number, "No.", NOON)
        with pytest.raises(DeskError, match=f"no open request {number} for"):
            reruns.fail(connection, number, "No.", NOON)
        with pytest.raises(DeskError, match="no open request 77 for"):
            reruns.finish(connection, 77, 1, NOON)
