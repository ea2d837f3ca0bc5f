"""One file a question. A page is a module with `PATH`, `TITLE`, `layout(_)`, `render(...)` and `register(app, console)`.

`layout` is static: empty parts with ids. `render` is pure: rows to components. `register` holds thin callbacks that read
through `dashboards/queries`. Adding a page is one file, one line in PAGES, one test; a link in `dashboards/shell.py` if
it is a place to start from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast
from urllib.parse import unquote

from dash import Dash

from dashboards.context import Console
from dashboards.pages import (
    alerts,
    arrivals,
    break_case,
    breaks,
    changes,
    compare,
    control_day,
    deliveries,
    duty,
    heartbeats,
    job_plans,
    kpi,
    leakage,
    on_call,
    overview,
    reconciliation,
    run,
    silences,
    target,
    targets,
    threads,
    ticket,
    ticket_figures,
    ticket_new,
    tickets,
)


class Page(Protocol):
    """What the router asks of a page's module."""

    PATH: str  # `<name>` stands for one segment of the address, handed to `layout` in order
    TITLE: str
    layout: Callable[..., Any]
    register: Callable[[Dash, Console], None]


MODULES = (
    overview,
    alerts,
    silences,
    tickets,
    on_call,
    ticket_new,
    ticket_figures,
    ticket,
    duty,
    job_plans,
    changes,
    targets,
    target,
    threads,
    kpi,
    reconciliation,
    run,
    compare,
    control_day,
    breaks,
    break_case,
    arrivals,
    leakage,
    heartbeats,
    deliveries,
)
PAGES: tuple[Page, ...] = tuple(cast(Page, module) for module in MODULES)


def find(path: str) -> tuple[Page, list[str]] | None:
    """The page at an address with the values of its open segments; None when there is none."""
    asked = [unquote(part) for part in path.strip("/").split("/")]
    for page in PAGES:
        pattern = page.PATH.strip("/").split("/")
        if len(pattern) == len(asked) and all(
            wanted.startswith("<") or wanted == given for wanted, given in zip(pattern, asked, strict=True)
        ):
            return page, [given for wanted, given in zip(pattern, asked, strict=True) if wanted.startswith("<")]
    return None
