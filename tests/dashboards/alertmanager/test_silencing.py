"""Silences by API v2: made, changed, found, ended; every one by whom, and none that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from core.store.tables import audit, silence
from tests.dashboards.alertmanager.conftest import Desk
from tests.dashboards.alertmanager.test_openapi import SILENCE

NOBODYS = "00000000-0000-0000-0000-000000000000"


def made(desk: Desk, **other: Any) -> str:
    answer = desk.client.post("/api/v2/silences", json={**SILENCE, **other})
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["silenceID"]
    return found


def test_a_silenced_alert_is_suppressed_and_named_so(each_desk: Desk) -> None:
    """Shown with the silence's id; asked for without silenced ones it is not; ended, it is active again."""
    desk = each_desk
    desk.push({"labels": {"alertname": "A", "instance": "db-1"}}, {"labels": {"alertname": "B"}})
    id = made(desk)
    states = {one["labels"]["alertname"]: one["status"] for one in desk.shown()}
    assert states["A"] == {"state": "suppressed", "silencedBy": [id], "inhibitedBy": [], "mutedBy": []}
    assert states["B"]["state"] == "active"
    assert [one["labels"]["alertname"] for one in desk.shown(silenced="false")] == ["B"]
    assert [one["labels"]["alertname"] for one in desk.shown(active="false")] == ["A"]
    desk.client.delete(f"/api/v2/silence/{id}")
    assert {one["status"]["state"] for one in desk.shown()} == {"active"}
    assert desk.client.delete(f"/api/v2/silence/{id}").status_code == 400  # it has ended already


def test_a_change_keeps_the_id_or_gives_another(each_desk: Desk) -> None:
    """The end moves: the same silence. Other matchers: the old one ends, and another holds."""
    desk = each_desk
    id = made(desk)
    assert made(desk, id=id, endsAt="2026-03-02T15:00:00Z") == id
    shown = desk.client.get(f"/api/v2/silence/{id}").json()
    assert shown["endsAt"] == "2026-03-02T15:00:00Z"
    desk.clock.move(minutes=1)
    another = made(desk, id=id, matchers=[{"name": "instance", "value": "db-.", "isRegex": True}])
    assert another != id
    assert desk.client.get(f"/api/v2/silence/{id}").json()["status"]["state"] == "expired"
    assert desk.client.get(f"/api/v2/silence/{another}").json()["matchers"][0]["isEqual"] is True
    assert {row.who for row in desk.rows(audit) if "silence" in row.action} == {"token:m-operator"}


REFUSED = [
    ("no comment", {"comment": " "}, "needs a comment"),
    ("nobody's", {"createdBy": ""}, "createdBy"),
    ("no matcher", {"matchers": []}, "matchers"),
    (
        "one that fits nothing too",
        {"matchers": [{"name": "a", "value": "", "isRegex": False}]},
        "must not match an empty",
    ),
    ("a bad expression", {"matchers": [{"name": "a", "value": "(", "isRegex": True}]}, "cannot be used"),
    ("everything", {"matchers": [{"name": "alertname", "value": ".+", "isRegex": True}]}, "would mute every alert"),
    ("the end first", {"endsAt": "2026-03-02T11:00:00Z"}, "must end after it starts"),
    ("past", {"startsAt": "2026-03-02T09:00:00Z", "endsAt": "2026-03-02T10:00:00Z"}, "is past already"),
    ("a bad date", {"startsAt": "soon"}, "startsAt: 'soon' is no instant"),
    ("a date that is a number", {"startsAt": 7}, "startsAt: an instant is a text"),
    ("NUL", {"comment": "a\0b"}, "comment: the text holds a NUL"),
    ("a matcher without a name", {"matchers": [{"value": "x", "isRegex": False}]}, "matchers.0.name"),
]


@pytest.mark.parametrize(("name", "other", "sentence"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_silence_that_cannot_be_is_refused_in_words(
    desk: Desk, name: str, other: dict[str, Any], sentence: str
) -> None:
    answer = desk.client.post("/api/v2/silences", json={**SILENCE, **other})
    assert answer.status_code == 400, answer.text
    assert sentence in answer.json()
    assert desk.rows(silence) == []


def test_what_is_not_there_is_404(each_desk: Desk) -> None:
    """To be shown, ended or changed; with an id of whatever letters."""
    desk = each_desk
    for id in (NOBODYS, "x", "%00", "告"):
        assert desk.client.get(f"/api/v2/silence/{id}").status_code == 404, id
        assert desk.client.delete(f"/api/v2/silence/{id}").status_code == 404, id
    assert desk.client.post("/api/v2/silences", json={**SILENCE, "id": NOBODYS}).status_code == 404


def test_silences_are_found_by_their_own_matchers(desk: Desk) -> None:
    id = made(desk)
    made(desk, matchers=[{"name": "team", "value": "db", "isRegex": False}])
    found = desk.shown('instance="db-1"', path="/api/v2/silences")
    assert [one["id"] for one in found] == [id]
    assert desk.shown('instance=~"db-1"', path="/api/v2/silences") == []
    assert len(desk.shown(path="/api/v2/silences")) == 2


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_may_only_look(desk: Desk, role: str) -> None:
    """Sees silences, and makes and ends none."""
    id = made(desk)
    machine = desk.machine(role)
    assert [one["id"] for one in machine.get("/api/v2/silences").json()] == [id]
    for answer in (machine.post("/api/v2/silences", json=SILENCE), machine.delete(f"/api/v2/silence/{id}")):
        assert answer.status_code == 403
        assert "alerts.silence" in answer.json()["error"]
    assert len(desk.rows(silence)) == 1


def test_a_long_body_is_refused(desk: Desk) -> None:
    answer = desk.client.post("/api/v2/silences", json={**SILENCE, "comment": "x" * 300_000})
    assert answer.status_code == 413
