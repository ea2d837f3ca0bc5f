"""The forms of the duty desk's page; they stay in place while the rest is renewed, so nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash_mantine_components as dmc
from dash import html

from alerts.duty.log import FIELDS, KINDS
from dashboards.components.icons import icon
from dashboards.components.words import ENTRY_FIELD, ENTRY_KIND, word
from dashboards.locale import Say

FORMS = ("handover-starting", "handover-preparing", "handover-accepting")
"""Ids of the forms of a handover, in the order of `hidden`."""
VISIT = FIELDS["visit"]


def handover_forms(may: Callable[[str], bool], _: Say) -> html.Div:
    """Begin, prepare, accept or refuse a handover; all hidden, the page shows what its state allows."""
    works = may("duty.work")
    return html.Div(
        [
            html.Div(
                _only(works, _button([icon("person"), _("Prepare the handover")], "handover-begin")),
                id="handover-starting",
                className="form",
            ),
            html.Div(
                [
                    html.Div(id="handover-fields", className="form"),
                    dmc.Textarea(
                        id="handover-to-do", label=_("To do in the next shift"), autosize=True, minRows=2, size="sm"
                    ),
                    *_only(works, _button([icon("check"), _("Sign as outgoing")], "handover-prepare", main=True)),
                ],
                id="handover-preparing",
                className="form",
            ),
            html.Div(
                [
                    *_only(
                        works, _button([icon("check"), _("Check and sign as incoming")], "handover-accept", main=True)
                    ),
                    dmc.Textarea(
                        id="handover-reason", label=_("Why is it given back?"), autosize=True, minRows=1, size="sm"
                    ),
                    *_only(works, _button([icon("back"), _("Give it back")], "handover-refuse")),
                ],
                id="handover-accepting",
                className="form",
            ),
        ],
        id="handover-forms",
        className="desk-forms",
    )


def hidden(state: str | None, prepared_by: str | None, viewer: str, works: bool) -> tuple[bool, ...]:
    """Whether each of FORMS is hidden, for a handover in that state (None: there is none, or it was accepted)."""
    if not works:
        return True, True, True
    mine = state == "prepared" and prepared_by == viewer
    return state is not None, state not in ("draft", "refused") and not mine, state != "prepared" or mine


def log_form(may: Callable[[str], bool], _: Say) -> html.Div:
    """A new entry of the duty log, or the correction of one."""
    kinds = [{"value": kind, "label": word(ENTRY_KIND, kind, _)} for kind in KINDS]
    visit = [dmc.TextInput(id=f"entry-{name}", label=word(ENTRY_FIELD, name, _), size="xs") for name in VISIT]
    return html.Div(
        [
            html.Div(
                [
                    dmc.Select(
                        id="entry-kind", label=_("Kind"), data=kinds, value="event", allowDeselect=False, size="sm"
                    ),
                    dmc.TextInput(
                        id="entry-at", label=_("When (empty: now)"), placeholder="2026-11-30 08:15", size="sm"
                    ),
                    dmc.TextInput(id="entry-link", label=_("Belongs to"), placeholder="ticket/12", size="sm"),
                    dmc.TextInput(id="entry-corrects", label=_("Corrects entry"), placeholder="7", size="sm"),
                ],
                className="form-line",
            ),
            html.Div(visit, id="entry-visit", className="form-line", hidden=True),
            dmc.Textarea(id="entry-text", label=_("What happened"), autosize=True, minRows=1, size="sm"),
            *_only(may("duty.work"), _button(_("Add to the log"), "entry-write")),
        ],
        id="entry-form",
        className="form",
        hidden=not may("duty.work"),
    )


def roster_form(may: Callable[[str], bool], _: Say) -> html.Div:
    """A change of the roster by hand."""
    return html.Div(
        html.Details(
            [
                html.Summary(_("Change the roster")),
                html.Div(
                    [
                        dmc.Select(id="roster-shift", label=_("Shift"), data=[], size="sm"),
                        dmc.MultiSelect(id="roster-people", label=_("People"), data=[], searchable=True, size="sm"),
                        dmc.TextInput(id="roster-reason", label=_("Reason"), size="sm"),
                        *_only(may("duty.roster"), _button(_("Change"), "roster-change")),
                    ],
                    className="form",
                ),
            ],
            className="more",
        ),
        hidden=not may("duty.roster"),
    )


def _only(may: bool, button: html.Button) -> list[Any]:
    """The button for those who may; Dash asks once for each button that is put in place."""
    return [button] if may else []


def _button(words: Any, id: str, *, main: bool = False) -> html.Button:
    return html.Button(words, id=id, className="button button-main" if main else "button", type="button")
