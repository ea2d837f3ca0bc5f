"""How long do tickets take, and are they answered and resolved in time? By month, kind and department."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, dcc, html

from alerts.tickets.book import Book
from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.filters import address, chips, parse
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, panel, scrolling
from dashboards.components.speaking import speaking
from dashboards.components.ticket_detail import party
from dashboards.components.words import PRIORITY, ticket_kind
from dashboards.context import Console
from dashboards.locale import Say, mark
from dashboards.queries import ticket_figures
from dashboards.queries.rows import Row

PATH = "/tickets/figures"
TITLE = mark("Figures of tickets")
_COUNTS = ("tickets", "answered", "answered_in_time", "resolved", "resolved_in_time")


def layout(_: Say) -> list[Any]:
    """Filters and the table."""
    return [
        html.Div(
            [
                html.H1(_(TITLE)),
                html.Div(dcc.Link(_("Board"), href="/tickets", className="button"), className="head-actions"),
            ],
            className="page-head",
        ),
        html.Div(id="ticket-figures-filters", className="filters"),
        html.Div(id="ticket-figures"),
    ]


def register(app: Dash, console: Console) -> None:
    """The table of the last six months."""

    @guarded(
        app,
        "see.tickets",
        Output("ticket-figures-filters", "children"),
        Output("ticket-figures", "children"),
        Input("url", "search"),
        Input("live", "data"),
    )
    def show(search: str, _tick: Any) -> tuple[Any, Any]:
        filters, now, _ = parse(search), console.clock(), speaking(console)
        rows = read(console, filters, now)
        return render_filters(filters, console.tickets, _), render(rows, filters, now, console.tickets, _)


def read(console: Console, filters: Mapping[str, str], now: datetime) -> list[Row]:
    """The figures with these filters; `complaints` as kind means all kinds that customers wait for."""
    complaints = filters.get("kind") == "complaints"
    asked = {name: value for name, value in filters.items() if not (complaints and name == "kind")}
    with reading(console.engine) as connection:
        rows = ticket_figures.figures(connection, now, console.timezone, asked)
    kinds = console.tickets.kinds
    return [row for row in rows if not complaints or (row["kind"] in kinds and kinds[row["kind"]].complaint)]


def render_filters(filters: Mapping[str, str], book: Book, _: Say) -> list[Any]:
    """Kinds that have figures, complaints together, and priorities."""
    kinds = [("", _("all")), ("complaints", _("complaints")), *((code, ticket_kind(code, _)) for code in book.kinds)]
    priorities = [("", _("all")), *((code, _(name)) for code, name in PRIORITY.items())]
    return [
        chips(_("Kind"), PATH, filters, "kind", kinds),
        chips(_("Priority"), PATH, filters, "priority", priorities),
    ]


def render(rows: list[Row], filters: Mapping[str, str], now: datetime, book: Book, _: Say) -> Any:
    """A line for each month, kind and department."""
    taking = html.A([icon("save"), "CSV"], href=address("/exports/tickets.csv", filters), className="shell-tool")
    if not rows:
        body: Any = empty(_("Nobody resolved a ticket in these months."))
    else:
        names = (
            _("Month"),
            _("Kind"),
            _("With"),
            _("Resolved"),
            _("Mean handling time"),
            _("Answered in time"),
            _("Resolved in time"),
        )
        head = html.Tr([html.Th(name, className="num" if at > 2 else "") for at, name in enumerate(names)])
        body = scrolling(
            html.Table([html.Thead(head), html.Tbody([_line(row, book, _) for row in rows])], className="table")
        )
    return panel(_("By month, kind and department"), body, footer=as_of(_, now), actions=[taking])


def _line(row: Row, book: Book, _: Say) -> html.Tr:
    cells = [
        _.number(row["tickets"]),
        _("{n} min", n=_.number(round(row["handled_minutes"], 1))),
        _share(row["answered_in_time"], row["answered"], _),
        _share(row["resolved_in_time"], row["resolved"], _),
    ]
    names = [row["month"], ticket_kind(row["kind"], _), party(row["department"], book, _) or ""]
    return html.Tr([*(html.Td(name) for name in names), *(html.Td(cell, className="num") for cell in cells)])


def _share(held: int, of: int, _: Say) -> str:
    return "–" if not of else f"{100 * held / of:.1f} %"


def exported(console: Console, filters: Mapping[str, str], _: Say) -> list[list[str]]:
    """The figures that the page shows with these filters, as rows of text."""
    rows = read(console, filters, console.clock())
    head = ["month", "kind", "department", "handled_minutes", *_COUNTS]
    return [
        head,
        *(
            [row["month"], row["kind"], row["department"] or "", f"{row['handled_minutes']:.2f}"]
            + [str(row[name]) for name in _COUNTS]
            for row in rows
        ),
    ]
