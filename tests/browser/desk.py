"""A console in front of a store whose runs people have begun to settle, and the browsers of several people."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import uvicorn
from playwright.sync_api import Browser, Page

from core.people import users
from core.store.open import open_store, writing
from dashboards.context import Console
from dashboards.server import create_app
from dashboards.shell import register_pages
from tests.browser.conftest import PASSWORD, START_S, Site, Watched, enter
from tests.dashboards.desk import CARDS, expectations, furnish, run_again
from tests.dashboards.seeded import seed

PEOPLE = (("li.wei", "operator"), ("zhao.lei", "manager"), ("sun.yi", "auditor"), ("guest", "viewer"))


@contextmanager
def open_desk(home: Path, *, again: bool = False) -> Iterator[Site]:
    """A console on a free port of this machine, whose controls are known; with `again`, a day of it was run twice."""
    engine = open_store(f"sqlite:///{home / 'store.db'}")
    now = datetime.now(UTC)
    seed(engine, now)
    furnish(engine, now, home)
    if again:
        run_again(engine, now)
    with writing(engine) as connection:
        for name, role in PEOPLE:
            users.add(connection, name=name, role=role, password=PASSWORD, by="test", now=now, language="en")
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    console = Console(
        engine,
        lambda: datetime.now(UTC),
        "Jianghai Mobile",
        ZoneInfo("Asia/Shanghai"),
        url,
        demo=True,
        controls=CARDS,
        expectations=expectations,
        home=home,
    )
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


@contextmanager
def another(chromium: Browser, site: Site, name: str) -> Iterator[Page]:
    """The page of another person, in a browser of their own."""
    context = chromium.new_context(viewport={"width": 1366, "height": 900})
    context.set_default_timeout(20_000)
    page = context.new_page()
    enter(page, site, name)
    watched = Watched()
    watched.watch(page, site.url)
    yield page
    context.close()
    watched.require_clean()
