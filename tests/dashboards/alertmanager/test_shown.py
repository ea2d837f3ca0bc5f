"""What alerts look like in API v2, of those that were pushed and of those that a check found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from alerts import pipeline
from alerts.config import RoutesFile
from alerts.muting.muting import Mute, Mutes
from alerts.muting.shelving import shelve
from alerts.routes.matchers import parse_matchers
from core.refused import RefusedError
from core.store.open import reading, writing
from dashboards.alertmanager import shown
from dashboards.queries.open_alerts import open_alerts
from tests.alerts.world import finding, with_series
from tests.dashboards.alertmanager.conftest import Desk


def found_by_a_check(desk: Desk, engine: Engine) -> None:
    with_series(engine)
    with writing(engine) as connection:
        pipeline.handle(connection, [finding()], desk.console.routes, desk.clock.now)


def test_an_alert_of_a_check_is_shown_like_a_pushed_one(desk: Desk) -> None:
    """With the console as its source, and an end that is always some minutes from now."""
    found_by_a_check(desk, desk.console.engine)
    desk.clock.move(hours=3)
    (one,) = desk.shown("alertname=disk-full")
    assert one["generatorURL"] == "http://console.test/alerts?state=all&alert=1"
    assert one["labels"]["severity"] == "critical"
    assert (one["startsAt"], one["endsAt"]) == ("2026-03-02T12:00:00Z", "2026-03-02T15:05:00Z")
    assert [each["name"] for each in one["receivers"]] == ["pager"]


def test_an_alert_that_its_routes_hours_keep_quiet_is_suppressed_by_them(desk: Desk) -> None:
    desk.push({"labels": {"alertname": "A", "team": "never"}})
    (one,) = desk.shown()
    assert one["status"] == {"state": "suppressed", "silencedBy": [], "inhibitedBy": [], "mutedBy": ["always"]}
    assert desk.shown(active="false") == [one]


def test_an_alert_on_several_routes_is_in_a_group_of_each(desk: Desk) -> None:
    """And is one alert with both receivers where groups are not asked for."""
    desk.push({"labels": {"alertname": "A", "team": "db", "severity": "critical"}}, {"labels": {"alertname": "B"}})
    assert [[each["name"] for each in one["receivers"]] for one in desk.shown("alertname=A")] == [["db", "pager"]]
    path = "/api/v2/alerts/groups"
    assert [one["receiver"]["name"] for one in desk.shown(path=path)] == ["db", "duty", "pager"]
    (pager,) = desk.shown(path=path, receiver="pager")
    assert pager["labels"] == {"alertname": "A", "team": "db", "severity": "critical"}
    assert desk.shown(path=path, receiver="page") == []


def test_a_filter_reads_what_it_can_and_asks_once_what_keeps_an_alert_quiet(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store leaves out what an equality excludes; of an alert on two routes is asked once, hours apart."""
    team = {"team": "db", "severity": "critical"}
    desk.push(*({"labels": {"alertname": name, "target": f"host-{n}", **team}} for n, name in enumerate("AAAB")))
    asked: list[str] = []
    original = Mutes.of

    def of(self: Mutes, labels: Mapping[str, str], *rest: Any) -> tuple[Mute, ...]:
        asked.append(labels["target"])
        return original(self, labels, *rest)

    monkeypatch.setattr(Mutes, "of", of)
    (one,) = desk.shown('target="host-1"')
    assert (asked, len(one["receivers"])) == (["host-1"], 2)
    assert desk.shown('target=~"host-1"') == [one]
    with reading(desk.console.engine) as connection:
        read = {text: len(list(open_alerts(connection, parse_matchers(text)))) for text in READ}
    assert read == READ


READ = {"": 4, 'target="host-1"': 1, 'alertname="A",severity="critical"': 3, 'target=~"host-1"': 4, 'target=""': 4}
"""Rows that the store hands over for a filter: what is no plain equality is tried on the rows."""


@pytest.mark.parametrize("query", ["filter=a", "filter=%3D", "filter=a%3D~(", "receiver=(", "filter=" + "x" * 3000])
def test_a_question_that_cannot_be_read_is_refused_in_words(desk: Desk, query: str) -> None:
    for path in ("alerts", "alerts/groups"):
        answer = desk.client.get(f"/api/v2/{path}?{query}")
        assert answer.status_code == 400
        assert isinstance(answer.json(), str)
    assert desk.client.get("/api/v2/alerts?active=perhaps").status_code == 422


def test_an_answer_is_whole_or_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the alerts would look like all of them."""
    monkeypatch.setattr(shown, "MOST_ALERTS", 2)
    desk.push(*[{"labels": {"alertname": "A", "n": str(number)}} for number in range(3)])
    answer = desk.client.get("/api/v2/alerts")
    assert answer.status_code == 400
    assert "narrow the filter" in answer.json()
    assert len(desk.shown("n!=2")) == 2


def test_a_reload_is_for_administrators_and_says_what_came_of_it(desk: Desk) -> None:
    """Taken, refused with every fault, or not possible; the next request is answered by the routing that holds then."""
    admin = desk.machine("admin")
    answer = admin.post("/-/reload")
    assert (answer.status_code, "Nothing was reloaded" in answer.json()["error"]) == (409, True)
    asked = []

    def reload(who: str) -> list[str]:
        asked.append(who)
        if len(asked) > 1:
            raise RefusedError("Nothing was reloaded: routes.yaml:7: there is no receiver 'nobody'.")
        desk.console.reroute(RoutesFile.model_validate({"route": {"receiver": "new"}, "receivers": [{"name": "new"}]}))
        return ["checks.yaml"]

    desk.console.reload = reload
    assert admin.post("/-/reload").json() == {"status": "reloaded", "at_next_start": ["checks.yaml"]}
    assert [one["name"] for one in desk.shown(path="/api/v2/receivers")] == ["new"]
    answer = admin.post("/-/reload")
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "Nothing was reloaded: routes.yaml:7: there is no receiver 'nobody'.",
    )
    assert desk.machine("operator").post("/-/reload").status_code == 403
    assert asked == ["token:m-admin", "token:m-admin"]


def test_a_shelved_alert_is_suppressed_and_says_so(desk: Desk) -> None:
    """What Alertmanager has no field for is named in the one for what mutes without a silence."""
    desk.push({"labels": {"alertname": "A"}}, {"labels": {"alertname": "B"}})
    with writing(desk.console.engine) as connection:
        shelve(
            connection,
            1,
            "li.wei",
            "known, the vendor comes tomorrow",
            desk.clock.now + timedelta(hours=1),
            desk.clock.now,
        )
    (one,) = desk.shown("alertname=A")
    assert one["status"] == {"state": "suppressed", "silencedBy": [], "inhibitedBy": [], "mutedBy": ["shelved"]}
    assert [each["labels"]["alertname"] for each in desk.shown(path="/api/v2/alerts/groups")[0]["alerts"]] == ["A"]
    desk.clock.move(hours=2)
    assert desk.shown("alertname=A") == []  # nobody pushed it again
