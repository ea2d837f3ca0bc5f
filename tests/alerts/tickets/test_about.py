"""What a ticket is about: tied to it from its opening, and for an alert without a ticket, its ticket from then on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, select

from alerts import pipeline
from alerts.tickets import commands, links
from alerts.tickets.machine import TicketError
from core.store.open import reading, writing
from core.store.tables import job, planned_change, ticket_event, ticket_link
from tests.alerts.tickets.world import kinds_of, open_one, row_of
from tests.alerts.world import NOON, after, alerts, events, finding, routes, with_series

QUIET = routes(group_wait="0s")
TICKETING = routes(
    {"matchers": ["severity=critical"], "ticket": {"kind": "fault", "priority": "high"}}, group_wait="0s"
)


def a_job(connection: Connection) -> int:
    made = {"plan": "room-walk", "day": "2026-03-02", "desk": "noc", "due_at": NOON, "missed_at": NOON, "state": "open"}
    return int(connection.execute(insert(job).returning(job.c.id).values(**made, items=[], results={})).scalar_one())


def a_change(connection: Connection) -> int:
    texts = dict.fromkeys(("requirement", "title", "back_out", "contact", "requested_by"), "x")
    made = {"kind": "change", "risk": "low", "timezone": "UTC", "state": "approved", "targets": ["db-1"], "demo": False}
    times = {"starts_at": NOON, "ends_at": after(hours=1), "requested_at": NOON}
    adding = insert(planned_change).returning(planned_change.c.id).values(**texts, **made, **times)
    return int(connection.execute(adding).scalar_one())


def handle(engine: Engine, file: Any, now: datetime, status: str) -> None:
    with writing(engine) as connection:
        pipeline.handle(connection, [finding(status)], file, now)  # type: ignore[arg-type]


@pytest.mark.parametrize("what", ["job", "change"])
def test_a_ticket_is_tied_to_what_it_is_about(light: Engine, what: str) -> None:
    """A link that both ends know, and an event that says so."""
    with writing(light) as connection:
        number = (a_job if what == "job" else a_change)(connection)
        opened = open_one(connection, about=(what, number))
        tied = connection.execute(select(ticket_link.c.ticket_id, ticket_link.c.relation, ticket_link.c.other_id)).one()
        assert tuple(tied) == (opened, what, number)
        with pytest.raises(TicketError, match=f"There is no {what} 99"):
            open_one(connection, about=(what, 99))
    assert kinds_of(light, opened) == ["opened", "linked"]


WRITTEN = [("alert/12", ("alert", 12)), (" Job/7 ", ("job", 7)), ("change/2", ("change", 2))]
NOTHING = ["", "job", "job/", "job/x", "job/-1", "ticket/3", "job/1/2", "/4", "job/\u0663"]


@pytest.mark.parametrize(("text", "meant"), WRITTEN)
def test_what_it_is_about_is_read(text: str, meant: tuple[str, int]) -> None:
    assert links.about(text) == meant


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_that_a_ticket_can_be_about(text: str) -> None:
    with pytest.raises(TicketError, match="is nothing that a ticket can be about; write one of alert, break, run, job"):
        links.about(text)


def test_an_alert_has_the_ticket_that_somebody_opened_for_it(store: Engine) -> None:
    """It says that the alert is gone, stays open though nobody has it yet, and is taken up when the alert comes again."""
    with_series(store)
    handle(store, QUIET, NOON, "critical")
    with writing(store) as connection:
        number = open_one(connection, about=("alert", alerts(store)[0].id))
        assert row_of(connection, number).alert_id == alerts(store)[0].id
    assert events(store, "ticket") == [(alerts(store)[0].id, "ticket", f"ticket {number} was opened")]
    handle(store, QUIET, after(minutes=5), "ok")
    with reading(store) as connection:
        row = row_of(connection, number)
    assert (row.state, row.alert_cleared_at, row.closed_at) == ("open", after(minutes=5), None)
    handle(store, TICKETING, after(minutes=9), "critical")
    with reading(store) as connection:
        assert row_of(connection, number).alert_id == alerts(store)[1].id
    assert kinds_of(store, number) == ["opened", "alert_cleared", "alert_returned"]


def test_a_second_ticket_about_an_alert_is_tied_to_it_and_says_so_too(store: Engine) -> None:
    """One has the alert; the other, such as an order to an integrator, learns that the alert is over and stays."""
    with_series(store)
    handle(store, TICKETING, NOON, "critical")
    number = alerts(store)[0].id
    with writing(store) as connection:
        second = open_one(connection, "integrator_maintenance", about=("alert", number))
        over = open_one(connection, about=("alert", number))
        commands.do(connection, over, "cancel", commands.Person("li"), NOON, {"reason": "twice"})
    handle(store, TICKETING, after(minutes=5), "ok")
    with reading(store) as connection:
        assert row_of(connection, 1).state == "closed"
        assert (row_of(connection, second).state, row_of(connection, second).alert_id) == ("open", None)
        said = select(ticket_event.c.detail).where(ticket_event.c.ticket_id == second)
        assert list(connection.scalars(said))[-1] == f"alert {number} is resolved"
    assert kinds_of(store, second) == ["opened", "linked", "alert_cleared"]
    assert kinds_of(store, over) == ["opened", "linked", "cancelled"]


def test_a_resolved_alert_is_only_tied(light: Engine) -> None:
    """There is nothing that its ticket could be told of any more."""
    with_series(light)
    handle(light, QUIET, NOON, "critical")
    handle(light, QUIET, after(minutes=5), "ok")
    with writing(light) as connection:
        number = open_one(connection, about=("alert", alerts(light)[0].id))
        assert row_of(connection, number).alert_id is None
    assert kinds_of(light, number) == ["opened", "linked"]
