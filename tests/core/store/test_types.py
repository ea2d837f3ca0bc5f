"""The column types: instants and JSON come back exactly as they went in, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, Text, cast, delete, insert, select
from sqlalchemy.exc import StatementError

from core.store.open import writing
from core.store.tables import pulse
from tests.core.store.rows import NOON

AGAIN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)  # fmt: skip


def through(store: Engine, at: datetime, detail: Any) -> tuple[datetime, Any]:
    """Write a row and read it back."""
    with writing(store) as connection:
        connection.execute(delete(pulse))
        connection.execute(insert(pulse).values(name="x", at=at, detail=detail))
        row = connection.execute(select(pulse.c.at, pulse.c.detail)).one()
        return row.at, row.detail


@AGAIN
@given(at=INSTANTS)
def test_instants_come_back_to_the_millisecond(store: Engine, at: datetime) -> None:
    """Aware, UTC, cut to whole milliseconds."""
    found, _ = through(store, at, {})
    assert found == at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert found.tzinfo is UTC


def test_an_instant_of_another_zone_is_the_same_instant(store: Engine) -> None:
    """Kept as UTC."""
    shanghai = NOON.astimezone(timezone(timedelta(hours=8)))
    assert through(store, shanghai, {})[0] == NOON


def test_an_instant_without_a_zone_is_refused(store: Engine) -> None:
    """Nobody can know which instant it means."""
    with pytest.raises(StatementError, match="has no time zone"):
        through(store, NOON.replace(tzinfo=None), {})


@AGAIN
@given(detail=PLAIN.filter(lambda value: value is not None))
def test_json_comes_back_equal(store: Engine, detail: Any) -> None:
    """Every plain value, NUL and all planes of Unicode included."""
    assert through(store, NOON, detail)[1] == detail


def test_equal_objects_are_equal_texts(store: Engine) -> None:
    """Keys are sorted, so that a unique constraint over labels holds."""
    with writing(store) as connection:
        connection.execute(insert(pulse).values(name="a", at=NOON, detail={"x": "1", "a": "2"}))
        connection.execute(insert(pulse).values(name="b", at=NOON, detail={"a": "2", "x": "1"}))
        found = connection.execute(select(cast(pulse.c.detail, Text))).scalars().all()
    assert found[0] == found[1]
