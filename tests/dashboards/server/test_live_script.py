"""The page's side of the push, in a real browser: no pile-up, a banner when nothing is heard, the login when it ended."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
import uvicorn
from dash import Dash, Input, Output, dcc, html
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import insert

from core.people import users
from core.store.open import writing
from core.store.tables import alert_event
from dashboards.callbacks import guarded
from dashboards.entrance import SESSION_COOKIE
from dashboards.server import create_app
from tests.dashboards.server.conftest import House
from tests.servers.process import answers, free_port, wait_until

pytestmark = pytest.mark.browser


@dataclass
class Stage:
    """A served console whose one callback waits as long as the test wants, and a browser logged in to it."""

    house: House
    page: Page
    running: int = 0
    most: int = 0
    answered: int = 0
    go: threading.Event | None = None
    stop: Callable[[], None] = lambda: None

    def event(self) -> None:
        """Something happens to an alert, so that the server tells all pages."""
        with writing(self.house.console.engine) as connection:
            connection.execute(
                insert(alert_event).values(alert_id=1, at=self.house.clock.now, kind="opened", who="t", detail="")
            )


@pytest.fixture
def stage(bare: House) -> Iterator[Stage]:
    """The stage, its callback free to run."""
    go = threading.Event()
    go.set()
    holder: list[Stage] = []
    lock = threading.Lock()

    def pages(app: Dash) -> None:
        app.layout = html.Div([dcc.Store(id="live"), html.Div("nothing", id="shown")])

        @guarded(app, "see.monitoring", Output("shown", "children"), Input("live", "data"))
        def show(tick: dict[str, object] | None) -> str:
            seen = holder[0]
            with lock:
                seen.running += 1
                seen.most = max(seen.most, seen.running)
            go.wait(60)
            with lock:
                seen.running -= 1
                seen.answered += 1
            return f"tick {tick['tick']}" if tick else "no tick"

    port = free_port()
    bare.console = replace(bare.console, external_url=f"http://127.0.0.1:{port}")
    app = create_app(bare.console, pages)
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: answers(port), "the console's port")

    def stop() -> None:
        go.set()
        server.should_exit = True
        thread.join(20)

    started = bare.session("viewer")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context()
        url = bare.console.external_url
        context.add_cookies(
            [
                {"name": SESSION_COOKIE, "value": started.cookie, "url": url, "httpOnly": True, "sameSite": "Lax"},
                {"name": "bomc_csrf", "value": started.csrf, "url": url, "sameSite": "Strict"},
            ]
        )
        page = context.new_page()
        holder.append(Stage(bare, page, go=go, stop=stop))
        page.goto(url + "/some/page")
        yield holder[0]
        browser.close()
    stop()


def test_a_tick_that_comes_while_the_page_still_waits_is_merged(stage: Stage) -> None:
    """Six changes arrive during one slow answer: afterwards one refresh is asked for, never two at once."""
    page = stage.page
    page.locator("#shown", has_text="tick ").wait_for(timeout=20_000)
    assert stage.go is not None
    heard: list[object] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(frame)))
    page.reload()
    page.locator("#shown", has_text="tick ").wait_for(timeout=20_000)
    stage.go.clear()
    before = stage.answered
    stage.event()
    wait_until_in(page, lambda: stage.running == 1, 15)
    stage.most = 1
    told = len(heard)
    for number in range(6):
        stage.event()
        wait_until_in(page, lambda number=number: len(heard) > told + number, 15)
    assert stage.running == 1
    assert stage.answered == before
    stage.go.set()
    wait_until_in(page, lambda: stage.answered >= before + 2, 15)
    assert stage.most == 1


def test_the_page_says_since_when_it_hears_nothing(stage: Stage) -> None:
    """The server goes away: within half a minute a banner with the time stands on the page."""
    page = stage.page
    page.locator("#shown", has_text="tick ").wait_for(timeout=20_000)
    assert page.locator("#live-lost").count() == 0
    stage.stop()
    page.locator("#live-lost").wait_for(timeout=30_000)
    assert any(character.isdigit() for character in page.locator("#live-lost").inner_text())


def test_the_page_goes_to_the_login_when_its_session_has_ended(stage: Stage) -> None:
    """Whoever is disabled sees the login page, which knows the way back."""
    page = stage.page
    page.locator("#shown", has_text="tick ").wait_for(timeout=20_000)
    with writing(stage.house.console.engine) as connection:
        users.disable(connection, name="viewer", by="admin", now=stage.house.clock.now)
    page.wait_for_url("**/login?next=%2Fsome%2Fpage", timeout=30_000)


def wait_until_in(page: Page, condition: Callable[[], bool], within_s: float) -> None:
    """Poll a condition of the test while the browser's events keep being handled."""
    for _ in range(int(within_s * 20)):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("what the test waits for did not come true")
