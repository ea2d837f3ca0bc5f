"""The service's round over the clocks of tickets: it leads or keeps still, wakes the delivery, and lives through outages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, create_engine

from alerts.tickets.book import default_book
from alerts.tickets.lateness import Watched
from bomc.assurance.work_orders import WorkOrders
from bomc.pipeline.lead import take_lead
from core.store.open import writing
from tests.alerts.tickets.world import kinds_of, open_one
from tests.alerts.world import NOON, after, routes

ROUTES = routes(group_wait="0s")


def test_the_leader_tells_what_is_late_and_wakes_the_delivery(store: Engine) -> None:
    woken: list[int] = []
    with writing(store) as connection:
        number = open_one(connection, priority="high")
    assert take_lead(store, "we", after(minutes=20)) is None
    now = after(minutes=20)
    clock = lambda: now  # noqa: E731
    ours = WorkOrders(store, ROUTES, default_book(), clock, "", "we", lambda: woken.append(1))
    assert ours.round() == Watched(0, 1, 0, 1)
    assert ours.round() == Watched(0, 0, 0, 0)
    assert woken == [1]
    assert kinds_of(store, number) == ["opened", "respond_late"]


def test_who_does_not_lead_says_nothing(store: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """Two pipelines never tell the same: the one that lost the lead writes nothing."""
    with writing(store) as connection:
        number = open_one(connection, priority="high")
    take_lead(store, "they", NOON)
    assert WorkOrders(store, ROUTES, default_book(), lambda: after(minutes=20), "", "we").round() is None
    assert "leads now" in caplog.text
    assert kinds_of(store, number) == ["opened"]


def test_a_store_that_does_not_answer_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    gone = create_engine("sqlite:////nowhere/at/all.sqlite")
    assert WorkOrders(gone, ROUTES, default_book(), lambda: NOON + timedelta(), "").round() is None
    assert "It is tried again." in caplog.text
