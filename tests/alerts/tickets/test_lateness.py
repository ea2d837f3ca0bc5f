"""Warnings and breaches: when they are told, that they are told once whatever restarts, and when they are over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from alerts.tickets import commands, owning
from alerts.tickets.book import default_book
from alerts.tickets.lateness import Watched, steps_of, watch
from core.store.open import open_store, writing
from core.store.tables import ticket
from tests.alerts.tickets.world import LI, kinds_of, open_one, row_of
from tests.alerts.world import NOON, after, alerts, deliveries, routes

BOOK = default_book()
ROUTES = routes({"matchers": ['priority="high"'], "receiver": "lead"}, group_wait="0s", ticket={"kind": "fault"})


def look(engine: Engine, now: datetime) -> Watched:
    with writing(engine) as connection:
        return watch(connection, ROUTES, BOOK, now, "https://bomc.test")


def told(engine: Engine) -> list[tuple[str, str, str]]:
    """Check, severity and state of every alert about a ticket."""
    return [(row.check_name, row.severity, row.state) for row in alerts(engine)]


STEPS = [
    ("young", 0, {}, []),
    ("the answer is due soon", 12, {}, ["respond_warned"]),
    ("the answer is late", 15, {}, ["respond_late"]),
    ("soon, but said already", 12, {"respond_warned_at": NOON}, []),
    ("late, but said already", 16, {"respond_late_at": NOON}, []),
    ("answered", 100, {"responded_at": NOON}, []),
    ("to be resolved soon", 180, {"responded_at": NOON}, ["resolve_warned"]),
    ("late", 240, {"responded_at": NOON}, ["resolve_late"]),
    ("both late", 300, {}, ["respond_late", "resolve_late"]),
    ("no warning once it is late", 300, {"responded_at": NOON, "resolve_late_at": NOON}, []),
    ("paused", 200, {"responded_at": NOON, "due_at": None, "state": "paused"}, []),
    ("without a deadline", 999, {"responded_at": NOON, "due_at": None, "resolve_s": None}, []),
    ("of a kind that is gone", 999, {"kind": "gone"}, []),
]


@pytest.mark.parametrize(("minute", "changed", "expected"), [r[1:] for r in STEPS], ids=[r[0] for r in STEPS])
def test_what_is_said_when(sqlite_store: Engine, minute: int, changed: dict[str, Any], expected: list[str]) -> None:
    """A fault of high priority: 15 minutes to answer, 4 hours to resolve, told at three quarters and at the end."""
    with writing(sqlite_store) as connection:
        number = open_one(connection, "fault", priority="high")
        if changed:
            connection.execute(update(ticket).where(ticket.c.id == number).values(changed))
        row = row_of(connection, number)
    assert [step.kind for step in steps_of(row, BOOK, after(minutes=minute))] == expected


def test_a_late_ticket_is_an_alert_like_any_other_and_told_once_whatever_restarts(
    store: Engine, store_url: str
) -> None:
    """Warned, late, told on the route of its labels, once; a new process says nothing again; it opens no other ticket."""
    with writing(store) as connection:
        number = open_one(connection, "fault", priority="high")
    assert (look(store, after(minutes=12)).warned, look(store, after(minutes=13)).warned) == (1, 0)
    assert told(store) == [("ticket-answer", "warning", "firing")]
    assert look(store, after(minutes=15)).late == 1
    restarted = open_store(store_url)
    assert look(restarted, after(minutes=16)) == Watched(0, 0, 0, 0)
    assert told(restarted) == [("ticket-answer", "critical", "firing")]
    (row,) = alerts(restarted)
    expected = {"kind": "fault", "priority": "high", "department": "business_support", "ticket": str(number)}
    assert expected.items() <= row.labels.items()
    assert row.annotations["summary"] == (
        f"Ticket {number} is late: to answer it was due at 2026-03-02T12:15:00Z. A fault"
    )
    assert row.annotations["ticket"] == f"https://bomc.test/tickets/{number}"
    assert {one.receiver for one in deliveries(restarted)} == {"lead"}
    assert kinds_of(restarted, number) == ["opened", "respond_warned", "respond_late"]
    with writing(restarted) as connection:
        assert len(connection.execute(select(ticket)).all()) == 1
    restarted.dispose()


def test_who_is_given_the_alert_of_a_late_ticket_has_that_ticket(light: Engine) -> None:
    """And no ticket is opened about a ticket."""
    with writing(light) as connection:
        number = open_one(connection, "fault", priority="high")
    look(light, after(minutes=20))
    with writing(light) as connection:
        assert owning.give(connection, alerts(light)[0].id, "boss", "wang", ROUTES, after(minutes=21)) == number
        assert [(row.id, row.assignee) for row in connection.execute(select(ticket))] == [(number, "wang")]


def test_the_alert_is_over_when_there_is_nothing_more_to_say(store: Engine) -> None:
    """Answered; paused in time; resolved. And after a pause it can be late again, which is told again."""
    with writing(store) as connection:
        number = open_one(connection, "fault", priority="high")
    look(store, after(minutes=20))
    with writing(store) as connection:
        commands.do(connection, number, "take", LI, after(minutes=21))
    assert look(store, after(minutes=22)).over == 1
    assert look(store, after(minutes=200)).warned == 1
    with writing(store) as connection:
        commands.do(connection, number, "pause", LI, after(minutes=201), {"reason": "part", "waits_on": "vendor"})
    assert look(store, after(minutes=202)).over == 1
    assert look(store, after(minutes=900)) == Watched(0, 0, 0, 0)
    with writing(store) as connection:
        commands.do(connection, number, "resume", LI, after(minutes=1000))
    assert look(store, after(minutes=1001)).warned == 1  # 39 of 240 minutes are left
    assert look(store, after(minutes=1040)).late == 1
    with writing(store) as connection:
        commands.do(connection, number, "resolve", LI, after(minutes=1050), {"cause": "x", "remedy": "y"})
    assert look(store, after(minutes=1051)).over == 1
    assert {(check, state) for check, _, state in told(store)} == {
        ("ticket-answer", "resolved"),
        ("ticket-resolve", "resolved"),
    }
    assert kinds_of(store, number).count("resolve_late") == 1


def test_a_kill_between_marking_and_telling_loses_neither(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark, the event and the alert are one transaction: if the last fails, the next round says it all."""
    from alerts import pipeline

    with writing(store) as connection:
        number = open_one(connection, "fault", priority="high")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "handle", killed)
        with pytest.raises(KeyboardInterrupt):
            look(store, after(minutes=20))
    assert kinds_of(store, number) == ["opened"]
    assert look(store, after(minutes=21)).late == 1
    assert told(store) == [("ticket-answer", "critical", "firing")]
