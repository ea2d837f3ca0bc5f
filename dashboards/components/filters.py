"""Filters as links: the address is the filter, so any view can be sent to a colleague."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, quote, urlencode

from dash import dcc, html

MOST = 2**53
"""No number in an address is greater: beyond it a browser cannot tell two numbers apart."""


def whole(text: object) -> int | None:
    """The whole number that a part of an address is; None when it is none."""
    if not isinstance(text, str) or not re.fullmatch("[0-9]{1,16}", text, re.ASCII):
        return None
    return min(int(text), MOST)


def parse(search: object) -> dict[str, str]:
    """The filters of an address's query; empty values and the language are none, and what is no text has none."""
    if not isinstance(search, str):
        return {}
    return {name: value for name, value in parse_qsl(search.lstrip("?")) if value and name != "lang"}


def address(path: str, filters: Mapping[str, str], **changes: str | None) -> str:
    """That page with those filters, some of them changed; None or "" takes one away."""
    merged = {**filters, **changes}
    kept = {name: value for name, value in sorted(merged.items()) if value}
    return path + ("?" + urlencode(kept) if kept else "")


def segment(text: str) -> str:
    """A name as one segment of a path."""
    return quote(text, safe="")


def chips(
    label: str, path: str, filters: Mapping[str, str], name: str, choices: Sequence[tuple[str, str]], default: str = ""
) -> html.Div:
    """A row of links that set one filter: (value, words); the one in force is marked."""
    current = filters.get(name, default)
    return html.Div(
        [
            html.Span(label, className="chips-label"),
            *(
                dcc.Link(
                    words,
                    href=address(path, filters, **{name: "" if value == default else value}),
                    className="chip" + (" chip-on" if value == current else ""),
                )
                for value, words in choices
            ),
        ],
        className="chips",
        role="group",
        **{"aria-label": label},
    )
