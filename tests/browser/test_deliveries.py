"""In a real browser: the phone page without scripts at 390 pixels, a dead letter sent again, and jobs that fell silent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import insert, select, update

from alerts.delivery import phone
from alerts.heartbeats import OUTWARD, pings
from alerts.heartbeats.config import Heartbeat
from core.people import users
from core.store.open import open_store, reading, writing
from core.store.tables import alert, channel_trouble, delivery, pulse
from tests.browser.axe import violations
from tests.browser.conftest import PASSWORD, Site, Watched, enter, serving
from tests.browser.waits import filled, require_width
from tests.dashboards.seeded import seed

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

JOBS = [
    Heartbeat.model_validate({"name": name, "every": "1h", "grace": "5m", "owner": owner, "runbook": "Run it by hand."})
    for name, owner in (("billing-export", "wang.fang"), ("cdr-archive", "li.wei"), ("bank-files", ""), ("new-job", ""))
]
PLACES = ("/heartbeats?job=cdr-archive", "/deliveries?letter=1")
SIZES = {"a desk": (1366, 900), "a phone": (390, 844)}
ERROR = "https://chat.example.org answered 500 Internal Server Error: upstream is away"


def _letters(engine: object, now: datetime) -> None:
    body = {"status": "firing", "alerts": [], "commonLabels": {"alertname": "disk-full", "target": "billing-db-01"}}
    message = {"body": body, "firing": [1, 2], "resolved": [], "at": now.isoformat(), "demo": False, "reason": ""}
    row = {"receiver": "duty-chat", "channel": "apprise", "settings": 0, "message": message, "attempts": 9}
    with writing(engine) as connection:  # type: ignore[arg-type]
        for number, state in enumerate(("dead", "dead", "pending"), 1):
            at = now - timedelta(minutes=10 * number)
            values = {**row, "key": f"k{number}", "state": state, "created_at": at, "due_at": at, "last_error": ERROR}
            done = at if state == "dead" else None
            note = "receiver duty-mail is told instead" if state == "dead" else None
            connection.execute(insert(delivery).values(**values, done_at=done, note=note))
        place = {"receiver": "duty-chat", "channel": "apprise", "settings": 0, "tries": 9, "error": ERROR}
        connection.execute(
            insert(channel_trouble).values(**place, failing_since=now - timedelta(minutes=9), tried_at=now)
        )


def _heard(engine: object, now: datetime) -> None:
    with writing(engine) as connection:  # type: ignore[arg-type]
        pings.watch(connection, [job.name for job in JOBS], now - timedelta(days=1))
        for name in ("billing-export", "cdr-archive", "bank-files"):
            token = pings.renew(connection, name, "test", now)
            for ago in (300, 240, 180, 120):
                pings.hear(connection, token, "success", now - timedelta(minutes=ago), 0, b"12 files written")
            if name == "cdr-archive":
                output = (
                    b"cp: cannot create regular file '/archive/2026-11-30/cdr-0042.gz': No space left on device\n" * 3
                )
                pings.hear(connection, token, "fail", now - timedelta(minutes=30), 28, output)
            if name == "billing-export":
                pings.hear(connection, token, "success", now - timedelta(minutes=3))
        detail = {"sent_at": (now - timedelta(seconds=20)).isoformat(), "failing_since": None, "error": ""}
        connection.execute(insert(pulse).values(name=OUTWARD, at=now, detail=detail))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console with dead letters, jobs in every state, and an operator and a viewer."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('deliveries') / 'store.db'}")
    now = datetime.now(UTC)
    seed(engine, now)
    with writing(engine) as connection:
        connection.execute(delivery.delete())
        for name, role in (("li.wei", "operator"), ("guest", "viewer")):
            users.add(connection, name=name, role=role, password=PASSWORD, by="test", now=now, language="en")
    _letters(engine, now)
    _heard(engine, now)
    with serving(engine, heartbeats=JOBS) as running:
        yield running


@pytest.mark.parametrize(("size", "scheme"), [("a desk", "dark"), ("a phone", "light")])
@pytest.mark.parametrize("place", PLACES)
def test_pages_fit_and_axe_finds_nothing_serious(
    page: Page, site: Site, watched: Watched, place: str, size: str, scheme: str
) -> None:
    """On a desk and a phone, dark and light: no complaint, no other host, no sideways scrolling."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.goto(site.url + place)
    filled(page)
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
    expect(page.locator("#page")).to_contain_text("data as of")
    require_width(page, width)
    assert violations(page) == []
    watched.require_clean()


def test_a_dead_letter_is_sent_again(page: Page, site: Site) -> None:
    """From the count in the navigation to the letter, why it did not arrive, and back into the outbox."""
    page.goto(site.url)
    expect(page.locator("#nav-send")).to_have_text("2")
    page.locator(".shell-nav a", has_text="Deliveries").click()
    page.locator(".alert-row", has_text="duty-chat").nth(1).click()
    expect(page.locator("#letter-detail")).to_contain_text("upstream is away")
    expect(page.locator("#letter-detail")).to_contain_text("receiver duty-mail is told instead")
    page.locator("#letter-resend").click()
    expect(page.locator("#notices, .mantine-Notifications-root").first).to_contain_text("on its way again")
    expect(page.locator("#nav-send")).to_have_text("1")
    expect(page.locator("#letter-resend")).to_be_hidden()
    with reading(site.engine) as connection:
        notes = list(connection.scalars(select(delivery.c.note).where(delivery.c.resent_at.is_not(None))))
    assert notes == ["sent again by li.wei"]


def test_who_only_looks_has_no_button(chromium: Browser, site: Site) -> None:
    """A viewer sees what did not arrive and cannot send it."""
    context = chromium.new_context()
    page = context.new_page()
    enter(page, site, "guest")
    page.goto(site.url + "/deliveries?letter=2")
    filled(page)
    expect(page.locator("#letter-detail")).to_contain_text("duty-chat")
    assert page.locator("#letter-resend").count() == 0
    context.close()


def test_a_failed_job_shows_what_it_said(page: Page, site: Site) -> None:
    """Worst first; its output and exit status beside it; filters stay in the address."""
    page.goto(site.url + "/heartbeats")
    filled(page)
    first = page.locator(".alert-row").first
    expect(first).to_contain_text("cdr-archive")
    first.click()
    expect(page.locator("#heartbeat-detail")).to_contain_text("No space left on device")
    expect(page.locator("#heartbeat-detail")).to_contain_text("exit status 28")
    page.locator(".chip", has_text="Job late").click()
    expect(page).to_have_url(f"{site.url}/heartbeats?state=late")
    expect(page.locator("#heartbeats-list")).not_to_contain_text("cdr-archive")


def _link(site: Site, number: int) -> str:
    now = datetime.now(UTC)
    with writing(site.engine) as connection:
        connection.execute(update(alert).where(alert.c.id == number).values(resolved_at=None, acknowledged_by=None))
        return f"{site.url}/m/{phone.issue(connection, number, 'duty-chat', now)}"


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("zh-CN", "dark")])
def test_the_phone_page_without_scripts(chromium: Browser, site: Site, language: str, scheme: str) -> None:
    """390 pixels, no JavaScript, nothing asked of anybody else; one press acknowledges, the second time it is over."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844},
        java_script_enabled=False,
        locale=language,
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    watched = Watched()
    watched.watch(page, site.url)
    link = _link(site, 1)
    answer = page.goto(link)
    assert answer is not None
    assert len(answer.body()) < 100_000
    expect(page.locator("svg .line")).to_be_visible()
    box = page.locator("main").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390
    watched.require_clean()
    page.fill("#note", "on my way")
    page.locator("form").first.locator("button").click()
    words = "It is yours now." if language == "en" else "现由您负责"
    expect(page.locator("[role=status]")).to_contain_text(words)
    assert page.locator("form").count() == 0
    page.goto(link)
    expect(page.locator("nav a", has_text="Log in" if language == "en" else "登录")).to_be_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_serious_on_the_phone_page(chromium: Browser, site: Site, scheme: str) -> None:
    """With its forms, in both schemes; scripts only for the tool itself."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme=scheme,
        bypass_csp=True,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(_link(site, 1))
    require_width(page, 390)
    assert violations(page) == []
    context.close()


def test_passing_on_from_the_phone(chromium: Browser, site: Site) -> None:
    """The browser itself asks for the reason; with one, the alert stays open and says who could not take it."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="en")
    page = context.new_page()
    page.goto(_link(site, 1))
    page.locator("button.second").click()
    expect(page.locator("button.second")).to_be_visible()
    page.fill("#why", "on a plane")
    page.locator("button.second").click()
    expect(page.locator("[role=status]")).to_contain_text("Passed on")
    expect(page.locator("ol")).to_contain_text("passed on")
    context.close()
