"""Which ticket will be late next, and who does it? Columns by state, one ticket in detail, and the work on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ParamSpec

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from alerts.tickets import commands
from core.store.open import reading, writing
from dashboards.callbacks import guarded
from dashboards.components import notices
from dashboards.components.filters import address, chips, parse, whole
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty
from dashboards.components.speaking import speaking
from dashboards.components.ticket_cards import ticket_card, ticket_detail
from dashboards.components.ticket_forms import FORMS, hidden, ticket_forms
from dashboards.components.words import PRIORITY, TICKET_STATE
from dashboards.context import Console, current_viewer
from dashboards.locale import Say, mark
from dashboards.queries import tickets
from dashboards.queries.rows import Row
from dashboards.sentences import told

PATH = "/tickets"
TITLE = mark("Tickets")
TYPED = ("ticket-cause", "ticket-remedy", "ticket-reason", "ticket-text")
SHOWN = 30
"""Cards that a column shows at most."""


def layout(_: Say) -> list[Any]:
    """Filters, columns, the detail, and the forms that work on a ticket; the forms stay while the rest is renewed."""
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="tickets-load", className="head-note")], className="page-head"),
        html.Div(id="tickets-filters", className="filters"),
        html.Div(
            [
                html.Div(id="tickets-board"),
                html.Div([html.Div(id="ticket-detail"), ticket_forms(_)], id="ticket-side", className="detail"),
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
        return render(rows, filters, now, _), render_filters(filters, _), render_load(load, _)

    @guarded(
        app,
        "see.tickets",
        Output("ticket-detail", "children"),
        Output("tickets-body", "className"),
        Output("ticket-forms", "hidden"),
        *(Output(form, "hidden") for form in FORMS),
        Output("ticket-assignee", "data"),
        Input("url", "search"),
        Input("live", "data"),
        Input("tickets-done", "data"),
    )
    def detail(search: str, _tick: Any, _done: Any) -> tuple[Any, ...]:
        now, filters, _ = console.clock(), parse(search), speaking(console)
        wanted = whole(filters.get("ticket"))
        if wanted is None:
            return None, "columns", *hidden(None, False), []
        with reading(console.engine) as connection:
            row = tickets.one(connection, wanted)
            events = tickets.events(connection, wanted)
            people = tickets.people(connection)
        works = current_viewer().may("tickets.work")
        return (
            ticket_detail(row, events, filters, now, _),
            "columns columns-side has-detail",
            *hidden(row["state"] if row else None, works),
            people,
        )

    _commands(app, console)


P = ParamSpec("P")
Done = tuple[Any, Any]  # when it was done, and what is told of it


def _commands(app: Dash, console: Console) -> None:
    def command(button: str, *states: State) -> Callable[[Callable[P, Done]], Callable[P, Done]]:
        return guarded(
            app,
            "tickets.work",
            Output("tickets-done", "data", allow_duplicate=True),
            Output("notices", "sendNotifications", allow_duplicate=True),
            Input(button, "n_clicks"),
            State("url", "search"),
            *states,
            prevent_initial_call=True,
        )

    def run(clicks: int | None, search: str, doing: Any, sentence: str) -> Done:
        """Do it in one transaction; a refusal is told as it was said."""
        ticket_id = whole(parse(search).get("ticket"))
        if not clicks or ticket_id is None:  # a page that was just put in place calls once without a click
            raise PreventUpdate
        _ = speaking(console)
        try:
            with writing(console.engine) as connection:
                doing(connection, ticket_id, current_viewer().name)
        except commands.TicketError as error:
            return no_update, [notices.failed(_, told(str(error), _))]
        return console.clock().isoformat(), [notices.done(_, sentence)]

    @command("ticket-take")
    def take(clicks: int | None, search: str) -> Done:
        _ = speaking(console)
        return run(
            clicks,
            search,
            lambda connection, ticket_id, who: commands.assign(connection, ticket_id, who, who, console.clock()),
            _("The ticket is yours."),
        )

    @command("ticket-assign", State("ticket-assignee", "value"))
    def assign(clicks: int | None, search: str, assignee: str | None) -> Done:
        _ = speaking(console)
        return run(
            clicks,
            search,
            lambda connection, ticket_id, who: commands.assign(
                connection, ticket_id, who, assignee or "", console.clock()
            ),
            _("The ticket is with {who}.", who=assignee),
        )

    @command("ticket-resolve", State("ticket-cause", "value"), State("ticket-remedy", "value"))
    def resolve(clicks: int | None, search: str, cause: str | None, remedy: str | None) -> Done:
        _ = speaking(console)
        return run(
            clicks,
            search,
            lambda connection, ticket_id, who: commands.resolve(
                connection, ticket_id, who, cause or "", remedy or "", console.clock()
            ),
            _("The ticket is resolved."),
        )

    @command("ticket-close")
    def close(clicks: int | None, search: str) -> Done:
        _ = speaking(console)
        return run(
            clicks,
            search,
            lambda connection, ticket_id, who: commands.close(connection, ticket_id, who, console.clock()),
            _("The ticket is closed."),
        )

    @command("ticket-reopen", State("ticket-reason", "value"))
    def reopen(clicks: int | None, search: str, reason: str | None) -> Done:
        _ = speaking(console)
        return run(
            clicks,
            search,
            lambda connection, ticket_id, who: commands.reopen(
                connection, ticket_id, who, reason or "", console.clock()
            ),
            _("The ticket is open again."),
        )

    @command("ticket-comment", State("ticket-text", "value"))
    def comment(clicks: int | None, search: str, text: str | None) -> Done:
        _ = speaking(console)
        return run(
            clicks,
            search,
            lambda connection, ticket_id, who: commands.comment(
                connection, ticket_id, who, text or "", console.clock()
            ),
            _("The comment is on the ticket."),
        )

    _empty_after(app)


def _empty_after(app: Dash) -> None:
    """Once a doing has gone through, what was typed for it is on the ticket and leaves the fields."""
    app.clientside_callback(
        ClientsideFunction("tickets", "emptied"),
        *(Output(field, "value") for field in TYPED),
        Input("tickets-done", "data"),
        *(State(field, "value") for field in TYPED),
        prevent_initial_call=True,
    )


def render_filters(filters: Mapping[str, str], _: Say) -> list[Any]:
    """Links that change one filter each."""
    kept = {name: value for name, value in filters.items() if name != "ticket"}
    shown = [
        chips(
            _("Priority"),
            PATH,
            kept,
            "priority",
            [("", _("all")), *((code, _(name)) for code, name in PRIORITY.items())],
        ),
        chips(_("Assigned to"), PATH, kept, "assignee", [("", _("all")), ("none", _("nobody")), *_mine(_)]),
    ]
    for name in ("assignee", "kind", "state", "q"):
        if kept.get(name) and not (name == "assignee" and kept[name] in ("none", _viewer())):
            shown.append(
                dcc.Link([kept[name], icon("close")], href=address(PATH, kept, **{name: ""}), className="chip chip-on")
            )
    return shown


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
    """Four columns of cards, the next to be late on top."""
    columns = []
    for state, name in TICKET_STATE.items():
        members = [row for row in rows if row["state"] == state]
        cards: list[Any] = [ticket_card(row, filters, now, _) for row in members[:SHOWN]]
        if len(members) > SHOWN:
            cards.append(dcc.Link(_("{n} more", n=len(members) - SHOWN), href=address(PATH, filters, state=state)))
        columns.append(
            html.Section(
                [
                    html.H2([_(name), html.Span(len(members), className="nav-count")]),
                    html.Div(cards or empty(_("No ticket is in this state.")), className="cards"),
                ],
                className="board-column",
            )
        )
    return [html.Div(columns, className="board"), html.Div(as_of(_, now), className="panel-foot bare")]
