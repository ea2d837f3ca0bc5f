"""The phone page: looking does nothing, an act happens once, what is over says so, and it stays small."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from alerts import commands
from alerts.delivery import phone
from core.model import instant_ms
from core.store.open import reading, writing
from core.store.tables import alert, alert_event, audit, indicator, phone_link, sample, series, target
from tests.dashboards.server.conftest import NOON, House

MOST_BYTES = 100_000


def _link(house: House, receiver: str = "ops") -> str:
    with writing(house.console.engine) as connection:
        return f"/m/{phone.issue(connection, 1, receiver, house.clock.now)}"


def _events(house: House) -> list[tuple[str, str, str]]:
    with reading(house.console.engine) as connection:
        query = select(alert_event.c.kind, alert_event.c.who, alert_event.c.detail).order_by(alert_event.c.id)
        return [tuple(row) for row in connection.execute(query)]


def _owner(house: House) -> str | None:
    with reading(house.console.engine) as connection:
        owner: str | None = connection.scalar(select(alert.c.acknowledged_by).where(alert.c.id == 1))
        return owner


def test_looking_shows_and_changes_nothing(house: House) -> None:
    """A mail scanner follows the link fifty times: the alert is untouched, and the link still acts afterwards."""
    link, client = _link(house), house.client()
    for _ in range(50):
        answer = client.get(link, headers={"accept-language": "en"})
        assert answer.status_code == 200
    for words in (
        "critical",
        "host-1",
        "since",
        "Acknowledge",
        "Can&#x27;t take it",
        "ticket 1",
        "History",
        "Asia/Shanghai",
    ):
        assert words in answer.text
    assert (_owner(house), _events(house)) == (None, [])
    assert client.post(link, data={"act": "acknowledge"}).status_code == 200


def test_the_reason_is_said_in_the_readers_language(house: House) -> None:
    """As on the pages of the console; in English it stays as the check wrote it."""
    notes = {"summary": "host-1, disk.used_ratio: 97 %, above the critical limit 95 %"}
    notes["reason"] = "97 %, above the critical limit 95 %"
    with writing(house.console.engine) as connection:
        connection.execute(update(alert).where(alert.c.id == 1).values(annotations=notes))
    link, client = _link(house), house.client()
    chinese = client.get(link, headers={"accept-language": "zh-CN"}).text
    assert "<h1>host-1，disk.used_ratio：97 %，高于严重限值 95 %</h1>" in chinese
    assert "above" not in chinese
    assert notes["reason"] in client.get(link, headers={"accept-language": "en"}).text


def test_acknowledging_happens_once_and_is_written_down(house: House) -> None:
    """The alert is the receiver's, with an event and an audit row; the link is used up, for looking too."""
    link, client = _link(house), house.client()
    answer = client.post(link, data={"act": "acknowledge", "comment": "on my way"}, headers={"accept-language": "en"})
    assert answer.status_code == 200
    assert "It is yours now." in answer.text
    assert "<form" not in answer.text
    assert _owner(house) == "phone:ops"
    assert _events(house)[0][:2] == ("acknowledged", "phone:ops")
    for again in (client.post(link, data={"act": "acknowledge"}), client.get(link)):
        assert again.status_code == 410
    assert len(_events(house)) == 1
    with reading(house.console.engine) as connection:
        assert connection.scalar(select(audit.c.who).where(audit.c.action == "acknowledge")) == "phone:ops"
        row = connection.execute(select(phone_link)).one()
    assert (row.used_for, row.used_at) == ("acknowledged", house.clock.now)


def test_a_persons_link_acts_as_that_person(house: House) -> None:
    """A destination `person/NAME` is that person."""
    house.client().post(_link(house, "person/li.wei"), data={"act": "acknowledge"})
    assert _owner(house) == "li.wei"


def test_passing_on_needs_a_reason_and_leaves_it_open(house: House) -> None:
    """Without one nothing changes and the link stays good; with one it is an event that escalation can go by."""
    link, client = _link(house), house.client()
    refused = client.post(link, data={"act": "pass_on", "comment": "  "}, headers={"accept-language": "en"})
    assert refused.status_code == 409
    assert "Say why you cannot take it" in refused.text
    assert client.post(link, data={"act": "pass_on", "comment": "on a plane"}).status_code == 200
    assert _events(house) == [("passed_on", "phone:ops", "on a plane")]
    assert _owner(house) is None


def test_what_somebody_else_has_is_refused_in_words(house: House) -> None:
    """The link stays good, the page names who has it."""
    link = _link(house)
    with writing(house.console.engine) as connection:
        commands.acknowledge(connection, 1, "zhang.min", "", NOON)
    answer = house.client().post(link, data={"act": "acknowledge"}, headers={"accept-language": "en"})
    assert answer.status_code == 409
    assert "zhang.min" in answer.text
    assert _owner(house) == "zhang.min"
    assert house.client().get(link).status_code == 200


def test_it_expires_after_fifteen_minutes_and_says_where_to_go(house: House) -> None:
    """To the moment; then a sentence and a link to the login that leads to the alert."""
    link, client = _link(house), house.client()
    house.clock.now = NOON + timedelta(minutes=15) - timedelta(milliseconds=1)
    assert client.get(link).status_code == 200
    house.clock.now = NOON + timedelta(minutes=15)
    for answer in (client.get(link, headers={"accept-language": "en"}), client.post(link, data={"act": "acknowledge"})):
        assert answer.status_code == 410
        assert "/login?next=%2Falerts%3Falert%3D1" in answer.text
    assert "This link has expired" in client.get(link, headers={"accept-language": "en"}).text
    assert _owner(house) is None


FORGERIES: dict[str, Callable[[str], str]] = {
    "cut": lambda token: token[:-1],
    "longer": lambda token: token + "a",
    "another alert": lambda token: "WzIs" + token[4:],
    "nothing": lambda token: "",
    "a word": lambda token: "1",
    "very long": lambda token: token * 50,
    "with a path": lambda token: token + "/x",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_forged_links_do_nothing(house: House, forge: Callable[[str], str]) -> None:
    """404 and a sentence, for looking and for acting."""
    token, client = _link(house).removeprefix("/m/"), house.client()
    for answer in (client.get(f"/m/{forge(token)}"), client.post(f"/m/{forge(token)}", data={"act": "acknowledge"})):
        assert answer.status_code == 404
    assert _owner(house) is None


def test_a_link_that_the_store_does_not_know_does_nothing(house: House) -> None:
    """Its signature alone is not enough: whoever has the key of a copy still has no link."""
    link = _link(house)
    with writing(house.console.engine) as connection:
        connection.execute(phone_link.delete())
    assert house.client().get(link).status_code == 404


def test_a_form_from_another_site_is_refused(house: House) -> None:
    """As any other change."""
    answer = house.client().post(_link(house), data={"act": "acknowledge"}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert _owner(house) is None


def test_a_resolved_alert_has_nothing_to_do(house: House) -> None:
    """It is shown as resolved, without forms."""
    link = _link(house)
    with writing(house.console.engine) as connection:
        connection.execute(update(alert).values(resolved_at=NOON, state="resolved"))
    answer = house.client().get(link, headers={"accept-language": "en"})
    assert "RESOLVED" in answer.text
    assert "<form" not in answer.text
    assert house.client().post(link, data={"act": "acknowledge"}).status_code == 409


def _measured(house: House) -> None:
    with writing(house.console.engine) as connection:
        known = {"kind": "host", "labels": {}, "site": "", "system": "", "runs_on": [], "depends_on": [], "demo": False}
        connection.execute(insert(target).values(id=1, name="host-1", **known))
        made = {"target_id": 1, "labels": {}, "indicator": "x", "probe": "host-1/x", "created_at": NOON}
        connection.execute(insert(series).values(id=1, **made))
        start = instant_ms(NOON) - 3_600_000
        rows = [{"series_id": 1, "at_ms": start + 1000 * n, "value": (n * 7919) % 1000 / 1000} for n in range(3601)]
        connection.execute(insert(sample), rows)
        notes = {
            "reason": "0.97, above the critical limit 0.9",
            "summary": "full" * 200,
            "runbook": "https://w.example/x",
        }
        connection.execute(update(alert).values(series_id=1, annotations=notes))
        many = [{"alert_id": 1, "at": NOON, "kind": "notified", "who": "outbox", "detail": "d" * 2000}] * 500
        connection.execute(insert(alert_event), many)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_whole_page_is_small(house: House, language: str) -> None:
    """With a sample a second, 500 events and a long summary: one answer under 100 KB that asks for nothing else."""
    _measured(house)
    answer = house.client().get(_link(house), headers={"accept-language": language, "accept-encoding": "identity"})
    assert answer.status_code == 200
    assert len(answer.content) < MOST_BYTES
    assert "<script" not in answer.text
    assert "src=" not in answer.text
    assert 'class="limit"' in answer.text
    assert 'class="line"' in answer.text
    assert indicator is not None


def test_both_languages(house: House) -> None:
    """By the browser's wish, or by the link on the page."""
    link, client = _link(house), house.client()
    chinese = client.get(link, headers={"accept-language": "zh-CN"}).text
    assert 'lang="zh-Hans"' in chinese
    assert "确认告警" in chinese
    assert "无法处理" in chinese
    assert "Acknowledge" in client.get(f"{link}?lang=en", headers={"accept-language": "zh-CN"}).text


def test_what_alerts_say_cannot_become_a_page(house: House) -> None:
    """Text of a monitored system is shown as text."""
    with writing(house.console.engine) as connection:
        notes = {"summary": "<script>alert(1)</script>", "runbook": "javascript:alert(1)", "impact": "<b>"}
        connection.execute(update(alert).values(annotations=notes))
    text = house.client().get(_link(house)).text
    assert "<script>alert" not in text
    assert 'href="javascript' not in text


def test_the_headers_of_the_house(house: House) -> None:
    """No frame, no sniffing, no store: as every answer."""
    headers = house.client().get(_link(house)).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_links_are_forgotten_a_week_after_their_end(house: House) -> None:
    """The table does not grow for ever."""
    _link(house)
    with writing(house.console.engine) as connection:
        assert phone.forget(connection, NOON + timedelta(days=7)) == 0
        assert phone.forget(connection, NOON + timedelta(days=8)) == 1


def test_two_at_once_act_once(house: House) -> None:
    """The second of two presses finds the link used up."""
    link = _link(house)
    clients = [TestClient(house.app, base_url="http://console.test") for _ in range(2)]
    codes = sorted(client.post(link, data={"act": "acknowledge"}).status_code for client in clients)
    assert codes == [200, 410]
    assert isinstance(house.app, FastAPI)
