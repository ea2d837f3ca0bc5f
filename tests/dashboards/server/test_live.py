"""The push: closed to strangers before it is accepted, told of changes once, ended with the session."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import uvicorn
from sqlalchemy import insert
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from core.people import users
from core.store.open import writing
from core.store.tables import alert_event
from dashboards.entrance import SESSION_COOKIE
from dashboards.live import AT_LEAST_EVERY_S, SAMPLES_EVERY_S, Watch
from dashboards.server import create_app
from tests.dashboards.server.conftest import House, sample_pages
from tests.servers.process import answers, free_port, wait_until


@contextlib.contextmanager
def served(house: House) -> Iterator[int]:
    """The console behind a real uvicorn on a private port, until the block ends."""
    port = free_port()
    house.console = replace(house.console, external_url=f"http://127.0.0.1:{port}")
    app = create_app(house.console, sample_pages(house))
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: answers(port), "the console's port")
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(20)


def dial(port: int, cookie: str | None, origin: str | None, path: str = "/live") -> ClientConnection:
    headers = {"Cookie": f"{SESSION_COOKIE}={cookie}"} if cookie else {}
    return connect(f"ws://127.0.0.1:{port}{path}", origin=origin, additional_headers=headers, proxy=None)  # type: ignore[arg-type]


def test_strangers_and_foreign_origins_are_refused_before_accept(bare: House) -> None:
    """No cookie, a made-up one, another site's page, no origin at all, or Dash's own end point: HTTP 403."""
    with served(bare) as port:
        ours = f"http://127.0.0.1:{port}"
        good = bare.session("viewer").cookie
        cases = [
            (None, ours, "/live"),
            ("made up", ours, "/live"),
            (good, "http://evil.test", "/live"),
            (good, f"http://127.0.0.1:{port + 1}", "/live"),
            (good, "null", "/live"),
            (good, None, "/live"),
            (good, ours, "/_dash-ws-callback"),
            (good, ours, "/"),
            (None, None, "/_dash-ws-callback"),
        ]
        for cookie, origin, path in cases:
            with pytest.raises(InvalidStatus) as refused:
                dial(port, cookie, origin, path)
            assert refused.value.response.status_code == 403, (cookie, origin, path)
        with dial(port, good, ours) as socket:
            assert json.loads(socket.recv(timeout=10))["tick"] >= 1


def test_a_change_is_told_within_seconds_to_everybody(bare: House) -> None:
    """Two open pages hear of a new alert event by the subject's name."""
    with served(bare) as port, contextlib.ExitStack() as stack:
        ours = f"http://127.0.0.1:{port}"
        sockets = [stack.enter_context(dial(port, bare.session(name).cookie, ours)) for name in ("viewer", "admin")]
        for socket in sockets:
            socket.recv(timeout=10)
        with writing(bare.console.engine) as connection:
            connection.execute(
                insert(alert_event).values(alert_id=1, at=bare.clock.now, kind="opened", who="test", detail="")
            )
        for socket in sockets:
            told = json.loads(socket.recv(timeout=AT_LEAST_EVERY_S))
            while "alerts" not in told["changed"]:
                told = json.loads(socket.recv(timeout=AT_LEAST_EVERY_S))
            assert told["at"].endswith("+00:00")


def listen_to_the_end(socket: ClientConnection) -> None:
    for _ in range(10):
        socket.recv(timeout=20)


def test_the_socket_is_closed_when_the_session_ends(bare: House) -> None:
    """A page that stays open hears nothing more soon after its account was disabled."""
    with served(bare) as port, dial(port, bare.session("viewer").cookie, f"http://127.0.0.1:{port}") as socket:
        socket.recv(timeout=10)
        with writing(bare.console.engine) as connection:
            users.disable(connection, name="viewer", by="admin", now=bare.clock.now)
        with pytest.raises(ConnectionClosed) as closed:
            listen_to_the_end(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


def test_the_substitute_answers_the_same_once(house: House) -> None:
    """Without a socket the page asks for versions and its words, in its viewer's language."""
    found = house.client("viewer").get("/live/now").json()
    assert set(found["versions"]) == {"alerts", "tickets", "reconciliation", "statuses", "samples"}
    assert "{at}" in found["words"]["lost"]
    assert house.client().get("/live/now").status_code == 401


def test_what_is_told_and_when(bare: House) -> None:
    """Changes at once, samples at most every two seconds and never forgotten, silence at most five seconds."""
    watch = Watch(bare.console)
    zero = {"alerts": 0, "samples": 0}
    assert watch.notice(zero, 100.0) == ("alerts", "samples")
    assert watch.notice(zero, 101.0) is None
    assert watch.notice({"alerts": 0, "samples": 1}, 101.5) is None
    assert watch.notice({"alerts": 7, "samples": 1}, 101.6) == ("alerts",)
    assert watch.notice({"alerts": 7, "samples": 1}, 100.0 + SAMPLES_EVERY_S) == ("samples",)
    assert watch.notice({"alerts": 7, "samples": 1}, 102.0 + AT_LEAST_EVERY_S - 0.1) is None
    assert watch.notice({"alerts": 7, "samples": 1}, 102.0 + AT_LEAST_EVERY_S) == ()
