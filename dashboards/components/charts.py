"""The one way to put a chart on a page: no logo, no toolbar until it is pointed at, a name for those who cannot see it."""

from __future__ import annotations

from typing import Any

from dash import dcc, html


def chart(id: str, figure: dict[str, Any] | None, name: str) -> html.Div:
    """A Plotly chart; `name` says what it shows."""
    height = None if figure is None else figure["layout"]["height"]
    return html.Div(
        dcc.Graph(
            id=id,
            figure=figure or {"data": [], "layout": {"height": 120}},
            config={
                "displaylogo": False,
                "displayModeBar": False,
                "responsive": True,
                "doubleClick": "reset",
                "showTips": False,
            },
            style={"height": f"{height}px"} if height else {},
        ),
        className="chart",
        role="img",
        **{"aria-label": name},
    )
