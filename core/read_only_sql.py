"""Reading a database in a session that cannot write, whoever wrote the SELECT.

Four gates: the text must look like one SELECT or WITH; it runs as a derived table inside a SELECT of our own, where a
statement that writes is a syntax error; the session is read-only (SQLite: the file is opened read-only and an authorizer
lets nothing but reading through); and the server stops it after a time. What is left (a function that writes elsewhere,
such as dblink) an account that may only SELECT must stop.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

READING: Final = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
VENDORS: Final = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}
LONGEST_REASON: Final = 300


def not_a_select(sql: str) -> str | None:
    """Why this cannot be one reading statement, or None when it looks like one; the session is what guards."""
    bare = sql.strip().rstrip(";")
    if not re.match(r"(SELECT|WITH)\b", bare, re.IGNORECASE):
        return "only a SELECT is allowed, and it must begin with SELECT or WITH"
    if ";" in bare:
        return "only one statement is allowed, so no semicolon, not even in a string; write chr(59) there"
    if "/*!" in bare or "/*M!" in bare or "\0" in bare:
        return "comments that MySQL executes (/*! ... */) are not allowed"
    return None


def vendor(url: str) -> str:
    """postgresql, mysql or sqlite. Raises ValueError for another database."""
    name = sa.make_url(url).get_backend_name()
    if name == "mariadb":
        return "mysql"
    if name not in VENDORS:
        raise ValueError(
            f"{name} is not a database that can be opened read-only here; use PostgreSQL, MariaDB or SQLite"
        )
    return name


def guard_sqlite(connection: sa.Connection, until_s: float, configured: bool) -> None:
    """Until that instant of the monotonic clock; what was configured may do nothing but read."""
    raw: Any = connection.connection.driver_connection
    raw.set_progress_handler(lambda: int(time.monotonic() > until_s), 10_000)
    if configured:
        raw.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in READING else sqlite3.SQLITE_DENY)
    else:
        raw.set_authorizer(None)


def reason(fault: BaseException) -> str:
    """The database's own words in one line, without the statement and its values."""
    original: Any = getattr(fault, "orig", None) or fault
    arguments: tuple[Any, ...] = getattr(original, "args", ())
    numbered = len(arguments) > 1 and isinstance(arguments[0], int)  # MySQL: number, words
    words = str(arguments[1]) if numbered else str(original)
    return " ".join(words.split())[:LONGEST_REASON] or type(original).__name__


@contextlib.contextmanager
def opened(url: str, timeout_s: float, home: Path = Path()) -> Iterator[sa.Connection]:
    """A connection whose session only reads, in UTC, and whose statements end after `timeout_s`; rows are streamed.

    A relative SQLite file lies below `home`. Raises what SQLAlchemy raises, FileNotFoundError for a SQLite file that is
    not there, ValueError for another database.
    """
    kind = vendor(url)
    parts = sa.make_url(url).set(drivername=VENDORS[kind])
    seconds = max(1, round(timeout_s))
    if kind == "postgresql":
        options = f"-c default_transaction_read_only=on -c statement_timeout={int(timeout_s * 1000)} -c timezone=UTC"
        connect: dict[str, Any] = {
            "options": options,
            "connect_timeout": max(2, min(seconds, 15)),
            "tcp_user_timeout": seconds * 1000,
            "application_name": "bomc",
        }
        engine = sa.create_engine(parts, poolclass=sa.NullPool, connect_args=connect, use_native_hstore=False)
    elif kind == "mysql":
        connect = {
            "init_command": "set session transaction read only",
            "connect_timeout": min(seconds, 15),
            "read_timeout": seconds,
            "write_timeout": seconds,
            "local_infile": False,
        }
        engine = sa.create_engine(parts, poolclass=sa.NullPool, connect_args=connect)
    else:
        engine = sa.create_engine("sqlite://", poolclass=sa.NullPool, creator=lambda: _sqlite(parts, timeout_s, home))
    try:
        with engine.connect() as connection:
            if kind == "sqlite":
                guard_sqlite(connection, time.monotonic() + timeout_s, configured=True)
            if kind == "mysql":
                maria = getattr(connection.dialect, "is_mariadb", False)
                limit = f"max_statement_time = {timeout_s:.3f}" if maria else f"max_execution_time = {seconds * 1000}"
                connection.exec_driver_sql(f"set session {limit}, time_zone = '+00:00'")
            yield connection.execution_options(stream_results=True)
            connection.rollback()
    finally:
        engine.dispose()


def _sqlite(url: sa.URL, timeout_s: float, home: Path) -> sqlite3.Connection:
    path = home / Path(url.database or "").expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"the SQLite file {path} does not exist")
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=timeout_s, check_same_thread=False
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    return connection
