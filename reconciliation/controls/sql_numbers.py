"""One number from a database, in a session that cannot write and that the server itself stops when it takes too long.

The statement runs as a derived table of a SELECT of our own, where one that writes (INTO OUTFILE, WITH ... DELETE) is an
error. PostgreSQL and MySQL/MariaDB: a read-only transaction with a statement timeout, always rolled back. SQLite: the file is
opened read-only, an authorizer lets nothing but reading through, and a progress handler stops it. Only `:business_day` is
bound (an ISO date as text); the statement was checked to be one SELECT when the control was read.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.secrets import SecretError, read_secret
from reconciliation.controls.fields import LARGEST
from reconciliation.controls.quantity_entries import SqlNumber

if TYPE_CHECKING:
    import sqlalchemy

DRIVERS: Final = {
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "sqlite": "sqlite",
}
CONNECT_S: Final = 10
_READING: Final = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_BOUND: Final = re.compile(r"(?<![:\w\\]):business_day\b")


class SqlError(Exception):
    """A database gave no number; the sentence says why, and never the URL with its account."""


def ask(entry: SqlNumber, home: Path, business_day: date) -> Decimal:
    """The number. Raises SqlError when the database is not reached, refuses, or gives anything but one number."""
    import sqlalchemy as sa

    try:
        url = sa.make_url(read_secret(entry.url))
    except SecretError as error:
        raise SqlError(str(error)) from error
    except (sa.exc.ArgumentError, ValueError):
        raise SqlError(f"{entry.url} holds no database URL; write postgresql://user:password@host/database") from None
    kind = url.get_backend_name()
    if kind not in DRIVERS:
        raise SqlError(f"{entry.url}: {kind} cannot be opened read-only here; use PostgreSQL, MariaDB or SQLite")
    where = f"{kind} {url.database or ''} at {url.host}" if url.host else f"{kind} {url.database}"
    asked = f"select * from (\n{_escaped(entry.query)}\n) as q limit 2"  # noqa: S608 - the gates are above
    statement = sa.text(asked)
    bound = {"business_day": business_day.isoformat()} if "business_day" in statement.compile().params else {}
    engine = _engine(sa, kind, url, home)
    try:
        with engine.connect() as connection:
            _limit(connection, kind, entry.timeout.total_seconds())
            rows = [tuple(row) for row in connection.execute(statement, bound).fetchmany(2)]
            connection.rollback()
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError, ValueError) as error:
        raise SqlError(f"{where} gives no number: {_reason(error)}") from error
    finally:
        engine.dispose()
    if len(rows) != 1 or len(rows[0]) != 1:
        shape = f"{len(rows[0])} columns" if len(rows) == 1 else "no row" if not rows else "several rows"
        raise SqlError(f"{where} gives {shape}; the query must give one row with one number")
    return _number(rows[0][0], where)


def _escaped(query: str) -> str:
    """Every colon but that of :business_day as itself, so that `::` and times are no parameters."""
    parts = _BOUND.split(query)
    return ":business_day".join(part.replace("\\", "\\\\").replace(":", "\\:") for part in parts)


def _engine(sa: Any, kind: str, url: sqlalchemy.URL, home: Path) -> sqlalchemy.Engine:
    options: dict[str, Any] = {"poolclass": sa.NullPool}
    if kind == "sqlite":
        options["creator"] = _sqlite(url, home)
        return sa.create_engine("sqlite://", **options)  # type: ignore[no-any-return]
    options["connect_args"] = {"connect_timeout": CONNECT_S}
    return sa.create_engine(url.set(drivername=DRIVERS[kind]), **options)  # type: ignore[no-any-return]


def _sqlite(url: sqlalchemy.URL, home: Path) -> Callable[[], sqlite3.Connection]:
    path = Path(url.database or "").expanduser()
    path = path if path.is_absolute() else home / path

    def connect() -> sqlite3.Connection:
        if not path.is_file():
            raise OSError(f"the file {path} does not exist")
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=CONNECT_S)

    return connect


def _limit(connection: sqlalchemy.Connection, kind: str, seconds: float) -> None:
    """Reading alone, and no longer than that."""
    if kind == "postgresql":
        connection.exec_driver_sql("set transaction read only")
        connection.exec_driver_sql(f"set local statement_timeout = {max(1, int(seconds * 1000))}")
    elif kind == "sqlite":
        raw: Any = connection.connection.driver_connection
        until = time.monotonic() + seconds
        raw.set_progress_handler(lambda: int(time.monotonic() > until), 10_000)
        raw.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY)
    else:
        mariadb = getattr(connection.dialect, "is_mariadb", False)
        limit = f"max_statement_time = {seconds:.3f}" if mariadb else f"max_execution_time = {int(seconds * 1000)}"
        connection.exec_driver_sql(f"set session {limit}")
        connection.rollback()  # what the driver began; the transaction to come is read-only
        connection.exec_driver_sql("start transaction read only")


def _number(value: Any, where: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        shown = "NULL" if value is None else f"a {type(value).__name__}"
        raise SqlError(f"{where} gives {shown}; the query must give an integer or an exact decimal (cast it)")
    number = Decimal(value)
    if not number.is_finite() or abs(number) > LARGEST:
        raise SqlError(f"{where} gives {str(value)[:40]}, which is beyond 64 bits")
    return number


def _reason(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    words = " ".join(str(original).split())[:300]
    return words or type(original).__name__
