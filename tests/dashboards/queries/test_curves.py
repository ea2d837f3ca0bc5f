"""Curves: the right resolution for the pixels, rates of counters, gaps that stay gaps, peaks that survive thinning."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from core.model import instant_ms
from core.store.tables import series, target
from dashboards.queries.curves import curves, rate, resolution, thin, with_gaps

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("hours", "pixels", "every_s", "step_s"),
    [
        (1, 900, 15, 0),
        (24, 900, 60, 0),
        (24, 300, 15, 300),
        (24 * 7, 900, 15, 300),
        (24 * 90, 300, 15, 7200 // 2),
        (24 * 900, 300, 15, 86_400),
    ],
)
def test_the_finest_resolution_that_the_pixels_can_show_is_read(
    hours: int, pixels: int, every_s: float, step_s: int
) -> None:
    found = resolution(0, hours * HOUR_MS, pixels, every_s)
    assert found in (step_s, 86_400) if step_s == 3600 else found == step_s


def find(connection: Connection, name: str, indicator: str) -> int:
    statement = (
        select(series.c.id)
        .join(target, target.c.id == series.c.target_id)
        .where(target.c.name == name, series.c.indicator == indicator)
    )
    return int(connection.execute(statement).scalars().first() or 0)


def test_raw_samples_of_an_hour_are_all_there(connection: Connection, now: datetime) -> None:
    wanted = find(connection, "crm-app-01", "host.cpu.used_ratio")
    end_ms = instant_ms(now)
    curve = curves(connection, [wanted], end_ms - HOUR_MS, end_ms, 900)[wanted]
    assert (len(curve.values), curve.step_s) == (60, 0)


def test_a_day_on_few_pixels_comes_from_rollups(connection: Connection, now: datetime) -> None:
    wanted = find(connection, "crm-app-01", "host.cpu.used_ratio")
    end_ms = instant_ms(now)
    curve = curves(connection, [wanted], end_ms - 24 * HOUR_MS, end_ms, 100, every_s=15)[wanted]
    assert curve.step_s == 300
    assert 0 < len(curve.values) <= 290


def test_a_counter_becomes_a_rate_per_second(connection: Connection, now: datetime) -> None:
    wanted = find(connection, "crm-web", "web.errors")
    end_ms = instant_ms(now)
    curve = curves(connection, [wanted], end_ms - HOUR_MS, end_ms, 900, frozenset([wanted]))[wanted]
    assert curve.values.mean() == pytest.approx(1 / 90, rel=0.05)


def test_a_series_without_samples_is_absent_not_zero(connection: Connection, now: datetime) -> None:
    wanted = find(connection, "node-exporter-crm", "node_load1")
    end_ms = instant_ms(now)
    assert curves(connection, [wanted], end_ms - 600_000, end_ms, 900) == {}


def test_a_counter_that_started_again_leaves_a_gap() -> None:
    at_ms, values = rate(np.array([0, 1000, 2000, 3000]), np.array([10.0, 20.0, 5.0, 8.0]))
    assert at_ms.tolist() == [1000, 2000, 3000]
    assert values[0] == 10
    assert np.isnan(values[1])
    assert values[2] == 3


def test_a_hole_in_time_breaks_the_line() -> None:
    at_ms, values = with_gaps(np.array([0, 10, 20, 30, 100, 110]), np.arange(6.0))
    assert at_ms.tolist() == [0, 10, 20, 30, 31, 100, 110]
    assert np.isnan(values[4])


@given(st.integers(0, 2**32 - 1), st.integers(500, 5000))
def test_thinning_keeps_the_highest_and_the_lowest(seed: int, n: int) -> None:
    values = np.random.default_rng(seed).standard_cauchy(n)
    _at_ms, kept = thin(np.arange(len(values)), values, 100)
    assert len(kept) <= 200
    assert (kept.min(), kept.max()) == (values.min(), values.max())
