"""A picture of the last hour of a series, drawn without a browser: PNG for mails, SVG for the phone page.

PNG: https://www.w3.org/TR/png-3/ (colour type 3, one byte a pixel); only zlib and struct are needed.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from sqlalchemy import Connection, select

from core.model import instant_ms
from core.store.tables import sample

Point = tuple[int, float]
"""Instant in ms and value."""

HOUR = timedelta(hours=1)
MOST_POINTS = 3_700  # one a second for an hour, and some
GAP_STEPS = 3.5  # neighbours further apart than so many usual steps are not joined
FACTORS = {
    "%": 0.01,
    **{name: 1024.0**power for power, name in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB"))},
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
}
LIMIT = re.compile(r"\blimit (-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)(?: ([^\s;,(]+))?")
PALETTE = b"\xff\xff\xff\xc9\xd0\xd8\x1f\x4f\x82\xb0\x22\x22"
PAPER, GRID, LINE, LIMIT_LINE = range(4)


def last_hour(connection: Connection, series_id: int | None, now: datetime) -> list[Point]:
    """The samples of the last hour, oldest first; none of an alert without a series."""
    if series_id is None:
        return []
    since = instant_ms(now - HOUR)
    query = select(sample.c.at_ms, sample.c.value).where(sample.c.series_id == series_id, sample.c.at_ms >= since)
    query = query.where(sample.c.at_ms <= instant_ms(now)).order_by(sample.c.at_ms.desc()).limit(MOST_POINTS)
    return [(at_ms, value) for at_ms, value in reversed(connection.execute(query).all())]


def limit_of(reason: str, unit: str = "") -> float | None:
    """The limit that the reason of a check names, in the unit of the samples; none when it names none.

    Checks write limits as `core.quantity.show_quantity` does: `the critical limit 95 %`, `the limit 1.5 GiB`.
    """
    found = LIMIT.search(reason)
    if found is None:
        return None
    written = (found[2] or "").removesuffix("/s")
    return float(found[1].replace(",", "")) * (1.0 if written == unit else FACTORS.get(written, 1.0))


def png(points: Sequence[Point], limit: float | None, now: datetime, width: int = 480, height: int = 120) -> bytes:
    """The hour before `now` as a PNG: the line of the values, the limit dashed; empty bytes when there are no points."""
    if not points:
        return b""
    rows = [bytearray([PAPER]) * width for _ in range(height)]
    for x in range(0, width, width // 6):
        for y in range(height):
            rows[y][x] = GRID
    rows[-1][:] = bytes([GRID]) * width
    place = _scale(points, limit, now, width, height)
    if limit is not None:
        y = round(place((points[0][0], limit))[1])
        for x in range(width):
            if x % 8 < 5:
                rows[y][x] = LIMIT_LINE
    for run in runs(points):
        spots = [(round(x), round(y)) for x, y in map(place, run)]
        for start, end in zip(spots, spots[1:] or spots, strict=False):
            for x, y in _line(start, end):
                for thick in (y, min(y + 1, height - 1)):
                    rows[thick][x] = LINE
    data = b"".join(b"\0" + bytes(row) for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", PALETTE), (b"IDAT", zlib.compress(data, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def svg(points: Sequence[Point], limit: float | None, now: datetime, width: int = 640, height: int = 160) -> str:
    """The same as an SVG element whose classes `line` and `limit` the page gives their colours; empty without points."""
    if not points:
        return ""
    place = _scale(points, limit, now, width, height)
    paths = []
    for run in runs(points):
        spots = list(dict.fromkeys((round(x), round(y)) for x, y in map(place, run)))
        drawn = " L".join(f"{x} {y}" for x, y in spots)
        paths.append(f"M{drawn}" + ("h1" if len(spots) == 1 else ""))
    dashed = ""
    if limit is not None:
        y = round(place((points[0][0], limit))[1])
        dashed = f'<path class="limit" d="M0 {y}H{width}"/>'
    line = f'<path class="line" d="{"".join(paths)}"/>'
    return f'<svg viewBox="0 0 {width} {height}" aria-hidden="true" preserveAspectRatio="none">{dashed}{line}</svg>'


def runs(points: Sequence[Point]) -> Iterator[Sequence[Point]]:
    """The points in stretches without a gap: what was not measured is not drawn."""
    if len(points) < 3:
        yield points
        return
    widest = GAP_STEPS * median(later[0] - earlier[0] for earlier, later in pairwise(points))
    start = 0
    for number in range(1, len(points)):
        if points[number][0] - points[number - 1][0] > widest:
            yield points[start:number]
            start = number
    yield points[start:]


def _scale(
    points: Sequence[Point], limit: float | None, now: datetime, width: int, height: int
) -> Callable[[Point], tuple[float, float]]:
    """From instants and values to places in a picture, with some room at its upper and lower edge."""
    values = [value for _, value in points] + ([] if limit is None else [limit])
    low, high = min(values), max(values)
    span, since_ms, hour_ms = (high - low) or 1.0, instant_ms(now - HOUR), HOUR / timedelta(milliseconds=1)

    def place(point: Point) -> tuple[float, float]:
        share = min(max((point[0] - since_ms) / hour_ms, 0.0), 1.0)
        return share * (width - 1), 4 + (1 - (point[1] - low) / span) * (height - 9)

    return place


def _line(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The pixels between two places (Bresenham's algorithm)."""
    (x, y), (last_x, last_y) = start, end
    across, down = abs(last_x - x), -abs(last_y - y)
    step_x, step_y = (1 if last_x > x else -1), (1 if last_y > y else -1)
    error = across + down
    while True:
        yield x, y
        if (x, y) == (last_x, last_y):
            return
        twice = 2 * error
        if twice >= down:
            error += down
            x += step_x
        if twice <= across:
            error += across
            y += step_y


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
