"""The forms of the change calendar; they stay in place while the rest is renewed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash_mantine_components as dmc
from dash import html

from alerts.changes.commands import KINDS, RESULTS, RISKS
from dashboards.components.icons import icon
from dashboards.components.words import CHANGE_KIND, CHANGE_STATE, RISK, word
from dashboards.locale import Say

FORMS = ("change-approving", "change-beginning", "change-ending", "change-cancelling")
"""Ids of the forms of one change, in the order of `hidden`."""
FIELDS = ("requirement", "title", "kind", "targets", "starts", "ends", "risk", "back-out", "contact")


def plan_form(may: Callable[[str], bool], zone: str, _: Say) -> html.Div:
    """Plan a change; what overlaps with it is shown before it is planned."""
    kinds = [{"value": kind, "label": word(CHANGE_KIND, kind, _)} for kind in KINDS]
    risks = [{"value": risk, "label": word(RISK, risk, _)} for risk in RISKS]
    button = html.Button(
        [icon("check"), _("Plan the change")], id="change-plan", className="button button-main", type="button"
    )
    return html.Div(
        [
            html.Div(
                [
                    dmc.TextInput(id="change-requirement", label=_("Requirement number"), size="sm"),
                    dmc.Select(
                        id="change-kind", label=_("Kind"), data=kinds, value="change", allowDeselect=False, size="sm"
                    ),
                    dmc.Select(
                        id="change-risk", label=_("Risk"), data=risks, value="medium", allowDeselect=False, size="sm"
                    ),
                ],
                className="form-line",
            ),
            dmc.TextInput(id="change-title", label=_("Title"), size="sm"),
            dmc.MultiSelect(id="change-targets", label=_("Targets"), data=[], searchable=True, size="sm"),
            html.Div(
                [
                    dmc.TextInput(
                        id="change-starts",
                        label=_("From ({zone})", zone=zone),
                        placeholder="2026-11-30 22:00",
                        size="sm",
                    ),
                    dmc.TextInput(
                        id="change-ends",
                        label=_("Until ({zone})", zone=zone),
                        placeholder="2026-12-01 02:00",
                        size="sm",
                    ),
                ],
                className="form-line",
            ),
            dmc.Textarea(id="change-back-out", label=_("Back-out plan"), autosize=True, minRows=2, size="sm"),
            dmc.TextInput(id="change-contact", label=_("Contact"), size="sm"),
            html.Div(id="change-overlaps", role="status"),
            *([button] if may("changes.plan") else []),
        ],
        className="form",
    )


def change_forms(may: Callable[[str], bool], _: Say) -> html.Div:
    """What can be done with one change; all hidden, the page shows what its state allows."""
    results = [{"value": result, "label": word(CHANGE_STATE, result, _)} for result in RESULTS]
    plans, approves = may("changes.plan"), may("changes.approve")
    return html.Div(
        [
            _form("change-approving", _button([icon("check"), _("Approve")], "change-approve", main=True), approves),
            _form("change-beginning", _button(_("Begin"), "change-begin", main=True), plans),
            _form(
                "change-ending",
                _button([icon("check"), _("Say how it ended")], "change-end", main=True),
                plans,
                dmc.Select(
                    id="change-result", label=_("Result"), data=results, value="done", allowDeselect=False, size="sm"
                ),
                dmc.Textarea(id="change-result-text", label=_("In words"), autosize=True, minRows=1, size="sm"),
            ),
            _form(
                "change-cancelling",
                _button(_("Cancel the change"), "change-cancel"),
                plans,
                dmc.Textarea(id="change-reason", label=_("Why is it cancelled?"), autosize=True, minRows=1, size="sm"),
            ),
        ],
        id="change-forms",
        className="panel ticket-forms",
        hidden=True,
    )


def hidden(state: str | None, requested_by: str, viewer: str, *, plans: bool, approves: bool) -> tuple[bool, ...]:
    """Whether all are hidden, then each of FORMS, for a change in that state (None: there is none)."""
    shown = (
        approves and state == "planned" and requested_by != viewer,
        plans and state == "approved",
        plans and state == "running",
        plans and state in ("planned", "approved"),
    )
    return not any(shown), *(not one for one in shown)


def _form(id: str, button: html.Button, may: bool, *fields: Any) -> html.Div:
    return html.Div([*fields, *([button] if may else [])], id=id, className="form", hidden=True)


def _button(words: Any, id: str, *, main: bool = False) -> html.Button:
    return html.Button(words, id=id, className="button button-main" if main else "button", type="button")
