"""DuckDB inside this process: the default engine, for files up to some tens of millions of records on one machine.

Tables live in memory up to the limit and spill into the run's own folder beyond it. Nothing is ever fetched from the
network: extensions are neither installed nor loaded by themselves.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciliation.engines import ReadError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy
    from ibis.backends.duckdb import Backend


@dataclass(frozen=True, slots=True)
class DuckDB:
    """One open database."""

    backend: Backend

    def read_csv(self, path: Path, columns: Sequence[str]) -> ir.Table:
        """A view of a CSV file with a header, every column as text; an empty field is null."""
        types = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in columns)
        options = f"header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', columns = {{{types}}}"
        compression = "gzip" if path.suffix == ".gz" else "none"
        return self._view(
            f"read_csv({_quoted(str(path))}, {options}, compression = '{compression}')",
            dict.fromkeys(columns, "string"),
        )

    def read_parquet(self, path: Path) -> ir.Table:
        """A view of a Parquet file with its own types. Raises ReadError when it is not one."""
        import duckdb
        import ibis
        import pyarrow
        from pyarrow import parquet

        try:
            schema = ibis.Schema.from_pyarrow(parquet.read_schema(path))
            return self._view(f"read_parquet({_quoted(str(path))})", schema)
        except (pyarrow.ArrowException, duckdb.Error, OSError) as error:
            raise ReadError(str(error).splitlines()[0]) from error

    def _view(self, source: str, schema: Any) -> ir.Table:
        import ibis
        from ibis import util

        name = util.gen_name("file")
        with self._cursor() as cursor:
            cursor.execute(f"CREATE VIEW {name} AS FROM {source}")
        return self._named(name, ibis.schema(schema))

    def _named(self, name: str, schema: Any) -> ir.Table:
        """The view or stored table of that name, whose types are known."""
        from ibis.expr import operations

        return operations.DatabaseTable(name, schema=schema, source=self.backend).to_expr()

    def number(self, name: str, rows: ir.Table) -> ir.Table:
        """Carry out `rows` in the order of its source; DuckDB numbers a fresh table's rows in that order."""
        import duckdb

        try:
            table = self.keep(name, rows)
        except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException) as error:
            raise ReadError(str(error).splitlines()[0]) from error
        return table if "row" in table.columns else table.mutate(row=table.rowid())

    def keep(self, name: str, rows: ir.Table) -> ir.Table:
        """Carry out `rows` once and return the stored result, whose types are those of the expression."""
        with self._cursor() as cursor:
            cursor.execute(f"CREATE TABLE {name} AS {self.backend.compile(rows)}")
        return self._named(name, rows.schema())

    def keep_any(self, name: str, rows: ir.Table) -> ir.Table | None:
        """The same, or None when there is no row, so that what follows need not ask."""
        kept = self.keep(name, rows)
        with self._cursor() as cursor:
            return kept if cursor.execute(f"FROM {name} LIMIT 1").fetchone() else None

    def fetch(self, rows: ir.Table) -> list[dict[str, Any]]:
        """The rows of a small result, without a data frame between."""
        with self._cursor() as cursor:
            found = cursor.execute(self.backend.compile(rows)).fetchall()
        return [dict(zip(rows.columns, row, strict=True)) for row in found]

    def arrays(self, rows: ir.Table) -> dict[str, numpy.ndarray[Any, Any]]:
        """The columns of a result, none of which has nulls; of a stored table in the order of its rows."""
        with self._cursor() as cursor:
            found: dict[str, Any] = cursor.execute(self.backend.compile(rows)).fetchnumpy()
        return found

    def clear(self) -> None:
        """Forget all stored tables."""
        with self._cursor() as cursor:
            for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                cursor.execute(f"DROP TABLE {name}")

    def export(self, rows: ir.Table, path: Path) -> None:
        """Write the rows, in their order, as CSV or Parquet by the name of the path."""
        form = "FORMAT parquet, COMPRESSION zstd" if path.suffix == ".parquet" else "FORMAT csv, HEADER true"
        with self._cursor() as cursor:
            cursor.execute(f"COPY ({self.backend.compile(rows)}) TO {_quoted(str(path))} ({form})")

    def _cursor(self) -> contextlib.closing[Any]:
        """A connection of its own to the same database, so that threads can work side by side."""
        return contextlib.closing(self.backend.con.cursor())


@contextlib.contextmanager
def connect(folder: Path, memory_limit_bytes: int) -> Iterator[DuckDB]:
    """Open a database that spills into `folder`."""
    import ibis

    backend = ibis.duckdb.connect(
        temp_directory=str(folder),
        memory_limit=f"{memory_limit_bytes // 1024}KiB",
        autoinstall_known_extensions=False,
        autoload_known_extensions=False,
    )
    backend.compiler = _compiler()
    backend.con.execute("SET GLOBAL TimeZone = 'UTC'")  # else instants would be written as this machine's local time
    ibis.options.sql.fuse_selects = False  # the database flattens nested selects faster than Python does
    try:
        yield DuckDB(backend)
    finally:
        backend.disconnect()


def _compiler() -> Any:
    """Ibis' own, with digests as the engine gives them: without a way through bits that makes them signed."""
    from ibis.backends.sql.compilers.duckdb import DuckDBCompiler
    from ibis.expr import operations

    class Compiler(DuckDBCompiler):  # type: ignore[misc]  # Ibis has no types
        __slots__ = ()
        SIMPLE_OPS = {operations.Hash: "hash"}  # noqa: RUF012

    return Compiler()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def prepare() -> None:
    """Import what a run needs, so that the half second which that takes can pass beside other work.

    What an import makes stays, so that the collector would search it in vain, again and again.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        import ibis.backends.duckdb  # noqa: F401
    finally:
        if collecting:
            gc.enable()
