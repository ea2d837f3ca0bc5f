"""Work orders in a real browser: from opening over a pause to the end, with a file and a link; a viewer only looks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from core.store import tables
from core.store.open import reading
from tests.browser.axe import violations
from tests.browser.conftest import Site, Watched, enter
from tests.browser.waits import filled, require_width

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def fill_field(page: Page, name: str, value: str) -> None:
    """Write into a field of the ticket's kind, by its label."""
    page.get_by_label(re.compile(f"^{re.escape(name)}")).fill(value)


def choose(page: Page, name: str, option: str) -> None:
    page.get_by_label(re.compile(f"^{re.escape(name)}")).first.click()
    page.get_by_role("option", name=option).click()


def test_a_ticket_from_its_opening_to_its_end(page: Page, site: Site, watched: Watched) -> None:
    """A business handling ticket: its fields are asked for, its clock stands while it waits, its file is kept."""
    page.goto(site.url + "/tickets/new?kind=handling")
    page.locator("#ticket-new-title").fill("312 reversals were booked twice")
    page.locator("#ticket-new-open").click()
    expect(page.get_by_text("This needs the field business; nothing was written.")).to_be_visible()
    fill_field(page, "Business", "Agents' prepaid accounts")
    fill_field(page, "Amount concerned", "9,360.00 CNY")
    fill_field(page, "Subscriber number", "13812345678")
    page.locator("#ticket-new-open").click()
    page.wait_for_url(re.compile(r"/tickets/\d+$"))
    number = int(page.url.rpartition("/")[2])
    detail = page.locator("#ticket-detail")
    expect(detail).to_contain_text("CNY 9,360.00")
    expect(detail).to_contain_text("138****5678")
    expect(page.locator("#ticket-accept")).not_to_be_visible()
    page.locator("#ticket-take").click()
    expect(detail).to_contain_text("In progress")
    expect(detail).to_contain_text("in time")
    page.locator("#ticket-pause").click()
    expect(page.get_by_text("This needs a reason; nothing was written.")).to_be_visible()
    page.locator("#ticket-reason").fill("The bank has to look.")
    page.locator("#ticket-waits-on").fill("the bank")
    page.locator("#ticket-pause").click()
    expect(detail).to_contain_text("Left when it was paused")
    expect(page.locator("#ticket-resolve")).not_to_be_visible()
    page.locator("#ticket-upload input").set_input_files(
        files=[{"name": "bank.txt", "mimeType": "text/html", "buffer": "两笔".encode()}]
    )
    expect(detail).to_contain_text("bank.txt")
    page.locator("#ticket-other").fill("1")
    page.locator("#ticket-tie").click()
    expect(detail).to_contain_text("Caused by")
    detail.locator(".ticket-unlink").click()
    expect(detail.locator(".ticket-unlink")).to_have_count(0)
    page.locator("#ticket-priority").click()
    page.get_by_role("option", name="High").click()
    page.locator("#ticket-prioritise").click()
    expect(page.get_by_text("This needs a reason; nothing was written.").last).to_be_visible()
    page.locator("#ticket-priority-reason").fill("The regulator asks.")
    page.locator("#ticket-prioritise").click()
    expect(detail.locator(".detail-line")).to_contain_text("High")
    page.locator("#ticket-other").fill("1")
    page.locator("#ticket-tie").click()
    expect(detail).to_contain_text("Caused by")
    page.locator("#ticket-resume").click()
    page.locator("#ticket-cause").fill("A job ran twice.")
    page.locator("#ticket-remedy").fill("Reversed the second.")
    page.locator("#ticket-resolve").click()
    page.locator("#ticket-close").click()
    expect(detail.locator(".detail-line")).to_contain_text("Closed")
    with page.expect_download() as waiting:
        detail.get_by_text("bank.txt").first.click()
    assert waiting.value.path().read_bytes() == "两笔".encode()
    with reading(site.engine) as connection:
        row = connection.execute(select(tables.ticket).where(tables.ticket.c.id == number)).one()
        kinds = select(tables.ticket_event.c.kind).where(tables.ticket_event.c.ticket_id == number)
        done = list(connection.scalars(kinds.order_by(tables.ticket_event.c.id)))
    assert (row.state, row.cause, row.fields["amount"]["minor"]) == ("closed", "A job ran twice.", 936_000)
    between = ["paused", "attached", "linked", "unlinked", "priority", "linked", "resumed"]
    assert done == ["opened", "taken", *between, "resolved", "closed"]
    watched.require_clean()


def test_the_board_is_filtered_by_its_address(page: Page, site: Site) -> None:
    """Kind and department open as lists; what is chosen stands in the address and can be sent to a colleague."""
    page.goto(site.url + "/tickets")
    filled(page)
    page.locator(".chips-folded summary").first.click()
    page.locator(".chips-list a", has_text="Maintenance job").first.click()
    page.wait_for_url(re.compile("kind=maintenance"))
    expect(page.locator(".board")).to_contain_text("Quarterly patching")
    expect(page.locator(".board")).not_to_contain_text("Disk /u01")


def test_a_viewer_sees_a_ticket_and_can_do_nothing_with_it(site: Site, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    enter(page, site, "guest")
    page.goto(site.url + "/tickets/1")
    expect(page.locator("#ticket-detail")).to_contain_text("Disk /u01")
    expect(page.locator("#ticket-forms")).not_to_be_visible()
    require_width(page, 390)
    page.goto(site.url + "/tickets/new")
    expect(page.get_by_text("Your role does not open tickets; ask somebody on duty.")).to_be_visible()
    context.close()


PLACES = ("/tickets", "/tickets/1", "/tickets/new?kind=high_fee", "/tickets/figures")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("scheme", "size"), [("dark", (1366, 900)), ("light", (390, 844))], ids=["desk", "phone"])
def test_axe_finds_nothing_serious_on_the_pages_of_tickets(
    page: Page, site: Site, watched: Watched, place: str, scheme: str, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.goto(site.url + place)
    filled(page)
    expect(page.locator("#page")).to_contain_text("data as of")
    require_width(page, size[0])
    assert violations(page) == []
    watched.require_clean()
