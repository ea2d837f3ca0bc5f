"""A console in front of a store whose runs people have begun to settle, and the browsers of several people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page

from core.people import users
from core.store.open import open_store, writing
from tests.browser.conftest import PASSWORD, Site, Watched, enter, serving
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
    with serving(engine, controls=CARDS, expectations=expectations, home=home) as running:
        yield running


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
