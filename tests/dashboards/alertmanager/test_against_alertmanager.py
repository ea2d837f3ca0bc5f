"""The same pushes, silences and questions to a real Alertmanager and to the console: the same answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import yaml
from pydantic import TypeAdapter
from sqlalchemy import Engine

from alerts.config import RoutesFile
from alerts.routes.routing import route
from core.store.open import open_store
from dashboards.alertmanager import models
from dashboards.alertmanager.original import original
from tests.dashboards.alertmanager.conftest import FILE, Site, furnish, serving
from tests.servers import alertmanager
from tests.servers.process import Missing
from tests.stores import NewStore

ZERO = "0001-01-01T00:00:00.000Z"
A, B, C = ({"alertname": "A", "n": "1"}, {"alertname": "B", "severity": "critical"}, {"alertname": "C", "team": "db"})


def at(minutes: float) -> str:
    """That many minutes from now."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")


PUSHES: list[tuple[str, list[Any]]] = [
    ("three at once", [{"labels": A}, {"labels": B, "endsAt": at(9)}, {"labels": C, "startsAt": at(-9)}]),
    ("nothing", []),
    ("zero times", [{"labels": A, "startsAt": ZERO, "endsAt": ZERO}]),
    ("over in the past", [{"labels": A, "startsAt": at(-5), "endsAt": at(-4)}]),
    ("an end only", [{"labels": A, "endsAt": at(-1)}]),
    ("an end to come only", [{"labels": A, "endsAt": at(5)}]),
    ("an empty label", [{"labels": {**A, "x": ""}}]),
    ("only empty labels", [{"labels": {"x": ""}}]),
    ("no label", [{"labels": {}}]),
    ("a bad name", [{"labels": {"a-b": "c"}}]),
    ("the end before the start", [{"labels": A, "startsAt": at(1), "endsAt": at(0)}]),
    ("one bad among good ones", [{"labels": A}, {"labels": {"a-b": "c"}}, {"labels": B}]),
    ("a bad annotation", [{"labels": A, "annotations": {"a-b": "c"}}]),
    (
        "twice, the second over",
        [{"labels": A, "startsAt": at(-5)}, {"labels": A, "startsAt": at(-5), "endsAt": at(-1)}],
    ),
    ("over and again", [{"labels": A, "startsAt": at(-9), "endsAt": at(-8)}, {"labels": A, "startsAt": at(-1)}]),
    ("an earlier start", [{"labels": A, "startsAt": at(-2)}, {"labels": A, "startsAt": at(-7)}]),
    (
        "a later start",
        [{"labels": A, "startsAt": at(-7), "endsAt": at(7)}, {"labels": A, "startsAt": at(-2), "endsAt": at(6)}],
    ),
    (
        "the later end",
        [{"labels": A, "startsAt": at(-7), "endsAt": at(7)}, {"labels": A, "startsAt": at(-7), "endsAt": at(6)}],
    ),
    ("another annotation", [{"labels": A, "annotations": {"s": "1"}}, {"labels": A, "annotations": {"s": "2"}}]),
    ("letters of other scripts", [{"labels": {"alertname": "磁盘", "x": '\u00e9 \U0001f525 \\ " \n'}}]),
]
FILTERS = [
    [],
    ["alertname=A"],
    ['alertname="A"', "n=1"],
    ["team=~d.|web"],
    ["team!=db"],
    ["team!~d."],
    ["n=~.*"],
    ["n="],
    ["severity=critical", "alertname!=B"],
    ["n!="],
    ["gone!~.*"],
    ['alertname="C"'],
    ['alertname=~"C"'],
    ["alertname!=C"],
]


class Both:
    """A real Alertmanager and the console."""

    def __init__(self, real: str, site: Site) -> None:
        bearer = {"Authorization": f"Bearer {site.secrets['operator']}"}
        self.real = httpx.Client(base_url=real, timeout=30)
        self.ours = httpx.Client(base_url=site.url, headers=bearer, timeout=30)
        self.site = site

    def post(self, path: str, body: Any) -> tuple[httpx.Response, httpx.Response]:
        return self.real.post(path, json=body), self.ours.post(path, json=body)

    def get(self, path: str, **query: Any) -> tuple[Any, Any]:
        """Both answers to a question that both must answer."""
        answers = [client.get(path, params=query) for client in (self.real, self.ours)]
        assert [one.status_code for one in answers] == [200, 200], [one.text for one in answers]
        return answers[0].json(), answers[1].json()


@pytest.fixture
def both(new_sqlite: NewStore, tmp_path: Any) -> Any:
    """Each with the same routes and nothing in it."""
    routing = yaml.safe_load(original(RoutesFile.model_validate(FILE)))
    try:
        running = alertmanager.start(tmp_path, configuration=yaml.safe_dump(routing))
        with running as real, new_sqlite(tmp_path) as url:
            engine: Engine = open_store(url)
            with serving(engine, furnish(engine)) as site:
                yield Both(real.url, site)
            engine.dispose()
    except Missing as missing:
        pytest.skip(str(missing))


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def alike(real: list[dict[str, Any]], ours: list[dict[str, Any]]) -> None:
    """The same alerts with the same fields; instants that each fills in by its own clock within some seconds."""
    assert [one["fingerprint"] for one in ours] == sorted(one["fingerprint"] for one in real)
    for theirs, mine in zip(sorted(real, key=lambda one: str(one["fingerprint"])), ours, strict=True):
        assert mine["labels"] == theirs["labels"]
        assert mine["annotations"] == theirs["annotations"]
        assert sorted(one["name"] for one in mine["receivers"]) == sorted(one["name"] for one in theirs["receivers"])
        for name in ("startsAt", "endsAt", "updatedAt"):
            expected = seconds(theirs[name])
            if name == "startsAt":  # nothing of ours begins in the future: its age would be less than nothing
                expected = min(expected, datetime.now(UTC).timestamp())
            assert abs(seconds(mine[name]) - expected) < 20, (name, mine, theirs)


def test_the_same_pushes_have_the_same_outcome(both: Both) -> None:
    """Status, alerts, fingerprints, spans and receivers, push after push; each on labels of its own."""
    for number, (name, push) in enumerate(PUSHES):
        own = [{**one, "labels": {**one["labels"], "push": str(number)}} if good(one) else one for one in push]
        real, ours = both.post("/api/v2/alerts", own)
        assert ours.status_code == real.status_code, (name, real.text, ours.text)
        assert isinstance(ours.json() if ours.status_code == 400 else "", str)
        query = {"filter": f'push="{number}"'}
        alike(*both.get("/api/v2/alerts", **query))


def good(alert: dict[str, Any]) -> bool:
    return any(name.isidentifier() and value for name, value in alert["labels"].items())


def test_what_is_inhibited_is_inhibited_in_both(both: Both) -> None:
    """By the same alert, even one with a severity that is none of ours; and it is left out when that is asked for."""
    down = {"alertname": "HostDown", "severity": "page", "instance": "db-1"}
    both.post("/api/v2/alerts", [{"labels": down}, {"labels": {**A, "instance": "db-1"}}, {"labels": B}])

    def settled() -> bool:
        return any(one["status"]["inhibitedBy"] for one in both.real.get("/api/v2/alerts").json())

    both.site.until(settled)
    real, ours = both.get("/api/v2/alerts")
    found = [{one["labels"]["alertname"]: one["status"]["inhibitedBy"] for one in answer} for answer in (real, ours)]
    assert found[0] == found[1]
    assert found[0]["A"] != []
    alike(*both.get("/api/v2/alerts", inhibited="false"))
    alike(*both.get("/api/v2/alerts", active="false"))
    real, ours = both.get("/api/v2/alerts/groups", inhibited="false")
    assert shape(ours) == shape(real)


def test_the_same_questions_have_the_same_answers(both: Both) -> None:
    """Filters, receivers, silenced ones, groups; and the fields of every answer are the real one's."""
    both.post("/api/v2/alerts", [{"labels": labels} for labels in (A, B, C, {**B, "team": "db"})])
    silence = {
        "matchers": [{"name": "alertname", "value": "C", "isRegex": False}],
        "startsAt": at(0),
        "endsAt": at(60),
        "createdBy": "li.wei",
        "comment": "planned",
    }
    made = [one.json() for one in both.post("/api/v2/silences", silence)]
    assert [set(one) for one in made] == [{"silenceID"}] * 2

    def settled() -> bool:
        states = [one["status"]["state"] for one in both.real.get("/api/v2/alerts").json()]
        return states.count("suppressed") == 1 and "unprocessed" not in states

    both.site.until(settled)
    for filters in FILTERS:
        alike(*both.get("/api/v2/alerts", filter=filters))
        real, ours = both.get("/api/v2/silences", filter=filters)
        assert len(real) == len(ours), filters
    for query in ({"silenced": "false"}, {"active": "false"}, {"receiver": "pager|db"}, {"receiver": "page"}):
        alike(*both.get("/api/v2/alerts", **query))
    real, ours = both.get("/api/v2/alerts/groups")
    assert shape(ours) == shape(real)
    real, ours = both.get("/api/v2/receivers")
    assert sorted(one["name"] for one in ours) == sorted(one["name"] for one in real)
    real, ours = both.get("/api/v2/silences")
    assert {**ours[0], "id": "", "updatedAt": "", "startsAt": "", "endsAt": ""} == {
        **real[0],
        "id": "",
        "updatedAt": "",
        "startsAt": "",
        "endsAt": "",
    }
    for filters in (["a"], ["a=~("], ["=b"]):
        answers = [client.get("/api/v2/alerts", params={"filter": filters}) for client in (both.real, both.ours)]
        assert [one.status_code for one in answers] == [400, 400], filters
    missing = "/api/v2/silence/00000000-0000-0000-0000-000000000000"
    assert both.real.get(missing).status_code == both.ours.get(missing).status_code == 404


def shape(groups: list[dict[str, Any]]) -> list[Any]:
    """Labels, receiver and members of each group, in an order that both can have."""
    return sorted(
        (
            group["receiver"]["name"],
            sorted(group["labels"].items()),
            sorted((one["fingerprint"], one["status"]["state"]) for one in group["alerts"]),
        )
        for group in groups
    )


def test_the_models_are_those_of_the_real_one(both: Both) -> None:
    """Its answers have the fields that ours are described to have; what newer versions add may be missing there."""
    both.post("/api/v2/alerts", [{"labels": A, "annotations": {"s": "x"}, "generatorURL": "http://a/b"}])
    real, ours = both.get("/api/v2/alerts")
    for one in real:
        one["status"].setdefault("mutedBy", [])
    assert set(real[0]) == set(ours[0])
    assert real[0]["generatorURL"] == ours[0]["generatorURL"]
    for answer in (real, ours):
        TypeAdapter(list[models.GettableAlert]).validate_python(answer)
    real, ours = both.get("/api/v2/status")
    real["cluster"].pop("name", None)
    for answer in (real, ours):
        models.AlertmanagerStatus.model_validate(answer)
    assert seconds(ours["uptime"]) <= datetime.now(UTC).timestamp()


def test_the_routing_that_is_shown_routes_as_ours_does(both: Both) -> None:
    """The real Alertmanager runs on `config.original`, and gives every alert to the receivers that we do."""
    tree = RoutesFile.model_validate(FILE).tree
    some = [
        {"alertname": "X", "team": t, "severity": s} for t in ("db", "web", "") for s in ("critical", "page", "x", "")
    ]
    some = [{name: value for name, value in labels.items() if value} for labels in some]
    both.real.post("/api/v2/alerts", json=[{"labels": labels} for labels in some])
    for one in both.real.get("/api/v2/alerts").json():
        expected = {decision.receiver for decision in route(tree, one["labels"])}
        assert {receiver["name"] for receiver in one["receivers"]} == expected
