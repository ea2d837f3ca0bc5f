"""Reading a database in a session that cannot write, bounded in time and size, whoever wrote the SELECT.

A configured SELECT passes four gates: it must be one SELECT or WITH by its looks; it runs as a derived table inside a
SELECT of our own, where a statement that writes is a syntax error; the transaction is read-only (SQLite: the file is
opened read-only and an authorizer lets nothing but reading through); and the server stops it after the statement
timeout. What is left (a function that writes elsewhere, such as dblink) an account that may only SELECT must stop.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, field_validator

from collectors.bounded import tcp
from collectors.bounded.limits import cut_off, shut
from collectors.errors import CollectError
from collectors.io import Io
from core.read_only_sql import guard_sqlite, not_a_select, reason, vendor
from core.secrets import SecretRef

MAX_ROWS = 10_000  # of one SELECT
MAX_TEXT = 255  # characters of one column
SQLITE_MAX_VALUE_BYTES = 1_000_000
PSYCOPG_LEAST_CONNECT_S = 2  # psycopg takes shorter connect timeouts for this many seconds

Row = tuple[str | None, ...]


class Access(BaseModel):
    """How to reach a database; part of the Config of every collector that reads one."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(
        description="postgresql://user@host/database, mysql://user@host/database (MariaDB too) or sqlite:///file"
    )
    password: SecretRef | None = Field(None, description="Password of the account, as env:NAME or file:PATH")
    allow: list[tcp.Network] = Field(
        [], description="Networks (CIDR) this probe may connect to; when empty, any but link-local ones (not SQLite)"
    )

    @field_validator("url")
    @classmethod
    def _is_known(cls, url: str) -> str:
        try:
            parts = sa.make_url(url)
        except (sa.exc.ArgumentError, ValueError):
            raise ValueError("url is no database URL; write postgresql://user@host/database") from None
        if parts.password is not None:
            raise ValueError("url must not carry a password; use `password: env:NAME`")
        if parts.query:
            raise ValueError("url must not carry options behind a question mark")
        vendor(url)
        return url


class Select(BaseModel):
    """One configured SELECT; part of the Config of every collector that takes them."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    sql: str = Field(description="One SELECT (or WITH ... SELECT) without a semicolon")

    @field_validator("sql")
    @classmethod
    def _is_one_select(cls, sql: str) -> str:
        fault = not_a_select(sql)
        if fault:
            raise ValueError(fault)
        return sql.strip().rstrip(";")


@dataclass(frozen=True)
class Session:
    """An open read-only session on one database."""

    connection: sa.Connection
    vendor: str
    io: Io
    where: str
    connect_s: float

    def rows(self, sql: str, timeout_s: float | None = None) -> list[Row]:
        """All rows of a SELECT of our own, every value as text. Raises CollectError when it fails."""
        with self._transaction(timeout_s, configured=False):
            result = self._execute(sql).fetchmany(MAX_ROWS)
            return [tuple(None if value is None else str(value)[:MAX_TEXT] for value in row) for row in result]

    def configured_rows(self, sql: str, columns: Sequence[str], timeout_s: float) -> tuple[list[Row], bool]:
        """These columns of a configured SELECT as bounded text, and whether there were more rows than a probe takes.

        Raises CollectError when the statement fails, writes, or takes longer than `timeout_s`.
        """
        fault = not_a_select(sql)
        if fault:
            raise CollectError(f"a SELECT for {self.where} is refused: {fault}")
        quote = self.connection.dialect.identifier_preparer.quote
        kind = "char" if self.vendor == "mysql" else "text"
        chosen = ", ".join(f"substr(cast(q.{quote(name)} as {kind}), 1, {MAX_TEXT})" for name in columns)
        wrapped = f"select {chosen} from (\n{sql}\n) as q limit {MAX_ROWS + 1}"  # noqa: S608 - the gates are above
        with self._transaction(timeout_s, configured=True):
            rows = [tuple(row) for row in self._execute(wrapped).fetchall()]
        return rows[:MAX_ROWS], len(rows) > MAX_ROWS

    def _execute(self, sql: str) -> sa.CursorResult[Any]:
        return self.connection.exec_driver_sql(sql, execution_options={"no_parameters": True})

    @contextlib.contextmanager
    def _transaction(self, timeout_s: float | None, configured: bool) -> Iterator[None]:
        """A read-only transaction that is always rolled back, with the server's own limit on each statement."""
        left = self.io.left_s(f"reading {self.where}")
        seconds = left if timeout_s is None else min(left, timeout_s)
        try:
            if self.vendor == "postgresql":
                self._execute("begin read only")
                self._execute(f"set local statement_timeout = {max(1, int(seconds * 1000))}")
            elif self.vendor == "mysql":
                limit = (
                    f"max_statement_time = {seconds:.3f}"
                    if getattr(self.connection.dialect, "is_mariadb", False)
                    else f"max_execution_time = {max(1, int(seconds * 1000))}"
                )
                self._execute(f"set session {limit}")
                self._execute("start transaction read only")
            else:
                guard_sqlite(self.connection, time.monotonic() + seconds, configured)
            try:
                yield
            finally:
                if self.vendor != "sqlite":
                    self._execute("rollback")
        except (sa.exc.SQLAlchemyError, UnicodeError, ValueError, OverflowError) as fault:
            self.io.left_s(f"reading {self.where}")
            raise CollectError(f"{self.where} refuses a statement: {reason(fault)}") from fault


@contextlib.contextmanager
def session(access: Access, io: Io) -> Iterator[Session]:
    """Open a read-only session and close it afterwards; when the run's time is over its socket is cut.

    Raises CollectError when the database cannot be reached, refuses the login, or the time is over.
    """
    url = sa.make_url(access.url)
    kind = vendor(access.url)
    where = f"{kind} {url.database or ''} at {url.host}:{url.port}" if url.host else f"{kind} {url.database}"
    doing = f"reading {where}"
    open_socket: list[socket.socket] = []
    opener = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}[kind]
    dialect = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}[kind]
    engine = sa.create_engine(
        f"{dialect}://",
        creator=lambda: opener(access, url, io, open_socket),
        poolclass=sa.NullPool,
        pool_reset_on_return=None,  # each transaction here ends by itself
        isolation_level="AUTOCOMMIT",
        **({"use_native_hstore": False} if kind == "postgresql" else {}),
    )
    try:
        with cut_off(io, lambda: shut_all(open_socket), doing):
            started = time.perf_counter()
            try:
                connection = engine.connect()
            except (sa.exc.SQLAlchemyError, psycopg.Error, pymysql.Error, sqlite3.Error, OSError, ValueError) as fault:
                io.left_s(doing)
                raise CollectError(f"{where} cannot be opened: {reason(fault)}") from fault
            except (struct.error, AssertionError, LookupError, AttributeError, TypeError) as fault:
                raise CollectError(f"{where} does not answer like such a database: {fault!r}") from fault
            with contextlib.closing(connection):
                yield Session(connection, kind, io, where, time.perf_counter() - started)
    finally:
        for each in open_socket:
            each.close()
        engine.dispose()


def shut_all(sockets: list[socket.socket]) -> None:
    """Wake whatever waits on these sockets."""
    for each in sockets:
        shut(each)


def _password(access: Access, io: Io) -> str | None:
    return io.secret(access.password) if access.password else None


def _postgresql(access: Access, url: sa.URL, io: Io, open_socket: list[socket.socket]) -> Any:
    host, port = url.host or "localhost", url.port or 5432
    addresses = tcp.usable(host, port, io, access.allow)
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            connection = psycopg.connect(
                host=host,
                hostaddr=address,  # the one that was checked, so that no second look-up can change it
                port=port,
                user=url.username,
                password=_password(access, io),
                dbname=url.database,
                connect_timeout=max(PSYCOPG_LEAST_CONNECT_S, int(io.left_s("connecting") / left)),
                application_name="bomc",
                options="-c default_transaction_read_only=on",
                autocommit=True,
            )
        except psycopg.OperationalError:
            if left == 1:
                raise
        else:
            open_socket.append(socket.socket(fileno=os.dup(connection.fileno())))
            return connection
    raise AssertionError("unreachable: the last address either connects or raises")


def _mysql(access: Access, url: sa.URL, io: Io, open_socket: list[socket.socket]) -> Any:
    host, port = url.host or "localhost", url.port or 3306
    opened = tcp.connect(host, port, io, access.allow).socket
    open_socket.append(opened)
    connection = pymysql.Connection(
        host=host,
        port=port,
        user=url.username,
        password=_password(access, io) or "",
        database=url.database,
        charset="utf8mb4",
        autocommit=True,
        local_infile=False,
        read_timeout=max(0.001, io.left_s("connecting")),
        write_timeout=max(0.001, io.left_s("connecting")),
        init_command="set session transaction read only",
        defer_connect=True,
    )
    connection.connect(sock=opened)
    return connection


def _sqlite(access: Access, url: sa.URL, io: Io, open_socket: list[socket.socket]) -> Any:
    path = io.path(Path(url.database or ""))
    if not path.is_file():
        raise CollectError(f"the SQLite file {path} does not exist")
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=io.left_s("opening SQLite"), check_same_thread=False
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SQLITE_MAX_VALUE_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    return connection
