"""Bad input of alerting, case by case: refused with its place and a sentence, and what runs goes on as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.receivers import hook
from tests.bomc.asking import ask
from tests.bomc.estates import bomc, cli, process, write
from tests.servers.process import free_port, wait_until

ROUTES = """\
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  routes:
    - {matchers: [team="db"], receiver: ops}
receivers:
  - name: ops
    webhook_configs: [{url: "URL"}]
  - {name: desk, fallback: ops}
inhibit_rules:
  - {source_matchers: [alertname="A"], target_matchers: [alertname="B"]}
"""
ONCALL = """\
people: [{name: li}, {name: wang}]
schedules:
  - name: city
    timezone: Asia/Shanghai
    layers: [{name: base, rotation: weekly, handoff: "09:00", start: 2026-01-05, people: [li, wang]}]
escalations:
  - {name: a, catch_all: ops, steps: [{schedule: city}]}
  - {name: b, catch_all: ops, steps: [{policy: a}]}
"""
MAINTENANCE = """\
windows:
  - {name: backup, matchers: [target="db-1"], start: "2026-01-04 02:00", duration: 2h, location: Asia/Shanghai}
"""

FILES: dict[str, tuple[str, str, str, str, int]] = {
    # which file, what in it, what instead, what `bomc config check` says of it, with what exit status
    "a route that can never match": (
        "routes",
        'matchers: [team="db"]',
        'matchers: [team="db", team="web"]',
        'routes.yaml:7: no alert can come here: it asks for team="db", and no such alert has team="web"',
        2,
    ),
    "a receiver that does not exist": (
        "routes",
        "receiver: ops}",
        "receiver: nobody}",
        "routes.yaml:7: there is no receiver 'nobody'; the receivers are desk, ops",
        2,
    ),
    "an expression that RE2 does not know": (
        "routes",
        'team="db"',
        'team=~"(?=d)db"',
        "routes.yaml:7: the regular expression '(?=d)db' cannot be used",
        2,
    ),
    "an interval that does not exist": (
        "routes",
        "receiver: ops}",
        "receiver: ops, mute_time_intervals: [night]}",
        "routes.yaml:7: there is no time interval 'night'",
        2,
    ),
    "fall-backs in a ring": (
        "routes",
        "  - name: ops\n",
        "  - name: ops\n    fallback: desk\n",
        "routes.yaml:10: the fall-backs lead round in a ring: ops -> desk -> ops",
        2,
    ),
    "inhibit rules in a ring": (
        "routes",
        "inhibit_rules:\n",
        'inhibit_rules:\n  - {source_matchers: [alertname="B"], target_matchers: [alertname="A"]}\n',
        "note: routes.yaml:13: the inhibit rules 1, 2 may lead round in a ring",
        0,
    ),
    "an inhibit rule of the same on both sides": (
        "routes",
        'alertname="B"',
        'alertname="A"',
        "note: routes.yaml:13: both sides are the same",
        0,
    ),
    "a bad date": ("oncall", "start: 2026-01-05", "start: 2026-02-30", "oncall.yaml:5: ", 2),
    "an unknown time zone of a schedule": (
        "oncall",
        "Asia/Shanghai",
        "Mars/Base",
        "oncall.yaml:4: schedules.0.timezone: 'Mars/Base' is no time zone",
        2,
    ),
    "an unknown time zone of a window": (
        "maintenance",
        "Asia/Shanghai",
        "Mars/Base",
        "maintenance.yaml:2: windows.0.location: 'Mars/Base' is no time zone",
        2,
    ),
    "a schedule with a gap": (
        "oncall",
        "people: [li, wang]}]",
        'people: [li, wang], only: [{days: workdays, from: "09:00", to: "18:00"}]}]',
        "oncall.yaml:5: city: nobody is on call from",
        2,
    ),
    "a cycle of escalations": (
        "oncall",
        "steps: [{schedule: city}]",
        "steps: [{policy: b}]",
        "oncall.yaml:7: ",
        2,
    ),
    "a window that mutes everything": (
        "maintenance",
        'target="db-1"',
        'target=~".+"',
        "maintenance.yaml:2: ",
        2,
    ),
}


def home_of(folder: Path, url: str = "http://127.0.0.1:9/hook") -> Path:
    return write(folder, routes=ROUTES.replace("URL", url), oncall=ONCALL, maintenance=MAINTENANCE)


def test_the_files_that_the_cases_change_are_sound(tmp_path: Path) -> None:
    """So what is said in a case comes from the case."""
    status, said = cli(home_of(tmp_path), "config", "check")
    assert (status, "is sound" in said) == (0, True), said


@pytest.mark.parametrize(("file", "what", "instead", "says", "status"), FILES.values(), ids=FILES.keys())
def test_a_bad_file_is_refused_at_its_line(
    tmp_path: Path, file: str, what: str, instead: str, says: str, status: int
) -> None:
    """With a sentence; what Alertmanager would take, and means something else there, is a note."""
    path = home_of(tmp_path) / "config" / f"{file}.yaml"
    text = path.read_text()
    assert text.count(what) >= 1
    path.write_text(text.replace(what, instead, 1))
    found, said = cli(tmp_path, "config", "check")
    assert says in said
    assert found == status


SOON = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
LONG = "x" * (10 << 20)
SENT: dict[str, tuple[str, Any, int, str]] = {
    # where to, what, with which status it is refused, in which words
    "a silence that would mute everything": (
        "/api/v2/silences",
        {"matchers": [{"name": "alertname", "value": ".+", "isRegex": True}], "endsAt": SOON},
        400,
        "would mute every alert there can be",
    ),
    "a silence by an expression that RE2 does not know": (
        "/api/v2/silences",
        {"matchers": [{"name": "a", "value": "(?=x)", "isRegex": True}], "endsAt": SOON},
        400,
        "cannot be used",
    ),
    "a push without labels": ("/api/v2/alerts", [{"labels": {}}], 400, "alerts[0].labels: the alert has no label"),
    "a push of 10 MB": (
        "/api/v2/alerts",
        [{"labels": {"alertname": LONG}}],
        413,
        "longer than 5242880 bytes; send it in parts",
    ),
    "a push with a bad date": (
        "/api/v2/alerts",
        [{"labels": {"alertname": "A"}, "startsAt": "2026-02-30T00:00:00Z"}],
        400,
        "alerts[0].startsAt: '2026-02-30T00:00:00Z' is no instant",
    ),
    "a reload of bad files": ("/-/reload", {}, 400, "routes.yaml:7: there is no receiver 'nobody'"),
}


def test_what_runs_goes_on_with_what_it_has(tmp_path: Path) -> None:
    """A real `bomc up`, while its files go bad under it and others send it nonsense: each is refused in words, alerts go
    to whom they went before, and another `bomc` that would start on those files does not."""
    with hook() as receiver:
        home, port = home_of(tmp_path, receiver.url), free_port()
        assert cli(home, "db", "upgrade")[0] == 0
        secret = cli(home, "token", "create", "prometheus", "--role", "admin")[1].splitlines()[0].strip()
        bad = ROUTES.replace("URL", receiver.url).replace("receiver: ops}", "receiver: nobody}")
        with process(home, "up", port):
            write(home, routes=bad, oncall="people: [")
            for name, (path, body, status, says) in SENT.items():
                silence = {"startsAt": datetime.now(UTC).isoformat(), "createdBy": "li", "comment": "x"}
                more = silence if isinstance(body, dict) else {}
                found, said = ask(port, secret, path, {**body, **more} if more else body)
                assert (found, says in said) == (status, True), (name, found, said[:300])
            other = bomc(home, "up", port=free_port())
            assert other.returncode == 2
            assert "routes.yaml:7: there is no receiver 'nobody'" in other.stderr
            assert "oncall.yaml:2: this is not YAML" in other.stderr
            assert "nothing was started" in other.stderr
            assert ask(port, secret, "/api/v2/alerts", [{"labels": {"alertname": "A", "team": "db"}}])[0] == 200
            wait_until(lambda: len(receiver.got) >= 1, "the receiver of before is told")
            assert [got.body["receiver"] for got in receiver.got] == ["ops"]
