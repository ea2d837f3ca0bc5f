"""A seeded store, made once, that the tests of queries and pages read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine

from core.store.open import open_store, reading
from tests.dashboards.seeded import seed

NOW = datetime(2026, 3, 12, 6, 30, 15, tzinfo=UTC)  # a Thursday, 14:30:15 in Shanghai


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The store as of NOW; nobody writes to it."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('seeded') / 'store.db'}")
    seed(engine, NOW)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(seeded: Engine) -> Iterator[Connection]:
    """A transaction that only reads."""
    with reading(seeded) as made:
        yield made


@pytest.fixture
def now() -> datetime:
    """The instant as of which the store was seeded."""
    return NOW
