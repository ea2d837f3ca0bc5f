"""The same timed pushes into a real Alertmanager and into us, at the same time: the webhook logs of both, compared.

Instants are not: Alertmanager looks at a group every `group_interval`, we look when something is due. What is told of each
group, in which order, with which alerts in which state, is the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from sqlalchemy import Engine

from alerts import pipeline, pushed
from alerts.config import RoutesFile
from alerts.delivery.outbox import deliver_due
from alerts.delivery.sending import Io
from alerts.muting import silences
from alerts.muting.silences import Spec
from alerts.routes.matchers import parse_matchers
from core.store.open import writing
from tests.alerts.receivers import Hook, hook
from tests.servers import alertmanager
from tests.servers.process import Missing

Labels = dict[str, str]
ENDS, QUIET, LOUD = "resolve", "silence", "expire"
A1, A2, A3 = ({"alertname": "A", "n": number, "team": "db"} for number in "123")
CAUSE, EFFECT = {"alertname": "HostDown", "i": "db-1"}, {"alertname": "Slow", "i": "db-1"}
HELD, LONE, MAIL = {"alertname": "Held"}, {"alertname": "Lone", "severity": "page"}, {"alertname": "Mail"}

SCRIPT: list[tuple[float, str, list[Labels]]] = [
    # seconds, what is done, with which alerts; groups of Alertmanager are looked at 1, 4, 7, 10, 13 seconds after zero
    (0.0, QUIET, [HELD]),
    (0.1, "fire", [A1, A2, CAUSE, EFFECT, HELD, LONE, MAIL]),
    (2.5, "fire", [A3]),  # a new one in a group that was told
    (5.5, ENDS, [A1, MAIL]),  # one of three; one whose receiver wants no resolves
    (5.5, LOUD, [HELD]),
    (8.5, ENDS, [A2, A3, CAUSE, HELD]),  # all of a group; the cause of what is inhibited
    (11.5, ENDS, [EFFECT, LONE]),
]
EXPECTED: dict[str, list[tuple[str, list[str]]]] = {
    # messages of each group: status, and its alerts with theirs
    "ops A": [
        ("firing", ["1 firing", "2 firing"]),
        ("firing", ["1 firing", "2 firing", "3 firing"]),
        ("firing", ["1 resolved", "2 firing", "3 firing"]),
        ("resolved", ["2 resolved", "3 resolved"]),
    ],
    "ops HostDown": [("firing", [" firing"]), ("resolved", [" resolved"])],
    "ops Slow": [("firing", [" firing"]), ("resolved", [" resolved"])],
    "ops Held": [("firing", [" firing"]), ("resolved", [" resolved"])],
    "pager Lone": [("firing", [" firing"])] * 2 + [("resolved", [" resolved"])],
    "ops Lone": [("firing", [" firing"]), ("resolved", [" resolved"])],
    "mail Mail": [("firing", [" firing"])],
}
PATIENCE_S = 23.0


def routing(address: str) -> dict[str, Any]:
    """A configuration that both read: continue, a repeat, a receiver without resolves, an inhibit rule, small timers."""
    hooks = {"ops": True, "pager": True, "mail": False}
    return {
        "route": {
            "receiver": "ops",
            "group_by": ["alertname"],
            "group_wait": "1s",
            "group_interval": "3s",
            "repeat_interval": "1h",
            "routes": [
                {"matchers": ['severity="page"'], "receiver": "pager", "repeat_interval": "5500ms", "continue": True},
                {"matchers": ['alertname=~"Ma.l"'], "receiver": "mail"},
                {"matchers": ['alertname=~".+"'], "receiver": "ops"},
            ],
        },
        "inhibit_rules": [
            {"source_matchers": ['alertname="HostDown"'], "target_matchers": ['alertname="Slow"'], "equal": ["i"]}
        ],
        "receivers": [
            {"name": name, "webhook_configs": [{"url": f"{address}/{name}", "send_resolved": ends}]}
            for name, ends in hooks.items()
        ],
    }


def body(alerts: list[Labels], ends_at: datetime | None) -> list[dict[str, Any]]:
    end = {} if ends_at is None else {"endsAt": ends_at.isoformat()}
    return [{"labels": labels, "annotations": {"summary": "so it is"}, **end} for labels in alerts]


class Real:
    """The real one."""

    def __init__(self, url: str, log: Hook) -> None:
        self.api, self.log = httpx.Client(base_url=url + "/api/v2", timeout=10), log
        self.silence = ""

    def do(self, what: str, alerts: list[Labels], now: datetime) -> None:
        if what == QUIET:
            matchers = [{"name": "alertname", "value": alerts[0]["alertname"], "isRegex": False}]
            span = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=1)).isoformat()}
            made = self.api.post("/silences", json={"matchers": matchers, **span, "createdBy": "li", "comment": "x"})
            self.silence = made.json()["silenceID"]
        elif what == LOUD:
            self.api.delete(f"/silence/{self.silence}").raise_for_status()
        else:
            sent = body(alerts, now if what == ENDS else None)
            self.api.post("/alerts", json=sent).raise_for_status()

    def look(self, now: datetime) -> None:
        """It looks by itself."""


class Ours:
    """Ours: the pipeline and the outbox on a store."""

    def __init__(self, engine: Engine, routes: RoutesFile, log: Hook) -> None:
        self.engine, self.routes, self.log = engine, routes, log
        self.silence = ""

    def do(self, what: str, alerts: list[Labels], now: datetime) -> None:
        with writing(self.engine) as connection:
            if what == QUIET:
                spec = Spec(parse_matchers(f"alertname={alerts[0]['alertname']}"), now, now + timedelta(hours=1), "x")
                self.silence = silences.create(connection, spec, "li", now)
            elif what == LOUD:
                silences.expire(connection, self.silence, "li", now)
            else:
                sent = json.dumps(body(alerts, now if what == ENDS else None)).encode()
                read = pushed.read(sent, now, timedelta(minutes=5))
                pipeline.push(connection, read.alerts, "token:prometheus", self.routes, now)

    def look(self, now: datetime) -> None:
        """What `bomc run` does all the time."""
        with writing(self.engine) as connection:
            pipeline.tick(connection, self.routes, now)
        deliver_due(self.engine, self.routes, lambda: datetime.now(UTC), Io())


def told(log: Hook) -> dict[str, list[tuple[str, list[str]]]]:
    """A webhook log by groups: status and alerts of each message, in order."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for got in list(log.got):
        alerts = sorted(f"{one['labels'].get('n', '')} {one['status']}" for one in got.body["alerts"])
        name = f"{got.body['receiver']} {got.body['groupLabels']['alertname']}"
        found.setdefault(name, []).append((got.body["status"], alerts))
    return found


@pytest.fixture
def both(light: Engine, tmp_path: Path) -> Iterator[tuple[Real, Ours]]:
    """Each with the same routes, a log of its own, and nothing in it."""
    with hook() as theirs, hook() as mine:
        files = [routing(f"http://127.0.0.1:{log.port}") for log in (theirs, mine)]
        try:
            with alertmanager.start(tmp_path, configuration=yaml.safe_dump(files[0])) as server:
                yield Real(server.url, theirs), Ours(light, RoutesFile.model_validate(files[1]), mine)
        except Missing as missing:
            pytest.skip(str(missing))


def test_the_same_pushes_make_the_same_webhook_log(both: tuple[Real, Ours]) -> None:
    """Grouping, a new alert in a told group, partial and whole resolves, a repeat, an inhibited alert after its cause, a
    silenced one after its silence, continue, and a receiver that wants no resolves."""
    begun = time.monotonic()
    waiting = list(SCRIPT)
    while time.monotonic() - begun < PATIENCE_S:
        now = datetime.now(UTC)
        while waiting and time.monotonic() - begun >= waiting[0][0]:
            _, what, alerts = waiting.pop(0)
            for one in both:
                one.do(what, alerts, now)
        for one in both:
            one.look(now)
        if not waiting and all(told(one.log) == EXPECTED for one in both):
            break
        time.sleep(0.1)
    real, ours = (told(one.log) for one in both)
    assert ours == real
    assert ours == EXPECTED
    assert common(both[1].log) == common(both[0].log)


def common(log: Hook) -> dict[str, list[Any]]:
    """What else the bodies say alike: version, labels and annotations in common, fingerprints."""
    found: dict[str, list[Any]] = {}
    for got in log.got:
        prints = sorted(one["fingerprint"] for one in got.body["alerts"])
        parts = [got.body[name] for name in ("version", "commonLabels", "commonAnnotations", "truncatedAlerts")]
        found.setdefault(f"{got.body['receiver']} {got.body['groupLabels']}", []).append([*parts, prints])
    return found
