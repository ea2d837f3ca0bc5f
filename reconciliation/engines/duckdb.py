"""DuckDB inside this process: the default engine, for files up to some tens of millions of records on one machine.

Tables live in memory up to the limit and spill into the run's own folder beyond it. Nothing is ever fetched from the
network: extensions are neither installed nor loaded by themselves.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciliation.engines import ReadError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy
    from ibis.backends.duckdb import Backend


_ROWS_AT_ONCE: Final = 1 << 20
_MOST_IN_MEMORY: Final = 40_000_000  # rows of arrays: 800 MB for a party of the most columns
_UNREADABLE: Final = ("Invalid Input Error", "Conversion Error", "IO Error")


@dataclass(frozen=True, slots=True)
class DuckDB:
    """One open database."""

    backend: Backend
    folder: Path  # for what does not fit in memory

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
        with _reading():
            table = self.keep(name, rows)
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

    def arrays(self, rows: ir.Table, count: int | None = None) -> dict[str, numpy.ndarray[Any, Any]]:
        """The columns of a result, none of which has nulls, in the order of the rows of its source; `count` is how many
        there should be, where that is known. Columns too large for memory lie in files. Raises ReadError."""
        with self._cursor() as cursor, _reading():
            reader = cursor.sql(self.backend.compile(rows)).to_arrow_reader(_ROWS_AT_ONCE)
            types = {field.name: field.type.to_pandas_dtype() for field in reader.schema}
            found, filled = self._room(types, count or _ROWS_AT_ONCE), 0
            for batch in reader:
                end = filled + batch.num_rows
                if end > len(found[rows.columns[0]]):
                    longer = self._room(types, 2 * end)
                    for name, values in found.items():
                        longer[name][:filled] = values[:filled]
                    found = longer
                for name, values in found.items():
                    values[filled:end] = batch.column(name).to_numpy()
                filled = end
        return {name: values[:filled] for name, values in found.items()}

    def _room(self, types: Mapping[str, Any], rows: int) -> dict[str, numpy.ndarray[Any, Any]]:
        """Arrays without content, of so many rows."""
        import numpy
        from ibis import util

        if rows <= _MOST_IN_MEMORY:
            return {name: numpy.empty(rows, kind) for name, kind in types.items()}
        return {
            name: numpy.memmap(self.folder / util.gen_name(name), kind, "w+", shape=(rows,))
            for name, kind in types.items()
        }

    def clear(self) -> None:
        """Forget all stored tables."""
        with self._cursor() as cursor:
            names = cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()
            for (name,) in names:
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
def _reading() -> Iterator[None]:
    """Says what is wrong with a file as ReadError; a stream says it as OSError, with the same words."""
    import duckdb

    try:
        yield
    except (duckdb.Error, OSError) as error:
        if str(error).startswith(_UNREADABLE):
            raise ReadError(str(error).splitlines()[0]) from error
        raise


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
        yield DuckDB(backend, folder)
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

    What an import makes stays, so that the collector would search it in vain, again and again: it is left out for good.
    """
    if "ibis.backends.duckdb" in sys.modules:
        return
    collecting = gc.isenabled()
    gc.disable()
    try:
        import ibis.backends.duckdb  # noqa: F401

        gc.freeze()
        atexit.register(gc.unfreeze)  # at the end, libraries look whether all is given back
    finally:
        if collecting:
            gc.enable()
