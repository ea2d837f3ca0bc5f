"""Opening the store: what is refused, with which sentence, and that a refusal changes nothing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, inspect, select, text
from sqlalchemy.exc import DBAPIError

from core.store.open import (
    StoreError,
    head_revision,
    open_store,
    reading,
    require_current,
    schema_fault,
    upgrade,
    writing,
)
from core.store.tables import indicator, metadata
from tests.core.store.rows import an_audit_row, an_indicator
from tests.servers.process import free_port


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path, dialect: str) -> Iterator[Engine]:
    """A database of each kind that holds nothing at all."""
    url = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    if dialect == "postgresql":
        url = request.getfixturevalue("postgresql").fresh_database()
    engine = open_store(url)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn."""
    found: str = request.param
    return found


def schema(engine: Engine) -> dict[str, list[str]]:
    """Tables with their columns, as they are now."""
    with reading(engine) as connection:
        found = inspect(connection)
        return {table: [column["name"] for column in found.get_columns(table)] for table in found.get_table_names()}


def test_the_migrations_make_what_the_tables_declare(store: Engine) -> None:
    """Alembic finds no difference between the migrated database and the metadata."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with reading(store) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
        )
        assert compare_metadata(context, metadata) == []


def test_an_empty_database_is_told_apart_and_upgraded(empty: Engine) -> None:
    """Empty: a sentence that says what to run; upgraded: nothing to say; upgraded again: nothing happens."""
    fault = schema_fault(empty)
    assert fault is not None
    assert fault.empty
    assert "is empty; run `bomc db upgrade`" in fault.sentence
    assert upgrade(empty) == head_revision()
    assert schema_fault(empty) is None
    require_current(empty)
    before = schema(empty)
    assert upgrade(empty) == head_revision()
    assert schema(empty) == before


@pytest.mark.parametrize(
    ("revision", "words", "newer"),
    [("9999", "made by a newer one", True), ("", "not of bomc", True)],
)
def test_a_newer_or_foreign_schema_is_refused_and_left_alone(
    empty: Engine, revision: str, words: str, newer: bool
) -> None:
    """Neither checking nor upgrading changes anything in a database that this code does not know."""
    with writing(empty) as connection:
        connection.execute(text("CREATE TABLE somebodys (id INTEGER PRIMARY KEY)"))
        if revision:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
    before = schema(empty)
    fault = schema_fault(empty)
    assert fault is not None
    assert words in fault.sentence
    assert fault.newer is newer
    with pytest.raises(StoreError, match=words):
        upgrade(empty)
    with pytest.raises(StoreError, match=words):
        require_current(empty)
    assert schema(empty) == before


def test_an_older_schema_says_to_back_up_and_upgrade(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revision that this code knows and that is not its newest."""
    monkeypatch.setattr("core.store.open.head_revision", lambda: "9999")
    fault = schema_fault(store)
    assert fault is not None
    assert not fault.newer
    assert not fault.empty
    assert "has the older schema" in fault.sentence
    assert "back it up and run `bomc db upgrade`" in fault.sentence


def test_an_upgrade_that_fails_half_way_leaves_nothing(empty: Engine) -> None:
    """All of the migration's statements are one transaction, on both databases."""

    def fail_at(connection: object, cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().startswith("CREATE TABLE ticket_event"):
            raise RuntimeError("the power is gone")

    event.listen(empty, "before_cursor_execute", fail_at)
    with pytest.raises(RuntimeError):
        upgrade(empty)
    event.remove(empty, "before_cursor_execute", fail_at)
    assert schema(empty) == {}
    upgrade(empty)
    assert schema_fault(empty) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("not a url", "cannot be read"),
        ("mysql+pymysql://root@127.0.0.1/x", "cannot live on mysql"),
        ("", "cannot be read"),
    ],
)
def test_a_url_of_something_else_is_refused(url: str, words: str) -> None:
    """SQLite or PostgreSQL."""
    with pytest.raises(StoreError, match=words):
        open_store(url)


def test_a_plain_postgresql_url_gets_the_driver_that_is_installed() -> None:
    """People write postgresql://."""
    engine = open_store("postgresql://bomc@127.0.0.1/bomc")
    assert engine.url.drivername == "postgresql+psycopg"
    engine.dispose()


def test_a_database_that_does_not_answer_is_a_sentence_without_its_password() -> None:
    """Where it is expected, and that it does not answer."""
    engine = open_store(f"postgresql://bomc:hunter2@127.0.0.1:{free_port()}/bomc")
    with pytest.raises(StoreError, match="does not answer") as refused:
        schema_fault(engine)
    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    """A text file under the store's name is refused and left as it is."""
    place = tmp_path / "bomc.db"
    place.write_text("this is not a database at all, " * 40)
    before = place.read_bytes()
    with pytest.raises(StoreError, match="cannot be read"):
        schema_fault(open_store(f"sqlite:///{place}"))
    assert place.read_bytes() == before


def test_sqlite_runs_in_wal_mode_with_foreign_keys(tmp_path: Path) -> None:
    """What the promises of the store rest on."""
    engine = open_store(f"sqlite:///{tmp_path / 'a.db'}")
    with reading(engine) as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "foreign_keys")]
    assert found == ["wal", 1]
    engine.dispose()


def test_a_writing_transaction_that_fails_leaves_nothing(store: Engine) -> None:
    """Rolled back whole, whatever was written before the error."""

    def write_and_fail() -> None:
        with writing(store) as connection:
            an_indicator(connection, "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with reading(store) as connection:
        assert connection.execute(select(indicator)).all() == []


def test_a_reading_transaction_sees_one_moment_of_sqlite(tmp_path: Path) -> None:
    """What is committed meanwhile is not seen by a reader that has begun, and the writer does not wait for it."""
    engine = open_store(f"sqlite:///{tmp_path / 'a.db'}")
    upgrade(engine)
    with reading(engine) as reader:
        assert reader.execute(select(indicator)).all() == []
        with writing(engine) as writer:
            an_indicator(writer, "a")
        assert reader.execute(select(indicator)).all() == []
    with reading(engine) as reader:
        assert len(reader.execute(select(indicator)).all()) == 1
    engine.dispose()


def test_two_writers_queue_instead_of_failing(store: Engine) -> None:
    """Eight threads that read, think and write lose no count: nobody is refused, nobody overwrites."""
    with writing(store) as connection:
        an_indicator(connection, "count", description="0")
    failures: list[BaseException] = []

    def add() -> None:
        try:
            for _ in range(10):
                with writing(store) as connection:
                    query = select(indicator.c.description).where(indicator.c.name == "count").with_for_update()
                    count = int(connection.execute(query).scalar_one())
                    connection.execute(indicator.update().values(description=str(count + 1)))
        except BaseException as error:  # noqa: BLE001  # handed to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with reading(store) as connection:
        assert connection.execute(select(indicator.c.description)).scalar_one() == "80"


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_the_audit_trail(store: Engine, statement: str) -> None:
    """Update and delete are refused on both databases, and the row is still there."""
    with writing(store) as connection:
        an_audit_row(connection)
    with pytest.raises(DBAPIError, match="append-only"), writing(store) as connection:
        connection.exec_driver_sql(statement)
    with reading(store) as connection:
        assert connection.exec_driver_sql("SELECT who FROM audit").all() == [("admin",)]


def test_postgresql_refuses_to_empty_the_audit_trail(request: pytest.FixtureRequest) -> None:
    """TRUNCATE passes row triggers by; the statement trigger holds it."""
    url = request.getfixturevalue("postgresql").fresh_database()
    engine = open_store(url)
    upgrade(engine)
    with pytest.raises(DBAPIError, match="append-only"), writing(engine) as connection:
        connection.exec_driver_sql("TRUNCATE audit")
    engine.dispose()


def test_replacing_a_row_of_the_audit_trail_is_refused_on_sqlite(tmp_path: Path) -> None:
    """INSERT OR REPLACE, which deletes without the delete trigger, is stopped before it begins."""
    engine = open_store(f"sqlite:///{tmp_path / 'a.db'}")
    upgrade(engine)
    with writing(engine) as connection:
        an_audit_row(connection)
    with pytest.raises(DBAPIError, match="append-only"), writing(engine) as connection:
        connection.exec_driver_sql(
            "INSERT OR REPLACE INTO audit (id, at, who, action, object, detail, previous_hash, hash) "
            "VALUES (1, 0, 'forger', '', '', '{}', '', 'other')"
        )
    engine.dispose()
    plain = sqlite3.connect(tmp_path / "a.db")
    assert plain.execute("SELECT who FROM audit").fetchall() == [("admin",)]
    plain.close()
