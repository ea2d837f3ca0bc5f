"""What has to be done, of which kind, and by whom? The form that opens a ticket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from alerts.tickets import commands
from alerts.tickets.book import Book
from alerts.tickets.links import ABOUT
from core.store.open import reading, writing
from dashboards.callbacks import guarded, text
from dashboards.components import notices
from dashboards.components.filters import address, parse, whole
from dashboards.components.job_parts import named as job_title
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.speaking import speaking
from dashboards.components.ticket_detail import PLACES, label
from dashboards.components.ticket_forms import field_inputs
from dashboards.components.words import PRIORITY, TICKET_RELATION, word
from dashboards.context import Console, current_viewer
from dashboards.locale import Say, mark
from dashboards.queries.about import subject
from dashboards.sentences import judged, told
from dashboards.ticket_doings import named
from dashboards.ticket_opening import KINDS, open_one

PATH = "/tickets/new"
TITLE = mark("New ticket")
DEFAULT_KIND = "fault"


def layout(_: Say) -> list[Any]:
    """The kinds, and the form of the one that is chosen."""
    return [
        html.Div([html.H1(_(TITLE)), html.Div(id="ticket-new-note", className="head-note")], className="page-head"),
        html.Div(id="ticket-new-kinds", className="filters"),
        html.Div(id="ticket-new-form"),
    ]


def register(app: Dash, console: Console) -> None:
    """The form follows the kind in the address; opening leads to the ticket."""

    @guarded(
        app,
        "see.tickets",
        Output("ticket-new-kinds", "children"),
        Output("ticket-new-form", "children"),
        Output("ticket-new-note", "children"),
        Input("url", "search"),
    )
    def form(search: str) -> tuple[Any, ...]:
        filters, _ = parse(search), speaking(console)
        works, about = current_viewer().may("tickets.work"), about_of(filters)
        with reading(console.engine) as connection:
            called = None if about is None else subject(connection, *about)
        if called is not None and about is not None and about[0] == "job":
            called = job_title(called, {plan.name: plan for plan in console.plans.plans}, _)
        return (
            render_kinds(filters, console.tickets, _),
            render(filters, console.tickets, works, _, called),
            as_of(_, console.clock()),
        )

    @guarded(
        app,
        "tickets.work",
        Output("url", "href", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input("ticket-new-open", "n_clicks"),
        State("url", "search"),
        State("ticket-new-title", "value"),
        State("ticket-new-text", "value"),
        State("ticket-new-priority", "value"),
        State("ticket-new-origin", "value"),
        State("ticket-new-department", "value"),
        State({"ticket-field": ALL}, "value"),
        State({"ticket-field": ALL}, "id"),
        prevent_initial_call=True,
    )
    def open_it(
        clicks: Any,
        search: Any,
        title: Any,
        words: Any,
        priority: Any,
        origin: Any,
        department: Any,
        values: Any,
        names: Any,
    ) -> tuple[Any, Any]:
        if not clicks:
            raise PreventUpdate
        filters, _, who = parse(search), speaking(console), current_viewer().name
        try:
            with writing(console.engine) as connection:
                number = open_one(
                    connection,
                    who,
                    kind_of(filters, console.tickets),
                    text(title),
                    console.clock(),
                    console.tickets,
                    about_of(filters),
                    description=text(words),
                    priority=text(priority) or None,
                    given=named(names, values),
                    origin=text(origin),
                    department=text(department),
                )
        except commands.TicketError as error:
            return no_update, [notices.failed(_, told(str(error), _))]
        return f"/tickets/{number}", [notices.done(_, _("A ticket is open."))]


def about_of(filters: Mapping[str, str]) -> tuple[str, int] | None:
    """What the address of the form says that the ticket is about: `?job=3`."""
    found = ((what, whole(filters.get(what))) for what in ABOUT)
    return next(((what, number) for what, number in found if number is not None), None)


def kind_of(filters: Mapping[str, str], book: Book) -> str:
    """The kind that the address names, else that of what it is about; a fault when it names none that there is."""
    about = about_of(filters)
    wanted = filters.get("kind") or (KINDS[about[0]] if about is not None else DEFAULT_KIND)
    return wanted if wanted in book.kinds else DEFAULT_KIND


def render_kinds(filters: Mapping[str, str], book: Book, _: Say) -> list[Any]:
    """A link for each kind; the one in force is marked."""
    chosen = kind_of(filters, book)
    links_ = [
        dcc.Link(
            label(entry, _),
            href=address(PATH, filters, kind=code),
            className="chip" + (" chip-on" if code == chosen else ""),
        )
        for code, entry in book.kinds.items()
    ]
    return [html.Div(links_, className="chips chips-wrap", role="group", **{"aria-label": _("Kind")})]


def render(filters: Mapping[str, str], book: Book, works: bool, _: Say, called: str | None = None) -> Any:
    """The form of the kind; a sentence for who may not open tickets. `called` is what the ticket is about, if anything."""
    if not works:
        return empty(_("Your role does not open tickets; ask somebody on duty."))
    code = kind_of(filters, book)
    entry = book.kinds[code]
    target = book.target(code, entry.priority)
    about = _(
        "To be answered within {respond} and resolved within {resolve} at this priority.",
        respond=_.age(target.respond.total_seconds()),
        resolve=_.age(target.resolve.total_seconds()),
    )
    doers = [{"value": party.code, "label": label(party, _)} for party in book.doers(code)]
    origins = [{"value": party.code, "label": label(party, _)} for party in book.origins(code)]
    priorities = [{"value": name, "label": word(PRIORITY, name, _)} for name in PRIORITY]
    needed = [field for field in entry.fields if field.needed != "resolving"]
    return panel(
        label(entry, _),
        html.Div(
            [
                _about(filters, called, _),
                dmc.TextInput(
                    id="ticket-new-title", label=_("What is it about?") + " *", value=called or "", size="sm"
                ),
                dmc.Textarea(id="ticket-new-text", label=_("Description"), autosize=True, minRows=2, size="sm"),
                html.Div(
                    [
                        dmc.Select(
                            id="ticket-new-priority",
                            label=_("Priority"),
                            data=priorities,
                            value=entry.priority,
                            size="sm",
                        ),
                        dmc.Select(
                            id="ticket-new-origin", label=_("Asked by"), data=origins, size="sm", clearable=True
                        ),
                        dmc.Select(
                            id="ticket-new-department",
                            label=_("With"),
                            data=doers,
                            value=doers[0]["value"] if doers else None,
                            size="sm",
                        ),
                    ],
                    className="form-three",
                ),
                *field_inputs(needed, _),
                html.P(about, className="dim"),
                html.Button(_("Open ticket"), id="ticket-new-open", className="button button-main", type="button"),
            ],
            className="form ticket-new",
        ),
    )


def _about(filters: Mapping[str, str], called: str | None, _: Say) -> Any:
    """What the ticket will be tied to, with the way there."""
    about = about_of(filters)
    if about is None or called is None:
        return None
    what, number = about
    said = html.Span(word(TICKET_RELATION, what, _), className="dim")
    link = dcc.Link(f"#{number} {judged(called, _)}", href=PLACES[what].format(n=number))
    return html.P([said, " ", link], className="ticket-new-about")
