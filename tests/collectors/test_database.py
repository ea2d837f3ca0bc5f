"""Databases: recorded rows, the three real ones, and configured SELECTs that bring values."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from collectors import CollectError, Io, collect
from collectors.bounded import sql
from collectors.database import INDICATORS, Answer, Config, Query, Raw, parse
from core.model import Kind, Sample
from tests.collectors.readings import NOW, NOW_MS, recorded, table, without_password
from tests.servers import hostile
from tests.servers.fixtures import MariaDB, PostgreSQL

pytestmark = pytest.mark.xdist_group("databases")


def settings(url: str, monkeypatch: pytest.MonkeyPatch, **more: object) -> Config:
    """A Config for this URL, its password moved into the environment."""
    parts = sa.make_url(url)
    monkeypatch.setenv("DATABASE_PASSWORD", parts.password or "none")
    password = "env:DATABASE_PASSWORD" if parts.password else None
    return Config.model_validate({"url": without_password(url), "password": password, **more})


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table orders (channel text, amount integer)")
        connection.executemany("insert into orders values (?, ?)", [("web", 5), ("shop", 7), ("shop", None)])
    return path


@pytest.mark.parametrize(
    ("name", "states", "most"),
    [
        ("database_postgresql.json", {"active": 1, "idle in transaction": 1}, 100),
        ("database_mariadb.json", {"query": 1, "sleep": 1}, 151),
    ],
)
def test_recorded_rows_become_samples(name: str, states: dict[str, int], most: int) -> None:
    rows = json.loads(recorded(name))
    reading = parse(Raw(rows["latency"], tuple(tuple(row) for row in rows["parts"])), NOW)
    values = table(reading)
    assert {key[1]: value for key, value in values.items() if key[0] == "database.sessions"} == states
    assert values[("database.sessions_max",)] == most
    assert values[("database.sessions_used_ratio",)] == 2 / most
    assert values[("database.slow_statements",)] == 1
    assert values[("database.slowest_statement_s",)] >= 1
    assert values[("database.locks_waiting",)] == 0
    assert {sample.indicator for sample in reading.samples} <= {indicator.name for indicator in INDICATORS}
    assert {sample.at_ms for sample in reading.samples} == {NOW_MS}


def test_rows_without_a_number_are_refused_and_counted() -> None:
    query = Query(indicator="bills.open", sql="select 1", unit="1", kind=Kind.GAUGE, labels=["city"])
    rows: list[sql.Row] = [("3", "wuhan"), ("many", "xiamen"), (None, "x"), ("1_0", "y"), ("2.5", None)]
    reading = parse(Raw({}, (), (Answer(query=query, rows=rows, cut=True),)), NOW)
    assert reading.samples == [
        Sample("bills.open", 3.0, NOW_MS, (("city", "wuhan"),)),
        Sample("bills.open", 2.5, NOW_MS),
    ]
    assert reading.notes == (
        "bills.open: 3 rows have no number in the column value",
        "bills.open: only the first 10,000 rows are taken",
    )
    assert [(i.name, i.unit) for i in reading.indicators] == [("bills.open", "1")]


def test_the_real_postgresql_shows_sessions_locks_size_and_slow_statements(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.fresh_database()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("create table bills as select generate_series(1, 100) as id"))
    with engine.connect() as holder:
        holder.execute(sa.text("lock table bills in access exclusive mode"))
        with waiting(engine, "lock table bills", holder):
            values = poll(settings(url, monkeypatch, slow_after_s=0.2), lambda v: v[("database.slow_statements",)] >= 1)
    assert values[("database.locks_waiting",)] >= 1
    assert values[("database.sessions", "active")] >= 1
    assert values[("database.sessions", "idle in transaction")] >= 1
    assert values[("database.slowest_statement_s",)] >= 0.2
    assert values[("database.size_bytes", sa.make_url(url).database or "")] > 1_000_000
    assert values[("database.sessions_max",)] == 100
    assert values[("database.connect_s",)] > 0
    engine.dispose()


def test_the_real_mariadb_shows_sessions_locks_size_and_slow_statements(
    mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = mariadb.fresh_database()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("create table bills (id int primary key) engine=innodb"))
        connection.execute(sa.text("insert into bills values (1)"))
    with engine.connect() as holder:
        holder.execute(sa.text("select * from bills where id = 1 for update"))
        with waiting(engine, "select * from bills where id = 1 for update", holder):
            values = poll(
                settings(url, monkeypatch, slow_after_s=0.5),
                lambda v: v[("database.slow_statements",)] >= 1 and v[("database.locks_waiting",)] >= 1,
            )
    assert values[("database.locks_waiting",)] == 1
    assert values[("database.sessions", "sleep")] >= 1
    assert values[("database.size_bytes", sa.make_url(url).database or "")] > 0
    assert values[("database.sessions_max",)] > 10
    engine.dispose()


def test_a_configured_select_becomes_samples_on_each_database(
    postgresql: PostgreSQL, mariadb: MariaDB, sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (postgresql.fresh_database(), mariadb.fresh_database(), f"sqlite:///{sqlite_file}"):
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text("drop table if exists orders"))
            connection.execute(sa.text("create table orders (channel varchar(20), amount integer)"))
            connection.execute(sa.text("insert into orders values ('web', 5), ('shop', 7), ('shop', 8)"))
        engine.dispose()
        query = {
            "indicator": "orders.amount",
            "unit": "fen",
            "sql": "with o as (select * from orders where channel like '%') -- all of them\n"
            "select channel, sum(amount) as value from o group by channel -- the end",
            "labels": ["channel"],
        }
        reading = collect("database", settings(url, monkeypatch, queries=[query]), NOW, Io(20))
        values = table(reading)
        assert reading.notes == ()
        assert values[("orders.amount", "web")] == 5
        assert values[("orders.amount", "shop")] == 15
        assert ("database.query_s",) in values


def test_a_failing_select_is_noted_and_the_rest_still_comes(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = [
        {"indicator": "gone", "sql": "select 1 as value from no_such_table"},
        {"indicator": "slow", "sql": "select pg_sleep(20)::text as value", "timeout_s": 0.3},
        {"indicator": "fine", "sql": "select 4 as value"},
    ]
    started = time.monotonic()
    reading = collect("database", settings(postgresql.fresh_database(), monkeypatch, queries=queries), NOW, Io(15))
    assert time.monotonic() - started < 10
    assert table(reading)[("fine",)] == 4
    assert "no_such_table" in reading.notes[0]
    assert "statement timeout" in reading.notes[1]


def test_a_statement_without_end_is_stopped_by_each_server(
    mariadb: MariaDB, sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 4000000000) select max(i) as value from n"
    cases = [
        (f"sqlite:///{sqlite_file}", endless, "interrupted"),
        (mariadb.fresh_database(), "select count(*) as value from information_schema.columns a, information_schema.columns b,"
         " information_schema.columns c", "max_statement_time|execution was interrupted"),
    ]  # fmt: skip
    for url, statement, why in cases:
        queries = [{"indicator": "endless", "sql": statement, "timeout_s": 0.4}]
        started = time.monotonic()
        reading = collect("database", settings(url, monkeypatch, queries=queries), NOW, Io(15))
        assert time.monotonic() - started < 10
        assert [note for note in reading.notes if contains_any(note, why)], reading.notes


def contains_any(note: str, words: str) -> bool:
    return any(word in note for word in words.split("|"))


def test_a_select_of_a_billion_rows_or_of_huge_texts_takes_no_memory(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = [
        {"indicator": "many", "sql": "select i as value from generate_series(1, 1000000000) i", "timeout_s": 2},
        {
            "indicator": "huge",
            "sql": "select 1 as value, repeat('x', 100000000) as l",
            "labels": ["l"],
            "timeout_s": 10,
        },
    ]
    reading = collect("database", settings(postgresql.fresh_database(), monkeypatch, queries=queries), NOW, Io(60))
    samples = [sample for sample in reading.samples if sample.indicator in ("many", "huge")]
    assert len(samples) <= sql.MAX_ROWS + 1
    assert all(len(value) <= sql.MAX_TEXT for sample in samples for _, value in sample.labels)


@pytest.mark.parametrize("word", [b"pg_stat_activity", b"begin read only", b"rollback"])
def test_a_postgresql_that_freezes_after_the_login_is_left_at_the_deadline(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch, word: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    freezes(postgresql.url, postgresql.server.port, word, monkeypatch)
    assert not [record for record in caplog.records if record.exc_info], "the CollectError says it all"


@pytest.mark.parametrize("word", [b"processlist", b"start transaction read only", b"rollback"])
def test_a_mariadb_that_freezes_after_the_login_is_left_at_the_deadline(
    mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch, word: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    freezes(mariadb.url, mariadb.server.port, word, monkeypatch)
    assert not [record for record in caplog.records if record.exc_info], "the CollectError says it all"


def freezes(url: str, port: int, word: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile.freezing(port, word) as server:
        through = sa.make_url(url).set(port=server.port).render_as_string(hide_password=False)
        config = settings(through, monkeypatch)
        started = time.monotonic()
        with pytest.raises(CollectError, match=r"did not finish within 1.5 s"):
            collect("database", config, NOW, Io(1.5))
        assert time.monotonic() - started < 3


def test_a_password_in_the_url_is_not_repeated_by_its_refusal() -> None:
    with pytest.raises(ValidationError) as caught:
        Config(url="postgresql://u:canary@h/d")
    assert "canary" not in str(caught.value)


def test_the_address_policy_holds_for_databases(postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CollectError, match="which this probe may not reach"):
        collect("database", settings(postgresql.url, monkeypatch, allow=["10.0.0.0/8"]), NOW, Io(10))


def test_a_wrong_password_and_a_missing_database_are_sentences_without_the_password(
    postgresql: PostgreSQL, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (postgresql.url, mariadb.url):
        wrong = sa.make_url(url).set(password="wrong-canary").render_as_string(hide_password=False)
        with pytest.raises(CollectError, match=r"cannot be opened: .*(password|Access denied)") as caught:
            collect("database", settings(wrong, monkeypatch), NOW, Io(10))
        assert "wrong-canary" not in str(caught.value)
        nowhere = sa.make_url(url).set(database="no_such").render_as_string(hide_password=False)
        with pytest.raises(CollectError, match="no_such"):
            collect("database", settings(nowhere, monkeypatch), NOW, Io(10))


def test_a_missing_or_damaged_sqlite_file_is_a_sentence_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match="does not exist"):
        collect("database", Config(url=f"sqlite:///{tmp_path / 'none.db'}"), NOW, Io(5))
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "bad.db").write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(CollectError, match="is not a database"):
        collect("database", Config(url=f"sqlite:///{tmp_path / 'bad.db'}"), NOW, Io(5))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"url": "postgresql://u:secret@h/d"}, "must not carry a password"),
        ({"url": "oracle://u@h/d"}, "not a database that can be opened read-only"),
        ({"url": "nothing"}, "no database URL"),
        ({"url": "postgresql://h/d?options=-c%20x"}, "must not carry options"),
        ({"queries": [{"indicator": "a", "sql": "delete from bills"}]}, "must begin with SELECT or WITH"),
        ({"queries": [{"indicator": "a", "sql": "select 1; drop table bills"}]}, "only one statement"),
        ({"queries": [{"indicator": "a b", "sql": "select 1"}]}, "pattern"),
        ({"queries": [{"indicator": "a", "sql": "select 1 /*! into outfile 'x' */"}]}, "comments that MySQL executes"),
        ({"password": "hunter2"}, "pattern"),
    ],
)
def test_settings_that_cannot_be_trusted_are_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Config.model_validate({"url": "postgresql://u@h/d", **changes})


@contextlib.contextmanager
def waiting(engine: sa.Engine, statement: str, holder: sa.Connection) -> Iterator[None]:
    """Another session that waits with this statement, in a thread, until the holder of its lock rolls back."""

    def run() -> None:
        with contextlib.suppress(sa.exc.DBAPIError), engine.connect() as connection:
            connection.execute(sa.text(statement))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        holder.rollback()
        thread.join(30)


def poll(config: Config, until: object) -> dict[tuple[str, ...], float]:
    """Collect again and again until the values satisfy the condition."""
    assert callable(until)
    deadline = time.monotonic() + 20
    while True:
        values = table(collect("database", config, NOW, Io(10)))
        if until(values):
            return values
        assert time.monotonic() < deadline, values
        time.sleep(0.05)
