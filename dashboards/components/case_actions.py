"""What can be done with a case, as forms; which of them show hangs on its state, on its proposal and on who looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboards.components.icons import icon
from dashboards.components.words import ADJUSTMENT, REASON
from dashboards.context import Viewer
from dashboards.locale import Say
from dashboards.queries.rows import Row

FORMS = (
    "case-deciding",
    "case-withdrawing",
    "case-assigning",
    "case-reasoning",
    "case-proposing",
    "case-explaining",
    "case-reopening",
    "case-ticketing",
    "case-commenting",
)
"""Ids of the forms, in the order in which they stand and of `hidden`."""
WORK, APPROVE = "reconciliation.work", "reconciliation.approve"
AT_WORK = ("open", "proposed", "approved")


def case_forms(may: Callable[[str], bool], _: Say) -> html.Div:
    """Every form at once, hidden; they stay while the rest is renewed, so that nothing typed and no click is lost.

    The buttons of what the viewer has no right to are left out: Dash asks once for each button that is put in place.
    """

    def button(words: Any, id: str, right: str = WORK, *, main: bool = False) -> list[html.Button]:
        look = "button button-main" if main else "button"
        return [html.Button(words, id=id, className=look, type="button")] if may(right) else []

    reasons = [{"value": code, "label": _(name)} for code, name in REASON.items()]
    kinds = [{"value": code, "label": _(name)} for code, name in ADJUSTMENT.items()]
    return html.Div(
        [
            _form(
                "case-deciding",
                _("Decide on the proposal"),
                _field("case-decision", _("Comment")),
                html.Div(
                    [
                        *button([icon("check"), _("Approve")], "case-approve", APPROVE, main=True),
                        *button([icon("close"), _("Reject")], "case-reject", APPROVE),
                    ],
                    className="form-line",
                ),
            ),
            _form(
                "case-withdrawing",
                _("Your proposal waits for another person"),
                *button([icon("back"), _("Withdraw")], "case-withdraw"),
            ),
            _form(
                "case-assigning",
                _("Owner"),
                html.Div(
                    [
                        _select("case-owner", _("Give it to"), [], _, searchable=True),
                        *button(_("Assign"), "case-assign"),
                        *button([icon("person"), _("Take it")], "case-take"),
                    ],
                    className="form-line",
                ),
            ),
            _form(
                "case-reasoning",
                _("Reason code"),
                html.Div(
                    [_select("case-reason", _("Kind of cause"), reasons, _), *button(_("Set"), "case-reason-set")],
                    className="form-line",
                ),
            ),
            _form(
                "case-proposing",
                _("Propose an adjustment"),
                html.Div(
                    [
                        _select("case-kind", _("Kind"), kinds, _),
                        _select("case-party", _("Whose records"), [], _, clearable=True),
                        dmc.TextInput(id="case-amount", label=_("Amount"), size="sm", className="grow"),
                    ],
                    className="form-line",
                ),
                _field("case-why", _("Why")),
                *button([icon("check"), _("Propose")], "case-propose", main=True),
            ),
            _form(
                "case-explaining",
                _("Explain: no adjustment is needed"),
                html.Div([_select("case-explain-code", _("Kind of cause"), reasons, _)], className="form-line"),
                _field("case-sentence", _("Explanation")),
                *button(_("Explain and close"), "case-explain"),
            ),
            _form(
                "case-reopening",
                _("Re-open"),
                _field("case-reopen-why", _("Why is it opened again?")),
                *button([icon("back"), _("Re-open")], "case-reopen"),
            ),
            _form(
                "case-ticketing",
                _("Ticket"),
                *button([icon("ticket"), _("Open a ticket")], "case-ticket", "tickets.work"),
            ),
            _form(
                "case-commenting",
                _("Comment"),
                _field("case-text", _("Comment")),
                *button(_("Add comment"), "case-comment"),
            ),
        ],
        id="case-forms",
        className="panel desk-forms case-forms",
        hidden=True,
    )


def hidden(row: Row | None, proposer: str | None, viewer: Viewer) -> tuple[bool, ...]:
    """Whether all forms are hidden, then each of FORMS; `proposer` is whose adjustment waits for a decision, if one does."""
    if row is None:
        return True, *(True for _form in FORMS)
    state, works = row["state"], viewer.may("reconciliation.work")
    mine = proposer == viewer.name
    shown = {
        "case-deciding": proposer is not None and not mine and viewer.may("reconciliation.approve"),
        "case-withdrawing": mine and works,
        "case-assigning": works and state in AT_WORK,
        "case-reasoning": works and state in AT_WORK,
        "case-proposing": works and state == "open",
        "case-explaining": works and state == "open",
        "case-reopening": works and state not in ("open", "proposed"),
        "case-ticketing": works and viewer.may("tickets.work") and row["ticket_id"] is None,
        "case-commenting": works,
    }
    return not any(shown.values()), *(not shown[form] for form in FORMS)


def _form(id: str, title: str, *parts: Any) -> html.Div:
    return html.Div([html.H3(title), *parts], id=id, className="form", hidden=True)


def _field(id: str, label: str) -> dmc.Textarea:
    return dmc.Textarea(id=id, label=label, autosize=True, minRows=1, size="sm")


def _select(id: str, label: str, choices: Sequence[Any], _: Say, **options: Any) -> dmc.Select:
    return dmc.Select(
        id=id,
        label=label,
        data=list(choices),
        size="sm",
        nothingFoundMessage=_("Nothing of that name"),
        className="grow",
        comboboxProps={"withinPortal": True},
        **options,
    )
