"""Standard records in Parquet, with the same column names; a record's "line" is its place in the file, from 1.

Text, integers, dates and timestamps with a zone are taken; a timestamp without one is a bad row, as it would be in CSV.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciliation.picking import ROW, pick_rows
from reconciliation.scanning import Scan, checksum
from reconciliation.sources import Delivered, Opened, SourceError, check_columns
from reconciliation.standard_record import COLUMNS, REQUIRED

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy

    from reconciliation.engines import Engine
    from reconciliation.validation import Day

MANIFEST = True
SUFFIXES = (".parquet",)
_FIRST_LINE = 1


def scan(path: Path) -> Scan:
    """The checksum; a Parquet file has no lines. Raises OSError when the file cannot be read."""
    return Scan(checksum(path), lines=0, commas=0, quoted=False)


def columns(path: Path) -> tuple[str, ...]:
    """The names of the columns. Raises SourceError when it is not a Parquet file of standard records."""
    import pyarrow
    from pyarrow import parquet

    try:
        names = tuple(parquet.read_schema(path).names)
    except pyarrow.ArrowException as error:
        raise SourceError("it is not a Parquet file, or it is cut short; ask for it again") from error
    check_columns(names, REQUIRED)
    return names


def ways(engine: Engine, delivered: Delivered, day: Day, folder: Path) -> Iterator[Opened]:
    """The only way. Raises SourceError when the engine cannot read the file."""
    from reconciliation.engines import ReadError

    try:
        text = _as_text(engine.read_parquet(delivered.path))
    except ReadError as error:
        raise SourceError(f"it cannot be read as Parquet ({error}); ask for it again") from error
    yield Opened(delivered, text, partial(_picked, delivered.path), _FIRST_LINE, "as Parquet")


def _picked(path: Path, engine: Engine, rows: numpy.ndarray[Any, Any], target: Path) -> ir.Table:
    place = target.with_suffix(".parquet")
    pick_rows(path, rows, place)
    return _as_text(engine.read_parquet(place))


def _as_text(rows: ir.Table) -> ir.Table:
    return rows.select(
        **{name: _text(rows[name]) for name in COLUMNS if name in rows.columns},
        **({ROW: rows[ROW].cast("string")} if ROW in rows.columns else {}),
    )


def _text(value: ir.Value) -> ir.Value:
    """The column as the CSV form would write it; text that breaks a line counts as empty, and so as a bad row."""
    import ibis

    if value.type().is_timestamp():
        local = value.cast("timestamp")
        micros = local.microsecond().cast("string").lpad(6, "0")
        zone = "Z" if value.type().timezone else ""
        return local.strftime("%Y-%m-%dT%H:%M:%S") + ibis.literal(".") + micros + ibis.literal(zone)
    text = value.cast("string")
    return ibis.ifelse((text == "") | text.re_search(r"[\x00\r\n]"), ibis.null("string"), text)
