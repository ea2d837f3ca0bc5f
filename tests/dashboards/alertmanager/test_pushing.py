"""`POST /api/v2/alerts`: what is taken, what is refused and counted, and that a storm is taken in seconds."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import event, func, select

from alerts import pushed
from alerts.config import RoutesFile
from core.store.open import reading
from core.store.tables import alert, notify_group, refusal, ticket
from dashboards.queries import alerts as alert_rows
from tests.dashboards.alertmanager.conftest import Desk
from tests.dashboards.alertmanager.odd import bodies

DISK = {"alertname": "DiskFull", "severity": "critical", "instance": "db-1"}
STORM, BATCH, CAUSES = 10_000, 256, 50
STORM_S = 30.0
"""A storm takes some 5 s of an idle core; a machine that does much else is slower, a statement an alert much more so."""


def counts(desk: Desk) -> dict[tuple[str, str], int]:
    """What was refused, by who pushed it and why."""
    return {(row.probe, row.reason): row.count for row in desk.rows(refusal)}


def test_a_push_is_an_alert_like_any_other(each_desk: Desk) -> None:
    """On the pages, in both APIs, with the message that its route makes of it, once the pipeline has ticked."""
    desk = each_desk
    desk.push({"labels": DISK, "annotations": {"summary": "It is full"}, "generatorURL": "http://prometheus/graph?x=1"})
    (shown,) = desk.shown()
    assert shown["labels"] == DISK
    assert shown["generatorURL"] == "http://prometheus/graph?x=1"
    assert shown["startsAt"] == "2026-03-02T12:00:00Z"
    assert shown["endsAt"] == "2026-03-02T12:05:00Z"
    assert shown["status"] == {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}
    assert shown["receivers"] == [{"name": "pager"}]
    with reading(desk.console.engine) as connection:
        (row,) = alert_rows.alerts(connection, desk.clock.now, {"state": "open", "q": "DiskFull"})
        assert alert_rows.subject(connection, row["series_id"]) is None
        (opened,) = alert_rows.events(connection, row["id"])
    assert (opened["who"], opened["detail"]) == ("token:m-operator", "critical: It is full")
    assert desk.client.get("/api/v1/alerts").json()["total"] == 1
    assert desk.tick().deliveries == 1


def test_an_alert_that_nobody_pushes_again_is_gone_at_once_and_resolved_at_the_next_tick(desk: Desk) -> None:
    """The answer does not show what has ended, even when no pipeline has resolved it yet."""
    desk.push({"labels": DISK})
    desk.clock.move(minutes=5)
    assert desk.shown() == []
    assert desk.rows()[0].state == "firing"
    desk.tick()
    assert desk.rows()[0].state == "resolved"


REFUSED = [
    ("no labels", [{"labels": {}}], "bad_labels", "alerts[0].labels: "),
    ("a bad name", [{"labels": {"a b": "c"}}], "bad_labels", "alerts[0].labels: 'a b'"),
    ("a bad date", [{"labels": DISK, "startsAt": "12:00"}], "bad_date", "alerts[0].startsAt: '12:00'"),
    (
        "the end first",
        [{"labels": DISK, "startsAt": "2026-03-02T12:00:00Z", "endsAt": "2026-03-02T11:00:00Z"}],
        "end_before_start",
        "alerts[0].endsAt: the end",
    ),
    ("no list", {"labels": DISK}, "no_alerts", "the body: the body is an object"),
]


@pytest.mark.parametrize(("name", "body", "reason", "sentence"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_refused_is_named_counted_and_shown(
    desk: Desk, name: str, body: Any, reason: str, sentence: str
) -> None:
    """400 with the place and a sentence, as a JSON string; counted for whoever pushed it."""
    answer = desk.client.post("/api/v2/alerts", json=body)
    assert answer.status_code == 400
    assert answer.json().startswith(sentence)
    assert counts(desk) == {("push:token:m-operator", reason): 1}
    assert desk.rows(refusal)[0].example.startswith(sentence)
    assert desk.rows() == []


def test_the_good_ones_of_a_batch_are_taken(each_desk: Desk) -> None:
    """The answer names each bad one, the first twenty of many; nothing is dropped without being counted."""
    desk = each_desk
    bad = [{"labels": {"a-b": "c"}}] * 30
    answer = desk.client.post("/api/v2/alerts", json=[{"labels": DISK}, *bad, {"labels": {"alertname": "Last"}}])
    assert answer.status_code == 400
    assert "alerts[1].labels" in answer.json()
    assert answer.json().endswith("; and 10 more")
    assert {one["labels"]["alertname"] for one in desk.shown()} == {"Last", "DiskFull"}
    assert counts(desk) == {("push:token:m-operator", "bad_labels"): 30}


def test_ten_megabytes_are_refused_and_never_kept(desk: Desk) -> None:
    """By their stated length, without one as soon as there is too much; either is counted."""
    body = json.dumps([{"labels": {"alertname": "x" * 10_000_000}}]).encode()
    headers = {"content-type": "application/json"}
    stated = desk.client.post("/api/v2/alerts", content=body, headers=headers)
    streamed = desk.client.post(
        "/api/v2/alerts", content=(body[at : at + 65536] for at in range(0, len(body), 65536)), headers=headers
    )
    for answer in (stated, streamed):
        assert answer.status_code == 413
        assert "longer than 5242880 bytes" in answer.json()
    assert counts(desk) == {("push:token:m-operator", "too_long"): 2}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_is_not_said_to_be_json_is_refused(desk: Desk, kind: str) -> None:
    """What a form of another site can send is none of ours."""
    headers = {"content-type": kind} if kind else {}
    answer = desk.client.post("/api/v2/alerts", content=orjson.dumps([{"labels": DISK}]), headers=headers)
    assert answer.status_code == 415
    assert answer.json().endswith("send it as application/json.")
    assert desk.rows() == []


@pytest.mark.parametrize(
    ("role", "may"), [("viewer", False), ("operator", True), ("auditor", False), ("manager", True), ("admin", True)]
)
def test_who_may_push(desk: Desk, role: str, may: bool) -> None:
    answer = desk.machine(role).post("/api/v2/alerts", json=[{"labels": DISK}])
    assert answer.status_code == (200 if may else 403)
    assert len(desk.rows()) == may
    if not may:
        assert "alerts.push" in answer.json()["error"]


def test_an_empty_push_is_no_fault(desk: Desk) -> None:
    desk.push()
    assert counts(desk) == {}


def test_a_storm_is_taken_in_seconds_and_in_few_statements(each_desk: Desk) -> None:
    """10,000 alerts of 50 causes in batches of 256, each pushed twice: all there once, a bounded number of statements."""
    desk = each_desk
    alerts = [
        {"labels": {"alertname": f"Cause{number % CAUSES}", "instance": f"host-{number}"}} for number in range(STORM)
    ]
    statements: list[int] = []

    def count(_c: Any, _cur: Any, _statement: Any, _p: Any, _ctx: Any, many: bool) -> None:
        statements[-1] += 1

    event.listen(desk.console.engine, "before_cursor_execute", count)
    began = time.monotonic()
    for at in range(0, STORM, BATCH):
        statements.append(0)
        desk.push(*alerts[at : at + BATCH])
    took_s = time.monotonic() - began
    statements.append(0)
    desk.push(*alerts[:BATCH])
    event.remove(desk.console.engine, "before_cursor_execute", count)
    assert took_s < STORM_S
    limit = 40 if desk.console.engine.dialect.name == "postgresql" else 40 + BATCH  # SQLite numbers rows one by one
    assert max(statements) < limit, statements
    assert statements[-1] < 20, "renewing is a few statements"
    with reading(desk.console.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(alert)) == STORM
        assert connection.scalar(select(func.count()).select_from(notify_group)) == CAUSES
    assert desk.tick().deliveries == 0  # the receiver has no channel: they show in the console
    assert len(desk.shown()) == STORM
    assert len(desk.shown(path="/api/v2/alerts/groups")) == CAUSES


def test_resolve_timeout_is_the_files_and_a_ticket_opens_and_closes(each_desk: Desk) -> None:
    """`global.resolve_timeout` of routes.yaml; the ticket that nobody touched is closed with its alert."""
    desk = each_desk
    file = {
        "global": {"resolve_timeout": "1m"},
        "route": {"receiver": "duty", "ticket": {"kind": "fault"}},
        "receivers": [{"name": "duty"}],
    }
    desk = Desk(replace(desk.console, routes=RoutesFile.model_validate(file)), desk.clock, desk.secrets)
    desk.push({"labels": DISK, "annotations": {"summary": "It is full"}})
    assert [one.title for one in desk.rows(ticket)] == ["It is full"]
    assert desk.shown()[0]["endsAt"] == "2026-03-02T12:01:00Z"
    desk.clock.move(minutes=1)
    desk.tick()
    assert desk.rows(ticket)[0].state == "closed"


def held(body: bytes) -> int:
    """How many alerts a body holds; one that is no list of alerts counts as one."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return 1
    return len(found) if isinstance(found, list) else 1


def ties(desk: Desk, body: bytes, faults: int, before: int) -> None:
    """Every alert of a body is taken or counted as refused, and what is counted is what was said."""
    read = pushed.read(body, desk.clock.now, desk.console.routes.general.resolve_timeout)
    assert len(read.alerts) + len(read.refused) == held(body)
    assert sum(counts(desk).values()) - before == faults == len(read.refused)


ODD = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(body=bodies)
@ODD
def test_no_body_is_too_odd(each_desk: Desk, body: bytes) -> None:
    """200 or 400 over HTTP, never 500; the counts tie, and the pipeline goes on with what was taken."""
    desk = each_desk
    before = sum(counts(desk).values())
    answer = desk.client.post("/api/v2/alerts", content=body, headers={"content-type": "application/json"})
    after = sum(counts(desk).values())
    assert answer.status_code == (400 if after > before else 200), (body, answer.text)
    ties(desk, body, after - before, before)
    desk.tick()
