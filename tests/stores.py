"""The store as a fixture: every test that asks for it runs on SQLite and on PostgreSQL, each time on an empty schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.store.open import open_store, upgrade

DIALECTS = ("sqlite", "postgresql")


@pytest.fixture(params=DIALECTS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bomc.sqlite'}"
    url: str = request.getfixturevalue("postgresql").fresh_database()
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Engine]:
    """A store with the current schema and nothing in it."""
    engine = open_store(store_url)
    upgrade(engine)
    yield engine
    engine.dispose()
