"""A real Chromium in front of a real console on a seeded store, each started here and stopped here."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import uvicorn
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)
from sqlalchemy import Engine

from core.people import users
from core.store.open import open_store, writing
from dashboards.context import Console
from dashboards.server import create_app
from dashboards.shell import register_pages
from tests.dashboards.seeded import seed

PASSWORD = "a long enough password 7"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_S = 30.0
PATIENCE_MS = 20_000
"""A busy machine draws its first chart late; a console that is broken never does."""

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Site:
    """A running console: where it is, and the store behind it."""

    url: str
    engine: Engine


@contextmanager
def serving(engine: Engine, **known: Any) -> Iterator[Site]:
    """A console in front of this store on a free port of this machine; `known` are further fields of its Console."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    zone = ZoneInfo("Asia/Shanghai")
    console = Console(engine, lambda: datetime.now(UTC), "Jianghai Mobile", zone, url, demo=True, **known)
    app = create_app(console, lambda dash: register_pages(dash, console))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until = time.monotonic() + START_S
    while not server.started:
        assert time.monotonic() < until, "the console did not start"
        time.sleep(0.05)
    yield Site(url, engine)
    server.should_exit = True
    thread.join(10)
    engine.dispose()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console on a free port of this machine, with a seeded store and an operator and a viewer."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('browser') / 'store.db'}")
    now = datetime.now(UTC)
    seed(engine, now)
    with writing(engine) as connection:
        for name, role in (("li.wei", "operator"), ("zhang.min", "operator"), ("guest", "viewer")):
            users.add(connection, name=name, role=role, password=PASSWORD, by="test", now=now, language="en")
    with serving(engine) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window; ended with its module, since its event loop would be in the way of others."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("Chromium is not installed; apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Watched:
    """What a page did behind its face: requests to other hosts, complaints of the browser, answers of failure."""

    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def watch(self, page: Page, url: str) -> None:
        """Listen to everything that the page does from now on."""
        own = (url, url.replace("http", "ws", 1), "data:", "blob:")

        def asked(request: Request) -> None:
            if not request.url.startswith(own):
                self.foreign.append(request.url)

        def said(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.complaints.append(message.text)

        def answered(response: Response) -> None:
            if response.status >= 400:
                self.failures.append(f"{response.status} {response.url}")

        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("response", answered)

    def require_clean(self) -> None:
        """Fail with what was seen."""
        assert (self.foreign, self.complaints, self.failures) == ([], [], [])


@pytest.fixture(scope="module")
def logged_in(site: Site, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cookies of an operator who has logged in through the login page."""
    place = tmp_path_factory.mktemp("browser-state") / "operator.json"
    context = chromium.new_context()
    page = context.new_page()
    enter(page, site, "li.wei")
    context.storage_state(path=place)
    context.close()
    return place


def enter(page: Page, site: Site, name: str) -> None:
    """Log in and wait for the overview."""
    page.goto(site.url + "/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_selector("#overview .panel")


@pytest.fixture(scope="module")
def context(chromium: Browser, logged_in: Path) -> Iterator[BrowserContext]:
    """The browser of the logged-in operator, whose clock is in Berlin; pages share its cache as a person's do."""
    made = chromium.new_context(storage_state=logged_in, timezone_id="Europe/Berlin")
    made.set_default_timeout(PATIENCE_MS)
    yield made
    made.close()


@pytest.fixture
def watched() -> Watched:
    """An empty record of what pages do."""
    return Watched()


@pytest.fixture
def page(site: Site, context: BrowserContext, watched: Watched) -> Iterator[Page]:
    """A page whose every request and complaint is recorded."""
    made = context.new_page()
    made.set_viewport_size({"width": 1366, "height": 900})
    watched.watch(made, site.url)
    yield made
    made.close()
