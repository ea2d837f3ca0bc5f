"""The pages about reconciliation as links beside each other, and the link that exports what a page shows."""

from __future__ import annotations

from collections.abc import Mapping

from dash import dcc, html

from dashboards.components.filters import address
from dashboards.components.icons import icon
from dashboards.locale import Say, mark

PLACES = (
    ("/reconciliation", mark("Controls")),
    ("/breaks", mark("Breaks")),
    ("/arrivals", mark("Arrivals")),
    ("/leakage", mark("Leakage")),
)


def places(here: str, _: Say) -> html.Nav:
    """Links to the sister pages; the one being looked at is marked."""
    links = [
        dcc.Link(_(name), href=path, className="place" + (" place-on" if path == here else "")) for path, name in PLACES
    ]
    return html.Nav(links, className="places", **{"aria-label": _("Pages about reconciliation")})


def export(what: str, filters: Mapping[str, str], _: Say) -> html.A:
    """A link that downloads what is shown, with its filters, as CSV."""
    return html.A(
        [icon("save"), _("Export CSV")], href=address(f"/exports/{what}.csv", filters), className="button", download=""
    )
