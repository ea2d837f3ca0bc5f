"""One ticket: what it holds, how much time it has, what happened, and what may be done with it now."""

from __future__ import annotations

from typing import Any

from dash import Dash, dcc, html

from dashboards.components.ticket_detail import ticket_detail
from dashboards.components.ticket_forms import ticket_forms
from dashboards.context import Console, current_viewer
from dashboards.locale import Say, mark

PATH = "/tickets/<number>"
TITLE = mark("Ticket")
render = ticket_detail


def layout(_: Say, number: str) -> list[Any]:
    """The detail, and beside it the forms; the callbacks that fill them are the board's (dashboards/ticket_doings.py)."""
    return [
        html.Div(
            [
                html.H1(f"{_(TITLE)} #{number[:16]}"),
                html.Div(dcc.Link(_("Board"), href="/tickets", className="button"), className="head-actions"),
            ],
            className="page-head",
        ),
        html.Div(
            [html.Div(id="ticket-detail"), ticket_forms(current_viewer().may("tickets.work"), _)],
            id="tickets-body",
            className="columns columns-ticket",
        ),
        dcc.Store(id="tickets-done"),
    ]


def register(app: Dash, console: Console) -> None:
    """Nothing of its own: the board registers the callbacks that both share."""
