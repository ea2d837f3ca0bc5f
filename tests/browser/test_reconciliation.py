"""Reconciliation as people meet it, in a real browser: a break is settled by two people, a run is signed by two people."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from core.store import tables
from core.store.open import reading
from tests.browser.conftest import Site, Watched
from tests.browser.desk import another, open_desk
from tests.browser.waits import filled, require_width
from tests.dashboards.desk import EQUATION, RUN

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PLACES = (
    "/reconciliation",
    "/reconciliation?days=31",
    f"/reconciliation/{RUN}",
    f"/reconciliation/{RUN}?unit=money&from=platform",
    "/breaks?state=all",
    "/breaks/1",
    "/breaks/20",
    "/arrivals?days=14",
    "/leakage",
    "/leakage?step=month",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console whose runs people have begun to settle."""
    with open_desk(tmp_path_factory.mktemp("reconciliation")) as opened:
        yield opened


def choose(page: Page, field: str, option: str) -> None:
    """Pick one of a select's options by its words."""
    page.locator(f"#{field}").click()
    page.get_by_role("option", name=option, exact=True).click()


def a_case(site: Site, kind: str) -> int:
    """An untouched case of the latest run, of that class."""
    case = tables.break_case.c
    query = select(case.id).where(case.run_id == RUN, case["class"] == kind, case.owner.is_(None), case.state == "open")
    with reading(site.engine) as connection:
        return int(connection.execute(query.order_by(case.id.desc()).limit(1)).scalar_one())


@pytest.mark.parametrize("place", PLACES)
def test_every_page_opens_without_a_complaint_and_fits_a_phone_and_a_wall(
    page: Page, site: Site, watched: Watched, place: str
) -> None:
    page.goto(site.url + place)
    filled(page)
    expect(page.locator("#page")).to_contain_text("data as of")
    expect(page.locator(".shell-nav a[href='/reconciliation']")).to_have_css("font-weight", "600")
    for width, height in ((390, 844), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        require_width(page, width)
    watched.require_clean()


def test_the_map_shows_a_missing_run_as_a_fault_in_words_and_leads_to_each_run(page: Page, site: Site) -> None:
    page.goto(site.url + "/reconciliation")
    lines = page.locator(".heat tbody tr")
    expect(lines).to_have_count(3)
    expect(lines.nth(1).locator(".heat-missing")).to_have_count(1)
    expect(lines.nth(1).locator(".heat-missing")).to_have_text("missing")
    expect(lines.nth(2).locator(".heat-missing")).to_have_count(14)  # a control that never ran
    expect(lines.nth(0).locator(".heat-none")).to_have_count(4)  # before its first run
    expect(lines.nth(0).locator(".heat-reviewed")).to_have_text("Signed")
    lines.nth(0).locator(".heat-breaks").last.click()
    page.wait_for_url(re.compile(rf"/reconciliation/{RUN}$"))
    expect(page.locator("#run-waterfall .waterfalllayer .point")).to_have_count(13)
    expect(page.locator("#run-waterfall")).to_contain_text("File of Billing")


def test_a_filter_of_the_map_is_in_the_address_and_in_its_export(page: Page, site: Site) -> None:
    page.goto(site.url + "/reconciliation")
    filled(page)
    page.get_by_role("link", name="billing", exact=True).click()
    page.wait_for_url(re.compile(r"owner=billing"))
    expect(page.locator(".heat tbody tr")).to_have_count(2)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Export CSV").click()
    text = waiting.value.path().read_text(encoding="utf-8-sig")
    assert EQUATION in text
    assert "mobile-payment" not in text


def test_an_equation_shows_its_quantities_and_its_result(page: Page, site: Site) -> None:
    page.goto(site.url + "/reconciliation?control=" + EQUATION)
    page.locator("a.heat-breaks").click()
    expect(page.locator("#run-body")).to_contain_text("the equation does not hold")
    expect(page.locator("#run-body")).to_contain_text("opening + top_up - usage - closing")
    expect(page.locator("#run-breaks-panel")).not_to_be_visible()


def test_a_file_of_a_run_is_taken_away(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/reconciliation/{RUN}")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="certificate.json").click()
    assert waiting.value.suggested_filename == f"run-{RUN}-certificate.json"
    assert waiting.value.path().read_text().startswith("certificate.json of ")


def test_an_adjustment_is_proposed_by_one_person_and_approved_by_another(
    page: Page, site: Site, chromium: Browser, watched: Watched
) -> None:
    case = a_case(site, "missing_in_billing")
    page.goto(f"{site.url}/breaks/{case}")
    expect(page.locator(".record-absent")).to_contain_text("no record")
    page.locator("#case-take").click()
    expect(page.get_by_text("The break is yours.")).to_be_visible()
    choose(page, "case-reason", "System fault")
    page.locator("#case-reason-set").click()
    expect(page.locator("#case-body")).to_contain_text("System fault")
    choose(page, "case-kind", "Back-fill")
    choose(page, "case-party", "Billing")
    page.locator("#case-propose").click()
    expect(page.get_by_text("This needs a reason; nothing was written.")).to_be_visible()
    page.locator("#case-why").fill("The order is paid; book it.")
    page.locator("#case-propose").click()
    expect(page.locator("#case-head")).to_contain_text("Proposed")
    expect(page.locator("#case-why")).to_have_value("")
    expect(page.locator("#case-approve")).not_to_be_visible()  # nobody decides on their own
    with another(chromium, site, "zhao.lei") as second:
        second.goto(f"{site.url}/breaks/{case}")
        second.locator("#case-decision").fill("Agreed.")
        second.locator("#case-approve").click()
        expect(second.locator("#case-head")).to_contain_text("To be proven")
    expect(page.locator("#case-head")).to_contain_text("To be proven")  # told without a reload
    with reading(site.engine) as connection:
        adjustment = tables.break_adjustment.c
        found = connection.execute(select(tables.break_adjustment).where(adjustment.case_id == case)).one()
        assert (found.proposed_by, found.decided_by, found.decision) == ("li.wei", "zhao.lei", "approved")
        trail = select(tables.audit.c.action).where(tables.audit.c.object == f"break_case/{case}")
        doings = list(connection.execute(trail.order_by(tables.audit.c.id)).scalars())
        assert doings == ["break_assigned", "break_reason", "break_proposed", "break_approved"]
    watched.require_clean()


def test_a_break_gets_a_ticket_that_is_tied_to_it(page: Page, site: Site) -> None:
    case = a_case(site, "missing_in_payment")
    page.goto(f"{site.url}/breaks/{case}")
    page.locator("#case-ticket").click()
    expect(page.get_by_text("A ticket is open.")).to_be_visible()
    expect(page.locator("#case-ticket")).not_to_be_visible()
    page.locator("#case-body a[href^='/tickets']").click()
    expect(page.locator("#ticket-detail")).to_contain_text("Missing in payment")


def test_a_viewer_sees_a_break_and_can_do_nothing(site: Site, chromium: Browser) -> None:
    with another(chromium, site, "guest") as page:
        page.goto(site.url + "/breaks/20")
        expect(page.locator("#case-body .record-card")).to_have_count(3)
        expect(page.locator("#case-forms")).not_to_be_visible()
        page.goto(f"{site.url}/reconciliation/{RUN}")
        expect(page.locator("#run-signatures")).to_contain_text("Nobody has signed this run.")
        expect(page.locator("#run-forms")).not_to_be_visible()
        page.goto(site.url + "/breaks")
        expect(page.locator("#cases-grid .ag-center-cols-container .ag-row").first).to_be_visible()
        expect(page.locator("#cases-take")).to_have_count(0)


def test_a_run_is_signed_by_two_people_once_every_break_is_somebodys(
    page: Page, site: Site, chromium: Browser, watched: Watched
) -> None:
    page.goto(f"{site.url}/reconciliation/{RUN}")
    page.locator("#run-prepare").click()
    expect(page.get_by_text("are neither settled nor have an owner and a reason code")).to_be_visible()
    page.goto(site.url + "/breaks?age=d1")
    expect(page.locator("#cases-grid .ag-center-cols-container .ag-row").first).to_be_visible()
    page.locator("#cases-grid .ag-header-cell .ag-checkbox-input").click()
    choose(page, "cases-reason", "Late settlement")
    page.locator("#cases-take").click()
    expect(page.get_by_text(re.compile(r"\d+ breaks are yours"))).to_be_visible()
    page.goto(f"{site.url}/reconciliation/{RUN}")
    page.locator("#run-prepare-text").fill("Every break is with somebody.")
    page.locator("#run-prepare").click()
    expect(page.locator("#run-signatures")).to_contain_text("Prepared; another person reviews and signs it.")
    expect(page.locator("#run-review")).not_to_be_visible()
    with another(chromium, site, "zhao.lei") as second:
        second.goto(f"{site.url}/reconciliation/{RUN}")
        second.locator("#run-review").click()
        expect(second.locator("#run-signatures")).to_contain_text("Signed by preparer and reviewer.")
        second.goto(site.url + "/reconciliation")
        expect(second.locator(".heat tbody tr").nth(0).locator("td").last.locator(".heat-reviewed")).to_have_count(1)
        second.goto(f"{site.url}/reconciliation/{RUN}")
        second.locator("#run-reopen").click()
        expect(second.get_by_text("This needs a reason; nothing was written.")).to_be_visible()
        second.locator("#run-reopen-text").fill("A file came again.")
        second.locator("#run-reopen").click()
        expect(second.locator("#run-signatures")).to_contain_text("Re-opened; it has to be prepared again.")
    with reading(site.engine) as connection:
        query = select(tables.run_signature.c.act, tables.run_signature.c.who).where(
            tables.run_signature.c.run_id == RUN
        )
        acts = [tuple(row) for row in connection.execute(query.order_by(tables.run_signature.c.id))]
        assert acts == [("prepared", "li.wei"), ("reviewed", "zhao.lei"), ("reopened", "zhao.lei")]
    watched.require_clean()


def test_a_list_of_breaks_on_a_phone_has_the_columns_that_fit(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(site.url + "/breaks")
    expect(page.locator("#cases-grid .ag-center-cols-container .ag-row").first).to_be_visible()
    expect(page.locator("#cases-grid .ag-header-cell:visible")).to_have_count(3)  # with the boxes to choose
