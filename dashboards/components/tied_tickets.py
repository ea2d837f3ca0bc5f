"""The tickets of an alert, a job or a change, and the way to another one that is about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from dashboards.components.filters import address
from dashboards.components.icons import icon
from dashboards.components.panels import empty
from dashboards.components.words import TICKET_STATE, word
from dashboards.locale import Say
from dashboards.queries.rows import Row
from dashboards.sentences import judged


def tied_tickets(found: Sequence[Row], what: str, number: int, works: bool, nothing: str, _: Say) -> list[Any]:
    """Each ticket as a link, or the sentence that there is none; who works on tickets is led to the form of a new one."""
    lines = [
        dcc.Link(
            f"#{one['id']} {judged(one['title'], _)} · {word(TICKET_STATE, one['state'], _)}",
            href=f"/tickets?ticket={one['id']}",
            className="block-link",
        )
        for one in found
    ]
    new = dcc.Link(
        [icon("ticket"), _("Open a ticket")],
        href=address("/tickets/new", {}, **{what: str(number)}),
        className="button",
    )
    return [
        html.H3(_("Ticket")),
        html.Div(lines or empty(nothing)),
        html.Div([new], className="form-line form-end") if works else None,
    ]
