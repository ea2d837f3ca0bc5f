"""The duty desk through the console's doors: the API of changes, files and logs, and forged callbacks with a desk at work."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from alerts.duty import jobs, log
from core.people.rights import ROLES, allowed
from core.store.open import reading, writing
from core.store.tables import audit, job, planned_change, target
from dashboards import shell
from dashboards.server import create_app
from tests.dashboards.duty_desk import duty_file, plans_file
from tests.dashboards.server.conftest import NOON, House
from tests.dashboards.server.matrix import UPDATE, callbacks, forged

OURS = ("duty-", "handover-", "entry-", "roster-", "job-", "jobs-", "change-", "changes-")
VALUES = (None, "forged", 10**12, [{"x": "<script>"}], {"id": 1, "sha256": 7})


@pytest.fixture
def desk(bare: House) -> House:
    """The house with its real pages, a desk with plans, a target, and a job that can be done."""
    duty, plans = duty_file(NOON), plans_file(NOON)
    bare.console = replace(bare.console, duty=duty, plans=plans)
    with writing(bare.console.engine) as connection:
        made = {"name": "host-1", "kind": "host", "labels": {}, "site": "", "system": "", "demo": False}
        connection.execute(insert(target).values(runs_on=[], depends_on=[], **made))
        jobs.store_due(connection, plans.plans, duty.by_name, NOON)
    bare.app = create_app(bare.console, lambda app: shell.register_pages(app, bare.console))
    return bare


def a_plan(**given: Any) -> dict[str, Any]:
    times = {"starts_at": (NOON + timedelta(hours=1)).isoformat(), "ends_at": (NOON + timedelta(hours=2)).isoformat()}
    texts = {"requirement": "REQ-1", "title": "Release", "back_out": "Put it back.", "contact": "li.wei"}
    return {**texts, **times, "targets": ["host-1"], **given}


def test_a_machine_plans_a_change_and_another_approves_it(desk: House) -> None:
    """A release pipeline's way: plan, begin and end with its token; the approval is another's."""
    machine, boss = desk.machine("operator"), desk.machine("manager")
    made = machine.post("/api/v1/changes", json=a_plan())
    assert made.status_code == 201
    number = made.json()["change"]["id"]
    assert machine.post(f"/api/v1/changes/{number}/approve").status_code == 403
    assert machine.post("/api/v1/changes", json=a_plan(title="Other")).json()["overlaps"] == [number]
    assert boss.post(f"/api/v1/changes/{number}/approve").json()["change"]["approved_by"] == "token:m-manager"
    refused = machine.post(f"/api/v1/changes/{number}/begin")
    assert refused.status_code == 409
    assert "has not come yet" in refused.json()["error"]
    desk.clock.move(hours=1)
    assert machine.post(f"/api/v1/changes/{number}/begin").json()["change"]["state"] == "running"
    ending = {"result": "backed_out", "text": "The new one did not start."}
    assert machine.post(f"/api/v1/changes/{number}/end", json=ending).json()["change"]["state"] == "backed_out"
    found = machine.get(f"/api/v1/changes/{number}").json()
    assert [event["kind"] for event in found["events"]] == ["backed_out", "running", "approved", "planned"]
    assert machine.get("/api/v1/changes", params={"state": "open"}).json()["total"] == 1
    with reading(desk.console.engine) as connection:
        trail = connection.execute(select(audit.c.who).where(audit.c.object == f"change/{number}")).scalars().all()
    assert trail == ["token:m-operator", "token:m-manager", "token:m-operator", "token:m-operator"]


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "an unknown target": (a_plan(targets=["host-9"]), 409, "There is no target host-9; names like it are: "),
    "a time without a zone": (a_plan(starts_at="2026-03-02T13:00"), 422, "starts_at"),
    "no back-out": ({**a_plan(), "back_out": " "}, 409, "needs a back-out plan"),
    "a field is missing": ({"title": "x"}, 422, "requirement"),
}


@pytest.mark.parametrize(("body", "status", "words"), REFUSED.values(), ids=REFUSED)
def test_a_plan_that_cannot_be_is_refused_in_words(desk: House, body: dict[str, Any], status: int, words: str) -> None:
    answer = desk.machine("operator").post("/api/v1/changes", json=body)
    assert answer.status_code == status
    assert words in answer.json()["error"]
    with reading(desk.console.engine) as connection:
        assert connection.execute(select(planned_change)).all() == []


def test_who_is_on_duty_is_told(desk: House) -> None:
    found = desk.machine("viewer").get("/api/v1/duty").json()["desks"]["noc"]
    assert found["people"] in (["li.wei"], ["zhang.min"])
    assert found["start"] == (NOON - timedelta(hours=1)).isoformat().replace("+00:00", "Z")


def test_evidence_is_saved_and_never_shown(desk: House) -> None:
    """Its type is nobody's to run, whatever it is called."""
    with writing(desk.console.engine) as connection:
        number = connection.execute(select(job.c.id).where(job.c.plan == "room-walk")).scalar_one()
        jobs.attach(connection, number, "li.wei", "photo", '"><script>.html', b"<script>", NOON)
    answer = desk.client("viewer").get("/exports/evidence/1")
    assert answer.content == b"<script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith('attachment; filename="___script_.html"; ')
    with writing(desk.console.engine) as connection:
        jobs.attach(connection, number, "li.wei", "photo", "机柜.txt", b"red", NOON)
    named = desk.client("viewer").get("/exports/evidence/2").headers["content-disposition"]
    assert named.endswith("filename*=UTF-8''%E6%9C%BA%E6%9F%9C.txt")  # saved under the name that it has
    for nothing in ("3", "x", "-1", "9" * 30):
        assert desk.client("viewer").get(f"/exports/evidence/{nothing}").status_code == 404


def test_the_log_is_taken_away_and_no_cell_is_evaluated(desk: House) -> None:
    with writing(desk.console.engine) as connection:
        log.write(connection, "noc", "li.wei", "event", "=HYPERLINK(1)", NOON)
        log.write(connection, "noc", "li.wei", "phone", "Shop 7 called.", NOON)
    answer = desk.client("viewer").get("/exports/duty/log.csv?kind=event")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row[5] for row in rows] == ["What happened", "'=HYPERLINK(1)"]


@pytest.mark.parametrize("role", ROLES)
def test_forged_callbacks_of_a_desk_at_work(desk: House, role: str) -> None:
    """With a desk, plans and jobs there is more to get at: who lacks the right gets 403, and nothing breaks the inside."""
    client, seen = desk.client(role), 0
    for name, right in callbacks(desk.app):
        if right is None or not any(name.strip(".").startswith(start) for start in OURS):
            continue
        for value in VALUES:
            body = forged(desk.app, name, value)
            for part in (*body["inputs"], *body["state"]):
                if isinstance(part, dict) and part["id"] == "url" and value is None:
                    part["value"] = "?job=1&change=1&handover=1"
            answer = client.post(UPDATE, json=body)
            seen += 1
            if not allowed(role, right):
                assert answer.status_code == 403, name
            else:
                assert answer.status_code in (200, 204, 400, 500), (name, value, answer.text)
                assert value is not None or answer.status_code < 400, (name, answer.text)
    assert seen > 80
    with reading(desk.console.engine) as connection:
        actions = set(connection.scalars(select(audit.c.action)))
    assert not actions & {"job_done", "handover_accepted", "change_planned", "roster_changed", "duty_logged"}
