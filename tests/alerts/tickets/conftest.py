"""Stores in which the people of `world.py` have accounts, and one that the tables of cases share: each case looks at its own
ticket only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from core.store.open import open_store, upgrade, writing
from tests.alerts.tickets.world import accounts


@pytest.fixture(scope="session")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One SQLite store for many cases; what hangs on the database itself is tested on `store`."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('tickets') / 'store.db'}")
    upgrade(engine)
    yield _with_people(engine)
    engine.dispose()


@pytest.fixture
def store(store: Engine) -> Engine:
    """A store of each kind with the people in it."""
    return _with_people(store)


@pytest.fixture
def light(light: Engine) -> Engine:
    """The same on SQLite alone."""
    return _with_people(light)


def _with_people(engine: Engine) -> Engine:
    with writing(engine) as connection:
        accounts(connection)
    return engine
