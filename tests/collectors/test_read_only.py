"""Configured SQL cannot write: hundreds of attempts, with and without the gate at the configuration, change nothing."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from collectors import CollectError, Io
from collectors.bounded import sql
from tests.collectors.readings import without_password
from tests.servers.fixtures import MariaDB, PostgreSQL

pytestmark = pytest.mark.xdist_group("databases")

WRITES = (
    "insert into bills values (2, 'forged')",
    "update bills set state = 'paid'",
    "delete from bills",
    "drop table bills",
    "alter table bills add column x int",
    "create table forged (id int)",
    "create table forged as select * from bills",
    "create view forged as select * from bills",
    "create index forged on bills (id)",
    "truncate table bills",
    "replace into bills values (2, 'forged')",
    "grant select on bills to public",
    "set session transaction read write",
    "commit",
    "begin",
    "call forge()",
    "do forge()",
    "vacuum",
    "attach database 'forged.db' as forged",
    "pragma writable_schema = on",
    "copy bills to program 'true'",
    "load data infile 'x' into table bills",
    "lock tables bills write",
    "rename table bills to forged",
    "analyze",
    "reset all",
)
WRAPS: tuple[Callable[[str], str], ...] = (
    lambda write: write,
    lambda write: f"select 1 as value; {write}",
    lambda write: f"select 1 as value) as q; {write}; select 1 from (select 1 as value",
    lambda write: f"select 1 as value; {write}; --",
    lambda write: f"with w as ({write} returning *) select 1 as value from w",
    lambda write: f"with w as ({write}) select 1 as value from w",
    lambda write: f"select 1 as value from ({write}) as w",
    lambda write: f"/* harmless */ {write}",
    lambda write: f"select 1 as value /*! ; {write} */",
    lambda write: f"select 1 as value\n;{write}",
    lambda write: f"begin; {write}; commit",
    lambda write: f"explain analyze {write}",
)
FUNCTIONS = {
    "postgresql": (
        "select nextval('numbers') as value",
        "select setval('numbers', 99) as value",
        "select forge() as value",
        "select set_config('transaction_read_only', 'off', false) as value from bills",
        "select set_config('default_transaction_read_only', 'off', false) as value",
        "select 1 as value into forged from bills",
        "select id as value from bills for update",
        "select lo_create(4711) as value",
        "select lo_from_bytea(0, 'x') as value",
        "select query_to_xml('delete from bills returning 1', true, false, '')::text as value",
        "select 1 as value from bills, lateral (select forge()) f",
    ),
    "mysql": (
        "select 1 as value into outfile 'forged.txt'",
        "select id as value from bills into @forged",
        "select forge() as value",
        "select nextval(numbers) as value",
        "select id as value from bills procedure analyse()",
        "select setval(numbers, 99) as value",
    ),
    "sqlite": (
        "select load_extension('x') as value",
        "select writefile('forged.txt', 'x') as value",
        "select * from pragma_user_version(7)",
        "select 1 as value from pragma_writable_schema(1)",
        "select sqlite_rename_table('x', 'y') as value",
    ),
}


def attempts(vendor: str) -> list[str]:
    """Every write in every wrapping, and the functions of that database that write."""
    return [*(wrap(write) for write, wrap in itertools.product(WRITES, WRAPS)), *FUNCTIONS[vendor]]


def attack(access: sql.Access, statements: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Try them all through the session alone, the gate at the configuration taken away; how many were refused."""
    monkeypatch.setattr(sql, "not_a_select", lambda statement: None)
    refused = 0
    with sql.session(access, Io(240)) as session:
        for statement in statements:
            try:
                session.configured_rows(statement, ["value"], 2)
            except CollectError:
                refused += 1
    return refused


def access_to(url: str, monkeypatch: pytest.MonkeyPatch) -> sql.Access:
    parts = sa.make_url(url)
    monkeypatch.setenv("DATABASE_PASSWORD", parts.password or "")
    return sql.Access(url=without_password(url), password="env:DATABASE_PASSWORD")


@pytest.mark.parametrize("vendor", ["postgresql", "mysql", "sqlite"])
def test_all_but_functions_are_refused_when_they_are_configured(vendor: str) -> None:
    through = [statement for statement in attempts(vendor) if sql.not_a_select(statement) is None]
    assert not [s for s in through if not s.lower().startswith(("select", "with"))]
    assert len(attempts(vendor)) > 300
    assert len(through) < len(attempts(vendor)) / 3


def test_no_attempt_changes_a_postgresql_even_as_superuser(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.fresh_database()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in (
            "create table bills (id int, state text)",
            "insert into bills values (1, 'open')",
            "create sequence numbers",
            "create function forge() returns int language plpgsql as"
            " $$ begin insert into bills values (3, 'forged'); return 1; end $$",
        ):
            connection.execute(sa.text(statement))
    refused = attack(access_to(url, monkeypatch), attempts("postgresql"), monkeypatch)
    assert refused >= len(attempts("postgresql")) - len(WRITES) - 10
    with engine.connect() as connection:
        assert connection.execute(sa.text("select * from bills")).all() == [(1, "open")]
        assert connection.execute(sa.text("select last_value, is_called from numbers")).one() == (1, False)
        assert connection.execute(sa.text("select count(*) from pg_largeobject_metadata")).scalar() == 0
        assert sa.inspect(engine).get_table_names() == ["bills"]
        assert sa.inspect(engine).get_view_names() == []
        assert sa.inspect(engine).get_indexes("bills") == []
    engine.dispose()


def test_no_attempt_changes_a_mariadb_even_with_every_right(mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    url = mariadb.fresh_database()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in (
            "create table bills (id int, state varchar(20))",
            "insert into bills values (1, 'open')",
            "create sequence numbers",
            "create function forge() returns int modifies sql data"
            " begin insert into bills values (3, 'forged'); return 1; end",
        ):
            connection.exec_driver_sql(statement)
    refused = attack(access_to(url, monkeypatch), attempts("mysql"), monkeypatch)
    assert refused >= len(attempts("mysql")) - 6
    with engine.connect() as connection:
        assert connection.execute(sa.text("select * from bills")).all() == [(1, "open")]
        assert connection.execute(sa.text("select next_not_cached_value from numbers")).scalar() == 1
        assert set(sa.inspect(engine).get_table_names()) - {"numbers"} == {"bills"}
        assert sa.inspect(engine).get_view_names() == []
        assert sa.inspect(engine).get_indexes("bills") == []
    assert not list((mariadb.server.folder / "tables").rglob("forged*"))
    engine.dispose()


def test_no_attempt_changes_a_sqlite_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bills.db"
    connection = sqlite3.connect(path)
    connection.execute("create table bills (id int, state text)")
    connection.execute("insert into bills values (1, 'open')")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    monkeypatch.chdir(tmp_path)
    refused = attack(sql.Access(url=f"sqlite:///{path}"), attempts("sqlite"), monkeypatch)
    assert refused >= len(attempts("sqlite")) - len(WRITES)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["bills.db"]
