"""INSERT ... ON CONFLICT in the words of the database at hand; SQLite and PostgreSQL share the syntax, not the class."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert


def upsert(connection: Connection, table: Table) -> SqliteInsert | PostgresqlInsert:
    """An INSERT into `table` that offers `on_conflict_do_update` and `excluded`."""
    return SqliteInsert(table) if connection.dialect.name == "sqlite" else PostgresqlInsert(table)
