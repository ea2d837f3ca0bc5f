"""What can be done with schedules, as forms: override, swap, absence, and the viewer's own calendar address."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboards.components.icons import icon
from dashboards.locale import Say

EXAMPLE = "2026-12-01 09:00"
TYPED = (
    "on-call-from",
    "on-call-until",
    "on-call-reason",
    "on-call-away-from",
    "on-call-away-until",
    "on-call-away-reason",
)
"""Fields that are emptied once a doing has gone through."""


def forms(_: Say) -> html.Div:
    """Every form; they stay in place while the rest of the page is renewed, so nothing typed is lost."""
    return html.Div(
        [
            html.Section(
                [
                    html.H3(_("Override: somebody else takes it")),
                    _select("on-call-schedule", _("Schedule")),
                    _select("on-call-person", _("Who takes it")),
                    html.Div(
                        [_time("on-call-from", _("From")), _time("on-call-until", _("Until"))], className="form-line"
                    ),
                    _text("on-call-reason", _("Reason")),
                    _button([icon("check"), _("Override")], "on-call-override"),
                ],
                className="form",
            ),
            html.Section(
                [
                    html.H3(_("Swap: two people change shifts")),
                    html.P(_("Shifts of the schedule chosen on the left."), className="dim wide-only"),
                    _select("on-call-first", _("One shift")),
                    _select("on-call-second", _("The other shift")),
                    _button([icon("check"), _("Swap")], "on-call-swap"),
                ],
                className="form",
            ),
            html.Section(
                [
                    html.H3(_("Away: somebody is not there")),
                    _select("on-call-away", _("Who is away")),
                    html.Div(
                        [_time("on-call-away-from", _("From")), _time("on-call-away-until", _("Until"))],
                        className="form-line",
                    ),
                    _text("on-call-away-reason", _("Reason")),
                    _button([icon("check"), _("Mark away")], "on-call-mark-away"),
                ],
                className="form",
            ),
        ],
        className="on-call-forms",
    )


def _select(id: str, label: str) -> dmc.Select:
    return dmc.Select(id=id, label=label, data=[], searchable=True, allowDeselect=False, size="sm", className="grow")


def _time(id: str, label: str) -> dmc.TextInput:
    return dmc.TextInput(id=id, label=label, placeholder=EXAMPLE, size="sm", className="grow")


def _text(id: str, label: str) -> dmc.TextInput:
    return dmc.TextInput(id=id, label=label, size="sm")


def _button(words: Any, id: str) -> html.Button:
    return html.Button(words, id=id, className="button button-main", type="button")
