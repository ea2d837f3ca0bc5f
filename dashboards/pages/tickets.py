"""Which ticket will be late next, and who does it? Columns by state; one ticket beside them, and the work on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, dcc, html

from alerts.tickets.book import Book, default_book
from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.filters import address, chips, parse
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty
from dashboards.components.speaking import speaking
from dashboards.components.ticket_cards import COLUMNS, column_of, ticket_card
from dashboards.components.ticket_detail import party
from dashboards.components.ticket_forms import ticket_forms
from dashboards.components.words import PRIORITY, TICKET_STATE, ticket_kind, word
from dashboards.context import Console, current_viewer
from dashboards.locale import Say, mark
from dashboards.queries import tickets
from dashboards.queries.rows import Row
from dashboards.ticket_doings import register_doings
from dashboards.ticket_writing import register_writing

PATH = "/tickets"
TITLE = mark("Tickets")
SHOWN = 30
"""Cards that a column shows at most."""


def layout(_: Say) -> list[Any]:
    """Filters, columns, the detail, and the forms that work on a ticket; the forms stay while the rest is renewed."""
    return [
        html.Div(
            [
                html.H1(_(TITLE)),
                html.Div(id="tickets-load", className="head-note"),
                html.Div(
                    [
                        dcc.Link(_("Figures"), href="/tickets/figures", className="button"),
                        dcc.Link(_("New ticket"), href="/tickets/new", className="button button-main"),
                    ],
                    className="head-actions",
                ),
            ],
            className="page-head",
        ),
        html.Div(id="tickets-filters", className="filters"),
        html.Div(
            [
                html.Div(id="tickets-board"),
                html.Div(
                    [html.Div(id="ticket-detail"), ticket_forms(current_viewer().may("tickets.work"), _)],
                    id="ticket-side",
                    className="detail",
                ),
            ],
            id="tickets-body",
            className="columns",
        ),
        dcc.Store(id="tickets-done"),
    ]


def register(app: Dash, console: Console) -> None:
    """Board, detail, and what people do to a ticket."""

    @guarded(
        app,
        "see.tickets",
        Output("tickets-board", "children"),
        Output("tickets-filters", "children"),
        Output("tickets-load", "children"),
        Input("url", "search"),
        Input("live", "data"),
        Input("tickets-done", "data"),
    )
    def refresh(search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        with reading(console.engine) as connection:
            rows = tickets.tickets(connection, now, filters)
            load = tickets.load(connection, now)
            own = tickets.department_of(connection, current_viewer().name)
        shown = render_filters(filters, _, console.tickets, own)
        return render(rows, filters, now, _), shown, render_load(load, _)

    register_doings(app, console)
    register_writing(app, console)


def render_filters(filters: Mapping[str, str], _: Say, book: Book | None = None, own: str | None = None) -> list[Any]:
    """Links that change one filter each; kinds and departments from a list, since there are many. `own` is the department
    of the viewer, whose queue is one link away."""
    book = book or default_book()
    kept = {name: value for name, value in filters.items() if name != "ticket"}
    everything = [("", _("all"))]
    shown: list[Any] = [
        chips(
            _("Priority"), PATH, kept, "priority", [*everything, *((code, _(name)) for code, name in PRIORITY.items())]
        ),
        chips(_("Assigned to"), PATH, kept, "assignee", [*everything, ("none", _("nobody")), *_mine(_)]),
        *([chips(_("Department"), PATH, kept, "department", [*everything, (own, _("my department"))])] if own else []),
        chips(_("Deadline"), PATH, kept, "late", [*everything, ("yes", _("late"))]),
        folded(_("Kind"), kept, "kind", [(code, ticket_kind(code, _)) for code in book.kinds], _),
        folded(_("With"), kept, "department", [(code, party(code, book, _) or code) for code in book.parties], _),
    ]
    for name in ("assignee", "state", "q"):
        if kept.get(name) and not (name == "assignee" and kept[name] in ("none", _viewer())):
            words = word(TICKET_STATE, kept[name], _) if name == "state" else kept[name]
            shown.append(
                dcc.Link([words, icon("close")], href=address(PATH, kept, **{name: ""}), className="chip chip-on")
            )
    return shown


def folded(label: str, kept: Mapping[str, str], name: str, choices: list[tuple[str, str]], _: Say) -> html.Details:
    """A filter with many values as a list that opens; the one in force stands in its head."""
    current = dict(choices).get(kept.get(name, ""), kept.get(name, ""))
    head = html.Summary(
        [
            html.Span(label, className="chips-label"),
            html.Span(current or _("all"), className="chip" + (" chip-on" if current else "")),
        ]
    )
    options = [("", _("all")), *choices]
    links = [
        dcc.Link(
            words,
            href=address(PATH, kept, **{name: value}),
            className="chip" + (" chip-on" if value == kept.get(name, "") else ""),
        )
        for value, words in options
    ]
    return html.Details([head, html.Div(links, className="chips-list")], className="chips-folded")


def _viewer() -> str:
    try:
        return current_viewer().name
    except LookupError:  # rendered outside of a request
        return ""


def _mine(_: Say) -> list[tuple[str, str]]:
    return [(name, _("me"))] if (name := _viewer()) else []


def render_load(load: Row, _: Say) -> Any:
    """How many are open, late, and with nobody."""
    return [
        html.Span(_("{n} open", n=_.number(load["open"]))),
        html.Span(_("{n} late", n=_.number(load["late"])), className="flood" if load["late"] else ""),
        html.Span(_("{n} with nobody", n=_.number(load["nobody"]))),
    ]


def render(rows: list[Row], filters: Mapping[str, str], now: datetime, _: Say) -> Any:
    """A column of cards for each step of the work, the next to be late on top."""
    columns = []
    for name in COLUMNS:
        members = [row for row in rows if column_of(row["state"]) == name]
        cards: list[Any] = [ticket_card(row, filters, now, _) for row in members[:SHOWN]]
        if len(members) > SHOWN:
            cards.append(dcc.Link(_("{n} more", n=len(members) - SHOWN), href=address(PATH, filters, state=name)))
        columns.append(
            html.Section(
                [
                    html.H2([_(TICKET_STATE[name]), html.Span(len(members), className="nav-count")]),
                    html.Div(cards or empty(_("No ticket is in this state.")), className="cards"),
                ],
                className="board-column" + ("" if members else " board-empty"),
            )
        )
    return [html.Div(columns, className="board"), html.Div(as_of(_, now), className="panel-foot bare")]
