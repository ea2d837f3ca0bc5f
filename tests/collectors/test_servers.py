"""The test servers themselves: each answers, is private, and leaves nothing behind."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.servers.fixtures import PostgreSQL

pytestmark = pytest.mark.xdist_group("databases")


def test_each_fresh_postgresql_database_is_empty_and_its_own(postgresql: PostgreSQL) -> None:
    one, other = sa.create_engine(postgresql.fresh_database()), sa.create_engine(postgresql.fresh_database())
    with one.begin() as connection:
        connection.execute(sa.text("create table bills (id int)"))
    assert sa.inspect(one).get_table_names() == ["bills"]
    assert sa.inspect(other).get_table_names() == []
    one.dispose()
    other.dispose()
