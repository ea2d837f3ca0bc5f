"""Roll-ups equal what plain Python makes of the samples; making them again changes nothing; forgetting loses nothing needed."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, select

from core.model import instant_ms
from core.store.open import reading, writing
from core.store.rollups import STEPS_S, forget, roll_up, roll_up_again
from core.store.samples import Row, store_samples
from core.store.tables import pulse, rollup, sample
from tests.core.store.rows import NOON, some_series

AGAIN = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
START_MS = instant_ms(NOON) // 86_400_000 * 86_400_000
TWO_DAYS_S = 2 * 86_400
Bucket = tuple[int, int, int]
"""Series, step in seconds, start in ms."""
Made = tuple[float, float, float, int, float]
"""Minimum, maximum, sum, count, last."""


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(START_MS / 1000 + seconds, UTC)


def by_hand(rows: list[Row]) -> dict[Bucket, Made]:
    """What the roll-ups of these samples must be."""
    buckets: dict[Bucket, list[tuple[int, float]]] = defaultdict(list)
    for number, at_ms, value in rows:
        for step_s in STEPS_S:
            buckets[number, step_s, at_ms - at_ms % (step_s * 1000)].append((at_ms, value))
    return {
        bucket: (
            min(value for _, value in found),
            max(value for _, value in found),
            math.fsum(value for _, value in found),
            len(found),
            max(found)[1],
        )
        for bucket, found in buckets.items()
    }


def stored(store: Engine) -> dict[Bucket, Made]:
    with reading(store) as connection:
        return {(row[0], row[1], row[2]): tuple(row[3:]) for row in connection.execute(select(rollup))}


def begin(store: Engine, rows: list[tuple[int, int, float]], series: int = 3) -> list[Row]:
    """A store with these samples (place, ms after the start, value) and no roll-ups; the rows with their series."""
    with writing(store) as connection:
        for table in (rollup, sample, pulse):
            connection.execute(delete(table))
        numbers = list(connection.exec_driver_sql("SELECT id FROM series ORDER BY id").scalars())
        numbers = numbers or some_series(connection, series)
        found = [(numbers[place], START_MS + ms, value) for place, ms, value in rows]
        store_samples(connection, found)
    return found


SAMPLES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, TWO_DAYS_S).map(lambda s: s * 1000 + 7), st.integers(-1000, 1000)),
    unique_by=lambda row: row[:2],
    max_size=60,
)


@AGAIN
@given(SAMPLES)
def test_roll_ups_are_what_one_would_make_by_hand(store: Engine, rows: list[tuple[int, int, int]]) -> None:
    """Minimum, maximum, sum, count and last of every series, step and bucket; and again changes nothing."""
    made = begin(store, [(place, ms, float(value)) for place, ms, value in rows])
    roll_up(store, at(TWO_DAYS_S + 1))
    assert stored(store) == by_hand(made)
    roll_up(store, at(TWO_DAYS_S + 1))
    assert stored(store) == by_hand(made)


@AGAIN
@given(SAMPLES, st.lists(st.integers(0, TWO_DAYS_S), max_size=5))
def test_rolling_up_in_rounds_as_samples_come_makes_the_same(
    store: Engine, rows: list[tuple[int, int, int]], rounds: list[int]
) -> None:
    """Whenever the rounds happen to be, and though each sample comes up to five minutes late, the outcome is the same."""
    waiting = sorted(((place, ms, float(value)) for place, ms, value in rows), key=lambda row: row[1])
    begin(store, [])
    everything: list[Row] = []
    for now_s in [*sorted(rounds), TWO_DAYS_S + 600]:
        arrived = [row for row in waiting if row[1] <= (now_s - 299) * 1000]
        waiting = waiting[len(arrived) :]
        with writing(store) as connection:
            numbers = list(connection.exec_driver_sql("SELECT id FROM series ORDER BY id").scalars())
            found = [(numbers[place], START_MS + ms, value) for place, ms, value in arrived]
            store_samples(connection, found)
        everything += found
        roll_up(store, at(now_s))
    assert stored(store) == by_hand(everything)


def test_a_past_that_is_stated_anew_is_rolled_up_again(store: Engine) -> None:
    """Of that series and from that instant on; the others are left as they are."""
    rows = begin(store, [(place, s * 1000, 1.0) for place in (0, 1) for s in range(0, 90_000, 600)])
    roll_up(store, at(90_000))
    changed = [(number, at_ms, value if number == rows[-1][0] else 5.0) for number, at_ms, value in rows]
    with writing(store) as connection:
        store_samples(connection, changed)
        roll_up_again(connection, rows[0][0], START_MS, START_MS + 90_000_000)
    assert stored(store) == by_hand(changed)


def test_more_series_than_one_transaction_takes_are_all_rolled_up(store: Engine) -> None:
    """Rounds go over the series in portions."""
    with writing(store) as connection:
        numbers = some_series(connection, 1_101)
        store_samples(connection, [(number, START_MS + 1_000, 1.0) for number in numbers])
    assert roll_up(store, at(600)) == 3 * 3
    assert len(stored(store)) == 3 * 1_101


def test_forgetting_deletes_what_is_past_its_retention_and_nothing_else(store: Engine) -> None:
    """Samples by `raw`, each step by its own length; what is exactly as old as allowed stays."""
    rows = begin(store, [(0, s * 1000, 1.0) for s in range(0, TWO_DAYS_S, 3_600)])
    roll_up(store, at(TWO_DAYS_S))
    kept = {300: timedelta(hours=36), 3_600: timedelta(days=2), 86_400: timedelta(days=2)}
    deleted = forget(store, at(TWO_DAYS_S), timedelta(days=1), kept)
    with reading(store) as connection:
        oldest = connection.execute(select(func.min(sample.c.at_ms))).scalar_one()
    assert oldest == START_MS + 86_400_000
    expected = {
        bucket: made
        for bucket, made in by_hand(rows).items()
        if bucket[2] >= START_MS + TWO_DAYS_S * 1000 - kept[bucket[1]] // timedelta(milliseconds=1)
    }
    assert stored(store) == expected
    assert deleted == 24 + 12
    assert forget(store, at(TWO_DAYS_S), timedelta(days=1), kept) == 0


def test_nothing_is_forgotten_before_it_is_rolled_up(store: Engine) -> None:
    """Old samples of a pipeline that was away for long stay until a round has taken them up."""
    rows = begin(store, [(0, s * 1000, float(s)) for s in range(0, TWO_DAYS_S, 3_600)])
    kept = dict.fromkeys(STEPS_S, timedelta(days=3650))
    assert forget(store, at(40 * 86_400), timedelta(days=7), kept) == 0
    roll_up(store, at(40 * 86_400))
    assert forget(store, at(40 * 86_400), timedelta(days=7), kept) == len(rows)
    assert stored(store) == by_hand(rows)


def test_short_retention_never_spoils_the_steps_above(store: Engine) -> None:
    """With hardly anything kept below, the hour and the day that still grow are made of all their samples."""
    begin(store, [])
    rows: list[Row] = []
    kept = {300: timedelta(minutes=5), 3_600: timedelta(minutes=5), 86_400: timedelta(days=3650)}
    for now_s in range(300, 12_000, 300):
        with writing(store) as connection:
            number = connection.exec_driver_sql("SELECT min(id) FROM series").scalar_one()
            rows.append((number, START_MS + (now_s - 150) * 1000, float(now_s)))
            store_samples(connection, rows[-1:])
        roll_up(store, at(now_s))
        forget(store, at(now_s), timedelta(minutes=5), kept)
    day = {bucket: made for bucket, made in by_hand(rows).items() if bucket[1] == 86_400}
    assert {bucket: made for bucket, made in stored(store).items() if bucket[1] == 86_400} == day
