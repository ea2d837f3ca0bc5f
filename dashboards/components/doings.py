"""Forms for people who may not act: their parts stay, since callbacks fill and hide them, and their buttons are left out.

Dash asks the server once for each button that is put in place; for somebody without the right that would be refused.
"""

from __future__ import annotations

from typing import Any

from dash import dcc, html

ACTS = (html.Button, dcc.Upload)


def without_doings(part: Any) -> Any:
    """The same part without anything in it that acts when it is used."""
    children = getattr(part, "children", None)
    if isinstance(children, list):
        part.children = [without_doings(child) for child in children if not isinstance(child, ACTS)]
    elif children is not None and not isinstance(children, str):
        part.children = None if isinstance(children, ACTS) else without_doings(children)
    return part
