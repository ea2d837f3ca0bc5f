"""What can be done with a ticket, as forms; which of their parts show hangs on what its viewer may do with it now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from alerts.tickets.attachments import LARGEST_BYTES
from alerts.tickets.book import Book
from alerts.tickets.declared import FieldEntry
from dashboards.components.doings import without_doings
from dashboards.components.icons import icon
from dashboards.components.ticket_detail import label
from dashboards.components.words import PRIORITY, TICKET_RELATION, word
from dashboards.locale import Say

PARTS: dict[str, tuple[str, ...]] = {
    "ticket-quick": ("approve", "take", "accept", "resume", "confirm", "close"),
    "ticket-approve": ("approve",),
    "ticket-accept": ("accept",),
    "ticket-take": ("take",),
    "ticket-resume": ("resume",),
    "ticket-confirm": ("confirm",),
    "ticket-close": ("close",),
    "ticket-assigning": ("assign",),
    "ticket-resolving": ("resolve",),
    "ticket-reasoning": ("pause", "transfer", "reopen", "reject", "cancel"),
    "ticket-pausing": ("pause",),
    "ticket-transferring": ("transfer",),
    "ticket-reopen": ("reopen",),
    "ticket-reject": ("reject",),
    "ticket-cancel": ("cancel",),
    "ticket-prioritising": ("prioritise",),
    "ticket-writing": ("comment",),
}
"""The parts of the forms by their ids, each with the doings for which it shows."""
FORMS = tuple(PARTS)
ALWAYS = ("comment",)
"""What everybody who works on tickets can do with one in any state."""
DOINGS = {
    "ticket-approve": "approve",
    "ticket-accept": "accept",
    "ticket-take": "take",
    "ticket-resume": "resume",
    "ticket-confirm": "confirm",
    "ticket-close": "close",
    "ticket-assign": "assign",
    "ticket-resolve": "resolve",
    "ticket-pause": "pause",
    "ticket-transfer": "transfer",
    "ticket-reopen": "reopen",
    "ticket-reject": "reject",
    "ticket-cancel": "cancel",
}
"""Buttons, and the doing that each is for."""


def ticket_forms(works: bool, _: Say) -> html.Div:
    """Every form at once, hidden; they stay in place while the rest of the page is renewed, so nothing typed is lost. Without
    `works` they have no buttons."""
    forms = [_quick(_), _assigning(_), _resolving(_), _reasoning(_), _prioritising(_), _writing(_)]
    return html.Div(
        forms if works else [without_doings(form) for form in forms],
        id="ticket-forms",
        className="panel ticket-forms",
        hidden=True,
    )


def part_of(form: str) -> str:
    """The id of what is hidden for one of FORMS: a button stands in a part of its own, which is there without it too."""
    return f"{form}-part" if form in DOINGS else form


def hidden(doings: Collection[str] | None, works: bool) -> tuple[bool, ...]:
    """Whether all of the forms are hidden, and then each of FORMS, for who may do that with a ticket (None: there is none)."""
    if doings is None or not works:
        return True, *(True for _form in FORMS)
    known = {*doings, *ALWAYS}
    return False, *(known.isdisjoint(wanted) for wanted in PARTS.values())


def field_inputs(entries: Iterable[FieldEntry], _: Say) -> list[Any]:
    """An input for each field; its id carries the field's name."""
    return [_input(entry, _) for entry in entries]


def resolving_fields(book: Book, kind: str) -> list[FieldEntry]:
    """The fields that are asked for at resolving: all that were not needed to open the ticket."""
    entry = book.kinds.get(kind)
    return [] if entry is None else [field for field in entry.fields if field.needed != "opening"]


def _quick(_: Say) -> html.Div:
    return html.Div(
        [
            _part([icon("check"), _("Permit")], "ticket-approve", main=True),
            _part([icon("check"), _("Accept")], "ticket-accept", main=True),
            _part([icon("person"), _("Take it")], "ticket-take"),
            _part([icon("arrow"), _("Go on")], "ticket-resume", main=True),
            _part([icon("check"), _("Confirm")], "ticket-confirm", main=True),
            _part([icon("check"), _("Close ticket")], "ticket-close", main=True),
        ],
        id="ticket-quick",
        className="form-line",
    )


def _assigning(_: Say) -> html.Div:
    return html.Div(
        [
            dmc.Select(
                id="ticket-assignee",
                label=_("Give it to"),
                data=[],
                searchable=True,
                size="sm",
                nothingFoundMessage=_("Nobody of that name"),
                className="grow",
            ),
            _button(_("Assign"), "ticket-assign"),
        ],
        id="ticket-assigning",
        className="form-line",
    )


def _resolving(_: Say) -> html.Div:
    return html.Div(
        [
            html.H3(_("Resolve")),
            _field("ticket-cause", _("Cause")),
            _field("ticket-remedy", _("Remedy")),
            html.Div(id="ticket-fields", className="form"),
            _button([icon("check"), _("Resolve")], "ticket-resolve", main=True),
        ],
        id="ticket-resolving",
        className="form",
    )


def _reasoning(_: Say) -> html.Div:
    return html.Div(
        [
            html.H3(_("Hold, pass on or give back")),
            _field("ticket-reason", _("Reason")),
            html.Div(
                [
                    dmc.TextInput(id="ticket-waits-on", label=_("Waits for"), size="sm", className="grow"),
                    _button(_("Pause"), "ticket-pause"),
                ],
                id="ticket-pausing",
                className="form-line",
            ),
            html.Div(
                [
                    dmc.Select(id="ticket-department", label=_("Pass it on to"), data=[], size="sm", className="grow"),
                    _button(_("Transfer"), "ticket-transfer"),
                ],
                id="ticket-transferring",
                className="form-line",
            ),
            html.Div(
                [
                    _part([icon("back"), _("Reopen")], "ticket-reopen"),
                    _part([icon("close"), _("Refuse")], "ticket-reject"),
                    _part([icon("close"), _("Cancel ticket")], "ticket-cancel"),
                ],
                className="form-line form-end",
            ),
        ],
        id="ticket-reasoning",
        className="form",
    )


def _prioritising(_: Say) -> html.Div:
    priorities = [{"value": code, "label": word(PRIORITY, code, _)} for code in PRIORITY]
    return html.Div(
        [
            dmc.Select(id="ticket-priority", label=_("Priority"), data=priorities, size="sm", className="short"),
            dmc.TextInput(id="ticket-priority-reason", label=_("Reason"), size="sm", className="grow"),
            _button(_("Change priority"), "ticket-prioritise"),
        ],
        id="ticket-prioritising",
        className="form-line",
    )


def _writing(_: Say) -> html.Div:
    relations = [{"value": code, "label": word(TICKET_RELATION, code, _)} for code in TICKET_RELATION]
    return html.Div(
        [
            html.H3(_("Comments, links and files")),
            html.Div(
                [_field("ticket-text", _("Comment")), _button(_("Add comment"), "ticket-comment")], className="form"
            ),
            html.Div(
                [
                    dmc.Select(
                        id="ticket-relation",
                        label=_("Link"),
                        data=relations,
                        value="caused_by",
                        size="sm",
                        className="grow",
                    ),
                    dmc.TextInput(id="ticket-other", label=_("Number"), size="sm", className="short"),
                    _button(_("Add link"), "ticket-tie"),
                ],
                className="form-line",
            ),
            dcc.Upload(
                html.Div(
                    [icon("save"), _("Add a file, at most {n} MiB", n=LARGEST_BYTES // 2**20)], className="button"
                ),
                id="ticket-upload",
                max_size=LARGEST_BYTES,
                className="ticket-upload",
            ),
        ],
        id="ticket-writing",
        className="form",
    )


def _input(entry: FieldEntry, _: Say) -> Any:
    id = {"ticket-field": entry.name}
    name = label(entry, _) + (" *" if entry.needed else "")
    if entry.type == "choice":
        data = [{"value": choice.code, "label": label(choice, _)} for choice in entry.choices]
        return dmc.Select(id=id, label=name, data=data, size="sm", clearable=True)
    if entry.type == "text":
        return _field(id, name)
    hints = {
        "money": "12.30 CNY",
        "date": "2026-03-02",
        "instant": "2026-03-02 09:30",
        "subscriber": _("is masked before it is kept"),
    }
    return dmc.TextInput(id=id, label=name, size="sm", placeholder=hints.get(entry.type, ""))


def _field(id: str | dict[str, str], label: str) -> dmc.Textarea:
    return dmc.Textarea(id=id, label=label, autosize=True, minRows=1, size="sm")


def _part(words: Any, id: str, *, main: bool = False) -> html.Span:
    return html.Span([_button(words, id, main=main)], id=part_of(id), className="form-part")


def _button(words: Any, id: str, *, main: bool = False) -> html.Button:
    return html.Button(words, id=id, className="button button-main" if main else "button", type="button")
