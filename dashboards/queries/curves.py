"""Curves for charts: raw samples or roll-ups, whichever the chart's pixels can show, thinned without losing extremes.

A counter is turned into a rate per second; a restart of the counter leaves a gap, never a negative rate. Where two
neighbouring points lie further apart than a few of their usual steps, a gap is drawn: absence is not interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select
from tsdownsample import MinMaxLTTBDownsampler

from core.store.tables import rollup, sample

ROLLUP_STEPS_S = (300, 3600, 86_400)
POINTS_PER_PIXEL = 8
RAW_POINTS = 4_000
"""Raw samples are read as long as there are at most so many for a pixel, or so many at all; beyond that, roll-ups."""
GAP_STEPS = 3.5

Floats = npt.NDArray[np.float64]
Instants = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Curve:
    """One series over a window: instants in ms, values (NaN is a gap), the step of the roll-up or 0 for raw."""

    at_ms: Instants = field(default_factory=lambda: np.zeros(0, np.int64))
    values: Floats = field(default_factory=lambda: np.zeros(0, np.float64))
    step_s: int = 0


def curves(
    connection: Connection,
    series_ids: list[int],
    start_ms: int,
    end_ms: int,
    pixels: int,
    rates: frozenset[int] = frozenset(),
    every_s: float = 15.0,
) -> dict[int, Curve]:
    """The curve of each series over [start_ms, end_ms]; `rates` are the counters, `every_s` the usual raw interval."""
    step_s = resolution(start_ms, end_ms, pixels, every_s)
    points = _rolled(connection, series_ids, start_ms, end_ms, step_s, rates) if step_s else {}
    missing = [series_id for series_id in series_ids if series_id not in points]
    points |= _raw(connection, missing, start_ms, end_ms)
    found = {}
    for series_id, (at_ms, values) in points.items():
        if series_id in rates:
            at_ms, values = rate(at_ms, values)
        at_ms, values = thin(at_ms, values, pixels)
        found[series_id] = Curve(*with_gaps(at_ms, values), step_s)
    return found


def resolution(start_ms: int, end_ms: int, pixels: int, every_s: float) -> int:
    """0 for raw samples, else the finest roll-up step that has no more points than the pixels can show."""
    span_s = (end_ms - start_ms) / 1000
    if span_s / max(every_s, 1) <= max(RAW_POINTS, pixels * POINTS_PER_PIXEL):
        return 0
    return next((step for step in ROLLUP_STEPS_S if span_s / step <= pixels * POINTS_PER_PIXEL), ROLLUP_STEPS_S[-1])


def _raw(connection: Connection, ids: list[int], start_ms: int, end_ms: int) -> dict[int, tuple[Instants, Floats]]:
    if not ids:
        return {}
    statement = (
        select(sample.c.series_id, sample.c.at_ms, sample.c.value)
        .where(sample.c.series_id.in_(ids), sample.c.at_ms >= start_ms, sample.c.at_ms <= end_ms)
        .order_by(sample.c.series_id, sample.c.at_ms)
    )
    return _split(connection.execute(statement).all())


def _rolled(
    connection: Connection, ids: list[int], start_ms: int, end_ms: int, step_s: int, rates: frozenset[int]
) -> dict[int, tuple[Instants, Floats]]:
    """Means of the steps, at their middle; for counters the last value of each step, at its end."""
    statement = (
        select(rollup.c.series_id, rollup.c.at_ms, rollup.c.sum / rollup.c.count, rollup.c.last)
        .where(
            rollup.c.series_id.in_(ids),
            rollup.c.step_s == step_s,
            rollup.c.at_ms >= start_ms - step_s * 1000,
            rollup.c.at_ms <= end_ms,
        )
        .order_by(rollup.c.series_id, rollup.c.at_ms)
    )
    half_ms = step_s * 500
    return _split(
        [
            (series_id, at_ms + (2 * half_ms if series_id in rates else half_ms), last if series_id in rates else mean)
            for series_id, at_ms, mean, last in connection.execute(statement)
        ]
    )


def _split(points: Sequence[Any]) -> dict[int, tuple[Instants, Floats]]:
    if not points:
        return {}
    ids = np.fromiter((point[0] for point in points), np.int64, len(points))
    at_ms = np.fromiter((point[1] for point in points), np.int64, len(points))
    values = np.fromiter((point[2] for point in points), np.float64, len(points))
    edges = np.flatnonzero(np.diff(ids)) + 1
    return {
        int(ids[start]): (at_ms[start:end], values[start:end])
        for start, end in zip([0, *edges], [*edges, len(points)], strict=True)
    }


def rate(at_ms: Instants, values: Floats) -> tuple[Instants, Floats]:
    """A counter's increase per second between neighbours; NaN where it started again."""
    if len(values) < 2:
        return at_ms[:0], values[:0]
    rise = np.diff(values)
    seconds = np.diff(at_ms) / 1000
    return at_ms[1:], np.where(rise >= 0, rise / np.maximum(seconds, 0.001), np.nan)


def thin(at_ms: Instants, values: Floats, pixels: int) -> tuple[Instants, Floats]:
    """About two points a pixel, chosen by MinMaxLTTB; the highest, the lowest and every gap stay."""
    most = max(4, pixels * 2)
    if len(values) <= most:
        return at_ms, values
    gaps = np.flatnonzero(np.isnan(values))
    known = np.flatnonzero(~np.isnan(values))
    if len(known) <= most:
        return at_ms, values
    chosen = MinMaxLTTBDownsampler().downsample(at_ms[known], values[known], n_out=most - 2)
    extremes = (values[known].argmin(), values[known].argmax())
    kept = np.union1d(np.union1d(known[chosen], known[list(extremes)]), gaps)
    return at_ms[kept], values[kept]


def with_gaps(at_ms: Instants, values: Floats) -> tuple[Instants, Floats]:
    """A NaN between neighbours that lie further apart than a few usual steps, so that the line breaks there."""
    if len(at_ms) < 3:
        return at_ms, values
    steps = np.diff(at_ms)
    wide = np.flatnonzero(steps > GAP_STEPS * np.median(steps))
    return np.insert(at_ms, wide + 1, at_ms[wide] + 1), np.insert(values, wide + 1, np.nan)
