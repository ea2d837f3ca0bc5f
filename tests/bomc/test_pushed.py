"""A push to a real `bomc`: told by webhook within seconds, and again when its sender has fallen silent."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.store.open import open_store, upgrade
from core.store.tables import alert
from tests.alerts.receivers import Hook, hook
from tests.bomc.estates import bomc, process, rows, write
from tests.servers.process import free_port, wait_until

ROUTES = """
global: {{resolve_timeout: 3s}}
route: {{receiver: ops, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers:
  - name: ops
    webhook_configs: [{{url: "{url}"}}]
"""


@pytest.fixture
def receiver() -> Iterator[Hook]:
    with hook() as made:
        yield made


def home_of(folder: Path, receiver: Hook, store: str) -> Path:
    return write(folder, bomc=f'store: {{url: "{store}"}}\n', routes=ROUTES.format(url=receiver.url))


def push(port: int, secret: str, labels: dict[str, str]) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v2/alerts",
        data=json.dumps([{"labels": labels, "annotations": {"summary": "It is full"}}]).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {secret}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return int(answer.status)


def story(port: int, secret: str, receiver: Hook) -> None:
    """Pushed, told, silent, told that it is over, and why."""
    assert push(port, secret, {"alertname": "DiskFull", "severity": "critical"}) == 200
    wait_until(lambda: len(receiver.got) >= 1, "the webhook is told")
    first = receiver.got[0].body
    assert (first["status"], first["receiver"]) == ("firing", "ops")
    assert first["alerts"][0]["labels"] == {"alertname": "DiskFull", "severity": "critical"}
    wait_until(lambda: receiver.got[-1].body["status"] == "resolved", "the webhook is told that it is over")


def test_one_process(tmp_path: Path, receiver: Hook) -> None:
    """`bomc up` on SQLite: the console takes pushes while the pipeline writes."""
    home, port = home_of(tmp_path / "home", receiver, "sqlite:///bomc.db"), free_port()
    assert bomc(home, "db", "upgrade").returncode == 0
    secret = bomc(home, "token", "create", "prometheus", "--role", "operator").stdout.strip()
    with process(home, "up", port):
        story(port, secret, receiver)
        engine = open_store(f"sqlite:///{home / 'bomc.db'}")
        assert [row.state for row in rows(engine, alert)] == ["resolved"]
        engine.dispose()


def test_console_and_pipeline_apart(tmp_path: Path, receiver: Hook, request: pytest.FixtureRequest) -> None:
    """`bomc serve` takes the push, `bomc run` tells of it, on one PostgreSQL."""
    url = request.getfixturevalue("postgresql").fresh_database()
    engine = open_store(url)
    upgrade(engine)
    console, pipeline = (home_of(tmp_path / name, receiver, url) for name in ("console", "pipeline"))
    secret = bomc(console, "token", "create", "prometheus", "--role", "operator").stdout.strip()
    port = free_port()
    log = pipeline / "run.log"
    with (
        process(console, "serve", port),
        process(pipeline, "run", port, lambda: b"The pipeline runs" in log.read_bytes()),
    ):
        story(port, secret, receiver)
        assert [row.state for row in rows(engine, alert)] == ["resolved"]
    engine.dispose()
