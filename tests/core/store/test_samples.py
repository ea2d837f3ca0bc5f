"""Storing samples, and taking up the latest ones."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from core.store.open import reading, writing
from core.store.samples import latest_samples, store_samples
from core.store.tables import sample
from tests.core.store.rows import some_series


def all_rows(store: Engine) -> list[tuple[int, int, float]]:
    with reading(store) as connection:
        return [tuple(row) for row in connection.execute(select(sample).order_by(sample.c.series_id, sample.c.at_ms))]


def test_a_sample_of_the_same_instant_takes_the_place_of_the_one_before(store: Engine) -> None:
    """A restated value replaces; another instant or series is another row."""
    with writing(store) as connection:
        one, two = some_series(connection, 2)
        store_samples(connection, [])
        store_samples(connection, [(one, 1_000, 1.5), (two, 1_000, 2.5)])
        store_samples(connection, [(one, 1_000, 9.5), (one, 2_000, 3.5)])
    assert all_rows(store) == [(one, 1_000, 9.5), (one, 2_000, 3.5), (two, 1_000, 2.5)]


@pytest.mark.parametrize("value", [0.0, -0.1, 1e308, 5e-324, 2.0**53 + 1, 0.1 + 0.2])
def test_values_are_kept_to_the_last_bit(store: Engine, value: float) -> None:
    """A double is a double on both databases."""
    with writing(store) as connection:
        [one] = some_series(connection, 1)
        store_samples(connection, [(one, 1, value)])
    assert all_rows(store) == [(one, 1, value)]


def test_a_large_batch_is_stored_whole(store: Engine) -> None:
    """More rows than any statement has parameters for."""
    with writing(store) as connection:
        [one] = some_series(connection, 1)
        store_samples(connection, [(one, at, float(at)) for at in range(40_000)])
    assert len(all_rows(store)) == 40_000


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), unique=True),
    st.integers(1, 4),
    st.sets(st.integers(0, 3)),
)
def test_the_latest_samples_are_those_and_oldest_first(
    store: Engine, places: list[tuple[int, int]], count: int, wanted: set[int]
) -> None:
    """Of each series asked for, and of no other: its latest `count`, in order."""
    with writing(store) as connection:
        connection.execute(delete(sample))
        numbers = list(connection.exec_driver_sql("SELECT id FROM series ORDER BY id").scalars())
        numbers = numbers or some_series(connection, 4)
        rows = [(numbers[place], at * 1_000, float(at)) for place, at in places]
        store_samples(connection, rows)
        found = dict(latest_samples(connection, [numbers[place] for place in wanted], count))
    expected = {}
    for place in wanted:
        known = sorted((at * 1_000, float(at)) for one, at in places if one == place)
        if known:
            expected[numbers[place]] = known[-count:]
    assert found == expected
