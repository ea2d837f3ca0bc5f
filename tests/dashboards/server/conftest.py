"""A console on a private store with one person and one machine for each role, and a clock that the tests move."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dash import ALL, MATCH, Dash, Input, Output, State, dcc, html
from fastapi import FastAPI
from sqlalchemy import Engine, insert
from starlette.testclient import TestClient

from core.people import sessions, tokens, users
from core.people.rights import ROLES
from core.store.open import open_store, reading, upgrade, writing
from core.store.tables import alert, ticket
from dashboards.callbacks import guarded
from dashboards.context import Console, current_viewer
from dashboards.entrance import CSRF_COOKIE, SESSION_COOKIE
from dashboards.server import create_app

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PASSWORD = "seven brown otters"
URL = "http://console.test"


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class House:
    """The console under test with everything that a test needs to come in."""

    console: Console
    clock: Clock
    tokens: dict[str, str]
    app: FastAPI = field(default_factory=FastAPI)
    gates: dict[str, threading.Event] = field(default_factory=dict)

    def session(self, name: str) -> sessions.Started:
        """A session as after a login."""
        with writing(self.console.engine) as connection:
            return sessions.begin(
                connection,
                owner=users.require(connection, name),
                address="127.0.0.1",
                idle=self.console.idle,
                lifetime=self.console.lifetime,
                now=self.clock.now,
            )

    def client(self, name: str | None = None) -> TestClient:
        """A browser, logged in as that person or a stranger's; it follows no redirects."""
        client = TestClient(self.app, base_url=URL, follow_redirects=False, raise_server_exceptions=False)
        if name is not None:
            started = self.session(name)
            client.cookies.set(SESSION_COOKIE, started.cookie)
            client.cookies.set(CSRF_COOKIE, started.csrf)
            client.headers["X-CSRFToken"] = started.csrf
            client.headers["Origin"] = URL
        return client

    def machine(self, role: str) -> TestClient:
        """A machine with the token of that role."""
        client = TestClient(self.app, base_url=URL, follow_redirects=False, raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {self.tokens[role]}"
        return client


def sample_pages(house: House) -> Callable[[Dash], None]:
    """Pages small enough to foresee every answer: one callback of each shape, and one right above everybody's."""

    def register(app: Dash) -> None:
        app.layout = html.Div([dcc.Store(id="live"), html.Div(id="shown"), html.Div(id="admin"), html.Div(id="slow")])

        @guarded(app, "see.monitoring", Output("shown", "children"), Input("live", "data"), State("live", "id"))
        def show(data: object, _id: object) -> str:
            return f"{current_viewer().name} in {threading.current_thread().name}"

        @guarded(app, "admin.users", Output("admin", "children"), Output("admin", "title"), Input("live", "data"))
        def administer(data: object) -> tuple[str, str]:
            return "secret", "secret"

        @guarded(app, "tickets.work", Output({"n": MATCH}, "children"), Input({"n": MATCH}, "n_clicks"))
        def work(clicks: object) -> str:
            return f"{clicks}"

        @guarded(app, "see.alerts", Output("all", "children"), Input({"n": ALL}, "n_clicks"))
        def count(clicks: list[object]) -> str:
            return f"{len(clicks)}"

        @guarded(app, "see.monitoring", Output("slow", "children"), Input("live", "data"))
        def wait_for_quick(data: object) -> str:
            return "went on" if house.gates["quick"].wait(30) else "nobody came"

        @guarded(app, "see.monitoring", Output("quick", "children"), Input("live", "data"))
        def quick(data: object) -> str:
            house.gates["quick"].set()
            return "quick"

        @guarded(app, "see.monitoring", Output("broken", "children"), Input("live", "data"))
        def broken(data: object) -> str:
            raise RuntimeError("a secret of the inside")

        app.clientside_callback("function (x) { return x; }", Output("client", "children"), Input("live", "data"))

    return register


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a person and a machine for each role, an alert and a ticket; copied for each test."""
    path = tmp_path_factory.mktemp("furnished") / "bomc.sqlite"
    engine = open_store(f"sqlite:///{path}")
    upgrade(engine)
    with writing(engine) as connection:
        for role in ROLES:
            users.add(connection, name=role, role=role, password=PASSWORD, by="test", now=NOON, language="en")
            secret = tokens.create(connection, name=f"m-{role}", role=role, by="test", now=NOON)
            (path.parent / f"{role}.token").write_text(secret)
        connection.execute(insert(alert).values(**an_alert()))
        connection.execute(insert(ticket).values(**a_ticket()))
        connection.exec_driver_sql("SELECT 1")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


def an_alert() -> dict[str, object]:
    return {
        "id": 1,
        "fingerprint": "f",
        "check_name": "disk-full",
        "target": "host-1",
        "labels": {"alertname": "disk-full", "severity": "critical"},
        "annotations": {},
        "severity": "critical",
        "state": "firing",
        "value": 0.97,
        "opened_at": NOON,
        "updated_at": NOON,
        "demo": False,
    }


def a_ticket() -> dict[str, object]:
    return {
        "id": 1,
        "kind": "fault",
        "title": "The disk is full",
        "description": "",
        "priority": "high",
        "state": "open",
        "opened_by": "routes",
        "opened_at": NOON,
        "alert_id": 1,
        "demo": False,
    }


@pytest.fixture
def engine(furnished: Path, tmp_path: Path) -> Iterator[Engine]:
    """A copy of the furnished store for this test alone."""
    path = tmp_path / "bomc.sqlite"
    path.write_bytes(furnished.read_bytes())
    engine = open_store(f"sqlite:///{path}")
    with reading(engine) as connection:
        assert len(users.everybody(connection)) == len(ROLES)
    yield engine
    engine.dispose()


@pytest.fixture
def bare(engine: Engine, furnished: Path) -> House:
    """The house without an application."""
    clock = Clock()
    console = Console(engine, clock, "Test Telecom", ZoneInfo("Asia/Shanghai"), external_url=URL)
    secrets = {role: (furnished.parent / f"{role}.token").read_text() for role in ROLES}
    return House(console, clock, secrets, gates={"quick": threading.Event()})


@pytest.fixture
def house(bare: House) -> House:
    """The house with the sample pages."""
    bare.app = create_app(bare.console, sample_pages(bare))
    return bare
