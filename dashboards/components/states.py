"""A state is a colour, a shape and a word at once, so that nobody has to see colours to read it."""

from __future__ import annotations

from dash import html

from dashboards.components.words import STATUS, word
from dashboards.locale import Say


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


def demo(_: Say) -> html.Span:
    """The mark of generated data."""
    return html.Span(_("demo data"), className="demo-mark", title=_("Generated for the demonstration"))
