"""The console as people meet it, in a real browser: what they see, do, choose, and what must never happen."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import select

from core.store import tables
from core.store.open import reading
from tests.browser.conftest import Site, Watched, enter
from tests.browser.waits import filled, require_width
from tests.dashboards.seeded import add_ticket

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PLACES = (
    "/",
    "/alerts",
    "/alerts?alert=2",
    "/tickets",
    "/tickets?ticket=1",
    "/tickets/1",
    "/tickets/new",
    "/tickets/figures",
    "/targets",
    "/targets/billing-db-01",
    "/threads",
    "/kpi",
    "/reconciliation",
    "/reconciliation/10",
)


@pytest.mark.parametrize("place", PLACES)
def test_every_page_opens_without_a_complaint_asks_no_other_host_and_fits_a_phone(
    page: Page, site: Site, watched: Watched, place: str
) -> None:
    page.goto(site.url + place)
    filled(page)
    expect(page.locator("#page")).to_contain_text("data as of")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#menu")).to_be_visible()
    require_width(page, 390)
    watched.require_clean()


def test_the_menu_of_a_phone_leads_to_another_page(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(site.url + "/kpi")
    filled(page)
    page.locator("#menu").click()
    page.locator(".shell-nav a", has_text="Tickets").click()
    expect(page.locator("h1")).to_have_text("Tickets")
    expect(page.locator(".shell-nav")).not_to_be_in_viewport()


def test_a_stranger_is_led_to_the_login_and_in(site: Site, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(site.url + "/alerts")
    assert "/login" in page.url
    enter(page, site, "guest")
    expect(page.locator(".nav-foot")).to_contain_text("guest")
    context.close()


def test_a_viewer_sees_alerts_and_cannot_acknowledge(site: Site, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 1366, "height": 900})
    page = context.new_page()
    enter(page, site, "guest")
    page.goto(site.url + "/alerts?alert=3")
    expect(page.locator("#alert-detail h2")).to_have_text("bass-etl-01: cpu")
    expect(page.locator("#alert-ack-one")).to_have_count(0)
    context.close()


def test_an_alert_is_seen_acknowledged_and_the_doing_is_on_record(page: Page, site: Site, watched: Watched) -> None:
    page.goto(site.url + "/")
    page.get_by_text("order-service").first.click()
    page.goto(site.url + "/alerts")
    page.locator("#alerts-grid [row-id='2'] [col-id='alert']").click()
    expect(page.locator("#alert-detail h2")).to_have_text("order-service: threads")
    expect(page.locator("#alert-chart .js-plotly-plot .trace.scatter")).to_have_count(2)
    page.locator("#alert-ack-one").click()
    page.locator("#alerts-comment").fill("Restarting the pool.")
    page.locator("#alerts-acknowledge").click()
    expect(page.locator("#alert-detail")).to_contain_text("Restarting the pool.")
    expect(page.get_by_text("One alert is acknowledged.")).to_be_visible()
    with reading(site.engine) as connection:
        who = connection.execute(select(tables.alert.c.acknowledged_by).where(tables.alert.c.id == 2)).scalar_one()
        recorded = connection.execute(select(tables.audit.c.who).where(tables.audit.c.object == "alert/2")).scalars()
        assert (who, list(recorded)) == ("li.wei", ["li.wei"])
    watched.require_clean()


def test_an_alert_that_somebody_has_is_given_back_and_the_doing_is_on_record(page: Page, site: Site) -> None:
    page.goto(site.url + "/alerts?alert=1")
    page.locator("#alert-give-back").click()
    page.locator("#alerts-back-comment").fill("End of shift.")
    page.locator("#alerts-give-back").click()
    expect(page.get_by_text("The alert is given back; its messages go on.")).to_be_visible()
    expect(page.locator("#alert-detail")).to_contain_text("Given back")
    expect(page.locator("#alert-ack-one")).to_be_visible()
    with reading(site.engine) as connection:
        who = connection.execute(select(tables.alert.c.acknowledged_by).where(tables.alert.c.id == 1)).scalar_one()
        done = connection.execute(select(tables.audit.c.action).where(tables.audit.c.object == "alert/1")).scalars()
        assert (who, list(done)) == (None, ["unacknowledge"])


def test_a_click_is_not_lost_while_the_page_is_being_refreshed(page: Page, site: Site) -> None:
    page.goto(site.url + "/alerts?alert=3")
    expect(page.locator("#alert-ack-one")).to_be_visible()
    filled(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if '"output":"..alerts-grid.rowData' in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/_dash-update-component?*", hold)
    page.evaluate("window.dash_clientside.set_props('alerts-done', {data: 'again'})")
    until = time.monotonic() + 10
    while not held:
        assert time.monotonic() < until, "the page did not ask for its refresh"
        page.wait_for_timeout(50)
    page.locator("#alert-ack-one").click()
    for each in held:
        each.continue_()
    expect(page.locator("#alerts-comment")).to_be_visible()
    page.unroute("**/_dash-update-component?*")


def test_the_first_alert_is_open_where_there_is_room_and_an_address_opens_its_own(page: Page, site: Site) -> None:
    page.goto(site.url + "/alerts")
    expect(page.locator("#alert-detail .alert-panel")).to_be_visible()
    expect(page.locator("#alerts-grid .row-chosen")).to_have_count(1)
    page.goto(site.url + "/alerts?alert=6")
    expect(page.locator("#alert-detail h2")).to_have_text("payment-gateway: reachable")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(site.url + "/alerts?alert=3")
    expect(page.locator("#alert-detail h2")).to_have_text("bass-etl-01: cpu")
    page.goto(site.url + "/alerts")
    expect(page.locator("#alerts-grid .alert-cell-title").first).to_be_visible()
    expect(page.locator("#alert-detail")).not_to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_no_cell_of_the_alerts_is_cut_off(page: Page, site: Site, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(site.url + "/alerts")
    expect(page.locator("#alerts-grid .ag-center-cols-container .ag-row").first).to_be_visible()
    expect(page.locator("#alerts-grid .ag-header-cell:visible")).to_have_count(5 if width == 1440 else 2)
    cut = """[...document.querySelectorAll('#alerts-grid .ag-cell, #alerts-grid .ag-cell *')]
        .filter(each => each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1)
        .filter(each => !each.closest('.ag-selection-checkbox'))
        .map(each => each.textContent)"""
    assert page.evaluate(cut) == []


def test_several_alerts_are_acknowledged_at_once_and_one_that_is_taken_is_refused(page: Page, site: Site) -> None:
    page.goto(site.url + "/alerts?acknowledged=no")
    for row in ("3", "4"):
        page.locator(f"#alerts-grid [row-id='{row}'] .ag-selection-checkbox input").click()
    page.locator("#alerts-ack-selected").click()
    page.locator("#alerts-comment").fill("One cause.")
    page.locator("#alerts-acknowledge").click()
    expect(page.get_by_text("2 alerts are acknowledged.")).to_be_visible()
    with reading(site.engine) as connection:
        taken = connection.execute(select(tables.alert.c.id).where(tables.alert.c.acknowledgement == "One cause."))
        assert sorted(taken.scalars()) == [3, 4]


def test_a_ticket_is_taken_resolved_and_closed(page: Page, site: Site, watched: Watched) -> None:
    page.goto(site.url + "/tickets?ticket=2")
    page.locator("#ticket-take").click()
    expect(page.locator(".board-column").nth(2)).to_contain_text("#2")
    page.locator("#ticket-resolve").click()
    expect(page.get_by_text("This needs a cause; nothing was written.")).to_be_visible()
    page.locator("#ticket-cause").fill("The pool was too small.")
    page.locator("#ticket-remedy").fill("Doubled it.")
    page.locator("#ticket-resolve").click()
    expect(page.locator(".board-column").nth(4)).to_contain_text("#2")
    expect(page.locator("#ticket-detail")).to_contain_text("Doubled it.")
    page.locator("#ticket-close").click()
    expect(page.locator(".board-column").nth(5)).to_contain_text("#2")
    with reading(site.engine) as connection:
        row = connection.execute(select(tables.ticket).where(tables.ticket.c.id == 2)).mappings().one()
        assert (row["state"], row["assignee"], row["cause"]) == ("closed", "li.wei", "The pool was too small.")
    page.locator("#ticket-reopen").click()
    expect(page.get_by_text("This needs a reason; nothing was written.")).to_be_visible()
    page.locator("#ticket-reason").fill("It is full again.")
    page.locator("#ticket-reopen").click()
    expect(page.locator("#ticket-detail")).to_contain_text("It is full again.")
    expect(page.locator("#ticket-reason")).to_have_value("")
    page.locator("#ticket-text").fill("Asked the vendor.")
    page.locator("#ticket-comment").click()
    expect(page.locator("#ticket-detail")).to_contain_text("Asked the vendor.")
    with reading(site.engine) as connection:
        state = connection.execute(select(tables.ticket.c.state).where(tables.ticket.c.id == 2)).scalar_one()
        done = connection.execute(select(tables.audit.c.action).where(tables.audit.c.object == "ticket/2")).scalars()
        assert state == "assigned"
        assert list(done)[-2:] == ["ticket_reopened", "ticket_comment"]
    watched.require_clean()


def test_a_ticket_is_given_to_somebody_else(page: Page, site: Site) -> None:
    page.goto(site.url + "/tickets?ticket=3")
    page.locator("#ticket-assignee").click()
    page.get_by_role("option", name="zhang.min").click()
    page.locator("#ticket-assign").click()
    expect(page.locator("#ticket-detail")).to_contain_text("zhang.min")


def test_the_language_is_switched_and_kept_after_a_reload(page: Page, site: Site) -> None:
    page.goto(site.url + "/alerts?severity=critical")
    expect(page.locator("h1")).to_have_text("Alerts")
    page.locator("#switch-language").click()
    expect(page.locator("h1")).to_have_text("告警")
    page.reload()
    expect(page.locator("h1")).to_have_text("告警")
    expect(page.locator(".ag-header")).to_contain_text("处理人")
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    page.goto(site.url + "/alerts?severity=critical&lang=en")
    expect(page.locator("h1")).to_have_text("Alerts")
    page.wait_for_url(re.compile(r"severity=critical$"))


def test_the_theme_is_switched_for_page_and_grid_and_kept_after_a_reload(page: Page, site: Site) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(site.url + "/alerts")
    filled(page)
    colour = "getComputedStyle(document.querySelector('.panel')).backgroundColor"
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    page.locator("#switch-theme").click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    filled(page)
    assert page.evaluate(colour) == "rgb(20, 24, 29)"
    assert page.evaluate("document.body.dataset.agThemeMode") == "dark"


def test_a_target_draws_its_indicators_and_marks_its_changes_in_the_viewers_zone(page: Page, site: Site) -> None:
    page.goto(site.url + "/targets/billing-db-01?range=24h")
    expect(page.locator("#target-chart .trace.scatter")).to_have_count(6)  # five series and the lane
    expect(page.locator("#target-chart .trace .points path")).to_have_count(2)
    expect(page.locator("#target-chart")).to_contain_text("host.disk.used_ratio")
    expect(page.locator("#shell-as-of")).to_contain_text("Europe/Berlin (operator: Asia/Shanghai)")
    page.get_by_role("link", name="6 hours").click()
    page.wait_for_url(re.compile(r"range=6h"))
    expect(page.locator("#target-chart .trace .points path")).to_have_count(1)


def test_breaks_show_both_raw_records_with_file_and_line_and_follow_their_class(page: Page, site: Site) -> None:
    page.goto(site.url + "/reconciliation")
    page.locator("a.heat-breaks").last.click()
    expect(page.locator("#run-breaks .ag-center-cols-container .ag-row").first).to_contain_text(".csv:")
    expect(page.locator("#run-chosen")).to_contain_text("17 rows")
    page.get_by_role("link", name="Missing in billing").click()
    expect(page.locator("#run-chosen")).to_contain_text("5 rows")
    assert "class=missing_in_billing" in page.url


def test_a_refused_run_says_why(page: Page, site: Site) -> None:
    page.goto(site.url + "/reconciliation")
    page.locator("a.heat-refused").click()
    expect(page.locator("#run-body")).to_contain_text("the manifest says 4,180 rows, the file has 4,102")


def test_a_number_on_the_overview_leads_to_what_it_counts(page: Page, site: Site) -> None:
    page.goto(site.url + "/")
    page.locator(".number-unknown").first.click()
    page.wait_for_url(re.compile(r"/alerts\?severity=unknown"))
    expect(page.locator("#alerts-grid .ag-center-cols-container .ag-row")).to_have_count(1)


def test_an_unknown_address_is_answered_with_a_sentence(page: Page, site: Site) -> None:
    page.goto(site.url + "/nowhere")
    expect(page.locator("h1")).to_have_text("There is no such page")


def test_the_page_is_told_of_a_new_alert_without_being_reloaded(page: Page, site: Site) -> None:
    page.goto(site.url + "/tickets")
    filled(page)
    card = page.locator(".card", has_text="Told while looking")
    expect(card).to_have_count(0)
    add_ticket(site.engine, "Told while looking")
    expect(card).to_have_count(1)
