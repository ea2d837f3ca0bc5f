"""How long do tickets take, and are they answered and resolved in time? By month, kind and department."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from dashboards.components.words import PRIORITY, ticket_kind, word
from dashboards.context import Console
from dashboards.locale import Say, mark
from dashboards.queries import ticket_figures
from dashboards.queries.rows import Row
from dashboards.sentences import judged

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
        rows, book = read(console, of_table(filters), now), console.tickets
        shown = [render(rows, of_table(filters), now, book, _)]
        if filters.get("month"):
            with reading(console.engine) as connection:
                found = ticket_figures.members(connection, console.timezone, filters)
            shown.insert(0, render_members(found, filters, now, book, _))
        return render_filters(of_table(filters), book, _), html.Div(shown, className="page-body")


def of_table(filters: Mapping[str, str]) -> dict[str, str]:
    """The filters of the table; those of one of its lines are left out while a month is looked at."""
    if not filters.get("month"):
        return dict(filters)
    kept = {name: value for name, value in filters.items() if name not in ("month", "part", "kind", "department")}
    return kept | ({"kind": filters["of"]} if filters.get("of") else {})


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
            _("Mean elapsed time"),
            _("Answered in time"),
            _("Resolved in time"),
        )
        head = html.Tr([html.Th(name, className="num" if at > 2 else "") for at, name in enumerate(names)])
        body = scrolling(
            html.Table(
                [html.Thead(head), html.Tbody([_line(row, filters, book, _) for row in rows])],
                className="table figures-table",
            )
        )
    about = html.P(
        _(
            "Handling time is what the clock of the kind counted until the ticket was resolved, pauses left out; elapsed time "
            "is from opening to resolving, around the clock. Each number leads to its tickets."
        ),
        className="dim table-about",
    )
    return panel(_("By month, kind and department"), [about, body], footer=as_of(_, now), actions=[taking])


def _line(row: Row, filters: Mapping[str, str], book: Book, _: Say) -> html.Tr:
    own = {"month": row["month"], "kind": row["kind"], "department": row["department"] or "none", "ticket": ""}
    of = filters.get("kind", "")

    def link(words: str, part: str = "") -> Any:
        return dcc.Link(words, href=address(PATH, filters, **own, part=part, of=of))

    cells = [
        link(_.number(row["tickets"])),
        _minutes(row["handled_minutes"], _),
        _minutes(row["elapsed_minutes"], _),
        _share(row["answered_in_time"], row["answered"], "answered", link, _),
        _share(row["resolved_in_time"], row["resolved"], "resolved", link, _),
    ]
    names = [row["month"], ticket_kind(row["kind"], _), party(row["department"], book, _) or ""]
    hours = _("in working time") if _works(row["kind"], book) else _("around the clock")
    names[1] = [names[1], html.Span(hours, className="dim sub")]
    return html.Tr([*(html.Td(name) for name in names), *(html.Td(cell, className="num") for cell in cells)])


def _works(kind: str, book: Book) -> bool:
    """Whether the clocks of a kind count working time."""
    return kind in book.kinds and book.kinds[kind].hours == "working"


def _minutes(minutes: float | None, _: Say) -> str:
    return "–" if minutes is None else _("{n} min", n=_.number(round(minutes, 1)))


def _share(held: int, of: int, part: str, link: Callable[..., Any], _: Say) -> Any:
    """The share that held a clock, leading to those tickets; and how many did not, leading to those."""
    if not of:
        return "–"
    shown = [link(_.share(held / of), part)]
    return [*shown, " · ", link(f"−{_.number(of - held)}", f"{part}_late")] if held < of else shown


def render_members(rows: list[Row], filters: Mapping[str, str], now: datetime, book: Book, _: Say) -> Any:
    """The tickets behind one number of the table."""
    parts = {
        "": mark("Resolved"),
        "answered": mark("Answered in time"),
        "answered_late": mark("Answered late"),
        "resolved": mark("Resolved in time"),
        "resolved_late": mark("Resolved late"),
    }
    department = filters.get("department", "")
    about = [
        filters["month"],
        ticket_kind(filters["kind"], _) if filters.get("kind") else "",
        "" if department in ("", "none") else party(department, book, _) or "",
        word(PRIORITY, filters["priority"], _) if filters.get("priority") else "",
        word(parts, filters.get("part", ""), _),
    ]
    back = dcc.Link(
        [icon("close"), html.Span(_("Close"), className="unseen")],
        href=address(PATH, of_table(filters), of=""),
        className="shell-tool",
    )
    names = (_("Ticket"), _("Assigned to"), _("Resolved"), _("Handling time"), _("Answer"), _("Resolution"))
    head = html.Tr([html.Th(name, className="num" if at == 3 else "") for at, name in enumerate(names)])
    lines = [_member(row, _) for row in rows]
    body = scrolling(html.Table([html.Thead(head), html.Tbody(lines)], className="table"))
    title = " · ".join(words for words in about if words)
    listed = body if rows else empty(_("No ticket makes up this number."))
    return panel(title, listed, footer=as_of(_, now), actions=[back])


def _member(row: Row, _: Say) -> html.Tr:
    cells = [
        dcc.Link(f"#{row['id']} {judged(row['title'], _)}", href=f"/tickets/{row['id']}"),
        row["assignee"] or row["resolved_by"],
        _.instant(row["resolved_at"]),
        "–" if row["handled_s"] is None else _.age(float(row["handled_s"])),
        _held(row["responded_at"], row["respond_due_at"], _),
        _held(row["resolved_at"], row["due_at"], _),
    ]
    return html.Tr([html.Td(cell, className="num" if at == 3 else "") for at, cell in enumerate(cells)])


def _held(done_at: datetime | None, due_at: datetime | None, _: Say) -> str:
    if due_at is None:
        return "–"
    return _("in time") if done_at is not None and done_at <= due_at else _("late")


def exported(console: Console, filters: Mapping[str, str], _: Say) -> list[list[str]]:
    """The figures that the page shows with these filters, as rows of text."""
    rows = read(console, filters, console.clock())
    head = ["month", "kind", "department", "handled_minutes", "elapsed_minutes", *_COUNTS]
    return [
        head,
        *(
            [row["month"], row["kind"], row["department"] or ""]
            + ["" if row[name] is None else f"{row[name]:.2f}" for name in ("handled_minutes", "elapsed_minutes")]
            + [str(row[name]) for name in _COUNTS]
            for row in rows
        ),
    ]
