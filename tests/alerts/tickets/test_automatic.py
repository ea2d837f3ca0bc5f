"""Tickets: people move them along guarded steps, alerts open, take up, close and flag them by themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from alerts import pipeline
from alerts.config import TicketPolicy
from alerts.lifecycle import apply
from alerts.occurrences import AnyRow
from alerts.tickets import commands
from alerts.tickets.commands import TicketError
from core.model import Finding
from core.people import audit
from core.store.open import reading, writing
from core.store.tables import audit as trail
from core.store.tables import ticket, ticket_event
from tests.alerts.world import NOON, after, alerts, events, finding, routes, with_series

MOVES: dict[str, Callable[[Connection, int], None]] = {
    "assign": lambda connection, number: commands.assign(connection, number, "boss", "li", NOON),
    "comment": lambda connection, number: commands.comment(connection, number, "li", "hm", NOON),
    "resolve": lambda connection, number: commands.resolve(connection, number, "li", "full", "emptied", NOON),
    "close": lambda connection, number: commands.close(connection, number, "boss", NOON),
    "reopen": lambda connection, number: commands.reopen(connection, number, "boss", "again", NOON),
}
LEADS_TO: dict[tuple[str, str], str | None] = {
    ("open", "assign"): "assigned",
    ("open", "resolve"): "resolved",
    ("open", "close"): None,
    ("open", "reopen"): None,
    ("assigned", "assign"): "assigned",
    ("assigned", "resolve"): "resolved",
    ("assigned", "close"): None,
    ("assigned", "reopen"): None,
    ("resolved", "assign"): None,
    ("resolved", "resolve"): None,
    ("resolved", "close"): "closed",
    ("resolved", "reopen"): "assigned",
    ("closed", "assign"): None,
    ("closed", "resolve"): None,
    ("closed", "close"): None,
    ("closed", "reopen"): "assigned",
}
WAY_TO = {
    "open": [],
    "assigned": ["assign"],
    "resolved": ["assign", "resolve"],
    "closed": ["assign", "resolve", "close"],
}


def _tickets(store: Engine) -> list[AnyRow]:
    with reading(store) as connection:
        return list(connection.execute(select(ticket).order_by(ticket.c.id)))


def _history(store: Engine) -> list[tuple[int, str, str]]:
    query = select(ticket_event.c.ticket_id, ticket_event.c.kind, ticket_event.c.who).order_by(ticket_event.c.id)
    with reading(store) as connection:
        return [tuple(row) for row in connection.execute(query)]


def _open(connection: Connection) -> int:
    return commands.open_ticket(connection, "li", "fault", "Disk full", NOON)


@pytest.mark.parametrize(("state", "move"), LEADS_TO.keys(), ids=lambda part: part)
def test_which_move_leads_where(store: Engine, state: str, move: str) -> None:
    """From every state every move either leads where the table says or is refused with the state in the sentence."""
    with writing(store) as connection:
        number = _open(connection)
        for step in WAY_TO[state]:
            MOVES[step](connection, number)
        expected = LEADS_TO[state, move]
        if expected is None:
            with pytest.raises(TicketError, match=f"Ticket {number} is {state}; to {move} it, it must be"):
                MOVES[move](connection, number)
        else:
            MOVES[move](connection, number)
    assert _tickets(store)[0].state == (expected or state)


def test_every_doing_is_in_the_history_and_in_the_trail(store: Engine) -> None:
    """A whole life: who did what, cause and remedy, and nothing of it can be denied."""
    with writing(store) as connection:
        number = _open(connection)
        commands.assign(connection, number, "boss", "li", after(minutes=1))
        commands.comment(connection, number, "li", "looking", after(minutes=2))
        commands.resolve(connection, number, "li", "log files", "rotated", after(minutes=3))
        commands.close(connection, number, "boss", after(minutes=4), "thanks")
        commands.reopen(connection, number, "boss", "full again", after(minutes=5))
    (row,) = _tickets(store)
    assert (row.state, row.assignee, row.cause, row.remedy) == ("assigned", "li", "log files", "rotated")
    assert (row.resolved_at, row.closed_at) == (None, None)
    kinds = ["opened", "assigned", "comment", "resolved", "closed", "reopened"]
    assert [kind for _, kind, _ in _history(store)] == kinds
    with reading(store) as connection:
        assert audit.verify(connection) == []
        actions = connection.execute(select(trail.c.action, trail.c.who).order_by(trail.c.id)).all()
    whose = ["li", "boss", "li", "li", "boss", "boss"]
    assert [tuple(one) for one in actions] == [(f"ticket_{k}", w) for k, w in zip(kinds, whose, strict=True)]


def test_who_resolves_an_open_ticket_has_it(store: Engine) -> None:
    """A ticket that nobody took becomes the work of who resolves it, and the history says both."""
    with writing(store) as connection:
        MOVES["resolve"](connection, _open(connection))
    assert _tickets(store)[0].assignee == "li"
    assert [kind for _, kind, _ in _history(store)] == ["opened", "assigned", "resolved"]


REFUSED: dict[str, tuple[Callable[[Connection, int], Any], str]] = {
    "kind": (lambda c, _: commands.open_ticket(c, "li", "falt", "x", NOON), "no kind of ticket 'falt'"),
    "priority": (lambda c, _: commands.open_ticket(c, "li", "fault", "x", NOON, priority="p1"), "no priority 'p1'"),
    "title": (lambda c, _: commands.open_ticket(c, "li", "fault", " ", NOON), "needs a title"),
    "assignee": (lambda c, n: commands.assign(c, n, "li", "", NOON), "needs somebody"),
    "cause": (lambda c, n: commands.resolve(c, n, "li", "", "x", NOON), "needs a cause"),
    "remedy": (lambda c, n: commands.resolve(c, n, "li", "x", "\n", NOON), "needs a remedy"),
    "comment": (lambda c, n: commands.comment(c, n, "li", "", NOON), "needs a comment"),
    "reason": (lambda c, n: commands.reopen(c, n, "li", "", NOON), "needs a reason"),
    "no such ticket, comment": (lambda c, _: commands.comment(c, 99, "li", "x", NOON), "no ticket 99"),
    "no such ticket, close": (lambda c, _: commands.close(c, 99, "li", NOON), "no ticket 99"),
}


@pytest.mark.parametrize(("doing", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_said_is_asked_for(store: Engine, doing: Callable[[Connection, int], Any], why: str) -> None:
    """A missing word or ticket is refused in a sentence, and nothing is written."""
    with writing(store) as connection:
        number = _open(connection)
        with pytest.raises(TicketError, match=why):
            doing(connection, number)
    assert [kind for _, kind, _ in _history(store)] == ["opened"]


FILE = routes(
    {"matchers": ["severity=critical"], "ticket": {"kind": "fault", "priority": "high", "within": "2h"}},
    group_wait="0s",
)


def _handle(store: Engine, now: datetime, *findings: Finding) -> None:
    with writing(store) as connection:
        pipeline.handle(connection, findings, FILE, now)


def test_an_alert_whose_route_says_so_opens_a_ticket(store: Engine) -> None:
    """Kind, priority and deadline are the route's; title and text are the alert's; a warning opens none."""
    with_series(store)
    _handle(store, NOON, finding("warning", host="a"), finding("critical", host="b", demo=True))
    (row,) = _tickets(store)
    assert (row.kind, row.priority, row.state, row.due_at) == ("fault", "high", "open", after(hours=2))
    assert row.title == "b, filesystem.used_ratio (mount=/data): 0.97, above the critical limit 0.9"
    assert "severity: critical" in row.description
    assert (row.demo, row.alert_id) == (True, alerts(store)[1].id)
    assert events(store, "ticket") == [(row.alert_id, "ticket", f"ticket {row.id} was opened")]


def test_a_rise_to_a_route_with_a_ticket_opens_one(store: Engine) -> None:
    """The ticket comes with the severity, once."""
    with_series(store)
    for minute, severity in enumerate(("warning", "critical", "warning", "critical")):
        _handle(store, after(minutes=minute), finding(severity))
    assert len(_tickets(store)) == 1


def test_an_untouched_ticket_closes_with_its_alert(store: Engine) -> None:
    """Nobody took it and it is over: closed, with that as its remedy."""
    with_series(store)
    _handle(store, NOON, finding())
    _handle(store, after(minutes=5), finding("ok"))
    (row,) = _tickets(store)
    assert (row.state, row.remedy, row.closed_at, row.alert_cleared_at) == (
        "closed",
        "The alert cleared by itself before anybody took the ticket.",
        after(minutes=5),
        after(minutes=5),
    )
    assert [kind for _, kind, _ in _history(store)] == ["opened", "alert_cleared", "closed"]


@pytest.mark.parametrize("touch", ["assign", "comment"])
def test_a_touched_ticket_is_flagged_and_stays(store: Engine, touch: str) -> None:
    """Somebody works on it: it says that the alert is gone, and waits for them."""
    with_series(store)
    _handle(store, NOON, finding())
    before = "assigned" if touch == "assign" else "open"
    with writing(store) as connection:
        MOVES[touch](connection, _tickets(store)[0].id)
    _handle(store, after(minutes=5), finding("ok"))
    (row,) = _tickets(store)
    assert (row.state, row.alert_cleared_at, row.closed_at) == (before, after(minutes=5), None)


@pytest.mark.parametrize(("way", "expected"), [(["assign"], "assigned"), (["assign", "resolve"], "assigned")])
def test_a_returning_alert_takes_its_ticket_up_again(store: Engine, way: list[str], expected: str) -> None:
    """The ticket still at work is tied to the new occurrence; a resolved one is open again, since its fix did not hold."""
    with_series(store)
    _handle(store, NOON, finding())
    with writing(store) as connection:
        for move in way:
            MOVES[move](connection, _tickets(store)[0].id)
    _handle(store, after(minutes=5), finding("ok"))
    _handle(store, after(minutes=9), finding())
    (row,) = _tickets(store)
    assert (row.state, row.alert_id, row.alert_cleared_at) == (expected, alerts(store)[1].id, None)


def test_a_returning_alert_of_a_closed_ticket_gets_a_new_one(store: Engine) -> None:
    """What is closed stays closed."""
    with_series(store)
    for minute, status in enumerate(("critical", "ok", "critical")):
        _handle(store, after(minutes=minute), finding(status))
    assert [row.state for row in _tickets(store)] == ["closed", "open"]


def test_the_single_steps_do_the_same(store: Engine) -> None:
    """from_alert and alert_cleared are the same for one alert, however often they are asked."""
    with_series(store)
    policy = TicketPolicy(kind="maintenance")
    with writing(store) as connection:
        (number,) = apply(connection, [finding()], NOON).opened
        first = commands.from_alert(connection, number, policy, NOON)
        assert commands.from_alert(connection, number, policy, NOON) == first
        commands.alert_cleared(connection, number, after(minutes=1))
        commands.alert_cleared(connection, number, after(minutes=2))
    (row,) = _tickets(store)
    assert (row.id, row.state, row.closed_at) == (first, "closed", after(minutes=1))


def test_alerts_go_out_and_open_tickets_though_the_trail_cannot_be_written(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit trail tells of people; what alerts do by themselves does not wait for it."""

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(audit, "record", full)
    with_series(store)
    _handle(store, NOON, finding())
    assert len(_tickets(store)) == 1


@given(statuses=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["ok", "warning", "critical"])), max_size=15))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_ticket_at_work_for_a_condition(store: Engine, statuses: list[tuple[str, str]]) -> None:
    """Whatever an alert does, it never has two tickets at work, and an open ticket nobody took has an open alert."""
    with store.connect().execution_options(bomc_writes=True) as connection:
        doing = connection.begin()
        for minute, (host, status) in enumerate(statuses):
            found = finding(status, host=host, series_id=None)  # type: ignore[arg-type]  # needs no row of series
            pipeline.handle(connection, [found], FILE, after(minutes=minute))
        titles = connection.scalars(select(ticket.c.title).where(ticket.c.state != "closed")).all()
        hosts = [title.split(",")[0] for title in titles]
        assert len(hosts) == len(set(hosts))
        last = dict(statuses)
        assert all(last[host] != "ok" for host in hosts)
        assert all(host in hosts for host, status in last.items() if status == "critical")
        doing.rollback()
