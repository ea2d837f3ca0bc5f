"""Bars so small that each is a shape only: one element with one mask, however many there are, in the theme's colour.

A component for each bar would cost the browser more than all the rest of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from dash import html

BAR, GAP, HIGH = 8, 2, 24
DAY_PX = 18
"""Width of a day where there is room."""


def spark(values: Sequence[float], most: float, *, pale: frozenset[int] = frozenset(), width_px: int = 0) -> html.Span:
    """Bars from zero, the highest of them `most`; those at the positions `pale` are fainter."""
    shape = f'url("data:image/svg+xml,{quote(drawing(values, most, pale), safe="")}")'
    style = {"maskImage": shape, "WebkitMaskImage": shape}
    return html.Span(className="spark", style=style | ({"flex": f"0 1 {width_px}px"} if width_px else {}))


def drawing(values: Sequence[float], most: float, pale: frozenset[int]) -> str:
    """The bars as SVG; what is zero or less keeps a line on the ground."""
    bars = []
    for at, measured in enumerate(values):
        high = max(1.0, HIGH * measured / most) if most > 0 else 1.0
        faint = ' opacity=".5"' if at in pale else ""
        bars.append(f'<rect x="{at * (BAR + GAP)}" y="{HIGH - high:.1f}" width="{BAR}" height="{high:.1f}"{faint}/>')
    wide = max(1, len(values)) * (BAR + GAP) - GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {HIGH}" preserveAspectRatio="none">'
        f"{''.join(bars)}</svg>"
    )
