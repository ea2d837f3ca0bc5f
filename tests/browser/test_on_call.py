"""The page On-call in a real browser: who is on call, gaps, an override, a swap, an absence, and one's own calendar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import icalendar
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from alerts.oncall.config import OnCallFile
from core.people import users
from core.store.open import open_store, reading, writing
from core.store.tables import audit, on_call_override
from tests.browser.axe import violations
from tests.browser.conftest import PASSWORD, Site, Watched, enter, serving
from tests.browser.waits import filled, require_width
from tests.dashboards.seeded import seed

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PEOPLE = ("li.wei", "zhang.min", "zhao.lei")


def oncall(today: datetime) -> OnCallFile:
    """A schedule of days without a gap, and one of working hours only."""
    start = (today - timedelta(days=30)).date()
    days = {"name": "days", "rotation": "daily", "handoff": "09:00", "start": start, "people": list(PEOPLE)}
    office = {
        **days,
        "name": "office",
        "rotation": "weekly",
        "only": [{"days": "workdays", "from": "09:00", "to": "18:00"}],
    }
    schedules: list[dict[str, Any]] = [
        {"name": "platform", "title": "Platform", "timezone": "Asia/Shanghai", "layers": [days]},
        {"name": "billing", "title": "Billing", "timezone": "Asia/Shanghai", "gaps": "allowed", "layers": [office]},
    ]
    titles = {"li.wei": "Li Wei", "zhang.min": "Zhang Min", "zhao.lei": "Zhao Lei"}
    people = [{"name": name, "title": titles[name]} for name in PEOPLE]
    return OnCallFile.model_validate({"people": people, "schedules": schedules})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console with schedules, an operator who is on call and a viewer."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('on-call') / 'store.db'}")
    now = datetime.now(UTC)
    seed(engine, now)
    with writing(engine) as connection:
        for name, role in (("li.wei", "operator"), ("zhang.min", "operator"), ("guest", "viewer")):
            users.add(connection, name=name, role=role, password=PASSWORD, by="test", now=now, language="en")
    with serving(engine, oncall=oncall(now)) as running:
        yield running


def choose(page: Page, field: str, words: str) -> None:
    """Choose in a list by its words."""
    page.locator(f"#{field}").click()
    page.locator(f"#{field}").fill(words)
    page.locator("[role=option]:visible", has_text=words).first.click()


def test_who_is_on_call_and_the_gaps_are_seen_and_the_page_fits_a_phone(
    page: Page, site: Site, watched: Watched
) -> None:
    page.goto(site.url + "/on-call")
    filled(page)
    expect(page.locator("#on-call-now")).to_contain_text("Platform")
    expect(page.locator("#on-call-now .on-call-gap").first).to_contain_text("Billing: nobody is on call")
    expect(page.locator("#on-call-lanes .lane-final .lane-gap").first).to_be_visible()
    expect(page.locator("#on-call-lanes .panel")).to_have_count(2)
    expect(page.locator("#on-call-load")).to_contain_text("Zhao Lei")
    assert violations(page) == []
    page.goto(site.url + "/on-call?schedule=platform&load=ahead")
    filled(page)
    expect(page.locator("#on-call-lanes .panel")).to_have_count(1)
    expect(page.locator("#on-call-lanes .lane-gap")).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".lane-list li").first).to_be_visible()
    require_width(page, 390)
    watched.require_clean()


def test_a_viewer_sees_and_cannot_change(site: Site, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 1366, "height": 900})
    page = context.new_page()
    enter(page, site, "guest")
    page.goto(site.url + "/on-call")
    filled(page)
    expect(page.locator("#on-call-changing")).to_be_hidden()
    expect(page.locator("#on-call-feed")).to_contain_text("You are not among the people")
    context.close()


def test_an_override_is_made_shown_and_taken_back(page: Page, site: Site, watched: Watched) -> None:
    """Times are typed in the viewer's zone, which is Berlin's."""
    page.goto(site.url + "/on-call?schedule=platform")
    filled(page)
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    choose(page, "on-call-person", "Zhao Lei")
    page.locator("#on-call-from").fill(f"{day} 10:00")
    page.locator("#on-call-until").fill("tomorrow")
    page.locator("#on-call-override").click()
    expect(page.get_by_text("A time is missing or cannot be read")).to_be_visible()
    page.locator("#on-call-until").fill(f"{day} 18:00")
    page.locator("#on-call-reason").fill("Li Wei is at the dentist")
    page.locator("#on-call-override").click()
    expect(page.locator("#on-call-changes")).to_contain_text("Zhao Lei takes Platform")
    expect(page.locator("#on-call-from")).to_have_value("")
    expect(page.locator(".lane-override")).to_have_count(1)
    with reading(site.engine) as connection:
        row = connection.execute(select(on_call_override)).one()
        who = connection.execute(select(audit.c.who).where(audit.c.object == f"override/{row.id}")).scalars().all()
    berlin = datetime.combine(day, datetime.min.time(), ZoneInfo("Europe/Berlin"))
    assert (row.starts_at, row.by, who) == (berlin.replace(hour=10).astimezone(UTC), "li.wei", ["li.wei"])
    page.locator("#on-call-changes .on-call-change", has_text="Zhao Lei").get_by_text("Take back").click()
    expect(page.locator("#on-call-changes")).to_contain_text("No override and no absence is in force.")
    expect(page.locator(".lane-override")).to_have_count(0)
    watched.require_clean()


def test_two_shifts_are_swapped_and_somebody_is_marked_away(page: Page, site: Site) -> None:
    page.goto(site.url + "/on-call?schedule=platform")
    filled(page)
    for field, name in (("on-call-first", "Li Wei"), ("on-call-second", "Zhang Min")):
        page.locator(f"#{field}").click()
        page.locator("[role=option]:visible", has_text=name).nth(2).click()
    page.locator("#on-call-swap").click()
    expect(page.locator("#on-call-changes .on-call-change")).to_have_count(2)
    choose(page, "on-call-away", "Zhang Min")
    page.locator("#on-call-away-from").fill("2099-01-01 09:00")
    page.locator("#on-call-away-until").fill("2099-01-05 09:00")
    page.locator("#on-call-mark-away").click()
    expect(page.locator("#on-call-changes")).to_contain_text("Zhang Min is away")
    page.locator("#on-call-away-from").fill("2001-01-01 09:00")
    page.locator("#on-call-away-until").fill("2001-01-05 09:00")
    choose(page, "on-call-away", "Zhang Min")
    page.locator("#on-call-mark-away").click()
    expect(page.get_by_text("which is over; choose a later end.")).to_be_visible()


def test_an_address_of_ones_own_calendar_is_made_read_by_a_program_and_revoked(page: Page, site: Site) -> None:
    page.goto(site.url + "/on-call")
    filled(page)
    page.locator("#on-call-feed-renew").click()
    url = page.locator(".on-call-url").inner_text()
    answer = httpx.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    events = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert {str(one["SUMMARY"]) for one in events} == {"On call: Platform", "On call: Billing"}
    assert httpx.get(url.replace(".ics", "")).status_code in (303, 401)
    page.locator("#on-call-feed-revoke").click()
    expect(page.locator("#on-call-feed")).to_contain_text("You have no calendar address.")
    assert httpx.get(url).status_code == 404
