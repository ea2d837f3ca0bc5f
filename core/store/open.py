"""How the store is opened, on SQLite or PostgreSQL, and brought to the schema that this code speaks.

SQLite runs in WAL mode with `synchronous=NORMAL`: a killed process loses nothing that was committed, a power cut
may lose the last moments but never the file. Every writer starts with BEGIN IMMEDIATE, so two
of them queue instead of failing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

MIGRATIONS = Path(__file__).parent / "migrations"
DIALECTS = ("sqlite", "postgresql")
BUSY_TIMEOUT_MS = 30_000


class StoreError(Exception):
    """The store cannot be used as it is; the sentence says why and what to do."""


def open_store(url: str) -> Engine:
    """An engine for `sqlite:///FILE` or `postgresql+psycopg://...`; nothing is created or changed but SQLite's file.

    Raises StoreError when the URL is none of these.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            "The store's URL cannot be read; write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        ) from error
    dialect = parsed.get_backend_name()
    if dialect not in DIALECTS:
        raise StoreError(f"The store cannot live on {dialect}; use SQLite or PostgreSQL.")
    if dialect == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_size=10)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says, not where the driver guesses
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-65536",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("bomc_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: committed at the end, rolled back whole on an error."""
    with engine.connect().execution_options(bomc_writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def writing_if_free(engine: Engine) -> Iterator[Connection | None]:
    """Like `writing`, but none where another writer has the store at this moment: for what can as well be written later.

    Only SQLite has one writer at a time; elsewhere it is `writing`.
    """
    with engine.connect().execution_options(bomc_writes=True) as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            _wait_for_lock(connection, 0)
        try:
            try:
                transaction = connection.begin()
            except OperationalError as error:
                if "locked" not in str(error.orig):
                    raise
                yield None
                return
            with transaction:
                yield connection
        finally:
            if sqlite:
                _wait_for_lock(connection, BUSY_TIMEOUT_MS)


def _wait_for_lock(connection: Connection, ms: int) -> None:
    """How long this connection waits for other writers."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={ms}")
    cursor.close()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that only reads: seen as of one instant on SQLite, of each statement on PostgreSQL."""
    with engine.connect() as connection, connection.begin():
        yield connection


def upgrade(engine: Engine) -> str:
    """Bring the schema up to date and return its revision. Raises StoreError when it is newer than this code."""
    check = schema_fault(engine)
    if check is not None and check.newer:
        raise StoreError(check.sentence)
    with engine.connect().execution_options(bomc_writes=True) as connection, connection.begin():
        config = _alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return head_revision()


class SchemaFault(Exception):
    """Why the schema found is not the one that this code speaks. `newer`: the code is too old, not the schema."""

    def __init__(self, sentence: str, *, newer: bool = False, empty: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.newer = newer
        self.empty = empty


def schema_fault(engine: Engine) -> SchemaFault | None:
    """None when the schema is the current one; otherwise why not, as a sentence. Changes nothing.

    Raises StoreError when the database does not answer.
    """
    where = engine.url.render_as_string(hide_password=True)
    try:
        with reading(engine) as connection:
            found = MigrationContext.configure(connection).get_current_revision()
            tables = inspect(connection).get_table_names()
    except OperationalError as error:
        raise StoreError(
            f"The store {where} does not answer: {error.orig}. Is it running, and is the URL right?"
        ) from error
    except DBAPIError as error:
        raise StoreError(f"The store {where} cannot be read: {error.orig}. Is it a database of bomc?") from error
    head = head_revision()
    if found == head:
        return None
    if found is None and not tables:
        return SchemaFault(f"The store {where} is empty; run `bomc db upgrade`.", empty=True)
    if found is None:
        return SchemaFault(f"The store {where} holds tables that are not of bomc; choose another database.", newer=True)
    if found in {revision.revision for revision in _scripts().walk_revisions()}:
        return SchemaFault(
            f"The store {where} has the older schema {found}, this bomc speaks {head}; "
            "back it up and run `bomc db upgrade`."
        )
    return SchemaFault(
        f"The store {where} has schema {found}, which this bomc does not know: it was made by a newer one; "
        "install that, or restore a backup.",
        newer=True,
    )


def require_current(engine: Engine) -> None:
    """Raises StoreError with a sentence unless the schema is the one that this code speaks."""
    fault = schema_fault(engine)
    if fault is not None:
        raise StoreError(fault.sentence)


def head_revision() -> str:
    """The revision of the newest migration."""
    head = _scripts().get_current_head()
    if head is None:
        raise StoreError("This installation of bomc holds no migrations; install it again.")
    return head


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_alembic())


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
