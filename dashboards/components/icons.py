"""Icons without a font and without another host: shapes in `assets/icons`, cut out of the text's own colour by CSS."""

from __future__ import annotations

from dash import html


def icon(name: str, label: str = "") -> html.Span:
    """The icon `assets/icons/NAME.svg`; decoration unless it has a label, which is then read aloud."""
    spoken = {"role": "img", "aria-label": label, "title": label} if label else {"aria-hidden": "true"}
    return html.Span(className=f"icon icon-{name}", **spoken)
