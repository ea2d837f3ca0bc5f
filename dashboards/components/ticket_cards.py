"""A ticket as a card on the board and in detail, with what is left of its time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dash import dcc, html

from dashboards.components.filters import address, segment
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, facts, panel
from dashboards.components.rows import history
from dashboards.components.states import demo
from dashboards.components.words import PRIORITY, TICKET_STATE, ticket_kind, word
from dashboards.locale import Say
from dashboards.queries.rows import Row

SOON_S = 1800.0
"""A ticket that is due within this time is marked."""


def ticket_card(row: Row, filters: Mapping[str, str], now: datetime, _: Say) -> dcc.Link:
    chosen = filters.get("ticket") == str(row["id"])
    return dcc.Link(
        [
            html.Div(
                [
                    html.Span(f"#{row['id']}", className="dim"),
                    html.Span(ticket_kind(row["kind"], _), className="dim"),
                    html.Span(word(PRIORITY, row["priority"], _), className=f"priority priority-{row['priority']}"),
                    *([demo(_)] if row["demo"] else []),
                ],
                className="card-top",
            ),
            html.Div(row["title"], className="card-title"),
            html.Div(
                [
                    html.Span(
                        row["assignee"] or _("nobody yet"), className="who" if row["assignee"] else "who who-nobody"
                    ),
                    due(row, now, _),
                ],
                className="card-foot",
            ),
        ],
        href=address("/tickets", filters, ticket=str(row["id"])),
        className="card" + (" card-on" if chosen else ""),
    )


def due(row: Row, now: datetime, _: Say) -> html.Span:
    """How long until it is late, or since when it is; nothing for work that is done."""
    if row["state"] not in ("open", "assigned"):
        ended = row["closed_at"] or row["resolved_at"]
        return html.Span(
            _("done {age} ago", age=_.age((now - ended).total_seconds())) if ended else "", className="dim"
        )
    if row["due_at"] is None:
        return html.Span(_("no deadline"), className="dim")
    left_s = (row["due_at"] - now).total_seconds()
    if left_s < 0:
        return html.Span([icon("clock"), _("late by {age}", age=_.age(-left_s))], className="due due-late")
    soon = " due-soon" if left_s < SOON_S else ""
    return html.Span([icon("clock"), _("{age} left", age=_.age(left_s))], className="due" + soon)


def ticket_detail(row: Row | None, events: list[Row], filters: Mapping[str, str], now: datetime, _: Say) -> Any:
    """One ticket: its clocks, its alert, its history."""
    back = dcc.Link(
        [icon("close"), html.Span(_("Close"), className="unseen")],
        href=address("/tickets", filters, ticket=""),
        className="shell-tool",
    )
    if row is None:
        return panel(_("Detail"), empty(_("There is no such ticket.")), actions=[back])
    cleared = row["alert_cleared_at"]
    return panel(
        f"#{row['id']} {row['title']}",
        [
            html.Div(
                [
                    html.B(word(TICKET_STATE, row["state"], _)),
                    html.Span(word(PRIORITY, row["priority"], _), className=f"priority priority-{row['priority']}"),
                    due(row, now, _),
                    *([demo(_)] if row["demo"] else []),
                ],
                className="detail-line",
            ),
            html.P(_("Its alert went away by itself at {at}.", at=_.instant(cleared)), className="dim")
            if cleared
            else None,
            html.P(row["description"], className="described"),
            facts(
                [
                    (_("Kind"), ticket_kind(row["kind"], _)),
                    (_("Assigned to"), row["assignee"]),
                    (_("Opened"), _.instant(row["opened_at"])),
                    (_("Opened by"), row["opened_by"]),
                    (_("Due"), _.instant(row["due_at"]) if row["due_at"] else None),
                    (_("Resolved"), _.instant(row["resolved_at"]) if row["resolved_at"] else None),
                    (_("Closed"), _.instant(row["closed_at"]) if row["closed_at"] else None),
                    (
                        _("Alert"),
                        dcc.Link(
                            f"{row['target']} · {row['check_name']}", href=f"/alerts?state=all&alert={row['alert_id']}"
                        )
                        if row["alert_id"]
                        else None,
                    ),
                    (
                        _("Target"),
                        dcc.Link(row["target"], href=f"/targets/{segment(row['target'])}") if row["target"] else None,
                    ),
                    (_("Cause"), row["cause"]),
                    (_("Remedy"), row["remedy"]),
                ]
            ),
            html.H3(_("History")),
            html.Div(history(events, _)),
        ],
        footer=as_of(_, now),
        actions=[back],
    )
