"""The alerts page by keyboard and in bulk, and the page Silences, in a real browser; axe and a phone's width."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from core.people import users
from core.store.open import open_store, reading, writing
from core.store.tables import alert, shelf, silence, ticket
from tests.browser.axe import violations
from tests.browser.conftest import PASSWORD, Site, Watched, serving
from tests.browser.desk import another
from tests.browser.waits import filled, require_width
from tests.dashboards.alert_world import FIRST, SHELVED, SILENCED, furnish
from tests.dashboards.seeded import seed

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console whose alerts have causes, with a silence, a shelf, and a proposal that waits."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('alert-desk') / 'store.db'}")
    now = datetime.now(UTC)
    seed(engine, now)
    with writing(engine) as connection:
        for name, role in (("li.wei", "operator"), ("zhao.lei", "manager"), ("guest", "viewer")):
            users.add(connection, name=name, role=role, password=PASSWORD, by="test", now=now, language="en")
    known = furnish(engine, now)
    with serving(engine, **known) as running:
        yield running


def row(page: Page, number: int) -> str:
    return f"#alerts-grid .ag-center-cols-container [row-id='{number}']"


def test_alerts_by_keyboard(page: Page, site: Site, watched: Watched) -> None:
    """Move, hear where one is, unfold, select, acknowledge the cause with its symptoms; a field keeps its letters."""
    page.goto(site.url + "/alerts")
    filled(page)
    expect(page.locator(row(page, FIRST))).to_contain_text("2 symptoms")
    expect(page.locator(row(page, 102))).to_have_count(0)
    expect(page.locator(row(page, SILENCED))).to_contain_text("Silenced")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("unfold or fold its symptoms")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    said = page.locator("#alerts-said")
    page.keyboard.press("j")
    expect(said).to_contain_text("1/")
    for _step in range(12):
        if "billing-db-01: host-down" in (said.text_content() or ""):
            break
        before = said.text_content()
        page.keyboard.press("j")
        expect(said).not_to_have_text(before or "")
    expect(said).to_contain_text("Critical, billing-db-01: host-down, 2 symptoms")
    page.keyboard.press("f")
    expect(page.locator(row(page, 102))).to_contain_text("Parent down")
    assert "unfolded=101" in page.url
    page.keyboard.press("Enter")
    expect(page.locator("#alert-detail h2")).to_have_text("billing-db-01: host-down")
    filled(page)
    page.keyboard.press("x")
    expect(page.locator("#alerts-ack-selected")).to_be_enabled()
    page.locator("#alerts-with-symptoms").check()
    page.keyboard.press("a")
    field = page.locator("#alerts-comment")
    field.fill("")
    field.press_sequentially("ask j, k and x?")
    expect(field).to_have_value("ask j, k and x?")
    page.locator("#alerts-acknowledge").click()
    expect(page.get_by_text("3 alerts are acknowledged.")).to_be_visible()
    with reading(site.engine) as connection:
        taken = connection.scalars(select(alert.c.id).where(alert.c.acknowledgement == "ask j, k and x?"))
        assert set(taken) == {FIRST, 102, 103}
    watched.require_clean()


def test_several_are_silenced_shelved_and_assigned_and_all_is_on_the_page_silences(
    page: Page, site: Site, chromium: Browser, watched: Watched
) -> None:
    """The silence is proposed, previewed and made; then seen, extended and ended; the shelf gives back; two people."""
    page.goto(site.url + "/alerts?alert=3")
    filled(page)
    page.locator("#alert-silence-one").click()
    proposed = 'alertname="cpu"\nindicator="host.cpu.used_ratio"\ntarget="bass-etl-01"\nteam="Platform"'
    expect(page.locator("#alerts-silence-matchers")).to_have_value(proposed)
    expect(page.locator("#alerts-silence-preview")).to_contain_text("Mutes 1 of 11 open alerts now.")
    page.locator("#alerts-silence-matchers").fill('alertname=~".+"')
    expect(page.locator("#alerts-silence-preview")).to_contain_text("more than one person may decide")
    expect(page.locator("#alerts-silence-make")).not_to_be_visible()
    expect(page.locator("#alerts-silence-propose")).to_be_visible()
    page.locator("#alerts-silence-matchers").fill("target=bass-etl-01")
    page.locator("#alerts-silence-comment").fill("Being rebuilt.")
    page.locator("#alerts-silence-make").click()
    expect(page.locator("#alert-detail .mute-list")).to_contain_text("Being rebuilt.")
    page.locator("#alert-assign-one").click()
    page.locator("#alerts-assignee").click()
    page.get_by_role("option", name="zhao.lei").click()
    page.locator("#alerts-assign").click()
    expect(page.get_by_text("One alert has its owner.")).to_be_visible()
    page.locator("#alert-shelve-one").click()
    page.locator("#alerts-shelve-reason").fill("Until it is back.")
    page.locator("#alerts-shelve").click()
    expect(page.locator("#alert-unshelve-one")).to_be_visible()
    page.locator("#alert-detail .mute-list").get_by_role("link").click()
    expect(page.locator("#silence-detail")).to_contain_text('target="bass-etl-01"')
    expect(page.locator("#silence-detail")).to_contain_text("mutes one open alert")
    page.locator("#silence-extend").click()
    expect(page.get_by_text("The silence lasts longer.")).to_be_visible()
    page.locator("#silence-expire").click()
    expect(page.locator("#silence-detail")).to_contain_text("Expired")
    expect(page.locator("#silence-extend")).not_to_be_visible()
    page.locator("#silence-shelf li", has_text="hall-web").get_by_role("button").click()
    page.locator("#alerts-unshelve").click()
    expect(page.locator("#silence-shelf li", has_text="hall-web")).to_have_count(0)
    expect(page.locator(".silence-approve-one")).to_have_count(0)  # one's own
    with another(chromium, site, "zhao.lei") as boss:
        boss.goto(site.url + "/silences")
        boss.locator(".silence-approve-one").click()
        boss.locator("#silence-approve").click()
        expect(boss.locator("#silences-list")).to_contain_text('alertname=~".+"')
    with reading(site.engine) as connection:
        assert connection.scalars(select(silence.c.created_by).where(silence.c.matchers.contains("alertname"))).all()
        assert connection.scalars(select(shelf.c.who)).all() == ["li.wei"]
        assert connection.scalar(select(ticket.c.assignee).where(ticket.c.alert_id == 3)) == "zhao.lei"
    assert SHELVED
    watched.require_clean()


@pytest.mark.parametrize("size", [(1366, 900), (390, 844)], ids=["desk", "phone"])
def test_axe_finds_nothing_serious_and_the_pages_fit(
    page: Page, site: Site, watched: Watched, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme="dark" if size[0] > 400 else "light", reduced_motion="reduce")
    for place in ("/silences?state=all", "/alerts?symptoms=shown"):
        page.goto(site.url + place)
        filled(page)
        expect(page.locator("#page")).to_contain_text("data as of")
        require_width(page, size[0])
        assert violations(page) == [], place
    watched.require_clean()
