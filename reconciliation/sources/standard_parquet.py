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
from reconciliation.standard_record import COLUMNS, DIMENSIONS, REQUIRED
from reconciliation.validation import BROKEN

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy

    from reconciliation.engines import Engine
    from reconciliation.validation import Day

MANIFEST = True
SUFFIXES = (".parquet",)
_FIRST_LINE = 1
_BREAKS = r"[\x00\r\n]"


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
    """The columns as text, and the first dimension that breaks a line, which no column of its own tells."""
    import ibis

    texts = [name for name in DIMENSIONS if name in rows.columns and rows[name].type().is_string()]
    broken = [(rows[name].re_search(_BREAKS).fill_null(False), name) for name in texts]
    return rows.select(
        **{name: _text(rows[name], name) for name in COLUMNS if name in rows.columns},
        **({ROW: rows[ROW].cast("string")} if ROW in rows.columns else {}),
        **({BROKEN: ibis.cases(*broken, else_=ibis.null("string"))} if broken else {}),
    )


def _text(value: ir.Value, name: str) -> ir.Value:
    """The column as the CSV form would write it. Text that breaks a line counts as empty, and so as a bad row, but for a
    fee, which may be empty: it is no number."""
    import ibis

    if value.type().is_timestamp():
        local = value.cast("timestamp")
        micros = local.microsecond().cast("string").lpad(6, "0")
        zone = "Z" if value.type().timezone else ""
        return local.strftime("%Y-%m-%dT%H:%M:%S") + ibis.literal(".") + micros + ibis.literal(zone)
    text = value.cast("string")
    if name == "fee_minor" and value.type().is_string():
        return ibis.ifelse(text == "", ibis.null("string"), text.re_replace(_BREAKS, "?"))
    return ibis.ifelse((text == "") | text.re_search(_BREAKS), ibis.null("string"), text)
