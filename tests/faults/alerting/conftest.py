"""For each database the process that tellings are forked from, and one telling that was never killed, to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.alerting.scene import Scene, scene
from tests.faults.alerting.story import STORY
from tests.faults.alerting.teller import Teller
from tests.stores import NewStore


@pytest.fixture(scope="session")
def quiet_sqlite(tmp_path_factory: pytest.TempPathFactory, new_sqlite: NewStore) -> Iterator[Scene]:
    """The story, told on SQLite by one process to its end."""
    yield from told(tmp_path_factory.mktemp("quiet"), new_sqlite)


@pytest.fixture(scope="session")
def quiet_postgresql(tmp_path_factory: pytest.TempPathFactory, new_postgresql: NewStore) -> Iterator[Scene]:
    """The same on PostgreSQL."""
    yield from told(tmp_path_factory.mktemp("quiet"), new_postgresql)


def told(folder: Path, new_store: NewStore) -> Iterator[Scene]:
    """The story told without a kill; its receivers have ended, what they got is kept, and so is its teller."""
    teller = Teller()
    with new_store(folder) as url:
        with scene(folder, url, STORY, teller) as there:
            there.tell()
        yield there
    teller.end()
