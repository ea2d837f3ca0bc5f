"""A store that the tables of cases share: each case looks at its own ticket only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from core.store.open import open_store, upgrade


@pytest.fixture(scope="session")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One SQLite store for many cases; what hangs on the database itself is tested on `store`."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('tickets') / 'store.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()
