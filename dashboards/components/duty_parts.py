"""Parts of the duty desk's page: who is on duty, a handover with its items and signatures, and the lines of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from alerts.duty.config import Desk
from alerts.duty.shifts import Shift
from dashboards.components.filters import address
from dashboards.components.panels import empty, facts, scrolling
from dashboards.components.rows import history
from dashboards.components.words import (
    CHANGE_STATE,
    ENTRY_FIELD,
    ENTRY_KIND,
    HANDOVER_EVENT,
    HANDOVER_STATE,
    JOB_STATE,
    SECTION,
    SIGNATURE,
    STATUS,
    TICKET_STATE,
    word,
)
from dashboards.locale import Say, mark
from dashboards.queries.rows import Row
from dashboards.sentences import judged

PATH = "/duty"
SHAPES = {"draft": "unjudged", "prepared": "warning", "accepted": "ok", "refused": "critical"}
STATE_OF = {
    "alerts": STATUS,
    "silences": {"active": mark("In force"), "pending": mark("Still to begin")},
    "tickets": TICKET_STATE,
    "changes": CHANGE_STATE,
    "jobs": JOB_STATE,
    "runs": {**SIGNATURE, "unsigned": mark("Not signed")},
    "files": {"missing": mark("Missing"), "late": mark("Late")},
}
"""The words for the state of an item, by its section."""


def handover_state(state: str, _: Say) -> html.Span:
    """The state of a handover as shape, colour and word."""
    return html.Span(
        [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(word(HANDOVER_STATE, state, _))],
        className=f"state state-{SHAPES.get(state, 'unknown')}",
    )


def shift_name(desk: Desk, shift: Shift | None, _: Say) -> str:
    """What people call a shift, with its day."""
    if shift is None:
        return _("nobody on duty")
    title = next((entry.title.called(_.language) for entry in desk.shifts if entry.name == shift.name), shift.name)
    return f"{shift.day.isoformat()} {title}"


def key_name(desk: Desk, key: str, _: Say) -> str:
    """What people call a shift, from its key."""
    day, _space, name = key.partition(" ")
    title = next((entry.title.called(_.language) for entry in desk.shifts if entry.name == name), name)
    return f"{day} {title}".strip()


def on_duty(desk: Desk, found: Sequence[Shift], now: datetime, _: Say) -> list[Any]:
    """Who is on duty now, who is next, and the week."""
    here = next((shift for shift in found if shift.start <= now), None)
    following = next((shift for shift in found if shift.start > now), None)
    week = html.Table(
        [
            html.Thead(html.Tr([html.Th(text) for text in (_("Shift"), _("From"), _("Until"), _("People"))])),
            html.Tbody(
                [
                    html.Tr(
                        [
                            html.Th(shift_name(desk, shift, _), scope="row"),
                            html.Td(_.instant(shift.start)[:16]),
                            html.Td(_.instant(shift.end)[:16]),
                            html.Td(", ".join(shift.people) + (" · " + _("changed by hand") if shift.changed else "")),
                        ]
                    )
                    for shift in found
                ]
            ),
        ],
        className="table",
    )
    return [
        facts(
            [
                (_("On duty now"), html.B(", ".join(here.people)) if here else _("nobody on duty")),
                (_("Shift"), shift_name(desk, here, _)),
                (_("Until"), _.instant(here.end)[:16] if here else None),
                (_("Next"), f"{shift_name(desk, following, _)}: {', '.join(following.people)}" if following else None),
            ]
        ),
        html.Details([html.Summary(_("The next seven days")), scrolling(week)], className="more"),
    ]


def handover_view(
    desk: Desk, row: Row, since: Mapping[str, Sequence[Row]] | None, events: Sequence[Row], _: Say
) -> list[Any]:
    """A handover: from whom to whom, what was frozen, what changed since, and its signatures."""
    content = row["content"]
    head = html.Div(
        [
            handover_state(row["state"], _),
            html.B(f"{key_name(desk, row['outgoing'], _)} → {key_name(desk, row['incoming'], _)}"),
            html.Span(_.instant(row["changes_at"])[:16], className="dim"),
        ],
        className="detail-line",
    )
    shown: list[Any] = [head]
    if row["state"] == "refused":
        shown.append(html.P(_("Given back: {reason}", reason=row["reason"]), className="flood"))
    if content is not None:
        shown += _frozen(row, content, since, _)
    elif row["state"] == "draft":
        shown.append(html.P(_("Nobody has prepared it yet."), className="dim"))
    shown += [html.H3(_("Signatures")), html.Div(_signatures(desk, events, _))]
    return shown


def _signatures(desk: Desk, events: Sequence[Row], _: Say) -> list[html.Div]:
    """What happened to a handover, its shifts called as people call them."""
    return history([{**event, "detail": _detail(desk, event, _)} for event in events], _, HANDOVER_EVENT)


def _detail(desk: Desk, event: Row, _: Say) -> str:
    """`2026-03-02 day -> 2026-03-02 late` in words, where a handover began; everything else as it was written."""
    outgoing, arrow, incoming = event["detail"].partition(" -> ")
    if event["kind"] != "begun" or not arrow:
        return str(event["detail"])
    return f"{key_name(desk, outgoing, _)} → {key_name(desk, incoming, _)}"


def _frozen(row: Row, content: Mapping[str, Any], since: Mapping[str, Sequence[Row]] | None, _: Say) -> list[Any]:
    parts: list[Any] = [
        facts(
            [
                (_("Prepared by"), f"{row['prepared_by']} · {_.instant(row['prepared_at'])}"),
                (
                    _("Accepted by"),
                    f"{row['accepted_by']} · {_.instant(row['accepted_at'])}" if row["accepted_by"] else None,
                ),
                (_("SHA-256"), html.Code(row["sha256"], className="wrap")),
            ]
        )
    ]
    if content["to_do"]:
        parts += [html.H3(_("To do in the next shift")), html.P(content["to_do"], className="described")]
    if since is not None:
        parts += _since(since, _)
    for name in SECTION:
        parts.append(_section(name, content["sections"].get(name, ()), content["remarks"], _))
    return parts


def _since(since: Mapping[str, Sequence[Row]], _: Say) -> list[Any]:
    names = (("new", _("New")), ("changed", _("Changed")), ("gone", _("Gone")))
    lines = [
        html.Li(
            [
                html.B(text),
                " ",
                dcc.Link(item_title(item, _), href=item["href"]),
                html.Span(f" {_who(item, _)}", className="dim"),
            ]
        )
        for name, text in names
        for item in since.get(name, ())
    ]
    title = html.H3(_("Changed since it was prepared"))
    return [title, html.Ul(lines, className="items") if lines else html.P(_("Nothing changed."), className="dim")]


def _section(name: str, items: Sequence[Row], remarks: Mapping[str, str], _: Say) -> html.Div:
    lines = [html.Li(item_line(name, item, _, remarks.get(item["key"], ""))) for item in items]
    head = html.H3([word(SECTION, name, _), html.Span(len(items), className="nav-count")])
    return html.Div([head, html.Ul(lines, className="items") if lines else html.P(_("none"), className="dim")])


def item_title(item: Row, _: Say) -> str:
    """What an open thing is called; what bomc called it is in the viewer's language, behind a ticket's number too."""
    number, space, title = str(item["title"]).partition(" ")
    if number.startswith("#") and number[1:].isdigit() and space:
        return f"{number} {judged(title, _)}"
    return judged(str(item["title"]), _)


def item_line(section: str, item: Row, _: Say, remark: str = "") -> list[Any]:
    """One open thing: its state, title and holder, and the remark on it."""
    return [
        html.Span(
            [
                html.Span(className="state-shape", **{"aria-hidden": "true"}),
                html.Span(word(STATE_OF.get(section, {}), item["state"], _)),
            ],
            className=f"state state-{_shape(section, item)}",
        ),
        " ",
        dcc.Link(item_title(item, _), href=item["href"]),
        html.Span(f" · {_who(item, _)} · {_.instant(datetime.fromisoformat(item['since']))[:16]}", className="dim"),
        *([html.Span(" · " + _("late"), className="due-late")] if item["late"] else []),
        *([html.Span(f" — {remark}", className="remark")] if remark else []),
    ]


def _shape(section: str, item: Row) -> str:
    if section == "alerts":
        return str(item["state"])
    return "warning" if item["late"] else "unjudged"


def _who(item: Row, _: Say) -> str:
    return item["who"] or _("nobody yet")


def handover_fields(collected: Mapping[str, Sequence[Row]], remarks: Mapping[str, str], _: Say) -> list[Any]:
    """Everything that is open now, each with a field for a remark."""
    parts: list[Any] = []
    for name, items in collected.items():
        parts.append(html.H3([word(SECTION, name, _), html.Span(len(items), className="nav-count")]))
        parts += [
            html.Div(
                [
                    html.Div(item_line(name, item, _)),
                    dmc.TextInput(
                        id={"type": "handover-remark", "key": item["key"]},
                        value=remarks.get(item["key"], ""),
                        placeholder=_("Remark"),
                        size="xs",
                        **{"aria-label": _("Remark on {what}", what=item_title(item, _))},
                    ),
                ],
                className="handover-item",
            )
            for item in items
        ] or [html.P(_("none"), className="dim")]
    return parts


def handover_list(found: Sequence[Row], desk: Desk, filters: Mapping[str, str], _: Say) -> Any:
    """The latest handovers, each leading to itself."""
    if not found:
        return empty(_("There was no handover yet; the first one comes with the next change of shifts."))
    return html.Ul(
        [
            html.Li(
                dcc.Link(
                    [
                        handover_state(row["state"], _),
                        html.Span(key_name(desk, row["incoming"], _), className="row-main"),
                        html.Span(_.instant(row["changes_at"])[:16], className="row-age"),
                        html.Span(
                            " → ".join(filter(None, [row["prepared_by"] or _("nobody yet"), row["accepted_by"]])),
                            className="row-why",
                        ),
                    ],
                    href=address(PATH, filters, handover=str(row["id"])),
                    className="row alert-row duty-row",
                )
            )
            for row in found
        ],
        className="list",
    )


def log_lines(found: Sequence[Row], _: Say) -> Any:
    """The duty log, newest first; a corrected entry stays and says so."""
    if not found:
        return empty(_("No entry of the duty log is as chosen."))
    return [_entry(row, _) for row in found]


def _entry(row: Row, _: Say) -> html.Div:
    fields = [f"{word(ENTRY_FIELD, name, _)}: {value}" for name, value in row["fields"].items()]
    told: list[Any] = [html.Span(row["text"], className="corrected" if row["corrected_by"] else "")]
    if fields:
        told.append(html.Span(" · " + " · ".join(fields), className="dim"))
    if row["link"]:
        told += [" · ", dcc.Link(row["link"], href=linked(row["link"]))]
    if row["corrects"]:
        told.append(html.Span(" · " + _("corrects entry {n}", n=row["corrects"]), className="dim"))
    if row["corrected_by"]:
        told.append(html.Span(" · " + _("corrected by entry {n}", n=row["corrected_by"]), className="dim"))
    return html.Div(
        [
            html.Span(_.instant(row["at"])[:16], className="event-at"),
            html.Span(
                [html.B(word(ENTRY_KIND, row["kind"], _)), html.Span(f" · {row['who']} · {row['id']}", className="dim")]
            ),
            html.Span(told, className="event-detail"),
        ],
        className="event",
    )


def linked(link: str) -> str:
    """The address of what an entry of the log names."""
    kind, _slash, number = link.partition("/")
    pages = {
        "alert": f"/alerts?alert={number}&state=all",
        "ticket": f"/tickets?ticket={number}",
        "change": f"/changes?change={number}",
        "break": f"/breaks/{number}",
    }
    return pages.get(kind, PATH)
