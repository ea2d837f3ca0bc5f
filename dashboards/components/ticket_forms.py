"""What can be done with a ticket, as forms; which of them show hangs on its state."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboards.components.icons import icon
from dashboards.locale import Say

FORMS = ("ticket-assigning", "ticket-resolving", "ticket-closing", "ticket-reopening", "ticket-commenting")
"""Ids of the forms, in the order of `hidden`."""


def ticket_forms(_: Say) -> html.Div:
    """Every form at once, hidden; they stay in place while the rest of the page is renewed, so nothing typed is lost."""
    return html.Div(
        [
            html.Div(
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
                    _button([icon("person"), _("Take it")], "ticket-take"),
                ],
                id="ticket-assigning",
                className="form-line",
            ),
            html.Div(
                [
                    _field("ticket-cause", _("Cause")),
                    _field("ticket-remedy", _("Remedy")),
                    _button([icon("check"), _("Resolve")], "ticket-resolve", main=True),
                ],
                id="ticket-resolving",
                className="form",
            ),
            html.Div(
                _button([icon("check"), _("Close ticket")], "ticket-close", main=True),
                id="ticket-closing",
                className="form",
            ),
            html.Div(
                [
                    _field("ticket-reason", _("Why is it not done?")),
                    _button([icon("back"), _("Reopen")], "ticket-reopen"),
                ],
                id="ticket-reopening",
                className="form",
            ),
            html.Div(
                [_field("ticket-text", _("Comment")), _button(_("Add comment"), "ticket-comment")],
                id="ticket-commenting",
                className="form",
            ),
        ],
        id="ticket-forms",
        className="panel ticket-forms",
        hidden=True,
    )


def hidden(state: str | None, works: bool) -> tuple[bool, ...]:
    """Whether all of the forms are hidden, and then each of FORMS, for a ticket in that state (None: there is none)."""
    if state is None or not works:
        return True, *(True for _form in FORMS)
    under_way = state in ("open", "assigned")
    return False, not under_way, not under_way, state != "resolved", state not in ("resolved", "closed"), False


def _field(id: str, label: str) -> dmc.Textarea:
    return dmc.Textarea(id=id, label=label, autosize=True, minRows=1, size="sm")


def _button(words: Any, id: str, *, main: bool = False) -> html.Button:
    return html.Button(words, id=id, className="button button-main" if main else "button", type="button")
