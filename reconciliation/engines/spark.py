"""Spark: the engine for days that are too large for one process; here in local mode, with the same Ibis expressions.

What a file says and what a result looks like must not depend on the engine, so DuckDB stands at both edges: it reads each
delivered file, in one pass that streams, into Parquet that Spark reads in parallel, and it writes the published files from
the rows that Spark has put in order. Everything between is Spark's. Results of steps are Parquet in the run's own folder.

Spark has no order of rows of its own. Every file read has a hidden column with the row's position in the file, counted by
the Parquet reader itself however the file is split; `number` and `export` thread it through the selection that they are
given, and no order of partitions is ever relied upon.

The session is started by the first run of the process, which takes ten seconds or more, and kept for the next; the first
run's memory limit holds for all. A run has a session of its own beside it, whose views are dropped at its end. A Spark
that the process already has is used as it is.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciliation.engines import MissingEngine, ReadError
from reconciliation.engines import duckdb as edges

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.pyspark import Backend
    from pyspark.sql import DataFrame, SparkSession

    from reconciliation.engines.duckdb import DuckDB

_POSITION: Final = "__position"
_WITH_POSITION: Final = "placed_"
_SMALLEST_HEAP_BYTES: Final = 512 << 20  # Spark refuses to start with less than 450 MiB
_STARTING: Final = threading.Lock()
_NEEDED: Final = (
    "--engine spark needs PySpark and Java 17: pip install 'bomc[spark]', and a Java 17 whose `java` is found"
)
_JAVA_FIELDS: Final = {"%Y": "yyyy", "%m": "MM", "%d": "dd", "%H": "HH", "%M": "mm", "%S": "ss", "%f": "SSSSSS"}
_LOGGING: Final = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{ISO8601} %p %c: %m%n%ex
"""
SQL: Final = {
    "spark.sql.ansi.enabled": "true",  # a sum or a cast that does not fit raises; try_cast gives null
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.compression.codec": "snappy",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.caseSensitive": "true",
}
"""What each run's session is set to."""


@dataclass(frozen=True, slots=True)
class Spark:
    """One run's session. `sizes` has the rows of each table whose rows have a position."""

    session: SparkSession
    backend: Backend
    edge: DuckDB
    folder: Path
    sizes: dict[str, int] = field(default_factory=dict)

    def read_csv(self, path: Path, columns: Sequence[str]) -> ir.Table:
        """A view of a CSV file with a header, every column as text; an empty field is null. Raises ReadError."""
        return self._taken_in(self.edge.read_csv(path, columns))

    def read_parquet(self, path: Path) -> ir.Table:
        """A view of a Parquet file with its own types. Raises ReadError when it is not one."""
        table = self.edge.read_parquet(path)
        return self._taken_in(table.cast({name: _known(kind) for name, kind in table.schema().items()}))

    def _taken_in(self, table: ir.Table) -> ir.Table:
        """A delivered file as Parquet of the run's own, in the order of its rows."""
        import duckdb
        from ibis import util
        from pyarrow import parquet
        from pyspark.sql import functions

        name = util.gen_name("file")
        place = self.folder / f"{name}.parquet"
        try:
            self.edge.export(table, place)
        except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException) as error:
            raise ReadError(str(error).splitlines()[0]) from error
        rows = self.session.read.parquet(str(place)).select("*", functions.col("_metadata.row_index").alias(_POSITION))
        return self._viewed(name, rows, table.schema(), parquet.read_metadata(place).num_rows)

    def number(self, name: str, rows: ir.Table) -> ir.Table:
        """Carry out `rows`, a selection of one or more files, adding `row`: the position in its file, or behind the
        rows of the files before it."""
        placed = self._placed(rows)
        if placed is None:
            raise TypeError("only a selection of rows and columns of files can be numbered")
        return self.keep(name, placed.rename(row=_POSITION))

    def keep(self, name: str, rows: ir.Table) -> ir.Table:
        """Carry out `rows` once and return the stored result; that of a sorted expression keeps its order."""
        from pyspark.sql import functions

        frame = self._frame(rows)
        ordered = _is_sorted(rows)
        if ordered:
            frame = frame.withColumn(_POSITION, functions.monotonically_increasing_id())
        parts = self._written(name, frame)
        stored = self.session.read.schema(frame.schema).parquet(str(self.folder / name))
        return self._viewed(name, stored, rows.schema(), _count(parts) if ordered else None)

    def keep_any(self, name: str, rows: ir.Table) -> ir.Table | None:
        """The same, or None when there is no row, so that what follows need not ask."""
        kept = self.keep(name, rows)
        return kept if _count(_parts(self.folder / name)) else None

    def fetch(self, rows: ir.Table) -> list[dict[str, Any]]:
        """The rows of a small result."""
        found: list[dict[str, Any]] = self._frame(rows).toArrow().to_pylist()
        return found

    def export(self, rows: ir.Table, path: Path) -> None:
        """Write the rows, in their order, as CSV or Parquet by the name of the path.

        Spark writes them sorted, in parts; DuckDB takes these in as one table, so that its writer makes the same bytes
        of the same rows as it does for a table of its own.
        """
        from ibis import util

        placed = self._placed(rows)
        name = util.gen_name("export")
        parts = self._written(name, self._frame(rows if placed is None else placed.order_by(_POSITION).drop(_POSITION)))
        whole = self.folder / f"{name}.parquet"
        _join(parts, whole)
        table = self.edge.keep(name, self.edge.read_parquet(whole))
        self.edge.export(table.cast(dict(rows.schema())), path)

    def _frame(self, rows: ir.Table) -> DataFrame:
        return self.session.sql(self.backend.compile(rows))

    def _written(self, name: str, frame: DataFrame) -> list[Path]:
        frame.write.parquet(str(self.folder / name))
        return _parts(self.folder / name)

    def _viewed(self, name: str, rows: DataFrame, schema: Any, size: int | None) -> ir.Table:
        """The table of that name; with a size, its rows have a position, which a second view shows."""
        from ibis.expr import operations

        if size is not None:
            rows.createOrReplaceTempView(_WITH_POSITION + name)
            self.sizes[name] = size
        rows.select(*("`" + column.replace("`", "``") + "`" for column in schema.names)).createOrReplaceTempView(name)
        return operations.DatabaseTable(name, schema=schema, source=self.backend).to_expr()

    def _placed(self, rows: ir.Table) -> ir.Table | None:
        """The rows with their position, when they are a plain selection of tables whose rows have one; else None."""
        import ibis
        from ibis.expr import operations

        plain = (
            operations.DatabaseTable,
            operations.Project,
            operations.Filter,
            operations.DropColumns,
            operations.Union,
        )
        relations = rows.op().find(operations.Relation)
        tables = [node for node in relations if isinstance(node, operations.DatabaseTable)]
        if not all(isinstance(node, plain) for node in relations) or not {node.name for node in tables} <= set(
            self.sizes
        ):
            return None
        before = {node: sum(self.sizes[other.name] for other in tables[:place]) for place, node in enumerate(tables)}

        def carry(node: Any, children: dict[str, Any] | None) -> Any:
            if isinstance(node, operations.DatabaseTable):
                schema = ibis.schema({**node.schema, _POSITION: "int64"})
                name = _WITH_POSITION + node.name
                table = operations.DatabaseTable(name, schema=schema, source=node.source).to_expr()
                return table.mutate(**{_POSITION: table[_POSITION] + before[node]}).op() if before[node] else table.op()
            again = node.__recreate__(children) if children else node
            if isinstance(node, operations.Project):
                position = operations.Field(again.parent, _POSITION)
                return operations.Project(again.parent, {**again.values, _POSITION: position})
            return again

        return rows.op().replace(carry).to_expr()


@contextlib.contextmanager
def connect(folder: Path, memory_limit_bytes: int) -> Iterator[Spark]:
    """Open a session of the run's own that keeps its tables in `folder`. Raises MissingEngine without PySpark or Java."""
    edge_bytes = memory_limit_bytes // 4
    own = folder / "spark"
    session = _session(memory_limit_bytes - edge_bytes)
    own.mkdir()
    with edges.connect(folder, edge_bytes) as edge:
        run = Spark(session, _backend(session), edge, own)
        try:
            yield run
        finally:
            for view in session.catalog.listTables():
                session.catalog.dropTempView(view.name)
            shutil.rmtree(own)


def prepare() -> None:
    """Import what a run needs. Raises MissingEngine without PySpark or Java."""
    edges.prepare()
    try:
        import ibis.backends.pyspark  # noqa: F401
    except ImportError as error:
        raise MissingEngine(f"{_NEEDED} ({error})") from error
    if shutil.which("java", path=_java_path()) is None:
        raise MissingEngine(f"{_NEEDED} on the PATH or in JAVA_HOME")


def _java_path() -> str:
    home = os.environ.get("JAVA_HOME")
    return os.path.join(home, "bin") if home else os.environ.get("PATH", os.defpath)


def _session(memory_bytes: int) -> SparkSession:
    """A session for one run, of the Spark that this process has or that is started now."""
    prepare()
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    with _STARTING:
        if SparkContext._active_spark_context is None:
            _start(max(memory_bytes, _SMALLEST_HEAP_BYTES))
        session: SparkSession = SparkSession.builder.getOrCreate().newSession()
    cores = session.sparkContext.defaultParallelism
    for name, value in SQL.items():
        session.conf.set(name, value)
    session.conf.set("spark.sql.shuffle.partitions", str(2 * cores))
    return session


def _start(heap_bytes: int) -> None:
    """Start Java on this machine, reachable from this machine alone, with everything that it writes in one folder."""
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway

    folder = Path(tempfile.mkdtemp(prefix="bomc-spark-"))
    logging = folder / "log4j2.properties"
    logging.write_text(_LOGGING, encoding="utf-8")
    settings = {
        "spark.app.name": "bomc",
        "spark.master": "local[*]",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": f"{heap_bytes >> 20}m",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={logging.as_uri()} -Djava.io.tmpdir={folder}",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(folder),
        "spark.jars.ivy": str(folder / "ivy"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    }
    conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
    heard = folder / "java.log"
    try:
        with heard.open("wb") as log:
            gateway = launch_gateway(conf, {"stdout": log, "stderr": log})
        context = SparkContext(conf=SparkConf(_jvm=gateway.jvm).setAll(list(settings.items())), gateway=gateway)
    except (PySparkException, OSError) as error:
        said = heard.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        shutil.rmtree(folder)
        raise MissingEngine(f"{_NEEDED}; Spark did not start: {said[-1] if said else error}") from error

    def stop() -> None:
        context.stop()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)


def _backend(session: SparkSession) -> Backend:
    """The Ibis backend, taught what Spark can do and the backend does not say."""
    import ibis
    from ibis.backends.sql.compilers.pyspark import PySparkCompiler
    from ibis.expr import operations

    class Compiler(PySparkCompiler):  # type: ignore[misc]  # Ibis has no types
        """Microseconds of an instant, letters inside its format, and a digest of 64 bits instead of 32."""

        __slots__ = ()
        SIMPLE_OPS = {operations.Hash: "xxhash64"}  # noqa: RUF012

        def visit_ExtractMicrosecond(self, op: Any, *, arg: Any) -> Any:
            return self.cast(self.f.date_format(arg, "SSSSSS"), op.dtype)

        def visit_Strftime(self, op: Any, *, arg: Any, format_str: Any) -> Any:
            return self.f.date_format(arg, _java_pattern(op.format_str.value))

    backend = ibis.pyspark.connect(session)
    backend.compiler = Compiler()
    return backend


def _java_pattern(form: str) -> str:
    """A format of strftime as Java's DateTimeFormatter writes it: letters that stand for themselves are quoted."""
    parts = re.split("(%.)", form)
    return "".join(_JAVA_FIELDS[part] if part.startswith("%") else f"'{part}'" for part in parts if part)


def _known(kind: Any) -> Any:
    """The type that Spark is given for a column of a delivered file: text for what it has not, as a row shows it."""
    from ibis.expr import datatypes

    if kind.is_timestamp():
        return datatypes.Timestamp(timezone=kind.timezone and "UTC", scale=6)
    return kind if kind.is_signed_integer() or kind.is_date() or kind.is_boolean() else datatypes.string


def _is_sorted(rows: ir.Table) -> bool:
    """Whether the rows come in an order that the expression asks for."""
    from ibis.expr import operations

    node = rows.op()
    while isinstance(node, operations.Project | operations.Filter | operations.DropColumns):
        node = node.parent
    return isinstance(node, operations.Sort)


def _parts(folder: Path) -> list[Path]:
    """The files that Spark wrote; part 0 has the first rows."""
    return sorted(folder.glob("part-*.parquet"))


def _count(parts: Sequence[Path]) -> int:
    from pyarrow import parquet

    return sum(parquet.read_metadata(part).num_rows for part in parts)


def _join(parts: Sequence[Path], target: Path) -> None:
    """One Parquet file with the rows of the parts, in their order."""
    from pyarrow import parquet

    with parquet.ParquetWriter(target, parquet.read_schema(parts[0])) as whole:
        for part in parts:
            for batch in parquet.ParquetFile(part).iter_batches():
                whole.write_batch(batch)
