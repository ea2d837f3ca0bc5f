"""A console for API v2: one in memory with a clock that the tests move, and one on a port for the tools of others."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import uvicorn
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from alerts import pipeline
from alerts.config import RoutesFile
from core.people import tokens, users
from core.people.rights import ROLES
from core.store.open import open_store, reading, writing
from core.store.tables import alert
from dashboards.context import Console
from dashboards.server import create_app
from tests.dashboards.server.conftest import NOON, PASSWORD, Clock
from tests.stores import NewStore

URL = "http://console.test"
PATIENCE_S = 30.0
FILE = {
    "route": {
        "receiver": "duty",
        "group_by": ["alertname"],
        "group_wait": "0s",
        "group_interval": "1m",
        "repeat_interval": "1h30m",
        "routes": [
            {"receiver": "db", "matchers": ['team="db"'], "continue": True},
            {"receiver": "pager", "matchers": ["severity=~critical|page"], "group_by": ["..."]},
            {"receiver": "duty", "matchers": ["team=never"], "mute_time_intervals": ["always"]},
        ],
    },
    "inhibit_rules": [
        {
            "name": "the host is down",
            "source_matchers": ['alertname="HostDown"', "severity=page"],
            "target_matchers": ["alertname!=HostDown"],
            "equal": ["instance"],
        }
    ],
    "time_intervals": [
        {
            "name": "always",
            "time_intervals": [
                {"weekdays": ["sunday:saturday"], "times": [{"start_time": "00:00", "end_time": "24:00"}]},
                {"months": ["1:2"], "days_of_month": ["-3:-1"], "years": [2026], "location": "Asia/Shanghai"},
            ],
        }
    ],
    "receivers": [
        {"name": "duty"},
        {"name": "db"},
        {"name": "pager", "webhook_configs": [{"url": "http://127.0.0.1:9/secret-hook"}]},
    ],
}


@dataclass
class Desk:
    """A console with a machine for each role, and the store behind it."""

    console: Console
    clock: Clock
    secrets: Mapping[str, str]
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.app = create_app(self.console, None)
        self.client = self.machine("operator")

    def machine(self, role: str) -> TestClient:
        """A machine with the token of that role."""
        client = TestClient(self.app, base_url=URL, follow_redirects=False, raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {self.secrets[role]}"
        return client

    def push(self, *alerts: Any) -> None:
        """Push; every one must be taken."""
        answer = self.client.post("/api/v2/alerts", json=list(alerts))
        assert answer.status_code == 200, answer.text
        assert answer.content == b""

    def shown(self, *filters: str, path: str = "/api/v2/alerts", **wanted: str) -> list[dict[str, Any]]:
        """What API v2 shows with these filters."""
        query: list[tuple[str, str]] = [("filter", one) for one in filters] + list(wanted.items())
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def tick(self) -> pipeline.Handled:
        """What the pipeline does each second."""
        with writing(self.console.engine) as connection:
            return pipeline.tick(connection, self.console.routes, self.clock(), self.console.external_url)

    def rows(self, table: Any = alert) -> Sequence[Any]:
        with reading(self.console.engine) as connection:
            return connection.execute(select(table).order_by(*table.primary_key)).all()


def furnish(engine: Engine, *, people: Sequence[str] = ()) -> dict[str, str]:
    """A token for each role, and these people, whose names are their roles; the tokens' secrets by role."""
    with writing(engine) as connection:
        for role in people:
            users.add(connection, name=role, role=role, password=PASSWORD, by="test", now=NOON, language="en")
        return {role: tokens.create(connection, name=f"m-{role}", role=role, by="test", now=NOON) for role in ROLES}


def seat(engine: Engine) -> Desk:
    """A console without pages on that store."""
    clock = Clock()
    file = RoutesFile.model_validate(FILE)
    console = Console(engine, clock, "Test", ZoneInfo("Asia/Shanghai"), external_url=URL, version="1.2.3", routes=file)
    return Desk(console, clock, furnish(engine))


@pytest.fixture
def desk(new_sqlite: NewStore, tmp_path: Path) -> Iterator[Desk]:
    """A console on SQLite, for what does not depend on the kind of store."""
    with new_sqlite(tmp_path) as url:
        engine = open_store(url)
        yield seat(engine)
        engine.dispose()


@pytest.fixture
def each_desk(store: Engine) -> Desk:
    """A console on a store of each kind."""
    return seat(store)


@dataclass
class Site:
    """A console on a port of this machine."""

    url: str
    console: Console
    secrets: Mapping[str, str]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def with_password(self, role: str, password: str = PASSWORD) -> str:
        """The URL with the name and password of that person in it."""
        return self.url.replace("http://", f"http://{role}:{password.replace(' ', '%20')}@")

    def until(self, reached: Any, tick: bool = True) -> Any:
        """Wait for something to hold, ticking as the pipeline does meanwhile."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            if tick:
                with writing(self.console.engine) as connection:
                    pipeline.tick(connection, self.console.routes, datetime.now(UTC), self.url)
            found = reached()
            if found:
                return found
            assert time.monotonic() < deadline, "it did not come to pass"
            time.sleep(0.1)

    def alerts(self) -> Sequence[Any]:
        with reading(self.console.engine) as connection:
            return connection.execute(select(alert).order_by(alert.c.id)).all()


@contextmanager
def serving(engine: Engine, secrets: Mapping[str, str]) -> Iterator[Site]:
    """A console without pages in front of this store, on a free port, with the real clock."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    console = Console(engine, lambda: datetime.now(UTC), "Test", ZoneInfo("Asia/Shanghai"), external_url=url)
    console = replace(console, version="1.2.3", routes=RoutesFile.model_validate(FILE))
    server = uvicorn.Server(uvicorn.Config(create_app(console, None), log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not server.started:
        assert time.monotonic() < deadline, "the console did not start"
        time.sleep(0.02)
    try:
        yield Site(url, console, secrets)
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def site(store: Engine) -> Iterator[Site]:
    """The same on a store of each kind, with an operator and a viewer who have passwords."""
    secrets = furnish(store, people=("operator", "viewer"))
    with serving(store, secrets) as running:
        yield running
