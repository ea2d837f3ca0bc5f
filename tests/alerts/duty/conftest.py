"""One migrated SQLite store that the examples of a property share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.store.open import open_store
from tests.stores import NewStore


@pytest.fixture
def sqlite_store(new_sqlite: NewStore, tmp_path: Path) -> Iterator[Engine]:
    """A store that each example empties for itself."""
    with new_sqlite(tmp_path) as url:
        engine = open_store(url)
        yield engine
        engine.dispose()
