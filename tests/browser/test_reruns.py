"""A day is asked to be run from its page, the pipeline runs it, and two runs of it are compared, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from bomc.assurance.controls import Controls
from core.store import tables
from core.store.open import reading
from reconciliation.controls.entries import MatchControl
from reconciliation.standard_record import write
from tests.browser.conftest import Site, Watched
from tests.browser.desk import another, open_desk
from tests.dashboards.seeded import ZONE
from tests.reconciliation.days import record

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

CONTROL = "card-vouchers"
PARTIES = ("billing", "platform", "payment")
DAY = datetime.now(UTC).astimezone(ZONE).date() - timedelta(days=1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reruns")


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[Site]:
    """A console with a control that has never run."""
    with open_desk(home) as opened:
        yield opened


def deliver(home: Path, lacking: str = "") -> None:
    """The files of the day; billing lacks one of the keys."""
    folder = home / "exchange" / DAY.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    for party in PARTIES:
        keys = [key for key in ("a", "b", "c") if party != "billing" or key != lacking]
        at = f"{DAY.isoformat()}T12:00:00+08:00"
        rows = [record(key, business_day=DAY.isoformat(), occurred_at=at) for key in keys]
        write(folder / f"{party}.csv", party, DAY, rows)


def pipeline(site: Site, home: Path) -> Controls:
    """The part of the pipeline that runs controls, as a process of its own would have it."""
    control = MatchControl.model_validate(
        {
            "name": CONTROL,
            "title": {"en": "Vouchers", "zh": "充值卡"},
            "kind": "match",
            "schedule": {"at": "00:00"},
            "parties": {party: {"path": f"exchange/{{day}}/{party}.csv"} for party in PARTIES},
        }
    )
    now = datetime.now(UTC) + timedelta(days=1)  # tomorrow the day is over in every zone
    return Controls(site.engine, home, [control], ZONE, lambda: now, lambda outcome: True, with_reports=False)


def ask(page: Page, reason: str) -> None:
    page.locator("#rerun-reason").fill(reason)
    page.locator("#rerun-ask").click()


def test_a_missing_day_is_asked_for_run_mended_run_again_and_compared(
    page: Page, site: Site, home: Path, watched: Watched
) -> None:
    deliver(home, lacking="b")
    page.goto(f"{site.url}/reconciliation?control={CONTROL}")
    page.locator("a.heat-missing").last.click()
    page.wait_for_url(re.compile(rf"/control-days/{CONTROL}/{DAY}$"))
    expect(page.locator("#day-said")).to_contain_text("did not happen by its deadline")
    page.locator("#rerun-ask").click()
    expect(page.get_by_text("This needs a reason; nothing was written.")).to_be_visible()
    ask(page, "The files are there now.")
    expect(page.locator("#rerun-asked")).to_contain_text("asked for by li.wei · The files are there now.")
    expect(page.locator("#rerun-asked")).to_contain_text("waiting")
    expect(page.locator("#rerun-form")).not_to_be_visible()  # one open request a day
    assert pipeline(site, home).answer_requests() == 1
    done = page.locator("#rerun-asked").get_by_role("link", name=re.compile("done: run"))
    expect(done).to_be_visible()  # told without a reload
    expect(page.locator("#rerun-reason")).to_have_value("")
    first = re.sub(r"\D", "", done.inner_text())
    done.click()
    page.wait_for_url(re.compile(rf"/reconciliation/{first}$"))
    expect(page.locator("#run-body")).to_contain_text("Missing in billing")

    deliver(home)
    ask(page, "Billing delivered again.")
    expect(page.locator("#rerun-asked")).to_contain_text("waiting")
    assert pipeline(site, home).answer_requests() == 1
    newest = page.locator("#rerun-asked").get_by_role("link", name=re.compile("done: run")).first
    expect(newest).not_to_have_text(f"done: run {first}")
    newest.click()
    expect(page.locator("#run-head")).to_contain_text("Balanced")
    page.locator("#run-head").get_by_role("link", name="compare with the run before").click()
    page.wait_for_url(re.compile(r"/reconciliation/\d+/compare$"))
    shown = page.locator("#compare")
    expect(shown).to_contain_text("Breaks that are gone: 1")
    expect(shown).to_contain_text("Breaks that are new: 0")
    expect(shown.locator("tr", has_text="Billing").first).to_contain_text("changed")
    expect(shown.locator("tr", has_text="Payment").first).to_contain_text("the same")
    shown.get_by_role("link", name="b", exact=True).click()
    page.wait_for_url(re.compile(r"/breaks/\d+$"))
    expect(page.locator("#case-body")).to_contain_text("Found")
    with reading(site.engine) as connection:
        trail = select(tables.audit.c.who, tables.audit.c.action).where(tables.audit.c.object.like("run_request/%"))
        told = [tuple(row) for row in connection.execute(trail.order_by(tables.audit.c.id))]
    assert told == [("li.wei", "rerun_asked"), ("reconciliation", "rerun_done")] * 2
    watched.require_clean()


def test_the_map_marks_a_day_that_is_asked_for_and_a_viewer_cannot_ask(
    page: Page, site: Site, chromium: Browser
) -> None:
    before: date = DAY - timedelta(days=3)
    page.goto(f"{site.url}/control-days/{CONTROL}/{before}")
    ask(page, "It never ran.")
    expect(page.locator("#rerun-asked")).to_contain_text("waiting")
    with another(chromium, site, "guest") as second:
        second.goto(f"{site.url}/reconciliation?control={CONTROL}")
        expect(second.locator(".heat tbody .heat-asked")).to_have_count(1)
        second.goto(f"{site.url}/control-days/{CONTROL}/{before}")
        expect(second.locator("#rerun-asked")).to_contain_text("asked for by li.wei")
        expect(second.locator("#rerun-ask")).to_have_count(0)
        expect(second.locator("#rerun-form")).not_to_be_visible()


def test_a_chinese_page_says_kept_sentences_in_chinese(site: Site, chromium: Browser) -> None:
    with another(chromium, site, "sun.yi") as page:
        page.goto(f"{site.url}/reconciliation/7?lang=zh_CN")
        expect(page.locator("#run-body")).to_contain_text("清单文件写的是 4,180 行，文件有 4,102 行")
        page.goto(f"{site.url}/breaks/1")
        expect(page.locator("#case-body")).to_contain_text("由 ")
        expect(page.locator("#case-body")).not_to_contain_text("found by the run of")
        page.goto(f"{site.url}/control-days/{CONTROL}/{DAY - timedelta(days=5)}")
        page.locator("#rerun-ask").click()
        expect(page.get_by_text("需要填写原因；未写入任何内容。")).to_be_visible()
