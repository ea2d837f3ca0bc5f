"""What the browser tests wait for before they judge a page."""

from __future__ import annotations

import time

from playwright.sync_api import Page

STILL_S = 0.3
WAIT_S = 60.0
STILL = """() => document.querySelectorAll("[data-dash-is-loading]").length === 0
  && Array.from(document.querySelectorAll(".ag-root"))
       .filter((grid) => grid.checkVisibility())
       .every((grid) => grid.querySelector(".ag-header-cell")
         && grid.querySelector(".ag-center-cols-container .ag-cell, .ag-overlay-no-rows-center"))"""
"""No callback is out, and every grid shows its columns and either rows or the sentence that there are none."""


def filled(page: Page) -> None:
    """Wait until every callback has answered and something is shown, and this has been so for a while.

    A page is still for a moment between two callbacks, and a grid draws its columns anew when its rows come: judged
    then, it is an empty grid.
    """
    page.wait_for_selector(".panel:visible, .board:visible")
    until = time.monotonic() + WAIT_S
    since: float | None = None
    while since is None or time.monotonic() - since < STILL_S:
        still = page.evaluate(STILL)
        now = time.monotonic()
        assert now < until, "the page goes on drawing"
        since = (since or now) if still else None
        page.wait_for_timeout(50)


def require_width(page: Page, most: int) -> None:
    """Fail unless the page, once its charts have followed the window, is no wider than this."""
    until = time.monotonic() + 10
    while (found := page.evaluate("document.documentElement.scrollWidth")) > most:
        assert time.monotonic() < until, f"the page is {found} pixels wide"
        page.wait_for_timeout(100)
