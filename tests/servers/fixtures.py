"""The servers as pytest fixtures, one of each per test process, started when a test first asks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import alertmanager as alertmanager_server
from tests.servers import apache as apache_server
from tests.servers import mariadb as mariadb_server
from tests.servers import nginx as nginx_server
from tests.servers import postgresql as postgresql_server
from tests.servers import prometheus as prometheus_server
from tests.servers import sshd as sshd_server
from tests.servers import tomcat as tomcat_server
from tests.servers.process import Missing, Server

Start = Callable[[Path], contextlib.AbstractContextManager[Server]]


@contextlib.contextmanager
def installed(start: Start, factory: pytest.TempPathFactory, name: str) -> Iterator[Server]:
    """Run the server, or skip the test with the reason when it is not installed; in CI that is a failure."""
    try:
        running = start(factory.mktemp(name))
        server = running.__enter__()
    except Missing as missing:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"{missing}; CI accepts no skip")
        pytest.skip(str(missing))
    try:
        yield server
    finally:
        running.__exit__(None, None, None)


@dataclass(frozen=True)
class PostgreSQL:
    """The private PostgreSQL of this test process."""

    server: Server

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the superuser's own database."""
        return self.server.url

    def fresh_database(self) -> str:
        """SQLAlchemy URL of a new, empty database."""
        return postgresql_server.fresh_database(self.server)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    with installed(postgresql_server.start, tmp_path_factory, "postgresql") as server:
        yield PostgreSQL(server)


@dataclass(frozen=True)
class MariaDB:
    """The private MariaDB of this test process."""

    server: Server

    @property
    def url(self) -> str:
        """SQLAlchemy URL with every right."""
        return self.server.url

    def fresh_database(self) -> str:
        """SQLAlchemy URL of a new, empty database."""
        return mariadb_server.fresh_database(self.server)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    with installed(mariadb_server.start, tmp_path_factory, "mariadb") as server:
        yield MariaDB(server)


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with installed(sshd_server.start, tmp_path_factory, "sshd") as server:
        yield server


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with installed(nginx_server.start, tmp_path_factory, "nginx") as server:
        yield server


@pytest.fixture(scope="session")
def apache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with installed(apache_server.start, tmp_path_factory, "apache") as server:
        yield server


@pytest.fixture(scope="session")
def tomcat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with installed(tomcat_server.start, tmp_path_factory, "tomcat") as server:
        yield server


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with installed(prometheus_server.start, tmp_path_factory, "prometheus") as server:
        yield server


@pytest.fixture(scope="session")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with installed(alertmanager_server.start, tmp_path_factory, "alertmanager") as server:
        yield server
