"""Handovers hold everything that is open, change hands between two people, and are what they were when they are signed."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, insert, select, update

from alerts.duty import handovers
from alerts.duty.collect import SECTIONS, Item, Moment, collect
from alerts.duty.errors import DutyError
from core.store.open import open_store, reading, writing
from core.store.tables import (
    alert,
    audit,
    control_run,
    handover,
    handover_event,
    job,
    planned_change,
    run_signature,
    silence,
    ticket,
    user,
)
from tests.alerts.duty.desks import NOON, desk, people

DESK = desk()
EVENING = NOON + timedelta(hours=8)  # 20:00 in Shanghai: the night begins


def moment(at: Any = EVENING, *files: Item) -> Moment:
    return Moment("noc", at, files)


def begun(store: Engine) -> int:
    """The handover from day to night."""
    with writing(store) as connection:
        handovers.begin_due(connection, [DESK], NOON)
        assert handovers.begin_due(connection, [DESK], EVENING) == 1
        return int(connection.execute(select(handover.c.id)).scalar_one())


def prepared(store: Engine, who: str = "li.wei", to_do: str = "Watch the disk.") -> tuple[int, str]:
    number = begun(store)
    with writing(store) as connection:
        return number, handovers.prepare(connection, number, who, {}, to_do, moment())


def accept(store: Engine, number: int, who: str, digest: str) -> None:
    with writing(store) as connection:
        handovers.accept(connection, number, who, digest, DESK, moment(EVENING + timedelta(minutes=5)))


def row(store: Engine) -> Any:
    with reading(store) as connection:
        return connection.execute(select(handover)).one()


def an_alert(connection: Connection, number: int, **given: Any) -> None:
    made = {
        "id": number,
        "fingerprint": f"f{number}",
        "check_name": "disk-full",
        "target": "host-1",
        "labels": {},
        "annotations": {"summary": f"disk {number} is full"},
        "severity": "critical",
        "state": "firing",
        "opened_at": NOON,
        "updated_at": NOON,
        "demo": False,
    }
    connection.execute(insert(alert).values(made | given))


def a_ticket(connection: Connection, number: int, state: str = "open", **given: Any) -> None:
    made = {
        "id": number,
        "kind": "fault",
        "title": f"ticket {number}",
        "description": "",
        "priority": "high",
        "state": state,
        "opened_by": "alerts",
        "opened_at": NOON,
        "demo": False,
    }
    connection.execute(insert(ticket).values(made | given))


def a_silence(connection: Connection, number: int, until: datetime) -> None:
    made = {
        "id": str(number),
        "matchers": [{"name": "target", "value": f"host-{number}", "isRegex": False, "isEqual": True}],
        "starts_at": NOON,
        "ends_at": until,
        "created_by": "li.wei",
        "comment": "new disks",
        "created_at": NOON,
        "updated_at": NOON,
    }
    connection.execute(insert(silence).values(made))


def a_run(connection: Connection, number: int, signed: str = "", **given: Any) -> None:
    made = {
        "id": number,
        "control": f"control-{number}",
        "business_day": "2026-03-01",
        "fingerprint": f"r{number}",
        "outcome": "clean",
        "reasons": [],
        "started_at": NOON,
        "finished_at": NOON,
        "engine": "duckdb",
        "folder": "",
        "breaks": 0,
        "carried": 0,
        "at_risk_minor": 0,
        "currency": "CNY",
        "rejected": 0,
        "demo": False,
    }
    connection.execute(insert(control_run).values(made | given))
    if signed:
        sign = {"run_id": number, "act": signed, "who": "sun.yi", "at": NOON, "comment": "", "certificate_hash": "h"}
        connection.execute(insert(run_signature).values(sign))


def a_job(connection: Connection, number: int, state: str = "open", **given: Any) -> None:
    made = {"id": number, "plan": f"plan-{number}", "day": "2026-03-02", "desk": "noc", "due_at": NOON}
    made |= {"missed_at": NOON, "items": [], "results": {}, "state": state}
    connection.execute(insert(job).values(made | given))


def a_change(connection: Connection, number: int, state: str = "running", **given: Any) -> None:
    made = {
        "id": number,
        "kind": "change",
        "requirement": "REQ-1",
        "title": f"change {number}",
        "targets": ["host-1"],
        "starts_at": NOON,
        "ends_at": NOON + timedelta(hours=1),
        "timezone": "UTC",
        "risk": "low",
        "back_out": "as before",
        "contact": "li.wei",
        "state": state,
        "requested_by": "li.wei",
        "requested_at": NOON,
        "demo": False,
    }
    connection.execute(insert(planned_change).values(made | given))


def test_a_change_of_shifts_is_begun_once(store: Engine) -> None:
    number = begun(store)
    with writing(store) as connection:
        assert handovers.begin_due(connection, [DESK], EVENING) == 0
        assert handovers.begin_due(connection, [DESK], EVENING - timedelta(hours=1)) == 0
        assert handovers.begin_next(connection, DESK, EVENING) == number
    assert (row(store).outgoing, row(store).incoming, row(store).state) == (
        "2026-03-02 day",
        "2026-03-02 night",
        "draft",
    )


def test_a_long_stop_asks_for_two_days_of_handovers_only(store: Engine) -> None:
    begun(store)
    with writing(store) as connection:
        assert handovers.begin_due(connection, [DESK], EVENING + timedelta(days=30)) == 4


def test_the_next_handover_can_be_prepared_three_hours_ahead(store: Engine) -> None:
    early = "begins at 2026-03-02 20:00; its handover can be prepared 3 hours before"
    with pytest.raises(DutyError, match=early), writing(store) as connection:
        handovers.begin_next(connection, DESK, NOON)
    with writing(store) as connection:
        number = handovers.begin_next(connection, DESK, EVENING - timedelta(hours=1))
        handovers.begin_due(connection, [DESK], EVENING - timedelta(minutes=1))
        assert handovers.begin_due(connection, [DESK], EVENING) == 0
        assert handovers.begin_next(connection, DESK, EVENING) == number


def test_what_is_frozen_does_not_change(store: Engine) -> None:
    """An alert that opens and one that closes between preparing and signing are shown as such and kept with the signature."""
    with writing(store) as connection:
        people(connection, "li.wei", "zhang.min")
        an_alert(connection, 1)
        a_ticket(connection, 7)
    number = begun(store)
    with writing(store) as connection:
        digest = handovers.prepare(connection, number, "li.wei", {"alert/1": "ask storage"}, "Call back.", moment())
    with writing(store) as connection:
        connection.execute(update(alert).where(alert.c.id == 1).values(resolved_at=EVENING))
        connection.execute(update(ticket).values(assignee="zhang.min"))
        an_alert(connection, 2)
    accept(store, number, "zhang.min", digest)
    found = row(store)
    assert (found.state, found.accepted_by) == ("accepted", "zhang.min")
    assert [item["key"] for item in found.content["sections"]["alerts"]] == ["alert/1"]
    assert found.content["remarks"] == {"alert/1": "ask storage"}
    assert handovers.sha256_of(found.content) == digest
    since = {name: [item["key"] for item in items] for name, items in found.since_prepared.items()}
    assert since == {"new": ["alert/2"], "gone": ["alert/1"], "changed": ["ticket/7"]}
    with reading(store) as connection:
        kinds = connection.scalars(select(handover_event.c.kind).order_by(handover_event.c.id)).all()
        trail = connection.execute(
            select(audit.c.who, audit.c.action).where(audit.c.object == f"handover/{number}")
        ).all()
    assert kinds == ["begun", "prepared", "accepted"]
    assert [tuple(one) for one in trail] == [("li.wei", "handover_prepared"), ("zhang.min", "handover_accepted")]


def test_who_prepared_it_cannot_accept_or_refuse_it(store: Engine) -> None:
    number, digest = prepared(store)
    with pytest.raises(DutyError, match="another person must accept it"):
        accept(store, number, "li.wei", digest)
    with pytest.raises(DutyError, match="prepare it anew instead"), writing(store) as connection:
        handovers.refuse(connection, number, "li.wei", "no", EVENING)
    assert row(store).state == "prepared"


def test_what_nobody_prepared_cannot_be_accepted(store: Engine) -> None:
    with pytest.raises(DutyError, match="is not prepared"):
        accept(store, begun(store), "zhang.min", "")


def test_what_was_prepared_anew_must_be_looked_at_again(store: Engine) -> None:
    number, old = prepared(store)
    with writing(store) as connection:
        new = handovers.prepare(connection, number, "li.wei", {}, "Watch both disks.", moment())
    with pytest.raises(DutyError, match="prepared anew since you looked"):
        accept(store, number, "zhang.min", old)
    accept(store, number, "zhang.min", new)


def test_somebody_else_cannot_prepare_over_it(store: Engine) -> None:
    number, digest = prepared(store)
    with pytest.raises(DutyError, match=r"prepared by li\.wei already"), writing(store) as connection:
        handovers.prepare(connection, number, "zhang.min", {}, "", moment())
    accept(store, number, "zhang.min", digest)
    with pytest.raises(DutyError, match=r"accepted by zhang\.min already"), writing(store) as connection:
        handovers.prepare(connection, number, "li.wei", {}, "", moment())


def test_a_refused_handover_is_prepared_anew(store: Engine) -> None:
    number, _digest = prepared(store)
    with pytest.raises(DutyError, match="needs a reason"), writing(store) as connection:
        handovers.refuse(connection, number, "zhang.min", " ", EVENING)
    with writing(store) as connection:
        handovers.refuse(connection, number, "zhang.min", "the tape job is not in it", EVENING)
    assert (row(store).state, row(store).reason) == ("refused", "the tape job is not in it")
    with writing(store) as connection:
        digest = handovers.prepare(connection, number, "li.wei", {}, "The tape job.", moment())
    accept(store, number, "zhang.min", digest)
    assert row(store).reason is None


def test_a_content_that_was_changed_behind_our_back_is_not_accepted(store: Engine) -> None:
    number, digest = prepared(store)
    with writing(store) as connection:
        connection.execute(update(handover).values(content={**row(store).content, "to_do": "nothing"}))
    with pytest.raises(DutyError, match="its content was changed"):
        accept(store, number, "zhang.min", digest)


def test_two_people_at_once_accept_once(store: Engine, store_url: str) -> None:
    number, digest = prepared(store)
    told: list[str] = []

    def sign(who: str) -> None:
        engine = open_store(store_url)
        try:
            accept(engine, number, who, digest)
            told.append("accepted")
        except DutyError as error:
            told.append(str(error))
        finally:
            engine.dispose()

    threads = [threading.Thread(target=sign, args=(who,)) for who in ("zhang.min", "sun.yi", "zhao.lei")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert told.count("accepted") == 1
    assert sum("already" in sentence for sentence in told) == 2


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    alerts=st.lists(st.booleans(), max_size=5),
    tickets=st.lists(st.sampled_from(["open", "assigned", "resolved", "closed", "cancelled"]), max_size=5),
    silenced=st.lists(st.integers(-2, 2), max_size=4),
    runs=st.lists(st.sampled_from(["", "prepared", "reviewed", "reopened"]), max_size=4),
    jobs=st.lists(st.sampled_from(["open", "done", "dropped"]), max_size=4),
    changes=st.lists(st.sampled_from(["planned", "running", "approved", "done", "cancelled"]), max_size=4),
    files=st.integers(0, 3),
)
def test_every_open_thing_is_in_exactly_one_section(
    sqlite_store: Engine,
    alerts: list[bool],
    tickets: list[str],
    silenced: list[int],
    runs: list[str],
    jobs: list[str],
    changes: list[str],
    files: int,
) -> None:
    wanted = {f"file/{number}" for number in range(files)}
    with writing(sqlite_store) as connection:
        for table in (run_signature, control_run, ticket, alert, job, planned_change, silence):
            connection.execute(delete(table))
        for number, still in enumerate(alerts, 1):
            an_alert(connection, number, resolved_at=None if still else NOON)
            wanted |= {f"alert/{number}"} if still else set()
        for number, state in enumerate(tickets, 1):
            a_ticket(connection, number, state)
            wanted |= {f"ticket/{number}"} if state not in ("closed", "cancelled") else set()
        for number, hours in enumerate(silenced, 1):
            a_silence(connection, number, EVENING + timedelta(hours=hours))
            wanted |= {f"silence/{number}"} if hours > 0 else set()
        for number, signed in enumerate(runs, 1):
            a_run(connection, number, signed)
            wanted |= {f"run/{number}"} if signed != "reviewed" else set()
        for number, state in enumerate(jobs, 1):
            a_job(connection, number, state)
            wanted |= {f"job/{number}"} if state == "open" else set()
        for number, state in enumerate(changes, 1):
            a_change(connection, number, state)
            wanted |= {f"change/{number}"} if state in ("planned", "running", "approved") else set()
        late = [Item(f"file/{number}", "billing", NOON.isoformat()) for number in range(files)]
        found = collect(connection, moment(EVENING, *late))
    assert tuple(found) == tuple(SECTIONS)
    keys = [item["key"] for items in found.values() for item in items]
    assert sorted(keys) == sorted(wanted)


def test_tickets_and_jobs_that_are_late_say_so(store: Engine) -> None:
    """A ticket with its remedy or with its answer, as on the board."""
    later = EVENING + timedelta(hours=1)
    with writing(store) as connection:
        a_ticket(connection, 1, due_at=NOON)
        a_ticket(connection, 2, "resolved", due_at=NOON, respond_due_at=NOON)
        a_ticket(connection, 3, due_at=later, respond_due_at=NOON)
        a_ticket(connection, 4, due_at=later, respond_due_at=NOON, responded_at=NOON)
        a_job(connection, 1)
        a_job(connection, 2, missed_at=EVENING + timedelta(hours=1))
        found = collect(connection, moment())
    late = {item["key"]: item["late"] for item in found["tickets"]}
    assert late == {"ticket/1": True, "ticket/2": False, "ticket/3": True, "ticket/4": False}
    assert [item["late"] for item in found["jobs"]] == [True, False]


def test_a_silence_leads_to_itself(sqlite_store: Engine) -> None:
    with writing(sqlite_store) as connection:
        connection.execute(delete(silence))
        a_silence(connection, 7, EVENING + timedelta(hours=1))
        assert [item["href"] for item in collect(connection, moment())["silences"]] == ["/silences?silence=7"]


def test_a_day_that_was_run_again_is_signed_by_its_latest_run(store: Engine) -> None:
    with writing(store) as connection:
        a_run(connection, 1, "reviewed", control="c")
        a_run(connection, 2, control="c")
        a_run(connection, 3, outcome="refused", control="d")
        assert [item["key"] for item in collect(connection, moment())["runs"]] == ["run/2"]
        a_run(connection, 4, outcome="refused", control="c")  # has no result that could be signed; the one before has
        assert [item["key"] for item in collect(connection, moment())["runs"]] == ["run/2"]


def test_one_person_does_not_sign_twice_by_way_of_the_terminal(store: Engine) -> None:
    """Who prepared it on the page cannot accept or refuse it at the terminal, under whatever login they work there."""
    number, digest = prepared(store)
    made = {"role": "operator", "password_hash": "", "language": "en", "created_at": NOON}
    with writing(store) as connection:
        connection.execute(insert(user).values(name="li.wei", login="lw", **made))
    for who in ("terminal:li.wei", "terminal:lw"):
        with pytest.raises(DutyError, match=f"{who} prepared handover {number}; another person must accept it"):
            accept(store, number, who, digest)
        with pytest.raises(DutyError, match="prepare it anew instead"), writing(store) as connection:
            handovers.refuse(connection, number, who, "r", EVENING)
    with reading(store) as connection:
        incoming = handovers.people_of(connection, DESK, row(store).incoming)[-1]
    accept(store, number, f"terminal:{incoming}", digest)
    assert row(store).accepted_by == f"terminal:{incoming}"
    with reading(store) as connection:
        said = connection.scalar(select(handover_event.c.detail).where(handover_event.c.kind == "accepted"))
    assert "not on the roster" not in str(said)
