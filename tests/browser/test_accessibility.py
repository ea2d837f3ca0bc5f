"""axe-core finds nothing serious on the pages about reconciliation: dark and light, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Site, Watched
from tests.browser.desk import open_desk
from tests.browser.waits import filled
from tests.dashboards.desk import RUN
from tests.dashboards.seeded import ZONE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

REFUSED, AGAIN = 7, 22
YESTERDAY = datetime.now(UTC).astimezone(ZONE).date() - timedelta(days=1)
PLACES = {
    "the heat map": "/reconciliation",
    "a run": f"/reconciliation/{RUN}",
    "a refused run": f"/reconciliation/{REFUSED}",
    "two runs compared": f"/reconciliation/{AGAIN}/compare",
    "a day without a run": f"/control-days/card-vouchers/{YESTERDAY}",
    "breaks": "/breaks?state=all",
    "a break": "/breaks/20",
    "arrivals": "/arrivals?days=14",
    "leakage": "/leakage",
}
SIZES = {"a desk": (1366, 900), "a phone": (390, 844)}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A console whose runs people have begun to settle; one day of it was run twice."""
    with open_desk(tmp_path_factory.mktemp("accessibility"), again=True) as opened:
        yield opened


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing_serious(page: Page, site: Site, watched: Watched, place: str, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.goto(site.url + PLACES[place])
    found = {}
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
        filled(page)
        expect(page.locator("#page")).to_contain_text("data as of")
        found[scheme] = violations(page)
    assert found == {"dark": [], "light": []}
    watched.require_clean()
