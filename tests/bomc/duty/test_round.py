"""The duty round through a real cycle: what is missed is one alert, whatever is restarted, and is over when it is done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts.changes import commands
from alerts.duty import handovers, jobs
from alerts.duty.collect import Moment
from alerts.duty.config import DutyFile
from alerts.duty.plan_config import PlansFile
from alerts.tickets.book import changed_by
from alerts.tickets.declared import TicketsFile
from bomc.configuration import duty as duty_files
from bomc.duty.round import DutyRound
from bomc.pipeline.cycle import Cycle
from core.model import Outcome, Target
from core.store.open import reading, writing
from core.store.tables import alert, duty_watch, handover, job, ticket
from core.yaml_file import Document
from tests.alerts.duty.desks import NOON, desk, plan
from tests.bomc.pipeline.world import rules

DESKS, PLANS = DutyFile(desks=[desk()]), PlansFile(plans=[plan()])
MISSED = NOON + timedelta(hours=22)  # 10:00 of the next day in Shanghai; the job was due at 09:00


class Service:
    """A duty round with the cycle behind it, started anew as often as a test likes."""

    def __init__(self, store: Engine) -> None:
        self.store, self.now = store, NOON
        self.start()

    def start(self) -> None:
        checks = duty_files.checks_of(DESKS, [], Document("duty.yaml"))
        known = rules(("host-1",), checks)
        known = type(known)(
            **{**{name: getattr(known, name) for name in known.__dataclass_fields__}, "targets": targets()}
        )
        self.cycle = Cycle(self.store, known)
        self.outcomes: list[Outcome] = []
        self.round = DutyRound(self.store, DESKS, PLANS, lambda: self.now, self._submit)

    def _submit(self, outcome: Outcome) -> bool:
        self.outcomes.append(outcome)
        return True

    def at(self, now: datetime) -> None:
        """A round and a cycle."""
        self.now = now
        self.round.round()
        self.cycle.run(self.outcomes, now)
        self.outcomes.clear()


def targets() -> dict[str, Target]:
    found = {"host-1": Target("host-1", "host")}
    duty_files.as_targets(DESKS, found, Document("duty.yaml"))
    return found


@pytest.fixture
def service(store: Engine) -> Service:
    made = Service(store)
    made.at(NOON)
    return made


def alerts(store: Engine, check: str) -> list[Any]:
    with reading(store) as connection:
        query = select(alert).where(alert.c.check_name == check).order_by(alert.c.id)
        return list(connection.execute(query))


def test_a_missed_job_is_one_alert_until_it_is_done(service: Service) -> None:
    """Told again and again, and after restarts: one alert, one ticket; done late, it is over."""
    service.at(MISSED - timedelta(hours=2))
    assert alerts(service.store, "job-plan-missed") == []
    for minutes in range(3):
        service.at(MISSED + timedelta(minutes=minutes))
        service.start()
    (one,) = alerts(service.store, "job-plan-missed")
    assert one.resolved_at is None
    assert one.annotations["summary"] == "noc: the job morning-check of 2026-03-03 was not done by its time"
    with writing(service.store) as connection:
        number = connection.execute(select(job.c.id)).scalar_one()
        jobs.fill(connection, number, "li.wei", "backup", "yes", "", MISSED)
        jobs.fill(connection, number, "li.wei", "room", "20", "", MISSED)
        jobs.finish(connection, number, "li.wei", MISSED + timedelta(minutes=4))
    service.start()  # the pipeline was away while it was done
    service.at(MISSED + timedelta(minutes=5))
    service.at(MISSED + timedelta(minutes=6))
    (one,) = alerts(service.store, "job-plan-missed")
    assert one.resolved_at is not None
    with reading(service.store) as connection:
        assert len(connection.execute(select(ticket).where(ticket.c.alert_id == one.id)).all()) == 1


def test_a_job_done_in_time_is_no_alert(service: Service) -> None:
    service.at(MISSED - timedelta(hours=2))
    with writing(service.store) as connection:
        number = connection.execute(select(job.c.id)).scalar_one()
        jobs.fill(connection, number, "li.wei", "backup", "yes", "", NOON)
        jobs.fill(connection, number, "li.wei", "room", "20", "", NOON)
        jobs.finish(connection, number, "li.wei", MISSED - timedelta(hours=1))
    service.at(MISSED)
    assert alerts(service.store, "job-plan-missed") == []


def test_a_handover_that_nobody_accepts_is_one_alert_until_somebody_does(service: Service) -> None:
    evening = NOON + timedelta(hours=8)
    service.at(evening)
    service.at(evening + timedelta(minutes=29))
    assert alerts(service.store, "handover-not-accepted") == []
    service.at(evening + timedelta(minutes=30))
    service.start()
    service.at(evening + timedelta(minutes=31))
    (one,) = alerts(service.store, "handover-not-accepted")
    assert one.labels["shift"] == "2026-03-02 night"
    moment = Moment("noc", evening + timedelta(minutes=32))
    with writing(service.store) as connection:
        number = connection.execute(select(handover.c.id)).scalar_one()
        digest = handovers.prepare(connection, number, "li.wei", {}, "", moment)
    service.at(evening + timedelta(minutes=33))
    assert alerts(service.store, "handover-not-accepted")[0].resolved_at is None
    with writing(service.store) as connection:
        handovers.accept(connection, number, "zhang.min", digest, desk(), moment)
    service.start()
    service.at(evening + timedelta(minutes=34))
    (one,) = alerts(service.store, "handover-not-accepted")
    assert one.resolved_at is not None


def test_a_change_without_a_result_is_one_ticket(service: Service) -> None:
    plan_of = commands.Plan("REQ-1", "x", ["host-1"], NOON, NOON + timedelta(hours=1), "back", "li.wei")
    with writing(service.store) as connection:
        commands.plan(connection, plan_of, "li.wei", NOON)
    for hours in (1, 2, 3):
        service.start()
        service.at(NOON + timedelta(hours=hours))
    with reading(service.store) as connection:
        assert len(connection.execute(select(ticket)).all()) == 1


def test_its_ticket_has_the_deadline_that_the_operator_gives_such_tickets(service: Service) -> None:
    """tickets.yaml holds for tickets that the duty desk opens, too."""
    targets = {"high": {"respond": "1h", "resolve": "9h"}}
    book = changed_by(TicketsFile.model_validate({"kinds": {"maintenance": {"hours": "always", "targets": targets}}}))
    service.round = DutyRound(service.store, DESKS, PLANS, lambda: service.now, service._submit, book)
    plan_of = commands.Plan("REQ-1", "x", ["host-1"], NOON, NOON + timedelta(hours=1), "back", "li.wei")
    with writing(service.store) as connection:
        commands.plan(connection, plan_of, "li.wei", NOON)
    service.at(NOON + timedelta(hours=1))
    with reading(service.store) as connection:
        (row,) = connection.execute(select(ticket)).all()
    assert (row.respond_due_at, row.due_at) == (NOON + timedelta(hours=2), NOON + timedelta(hours=10))


def test_a_round_that_fails_in_one_part_does_the_others(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_given: object) -> Callable[..., int]:
        raise RuntimeError("the plans are gone")

    monkeypatch.setattr(jobs, "store_due", broken)
    service.at(NOON + timedelta(hours=9))
    assert "store_jobs broke down" in caplog.text
    with reading(service.store) as connection:
        assert connection.execute(select(handover)).all() != []
        assert {row.kind for row in connection.execute(select(duty_watch))} == {"desk", "plan"}
