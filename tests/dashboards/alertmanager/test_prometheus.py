"""A real Prometheus server with a rule: what fires there is an alert here, and is resolved here when it is there."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from core.store.open import reading
from core.store.tables import alert_event, notify_group
from tests.dashboards.alertmanager.conftest import Site
from tests.dashboards.server.conftest import PASSWORD
from tests.servers import prometheus
from tests.servers.process import Missing, Server

RULES = {
    "groups": [
        {
            "name": "pool",
            "interval": "1s",
            "rules": [
                {
                    "alert": "PoolBusy",
                    "expr": "pool_busy_ratio > 0.9",
                    "labels": {"severity": "critical", "team": "web"},
                    "annotations": {"summary": "{{ $labels.pool }} is at {{ $value }}"},
                }
            ],
        }
    ]
}


class Pool:
    """An exporter with one value that the test sets."""

    def __init__(self) -> None:
        self.busy = 0.1
        pool = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f'# TYPE pool_busy_ratio gauge\npool_busy_ratio{{pool="http-8080"}} {pool.busy}\n'.encode()
                self.send_response(200)
                self.send_header("content-type", "text/plain; version=0.0.4")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the test looks at the alerts."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.address = f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool()
    thread = threading.Thread(target=pool.server.serve_forever, daemon=True)
    thread.start()
    yield pool
    pool.server.shutdown()
    pool.server.server_close()


@contextlib.contextmanager
def watching(folder: Path, pool: Pool, site: Site, way_in: dict[str, object]) -> Iterator[Server]:
    """A Prometheus that looks at the pool each second and pushes to the console, which it reaches by that way."""
    rules = folder / "rules.yml"
    rules.write_text(yaml.safe_dump(RULES))
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "pool", "static_configs": [{"targets": [pool.address]}]}],
        "alerting": {
            "alertmanagers": [
                {"static_configs": [{"targets": [f"127.0.0.1:{site.port}"]}], "api_version": "v2", **way_in}
            ]
        },
    }
    try:
        with prometheus.start(folder, configuration=yaml.safe_dump(configuration)) as server:
            yield server
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("way", ["token", "password"])
def test_a_rule_fires_and_ends(site: Site, pool: Pool, tmp_path: Path, way: str) -> None:
    """Labels, annotations, start and source are Prometheus' own; routed here; resolved by its word, not by silence."""
    way_in: dict[str, object] = (
        {"authorization": {"type": "Bearer", "credentials": site.secrets["operator"]}}
        if way == "token"
        else {"basic_auth": {"username": "operator", "password": PASSWORD}}
    )
    with watching(tmp_path, pool, site, way_in):
        pool.busy = 0.97
        (row,) = site.until(site.alerts)
        assert row.labels == {
            "alertname": "PoolBusy",
            "instance": pool.address,
            "job": "pool",
            "pool": "http-8080",
            "severity": "critical",
            "team": "web",
        }
        assert row.annotations == {"summary": "http-8080 is at 0.97"}
        assert (row.severity, row.state, row.target) == ("critical", "firing", pool.address)
        pool.busy = 0.2
        (row,) = site.until(lambda: [one for one in site.alerts() if one.resolved_at])
    with reading(site.console.engine) as connection:
        events = connection.execute(select(alert_event.c.kind, alert_event.c.detail).order_by(alert_event.c.id)).all()
        assert connection.scalars(select(notify_group.c.receiver)).all() == ["pager"]
    assert [kind for kind, _ in events if kind in ("opened", "resolved")] == ["opened", "resolved"]
    assert any(kind == "resolved" and detail.startswith("its sender says that it is over") for kind, detail in events)


def test_a_prometheus_that_nobody_knows_changes_nothing(site: Site, pool: Pool, tmp_path: Path) -> None:
    """Its log says 401; here is no alert."""
    with watching(tmp_path, pool, site, {}) as server:
        pool.busy = 0.97
        site.until(lambda: "401 Unauthorized" in server.files["log"].read_text())
        assert site.alerts() == []
