"""One ticket whole: its clocks, what it holds, what it is tied to, its files and its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dash import dcc, html

from alerts.tickets import fields
from alerts.tickets.book import Book
from alerts.tickets.kinds import AT_WORK
from dashboards.components.filters import address
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, facts, panel
from dashboards.components.rows import history
from dashboards.components.states import demo
from dashboards.components.target_links import target_link
from dashboards.components.ticket_cards import due
from dashboards.components.words import (
    PRIORITY,
    TICKET_RELATION,
    TICKET_RELATION_BACK,
    TICKET_STATE,
    ticket_kind,
    word,
)
from dashboards.locale import Say
from dashboards.queries.rows import Row
from dashboards.sentences import judged, told
from dashboards.sentences.tickets import event_detail

PLACES = {
    "alert": "/alerts?state=all&alert={n}",
    "break": "/breaks/{n}",
    "run": "/reconciliation/{n}",
    "job": "/job-plans?job={n}",
    "change": "/changes?change={n}",
}
"""Where what a ticket is about is shown."""


@dataclass(frozen=True)
class Whole:
    """A ticket as it was read: its row, and what hangs on it, newest events first."""

    row: Row | None
    events: Sequence[Row] = ()
    files: Sequence[Row] = ()
    links: Sequence[Row] = ()


def ticket_detail(
    whole: Whole, filters: Mapping[str, str], now: datetime, book: Book, _: Say, *, works: bool = False
) -> Any:
    """The panel of one ticket; with `ticket` among the filters it stands beside the board and can be closed. Who works on
    tickets can take its links off."""
    aside = "ticket" in filters
    back = dcc.Link(
        [icon("close"), html.Span(_("Close"), className="unseen")],
        href=address("/tickets", filters, ticket=""),
        className="shell-tool",
    )
    row = whole.row
    if row is None:
        return panel(_("Detail"), empty(_("There is no such ticket.")), actions=[back])
    opened = dcc.Link(_("Open the ticket"), href=f"/tickets/{row['id']}", className="block-link")
    return panel(
        f"#{row['id']} {judged(row['title'], _)}",
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
            opened if aside else None,
            html.P(_("Its alert went away by itself at {at}.", at=_.instant(row["alert_cleared_at"])), className="dim")
            if row["alert_cleared_at"]
            else None,
            html.P(row["description"], className="described"),
            facts(_clocks(row, now, book, _)),
            facts(_about(row, book, _)),
            facts(_fields(row, book, _)),
            *_links(whole.links, works, _),
            *_files(row, whole.files, _),
            html.H3(_("History")),
            html.Div(
                history(
                    [event | {"detail": event_detail(event["kind"], event["detail"], _)} for event in whole.events], _
                )
            ),
        ],
        footer=as_of(_, now),
        actions=[back] if aside else [],
    )


def _clocks(row: Row, now: datetime, book: Book, _: Say) -> list[tuple[str, Any]]:
    """Both clocks: when they run out, what is left of them, or whether they were held."""
    working = _("in working time") if row["hours"] == "working" else _("around the clock")
    found = [(_("To be answered by"), _.instant(row["respond_due_at"]) if row["respond_due_at"] else None)]
    if row["responded_at"] is not None:
        late = row["respond_due_at"] is not None and row["responded_at"] > row["respond_due_at"]
        found.append((_("Answered"), f"{_.instant(row['responded_at'])} · {_held(late, _)}"))
    if row["resolve_s"] is not None:
        allowed = _.age(float(row["resolve_s"]))
        found.append((_("Time to resolve"), f"{allowed} · {working}"))
    found.append((_("Due"), _.instant(row["due_at"]) if row["due_at"] else None))
    if row["state"] == "paused" and row["left_s"] is not None:
        found.append((_("Left when it was paused"), _.age(float(row["left_s"]))))
    elif row["state"] in AT_WORK and row["due_at"] is not None and row["due_at"] > now:
        left = book.time(row["hours"]).between(now, row["due_at"])
        found.append((_("Left"), f"{_.age(left / timedelta(seconds=1))} · {working}"))
    if row["resolved_at"] is not None:
        late = row["due_at"] is not None and row["resolved_at"] > row["due_at"]
        found.append((_("Resolved"), f"{_.instant(row['resolved_at'])} · {_held(late, _)}"))
    if row["handled_s"] is not None:
        entry = book.kinds.get(row["kind"])
        counted = _("in working time") if entry and entry.hours == "working" else _("around the clock")
        without = _("pauses left out")
        found.append((_("Handling time"), f"{_.age(float(row['handled_s']))} · {counted}, {without}"))
    return found


def _held(late: bool, _: Say) -> str:
    return _("late") if late else _("in time")


def _about(row: Row, book: Book, _: Say) -> list[tuple[str, Any]]:
    alert = None
    if row["alert_id"]:
        alert = dcc.Link(f"{row['target']} · {row['check_name']}", href=f"/alerts?state=all&alert={row['alert_id']}")
    target = target_link(row["target"], row["target_kind"], row["alert_labels"], _) if row["target"] else None
    return [
        (_("Kind"), ticket_kind(row["kind"], _)),
        (_("Asked by"), party(row["origin"], book, _)),
        (_("With"), party(row["department"], book, _)),
        (_("Assigned to"), row["assignee"]),
        (_("Waits for"), row["waits_on"]),
        (_("Opened"), _.instant(row["opened_at"])),
        (_("Opened by"), row["opened_by"]),
        (_("Closed"), _.instant(row["closed_at"]) if row["closed_at"] else None),
        (_("Alert"), alert),
        (_("Target"), target),
        (_("Cause"), row["cause"]),
        (_("Remedy"), told(row["remedy"], _) if row["remedy"] else None),
        (_("Resolved by"), row["resolved_by"]),
    ]


def _fields(row: Row, book: Book, _: Say) -> list[tuple[str, Any]]:
    entry = book.kinds.get(row["kind"])
    kept = row["fields"] or {}
    if entry is None:
        return [(name, str(value)) for name, value in kept.items()]
    zone = ZoneInfo(_.timezone)
    return [
        (label(field, _), fields.shown(field, kept[field.name], _.language, zone))
        for field in entry.fields
        if field.name in kept
    ]


def _links(links: Sequence[Row], works: bool, _: Say) -> list[Any]:
    if not links:
        return []
    lines = []
    for link in links:
        table = TICKET_RELATION_BACK if link["backward"] else TICKET_RELATION
        to = PLACES.get(link["relation"], "/tickets/{n}").format(n=link["number"])
        title = f"#{link['number']} {judged(link['title'] or '', _)}".strip()
        state = [html.Span(word(TICKET_STATE, link["state"], _), className="dim")] if link["state"] else []
        said = html.Span(word(table, link["relation"], _), className="dim")
        off = [_unlink(link, title, _)] if works and not link["backward"] else []
        end = [html.Span([*state, *off], className="ticket-link-end")] if state or off else []
        lines.append(html.Li([said, dcc.Link(title, href=to), *end], className="ticket-link"))
    return [html.H3(_("Links")), html.Ul(lines, className="ticket-links")]


def _unlink(link: Row, title: str, _: Say) -> html.Button:
    words = _("Take off the link to {title}", title=title)
    named = {"id": {"ticket-unlink": f"{link['relation']}/{link['number']}"}, "aria-label": words}
    return html.Button([icon("close")], **named, title=words, className="shell-tool ticket-unlink", type="button")


def _files(row: Row, files: Sequence[Row], _: Say) -> list[Any]:
    if not files:
        return []
    lines = [
        html.Li(
            [
                html.A([icon("save"), file["name"]], href=f"/exports/tickets/{row['id']}/{file['id']}"),
                html.Span(_("{n} bytes", n=_.number(file["size_bytes"])), className="dim"),
                html.Span(f"SHA-256 {file['sha256'][:12]}…", className="dim", title=file["sha256"]),
                html.Span(file["added_by"], className="dim"),
            ],
            className="ticket-link",
        )
        for file in files
    ]
    return [html.H3(_("Attachments")), html.Ul(lines, className="ticket-links")]


def label(field: Any, _: Say) -> str:
    """The name of a field, a choice, a party or a kind in the viewer's language."""
    return str(field.zh if _.language.startswith("zh") else field.en)


def party(code: str | None, book: Book, _: Say) -> str | None:
    """The name of a party; one that is not declared any more is shown as it is."""
    known = book.parties.get(code or "")
    return code if known is None else label(known, _)
