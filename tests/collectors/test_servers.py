"""The test servers themselves: each answers, is private, and leaves nothing behind."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.servers import nginx as nginx_server
from tests.servers.fixtures import PostgreSQL
from tests.servers.process import Missing, NotReady, Server, answers, program, running

pytestmark = pytest.mark.xdist_group("databases")


def test_each_fresh_postgresql_database_is_empty_and_its_own(postgresql: PostgreSQL) -> None:
    one, other = sa.create_engine(postgresql.fresh_database()), sa.create_engine(postgresql.fresh_database())
    with one.begin() as connection:
        connection.execute(sa.text("create table bills (id int)"))
    assert sa.inspect(one).get_table_names() == ["bills"]
    assert sa.inspect(other).get_table_names() == []
    one.dispose()
    other.dispose()


def test_an_alertmanager_answers_its_api_with_an_empty_list(alertmanager: Server) -> None:
    with urllib.request.urlopen(f"{alertmanager.url}/api/v2/alerts", timeout=10) as answer:
        assert answer.read().strip() == b"[]"


def test_a_server_that_ends_at_once_is_told_with_its_output_and_a_missing_one_with_its_package(tmp_path: Path) -> None:
    with (
        pytest.raises(NotReady, match="no such thing"),
        running(["sh", "-c", "echo no such thing; exit 3"], bool, tmp_path / "log"),
    ):
        pass
    with pytest.raises(Missing, match=r"no-such-server is not installed \(package such\)"):
        program(["no-such-server"], "such")


def test_nothing_of_a_server_is_left_when_its_block_ends(tmp_path: Path) -> None:
    with nginx_server.start(tmp_path) as server:
        assert answers(server.port)
    assert not answers(server.port)
    assert not server.folder.exists()
    assert not Path(f"/proc/{server.pid}").exists()
