"""The duty desk in a real browser: hand over, sign as another person, do a checklist, plan and finish a change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from core.people import users
from core.store import tables
from core.store.open import open_store, reading, writing
from tests.browser.axe import violations
from tests.browser.conftest import PASSWORD, Site, Watched, serving
from tests.browser.desk import another
from tests.browser.waits import filled, require_width
from tests.dashboards.duty_desk import duty_file, furnish, plans_file
from tests.dashboards.seeded import seed

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PEOPLE = (("li.wei", "operator"), ("zhang.min", "operator"), ("zhao.lei", "manager"), ("guest", "viewer"))
PLACES = ("/duty", "/job-plans?job=1", "/changes?change=1", "/changes?new=1")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console whose desk changed shifts an hour ago, with jobs, a log and changes."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('duty') / 'store.db'}")
    now = datetime.now(UTC)
    seed(engine, now)
    duty, plans = duty_file(now), plans_file(now)
    with writing(engine) as connection:
        for name, role in PEOPLE:
            users.add(connection, name=name, role=role, password=PASSWORD, by="test", now=now, language="en")
    furnish(engine, now, duty, plans)
    with serving(engine, duty=duty, plans=plans) as running:
        yield running


@pytest.mark.parametrize("size", [(1366, 900), (390, 844)], ids=["desk", "phone"])
@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing_serious_and_the_page_fits(
    page: Page, site: Site, watched: Watched, place: str, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme="dark" if size[0] > 400 else "light", reduced_motion="reduce")
    page.goto(site.url + place)
    filled(page)
    expect(page.locator("#page")).to_contain_text("data as of")
    require_width(page, size[0])
    assert violations(page) == []
    watched.require_clean()


def test_a_shift_is_handed_over(page: Page, site: Site, chromium: Browser, watched: Watched) -> None:
    """The outgoing remarks and signs; cannot accept it; the incoming gives it back once, then checks and signs."""
    page.goto(f"{site.url}/duty")
    filled(page)
    fields = page.locator("#handover-fields")
    expect(fields).to_contain_text("Open alerts")
    expect(fields).to_contain_text("New release of the shop")
    fields.locator("input").first.fill("Storage knows of it.")
    page.locator("#handover-to-do").fill("Call shop 7 back.")
    page.locator("#handover-prepare").click()
    view = page.locator("#handover-view")
    expect(view).to_contain_text("Storage knows of it.")
    expect(view).to_contain_text("Nothing changed.")
    expect(page.locator("#handover-accept")).not_to_be_visible()
    with another(chromium, site, "zhang.min") as incoming:
        incoming.goto(f"{site.url}/duty")
        expect(incoming.locator("#handover-view")).to_contain_text("Call shop 7 back.")
        incoming.locator("#handover-refuse").click()
        expect(incoming.get_by_text("This needs a reason; nothing was written.")).to_be_visible()
        incoming.locator("#handover-reason").fill("Which disk?")
        incoming.locator("#handover-refuse").click()
        expect(incoming.locator("#handover-view")).to_contain_text("Given back: Which disk?")
        expect(view).to_contain_text("Given back: Which disk?")  # told without a reload
        page.locator("#handover-to-do").fill("Call shop 7 back; disk /u01.")
        page.locator("#handover-prepare").click()
        expect(incoming.locator("#handover-view")).to_contain_text("disk /u01")  # frozen before the ticket changes
        with writing(site.engine) as connection:
            connection.execute(tables.ticket.update().where(tables.ticket.c.id == 1).values(assignee="zhao.lei"))
        expect(incoming.locator("#handover-view li", has_text="Changed").first).to_be_visible()
        incoming.locator("#handover-accept").click()
        expect(incoming.locator("#handover-view")).to_contain_text("Accepted by")
    with reading(site.engine) as connection:
        row = connection.execute(select(tables.handover).order_by(tables.handover.c.id.desc())).first()
    assert row is not None
    assert (row.state, row.prepared_by, row.accepted_by) == ("accepted", "li.wei", "zhang.min")
    assert [item["key"] for item in row.since_prepared["changed"]] == ["ticket/1"]
    watched.require_clean()


def test_a_checklist_is_done(page: Page, site: Site, watched: Watched, tmp_path: Path) -> None:
    page.goto(f"{site.url}/job-plans")
    filled(page)
    page.locator("#jobs-body").get_by_role("link", name=re.compile("Walk through the machine room")).first.click()
    page.locator("#job-finish").click()
    expect(page.get_by_text(re.compile("is not done yet; it lacks: All backups ran"))).to_be_visible()
    form = page.locator("#job-checklist")
    form.get_by_label("All backups ran").click()
    page.get_by_role("option", name="yes").click()
    form.get_by_label("Room temperature").fill("29.5")
    page.locator("#job-save").click()
    expect(page.get_by_text("29.5 is more than 27; add a remark that says why.")).to_be_visible()
    form.get_by_label("Remark").nth(1).fill("The cooling is being repaired.")
    page.locator("#job-save").click()
    detail = page.locator("#job-detail")
    expect(detail).to_contain_text("out of range")
    expect(detail.get_by_role("link", name=re.compile("ticket #"))).to_be_visible()
    photo = tmp_path / "rack.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n rack")
    page.locator("#job-checklist input[type=file]").set_input_files(photo)
    expect(detail.get_by_role("link", name="rack.png")).to_be_visible()
    with page.expect_download() as got:
        detail.get_by_role("link", name="rack.png").click()
    assert (
        hashlib.sha256(Path(got.value.path()).read_bytes()).hexdigest()
        == hashlib.sha256(b"\x89PNG\r\n\x1a\n rack").hexdigest()
    )
    detail.get_by_role("link", name="Open a ticket").click()
    expect(page.locator("#ticket-new-title")).to_have_value(re.compile("Walk through the machine room "))
    page.locator("#ticket-new-title").fill("Renew the cooling")
    page.get_by_label("What is maintained").fill("The machine room")
    page.locator("#ticket-new-open").click()
    page.locator("#ticket-detail .ticket-links").get_by_role("link", name=re.compile("room-walk ")).click()
    expect(detail.get_by_role("link", name=re.compile("Renew the cooling"))).to_be_visible()
    page.locator("#job-finish").click()
    expect(detail).to_contain_text("Done by")
    expect(page.locator("#job-form")).not_to_be_visible()
    watched.require_clean()


def test_a_change_is_planned_approved_done(page: Page, site: Site, chromium: Browser, watched: Watched) -> None:
    """Overlaps are shown while it is typed; another person approves; its number marks alerts and charts."""
    page.goto(f"{site.url}/changes?new=1")
    filled(page)
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert zone == "Europe/Berlin"
    start = datetime.now(UTC) + timedelta(minutes=10)
    with reading(site.engine) as connection:
        name = connection.scalars(select(tables.target.c.name).order_by(tables.target.c.id)).first()
    page.locator("#change-requirement").fill("REQ-7")
    page.locator("#change-title").fill("Add a disk")
    page.locator("#change-targets").fill(str(name))
    page.get_by_role("option", name=str(name), exact=True).click()
    page.keyboard.press("Escape")
    page.locator("#change-starts").fill(start.isoformat(timespec="minutes"))
    page.locator("#change-ends").fill((start + timedelta(hours=1)).isoformat(timespec="minutes"))
    page.locator("#change-back-out").fill("Take it out.")
    expect(page.locator("#change-overlaps")).to_contain_text("New release of the shop")
    page.locator("#change-plan").click()
    expect(page.get_by_text("This needs a contact; nothing was written.")).to_be_visible()
    page.locator("#change-contact").fill("li.wei")
    page.locator("#change-plan").click()
    page.wait_for_url(re.compile(r"\?change=\d+$"))
    expect(page.locator("#change-detail")).to_contain_text("Add a disk")
    expect(page.locator("#change-approve")).not_to_be_visible()
    with another(chromium, site, "zhao.lei") as boss:
        boss.goto(page.url)
        boss.locator("#change-approve").click()
        expect(boss.locator("#change-detail")).to_contain_text("Approved by")
    page.locator("#change-begin").click()
    expect(page.locator("#change-detail")).to_contain_text("Under way")
    page.locator("#change-result-text").fill("The disk is in.")
    page.locator("#change-end").click()
    expect(page.locator("#change-detail")).to_contain_text("The disk is in.")
    page.goto(f"{site.url}/targets/{name}")
    expect(page.locator("#target-chart .annotation-text", has_text="change 1").first).to_be_visible()
    watched.require_clean()


def test_who_only_looks_has_no_buttons(site: Site, chromium: Browser) -> None:
    """A viewer sees everything and can do nothing; nothing of it is asked for and refused."""
    with another(chromium, site, "guest") as guest:
        for place in PLACES:
            guest.goto(site.url + place)
            filled(guest)
            for button in (
                "handover-prepare",
                "handover-accept",
                "entry-write",
                "job-finish",
                "change-plan",
                "change-begin",
            ):
                expect(guest.locator(f"#{button}")).to_have_count(0)


EAGER = """(() => {
  window.asked = { now: 0, most: 0, all: 0 };
  const real = window.fetch, later = (ms) => new Promise((done) => setTimeout(done, ms));
  window.fetch = async (resource, options) => {
    if (!String((options || {}).body || "").includes("handover-view")) { return real(resource, options); }
    window.asked.all += 1;
    window.asked.now += 1;
    window.asked.most = Math.max(window.asked.most, window.asked.now);
    await later(700);
    const answer = await real(resource, options), read = answer.json.bind(answer);
    answer.json = async () => {
      await later(300);
      const content = await read();
      window.asked.now -= 1;
      return content;
    };
    return answer;
  };
  window.WebSocket = class {
    constructor() {
      this.readyState = 1;
      let tick = 0;
      const tell = () => this.onmessage && this.onmessage({
        data: JSON.stringify({ tick: ++tick, at: new Date().toISOString(), changed: ["samples"] })
      });
      setInterval(tell, 50);
    }
    send() {}
    close() {}
  };
  window.WebSocket.OPEN = 1;
})()"""
"""A page that is told of something new twenty times a second, and whose handover comes and is read slowly."""


def test_ticks_never_start_the_handover_again_before_it_has_come(page: Page, site: Site) -> None:
    """What is started again loses its answer: a page on which everything is slow would never show the handover."""
    page.add_init_script(EAGER)
    page.goto(f"{site.url}/duty")
    expect(page.locator("#handover-foot")).not_to_be_empty()
    page.wait_for_timeout(3000)
    asked = page.evaluate("window.asked")
    assert asked["all"] >= 3
    assert asked["most"] == 1
