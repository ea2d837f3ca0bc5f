"""Line charts with two logarithmic axes, side by side, as one SVG picture that needs nothing else to be shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

COLOURS: Final = ("#0b6e4f", "#c44536", "#2f5d8c", "#8a6d1d", "#6b4c9a")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 300, 62, 96, 34, 44


@dataclass(frozen=True, slots=True)
class Line:
    """A name and its points (x, y), all above zero."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart: its title, what x is, and its lines."""

    title: str
    x_name: str
    lines: Sequence[Line]


def draw(panels: Sequence[Panel]) -> str:
    """The panels from left to right."""
    body = "".join(f'<g transform="translate({WIDTH * place},0)">{_panel(one)}</g>' for place, one in enumerate(panels))
    width = WIDTH * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}"'
        f' font-family="sans-serif" font-size="11"><rect width="{width}" height="{HEIGHT}" fill="#ffffff"/>{body}</svg>\n'
    )


def _panel(panel: Panel) -> str:
    xs = [x for line in panel.lines for x, _ in line.points]
    ys = [y for line in panel.lines for _, y in line.points]
    x_ends = min(xs) / 1.2, max(xs) * 1.2
    y_ends = min(ys) / 1.3, max(ys) * 1.3

    def across(x: float) -> float:
        return LEFT + _share(x, *x_ends) * (WIDTH - LEFT - RIGHT)

    def down(y: float) -> float:
        return HEIGHT - BOTTOM - _share(y, *y_ends) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<text x="{LEFT}" y="20" font-size="13" font-weight="bold">{escape(panel.title)}</text>']
    for y in _ticks(*y_ends):
        parts.append(f'<path d="M{LEFT} {down(y):.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{down(y) + 4:.1f}" text-anchor="end">{_short(y)}</text>')
    for x in sorted(set(xs)):
        parts.append(f'<path d="M{across(x):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eeeeee"/>')
        parts.append(f'<text x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{_short(x)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(panel.x_name)}</text>')
    heights = _apart([down(line.points[-1][1]) for line in panel.lines])
    for line, colour, height in zip(panel.lines, COLOURS, heights, strict=False):
        path = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in line.points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="3" fill="{colour}"/>' for x, y in line.points]
        end = across(line.points[-1][0]) + 8
        parts.append(f'<text x="{end:.1f}" y="{height + 4:.1f}" fill="{colour}">{escape(line.name)}</text>')
    return "".join(parts)


def _share(value: float, low: float, high: float) -> float:
    return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten between the ends."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [
        value for power in powers for value in (10.0**power, 2 * 10.0**power, 5 * 10.0**power) if low <= value <= high
    ]


def _apart(heights: Sequence[float], least: float = 13) -> list[float]:
    """The heights of the names, moved down where two would stand on each other."""
    placed = dict[int, float]()
    below = -math.inf
    for place in sorted(range(len(heights)), key=lambda each: heights[each]):
        placed[place] = below = max(heights[place], below + least)
    return [placed[place] for place in range(len(heights))]


def _short(value: float) -> str:
    return f"{value / 1_000_000:g} M" if value >= 1_000_000 else f"{value:,g}"
