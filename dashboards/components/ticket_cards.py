"""A ticket as a card on the board, and what is left of its time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from dash import dcc, html

from alerts.tickets.kinds import AT_WORK
from core.money import format_minor
from dashboards.components.filters import address
from dashboards.components.icons import icon
from dashboards.components.states import demo
from dashboards.components.words import PRIORITY, TICKET_STATE, ticket_kind, word
from dashboards.locale import Say
from dashboards.queries.rows import Row
from dashboards.sentences import judged

SOON_S = 1800.0
"""A ticket that is due within this time is marked."""
COLUMNS = ("open", "assigned", "accepted", "paused", "resolved", "closed")
"""The columns of the board, each named after the state that most of its tickets have."""
_WITH = {"approved": "open", "confirmed": "resolved", "cancelled": "closed"}


def column_of(state: str) -> str:
    """The column of the board in which tickets of that state stand."""
    return _WITH.get(state, state)


def ticket_card(row: Row, filters: Mapping[str, str], now: datetime, _: Say) -> dcc.Link:
    chosen = filters.get("ticket") == str(row["id"])
    state = [] if column_of(row["state"]) == row["state"] else [html.B(word(TICKET_STATE, row["state"], _))]
    return dcc.Link(
        [
            html.Div(
                [
                    html.Span(f"#{row['id']}", className="dim"),
                    html.Span(ticket_kind(row["kind"], _), className="dim"),
                    html.Span(word(PRIORITY, row["priority"], _), className=f"priority priority-{row['priority']}"),
                    *state,
                    *([demo(_)] if row["demo"] else []),
                ],
                className="card-top",
            ),
            html.Div(judged(row["title"], _), className="card-title"),
            html.Div(
                [
                    html.Span(
                        row["assignee"] or _("nobody yet"), className="who" if row["assignee"] else "who who-nobody"
                    ),
                    *(
                        html.Span(_("{money} at risk", money=money), className="card-money")
                        for money in _at_risk(row, _)
                    ),
                    due(row, now, _),
                ],
                className="card-foot",
            ),
        ],
        href=address("/tickets", filters, ticket=str(row["id"])),
        className="card" + (" card-on" if chosen else ""),
    )


def _at_risk(row: Row, _: Say) -> list[str]:
    """The money that hangs on the ticket, an amount for each currency."""
    return [format_minor(minor, currency, _.language) for minor, currency in row.get("at_risk", ())]


def due(row: Row, now: datetime, _: Say) -> html.Span:
    """How long until it is late, or since when it is; whom it waits for; nothing for work that is done."""
    if row["state"] not in AT_WORK:
        ended = row["closed_at"] or row["resolved_at"]
        return html.Span(
            _("done {age} ago", age=_.age((now - ended).total_seconds())) if ended else "", className="dim"
        )
    due_at = row.get("next_due_at", row["due_at"])
    if row["state"] == "paused" and (due_at is None or due_at > now):
        return html.Span([icon("clock"), _("waits for {whom}", whom=row["waits_on"] or "?")], className="due")
    if due_at is None:
        return html.Span(_("no deadline"), className="dim")
    left_s = (due_at - now).total_seconds()
    if left_s < 0:
        return html.Span([icon("clock"), _("late by {age}", age=_.age(-left_s))], className="due due-late")
    soon = " due-soon" if left_s < SOON_S else ""
    answer = due_at != row["due_at"]
    words = _("{age} left to answer", age=_.age(left_s)) if answer else _("{age} left", age=_.age(left_s))
    return html.Span([icon("clock"), words], className="due" + soon)
