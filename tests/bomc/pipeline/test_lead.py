"""Which of two pipelines leads: one at a time, another after silence, and a lost lead writes nothing."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from bomc.pipeline.cycle import Cycle
from bomc.pipeline.lead import EXPIRES_AFTER, LeadLost, give_up_lead, keep_lead, take_lead
from core.store.open import writing
from core.store.tables import sample
from tests.bomc.pipeline.world import NOON, after, everything, outcome, rows, rules, run

LIMIT_S = EXPIRES_AFTER / timedelta(seconds=1)


def test_one_leads_until_it_has_been_silent_for_long_enough(store: Engine) -> None:
    """The second hears who leads; exactly at the limit it takes over; taking again is no change of hands."""
    assert take_lead(store, "a", NOON) is None
    assert take_lead(store, "a", NOON) is None
    assert take_lead(store, "b", after(LIMIT_S - 0.001)) == "a"
    assert take_lead(store, "b", after(LIMIT_S)) is None
    assert take_lead(store, "a", after(LIMIT_S + 1)) == "b"


def test_renewing_keeps_the_lead(store: Engine) -> None:
    """Silence is counted from the latest renewal."""
    take_lead(store, "a", NOON)
    with writing(store) as connection:
        keep_lead(connection, "a", after(8))
    assert take_lead(store, "b", after(8 + LIMIT_S - 1)) == "a"


def test_a_lead_that_is_given_up_is_free_at_once(store: Engine) -> None:
    """By its holder only."""
    take_lead(store, "a", NOON)
    give_up_lead(store, "b")
    assert take_lead(store, "b", NOON) == "a"
    give_up_lead(store, "a")
    assert take_lead(store, "b", NOON) is None


def test_a_cycle_of_a_pipeline_that_lost_the_lead_changes_nothing(store: Engine) -> None:
    """Not even the loading of a configuration that the new leader does not have."""
    take_lead(store, "a", NOON)
    cycle = Cycle(store, rules(leader="a"))
    run(cycle, after(0), outcome(after(0), 0.5))
    take_lead(store, "b", after(LIMIT_S))
    run(Cycle(store, rules(["host-1", "host-2"], leader="b")), after(LIMIT_S))
    before = everything(store)
    with pytest.raises(LeadLost, match="The pipeline b leads now"):
        run(cycle, after(20), outcome(after(20), 0.95))
    with pytest.raises(LeadLost):
        run(Cycle(store, rules(leader="a")), after(20), outcome(after(20), 0.95))
    assert everything(store) == before
    assert len(rows(store, sample)) == 3


def test_of_many_that_start_at_once_exactly_one_leads(store: Engine) -> None:
    """Also the first time, when there is no lease yet."""
    found: list[str | None] = []
    barrier = threading.Barrier(6)

    def start(name: str) -> None:
        barrier.wait(10)
        found.append(take_lead(store, name, NOON))

    threads = [threading.Thread(target=start, args=(f"p{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found.count(None) == 1
    assert len(set(found)) == 2


def test_without_a_lease_nobody_leads(store: Engine) -> None:
    """A pipeline that never took it cannot write."""
    with pytest.raises(LeadLost, match="Nobody leads now"), writing(store) as connection:
        keep_lead(connection, "a", NOON)
