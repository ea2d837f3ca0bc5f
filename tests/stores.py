"""The store as a fixture: every test that asks for it runs on SQLite and on PostgreSQL, each time on an empty schema.

The migrations run once a test process and database; each test then gets a copy of their outcome (tests/emptied.py).
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from core.store.open import open_store, upgrade
from tests.emptied import Lender

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
    """A migrated PostgreSQL database, empty as a new one: a context that gives its URL; the folder it leaves alone."""
    lender = Lender(make_url(_migrated(request.getfixturevalue("postgresql").fresh_database())))

    @contextmanager
    def lent(folder: Path) -> Iterator[str]:
        with lender.lend() as url:
            yield url

    return lent


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
