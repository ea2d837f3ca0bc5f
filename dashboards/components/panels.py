"""Panels: a title, what it shows, and as of when; after two missed intervals it says that this is no longer known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboards.components.icons import icon
from dashboards.components.states import state
from dashboards.locale import Say


def panel(
    title: str,
    children: Any,
    *,
    footer: Any = None,
    actions: Sequence[Any] = (),
    className: str = "",
    id: str | None = None,
    level: str = "H2",
) -> html.Section:
    """A titled box; `footer` is its "data as of"."""
    head = html.Div(
        [getattr(html, level)(title), html.Div(list(actions), className="panel-actions")], className="panel-head"
    )
    foot = [html.Div(footer, className="panel-foot")] if footer is not None else []
    named = {"id": id} if id else {}
    return html.Section(
        [head, html.Div(children, className="panel-body"), *foot], className=f"panel {className}", **named
    )


def as_of(_: Say, at: datetime | None, *, stale: bool = False, dated: bool = False) -> html.Span:
    """The words "data as of HH:MM:SS", with the day if `dated`; marked UNKNOWN when nothing came for two intervals."""
    if at is None:
        return html.Span([state("unknown", _), " ", _("no data yet")], className="as-of stale")
    text = _("data as of {time}", time=_.instant(at) if dated else _.clock(at))
    if stale:
        return html.Span([state("unknown", _), " ", text], className="as-of stale")
    return html.Span(text, className="as-of")


def scrolling(table: Component) -> html.Div:
    """A table that moves sideways where it does not fit, by the keyboard too."""
    return html.Div(table, className="table-wrap", tabIndex=0)


def empty(sentence: str) -> html.P:
    """What a panel says when it has nothing to show: a sentence, never a blank."""
    return html.P([icon("quiet"), sentence], className="empty")


def number(value: str, label: str, href: str | None = None, status: str = "", hint: str = "") -> Component:
    """A figure with its name below, linking to what it is made of."""
    body = [html.Span(value, className="figure"), html.Span(label, className="figure-label")]
    classes = "number" + (f" number-{status}" if status else "")
    if href is None:
        return html.Div(body, className=classes, title=hint or None)
    return dcc.Link(body, href=href, className=classes, title=hint or None)


def facts(pairs: Sequence[tuple[str, Any]]) -> html.Dl:
    """Names and values in two columns; pairs without a value are left out."""
    return html.Dl(
        [
            html.Div(
                [html.Dt(name), html.Dd(value)],
                className="fact" + (" fact-wide" if isinstance(value, str) and len(value) > 60 else ""),
            )
            for name, value in pairs
            if value not in (None, "")
        ],
        className="facts",
    )
