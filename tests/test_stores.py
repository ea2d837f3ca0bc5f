"""The databases that tests are lent: as new, whatever the test before did to them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import OperationalError

from core.people import audit, users
from core.store.open import open_store, reading, schema_fault, writing
from core.store.tables import metadata
from tests.stores import NewStore

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CHANGES = {
    "a table": "CREATE TABLE more (id integer)",
    "a column": "ALTER TABLE ticket ADD COLUMN more integer",
    "a default": "ALTER TABLE ticket ALTER COLUMN title SET DEFAULT 'none'",
    "an index": "CREATE INDEX more ON ticket (title)",
    "a trigger": "ALTER TABLE audit DISABLE TRIGGER USER",
    "a function": "CREATE FUNCTION more() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "a right": "GRANT SELECT ON ticket TO PUBLIC",
    "the revision": "UPDATE alembic_version SET version_num = 'later'",
    "a setting": "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET jit = off', current_database()); END $$",
}


def furnish(url: str) -> list[int]:
    """Write a person and a line of the trail, and give the trail's numbers."""
    engine = open_store(url)
    with writing(engine) as connection:
        users.add(connection, name="ann", role="admin", password="seven brown otters", by="test", now=NOON)
        numbers = list(connection.scalars(text("SELECT id FROM audit ORDER BY id")))
        assert audit.verify(connection) == []
    engine.dispose()
    return numbers


def require_new(url: str) -> None:
    """Fail unless the store has the schema of today and nothing in it."""
    engine = open_store(url)
    assert schema_fault(engine) is None
    with reading(engine) as connection:
        filled = [name for name in metadata.tables if connection.scalar(text(f'SELECT count(*) FROM "{name}"'))]
        assert filled == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}
    engine.dispose()


def test_a_database_is_lent_again_as_new(new_postgresql: NewStore, tmp_path: Path) -> None:
    """Its rows are gone, and its numbers begin where they began."""
    with new_postgresql(tmp_path) as url:
        first = furnish(url)
    with new_postgresql(tmp_path) as url:
        require_new(url)
        assert furnish(url) == first


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_database_whose_schema_was_changed_is_not_lent_again(
    new_postgresql: NewStore, tmp_path: Path, change: str
) -> None:
    """The next one is a copy of the pattern."""

    def number(url: str) -> int:
        engine = open_store(url)
        with engine.connect() as connection:
            found = connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
        engine.dispose()
        return int(found)

    with new_postgresql(tmp_path) as url:
        before = number(url)
        engine = open_store(url)
        with engine.begin() as connection:
            connection.execute(text(change))
        engine.dispose()
    with new_postgresql(tmp_path) as url:
        require_new(url)
        assert number(url) != before


def test_who_kept_a_connection_cannot_meet_the_next_loan(new_postgresql: NewStore, tmp_path: Path) -> None:
    """A server of an earlier test that is still about finds its database gone."""
    with new_postgresql(tmp_path) as url:
        late = open_store(url)
        kept = late.connect()
        kept.execute(text("SELECT 1"))
    with pytest.raises(OperationalError):
        kept.execute(text("SELECT 1"))
    kept.invalidate()
    with new_postgresql(tmp_path) as again:
        assert make_url(again).database != make_url(url).database
        with pytest.raises(OperationalError), late.connect():
            pass
    late.dispose()
