"""The store as a fixture: every test that asks for it runs on SQLite and on PostgreSQL, each time on an empty schema.

The migrations run once a test process and database; each test then gets a copy of their outcome.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from core.store.open import open_store, upgrade

DIALECTS = ("sqlite", "postgresql")
NewStore = Callable[[Path], AbstractContextManager[str]]
_numbers = itertools.count(1)


def _migrated(url: str) -> str:
    engine = open_store(url)
    upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def new_sqlite(tmp_path_factory: pytest.TempPathFactory) -> NewStore:
    """Makes a migrated SQLite file in a folder: a context that gives its URL."""
    pattern = tmp_path_factory.mktemp("pattern") / "bomc.sqlite"
    _migrated(f"sqlite:///{pattern}")

    @contextmanager
    def copy(folder: Path) -> Iterator[str]:
        made = folder / f"bomc-{next(_numbers)}.sqlite"
        shutil.copy(pattern, made)
        yield f"sqlite:///{made}"

    return copy


@pytest.fixture(scope="session")
def new_postgresql(request: pytest.FixtureRequest) -> NewStore:
    """Makes a migrated PostgreSQL database, gone afterwards: a context that gives its URL; the folder it leaves alone."""
    pattern = make_url(_migrated(request.getfixturevalue("postgresql").fresh_database()))

    @contextmanager
    def copy(folder: Path) -> Iterator[str]:
        name = f"copy_{os.getpid()}_{next(_numbers)}"
        server = create_engine(pattern.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{pattern.database}"'))
        yield pattern.set(database=name).render_as_string(hide_password=False)
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        server.dispose()

    return copy


@pytest.fixture(params=DIALECTS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new store with the current schema and nothing in it, of each kind in turn."""
    new: NewStore = request.getfixturevalue(f"new_{request.param}")
    with new(tmp_path) as url:
        yield url


@pytest.fixture
def store(store_url: str) -> Iterator[Engine]:
    """A store with the current schema and nothing in it."""
    engine = open_store(store_url)
    yield engine
    engine.dispose()


@pytest.fixture
def light(new_sqlite: NewStore, tmp_path: Path) -> Iterator[Engine]:
    """A store on SQLite alone, for long tables of cases of which others prove the same on PostgreSQL."""
    with new_sqlite(tmp_path) as url:
        engine = open_store(url)
        yield engine
        engine.dispose()
