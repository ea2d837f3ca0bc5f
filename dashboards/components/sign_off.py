"""The signatures under a run: who prepared it, who reviewed it, when; and the forms by which that is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboards.components.icons import icon
from dashboards.components.words import SIGNATURE, word
from dashboards.locale import Say, mark
from dashboards.queries.rows import Row

FORMS = ("run-preparing", "run-reviewing", "run-reopening")
"""Ids of the forms, in the order of `hidden`."""
STATES = {
    "unsigned": mark("Nobody has signed this run."),
    "prepared": mark("Prepared; another person reviews and signs it."),
    "signed": mark("Signed by preparer and reviewer."),
    "reopened": mark("Re-opened; it has to be prepared again."),
}


def sign_off(reached: str, given: Sequence[Row], report: str, _: Say) -> list[Any]:
    """Where the run stands, and each act with person, time, words and the certificate that was signed; `report` is the
    address of the document that has these signatures, empty when there is none."""
    marks = "ok" if reached == "signed" else "unjudged"
    head = html.P(
        [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(_(STATES[reached]))],
        className=f"state state-{marks} sign-state",
    )
    acts = [
        html.Div(
            [
                html.Span(_.instant(one["at"]), className="event-at"),
                html.Span([html.B(word(SIGNATURE, one["act"], _)), html.Span(f" · {one['who']}", className="dim")]),
                html.Span(
                    [one["comment"], " ", html.Code(one["certificate_hash"][:12], title=one["certificate_hash"])],
                    className="event-detail",
                ),
            ],
            className="event",
        )
        for one in reversed(given)
    ]
    link = html.A([icon("save"), _("Report with signatures")], href=report, className="button", download="")
    return [head, *acts, *([html.Div(link, className="downloads")] if report else [])]


def sign_forms(may: Callable[[str], bool], _: Say) -> html.Div:
    """Every form at once, hidden; they stay while the rest is renewed, so that nothing typed and no click is lost.

    The buttons of what the viewer has no right to are left out: Dash asks once for each button that is put in place.
    """
    prepares, signs = may("reconciliation.prepare"), may("reconciliation.sign")
    return html.Div(
        [
            _form(
                "run-preparing",
                "run-prepare",
                [icon("check"), _("Sign as preparer")],
                _("Comment"),
                prepares,
                main=True,
            ),
            _form(
                "run-reviewing", "run-review", [icon("check"), _("Sign as reviewer")], _("Comment"), signs, main=True
            ),
            _form("run-reopening", "run-reopen", [icon("back"), _("Re-open")], _("Why is it opened again?"), signs),
        ],
        id="run-forms",
        className="desk-forms",
        hidden=True,
    )


def hidden(reached: str | None, *, prepares: bool, signs: bool) -> tuple[bool, ...]:
    """Whether all forms are hidden, then each of FORMS, for a run in that state (None: it cannot be signed)."""
    if reached is None:
        return True, True, True, True
    preparing = prepares and reached in ("unsigned", "reopened")
    reviewing = signs and reached == "prepared"
    reopening = signs and reached in ("prepared", "signed")
    return not (preparing or reviewing or reopening), not preparing, not reviewing, not reopening


def _form(id: str, button: str, words: list[Any], label: str, may: bool, *, main: bool = False) -> html.Div:
    look = "button button-main" if main else "button"
    return html.Div(
        [
            dmc.Textarea(id=f"{button}-text", label=label, autosize=True, minRows=1, size="sm"),
            *([html.Button(words, id=button, className=look, type="button")] if may else []),
        ],
        id=id,
        className="form",
        hidden=True,
    )
