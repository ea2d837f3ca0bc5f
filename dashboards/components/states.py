"""A state is a colour, a shape and a word at once, so that nobody has to see colours to read it."""

from __future__ import annotations

from dash import html

from dashboards.components.words import OUTCOME, STATUS, word
from dashboards.locale import Say

OUTCOMES = {"clean": "ok", "breaks": "critical", "refused": "unknown"}
"""The status as which the outcome of a run shows."""


def state(status: str, _: Say, *, detail: str = "", quiet: bool = False) -> html.Span:
    """The mark of a status with its word; `quiet` hides the word from the eye but not from a reader."""
    return html.Span(
        [
            html.Span(className="state-shape", **{"aria-hidden": "true"}),
            html.Span(word(STATUS, status, _), className="state-word" + (" unseen" if quiet else "")),
            *([html.Span(detail, className="state-detail")] if detail else []),
        ],
        className=f"state state-{status}",
        title=word(STATUS, status, _) if quiet else None,
    )


def outcome(code: str, _: Say) -> html.Span:
    """The outcome of a run as colour, shape and word."""
    return html.Span(
        [html.Span(className="state-shape", **{"aria-hidden": "true"}), html.Span(word(OUTCOME, code, _))],
        className=f"state state-{OUTCOMES.get(code, 'unknown')}",
    )


def demo(_: Say) -> html.Span:
    """The mark of generated data."""
    return html.Span(_("demo data"), className="demo-mark", title=_("Generated for the demonstration"))
