"""A session on a database that cannot write, on each kind of database, whatever the statement."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.read_only_sql import not_a_select, opened, reason, vendor


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with a table t of one row, of each kind in turn."""
    made = f"sqlite:///{tmp_path / 'a.sqlite'}"
    if request.param != "sqlite":
        made = request.getfixturevalue(request.param).fresh_database()
    engine = sa.create_engine(made)
    with engine.begin() as connection:
        connection.execute(sa.text("create table t (n integer)"))
        connection.execute(sa.text("insert into t values (1)"))
    engine.dispose()
    return str(made)


@pytest.mark.parametrize(
    "statement",
    ["insert into t values (2)", "delete from t", "update t set n = 2", "create table u (n integer)", "drop table t"],
)
def test_no_statement_writes(url: str, statement: str) -> None:
    with opened(url, 10) as connection, pytest.raises(sa.exc.DBAPIError) as caught:
        connection.execute(sa.text(statement))
    assert reason(caught.value)
    with opened(url, 10) as connection:
        assert connection.execute(sa.text("select n from t")).scalars().all() == [1]


def test_rows_are_read_and_streamed(url: str) -> None:
    with opened(url, 10) as connection:
        endless = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 900) select i from n"
        found = connection.execute(sa.text(endless)).yield_per(100)
        assert [number for (number,) in found] == list(range(1, 901))


def test_a_statement_that_takes_too_long_is_stopped_by_the_server(url: str) -> None:
    endless = (
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000000) select count(*) from n"
    )
    if vendor(url) == "mysql":
        endless = "select count(*) from t where sleep(30) = 0"
    started = time.monotonic()
    with opened(url, 1) as connection, pytest.raises(sa.exc.DBAPIError):
        connection.execute(sa.text(endless)).all()
    assert time.monotonic() - started < 8


def test_a_sqlite_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"), opened("sqlite:///none.sqlite", 5, tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_another_kind_of_database_is_refused() -> None:
    assert vendor("mariadb://u@h/d") == "mysql"
    with pytest.raises(ValueError, match="oracle is not a database"):
        vendor("oracle://u@h/d")


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select 1", None),
        ("  WITH a as (select 1) select * from a;", None),
        ("(select 1)", "must begin with"),
        ("selection", "must begin with"),
        ("insert into t values (1)", "must begin with"),
        ("select 1; drop table t", "only one statement"),
        ("select ';'", "only one statement"),
        ("select /*!50000 1 */", "MySQL executes"),
        ("select /*M! 1 */", "MySQL executes"),
        ("", "must begin with"),
    ],
)
def test_what_looks_like_one_select(sql: str, why: str | None) -> None:
    found = not_a_select(sql)
    assert found is None if why is None else why in (found or "")
