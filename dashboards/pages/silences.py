"""Who is not told of what, until when? Silences made, extended and ended; proposals that need two people; the shelf."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import Dash, Input, Output, dcc, html

from alerts.muting import silences
from alerts.muting.proposals import Proposal
from alerts.muting.silences import Silence
from core.store.open import reading
from dashboards.callbacks import guarded
from dashboards.components.alert_actions import (
    SILENCING,
    bringing_back,
    length_field,
    question,
    silence_fields,
    text_field,
)
from dashboards.components.filters import chips, parse
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, panel
from dashboards.components.silence_parts import (
    PATH,
    proposals_panel,
    shelf_panel,
    silence_detail,
    silence_line,
)
from dashboards.components.speaking import speaking
from dashboards.components.words import SILENCE_STATE, word
from dashboards.context import Console, Viewer, current_viewer
from dashboards.locale import Say, mark
from dashboards.queries import silences as queries
from dashboards.queries.rows import Row
from dashboards.silence_doings import register_doings

TITLE = mark("Silences")
NEW = [("silence-new-make", SILENCING[0][1]), ("silence-new-propose", SILENCING[1][1])]


def layout(_: Say) -> list[Any]:
    """Filters, proposals, silences with one in detail, the shelf, and the questions of the buttons that the viewer has."""
    viewer = current_viewer()
    may = viewer.may("alerts.silence")
    new = html.Button([icon("plus"), _("New silence")], id="silence-new", className="button button-main", type="button")
    return [
        html.Div([html.H1(_(TITLE)), html.Div([new] if may else [], className="head-actions")], className="page-head"),
        html.Div(id="silences-filters", className="filters"),
        html.Div(id="silences-proposals"),
        html.Div(
            [
                html.Div(id="silences-list", className="page-body ready"),
                html.Div(
                    [
                        html.Div(id="silence-detail"),
                        html.Div(_doings(_) if may else [], id="silence-form", hidden=True),
                    ],
                    className="detail page-body",
                ),
            ],
            id="silences-body",
            className="columns",
        ),
        html.Div(id="silences-shelf"),
        dcc.Store(id="alerts-ids", data=[]),
        dcc.Store(id="alerts-done"),
        dcc.Store(id="silences-done"),
        *_questions(viewer, _),
    ]


def _doings(_: Say) -> list[Any]:
    """What can be done with the chosen silence; an ended one can only be made again."""
    return [
        html.Div(
            [
                length_field("silence-extend-for", _("Longer by"), "2h", _),
                html.Button([icon("clock"), _("Extend")], id="silence-extend", className="button", type="button"),
                html.Button([icon("close"), _("End it now")], id="silence-expire", className="button", type="button"),
            ],
            className="silence-doings silence-running",
        ),
        html.Button([icon("plus"), _("Make it again")], id="silence-again", className="button", type="button"),
    ]


def _questions(viewer: Viewer, _: Say) -> list[Any]:
    approving = question(
        _("Approve"),
        "silence-approve-modal",
        [html.P(_("It holds from now on: nobody is told of anything that it mutes until it ends."))],
        [("silence-approve", _("Approve"))],
        _,
    )
    rejecting = question(
        _("Reject"),
        "silence-reject-modal",
        [text_field("silence-reject-reason", _("Why should it not be?"))],
        [("silence-reject", _("Reject"))],
        _,
    )
    making = question(_("New silence"), "silence-new-modal", silence_fields("silence-new", _), NEW, _)
    return [
        *([making, rejecting] if viewer.may("alerts.silence") else []),
        *([approving] if viewer.may("alerts.approve") else []),
        *([bringing_back(_)] if viewer.may("alerts.shelve") else []),
    ]


def register(app: Dash, console: Console) -> None:
    """Everything again on every tick, and the doings."""

    @guarded(
        app,
        "see.alerts",
        Output("silences-filters", "children"),
        Output("silences-proposals", "children"),
        Output("silences-list", "children"),
        Output("silence-detail", "children"),
        Output("silences-shelf", "children"),
        Output("silence-form", "hidden"),
        Output("silence-form", "className"),
        Output("silences-body", "className"),
        Input("url", "search"),
        Input("live", "data"),
        Input("silences-done", "data"),
        Input("alerts-done", "data"),
    )
    def refresh(search: str, _tick: Any, _done: Any, _back: Any) -> tuple[Any, ...]:
        now, filters, _, viewer = console.clock(), parse(search), speaking(console), current_viewer()
        wanted = filters.get("silence")
        with reading(console.engine) as connection:
            found, muted = queries.listed(connection, now, filters.get("state", "active"))
            chosen = queries.one(connection, wanted) if wanted else None
            waiting = queries.proposed(connection, now)
            aside = queries.shelved(connection, now)
        over = chosen is None or chosen.state(now) is silences.State.EXPIRED
        shown = render(found, muted, chosen, waiting, aside, filters, viewer, now, _)
        return (
            *shown,
            chosen is None or not viewer.may("alerts.silence"),
            "silence-doings detail-line" + (" silence-over" if over else ""),
            "columns columns-side has-detail" if wanted else "columns",
        )

    register_doings(app, console)


def render(
    found: list[Silence],
    muted: Mapping[str, int],
    chosen: Silence | None,
    waiting: list[Proposal],
    aside: list[Row],
    filters: Mapping[str, str],
    viewer: Viewer,
    now: datetime,
    _: Say,
) -> tuple[Any, ...]:
    """Filters, proposals, the list, the chosen silence, the shelf."""
    kept = {name: value for name, value in filters.items() if name != "silence"}
    states = [*((code, word(SILENCE_STATE, code, _)) for code in SILENCE_STATE), ("all", _("all"))]
    lines = [silence_line(one, muted, filters, now, _) for one in found]
    body: Any = html.Ul(lines, className="list") if lines else empty(_("There is no such silence."))
    detail = None
    if filters.get("silence"):
        detail = silence_detail(chosen, muted, filters, now, _)
    return (
        chips(_("State"), PATH, kept, "state", states, "active"),
        proposals_panel(waiting, viewer, now, _),
        panel(_(TITLE), body, footer=as_of(_, now), className="panel-flush"),
        detail,
        shelf_panel(aside, viewer, now, _),
    )
