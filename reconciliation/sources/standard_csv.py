"""Standard records in CSV: UTF-8 (a byte-order mark is allowed), a header, RFC 4180, one record a line, perhaps gzipped.

The engine's own parallel reader takes the file; its result stands only when the counts of the scan prove that every
record had one line and as many fields as the header. Otherwise the file is read line by line (`mending`) and the engine
takes the mended copy, so that both ways give the same rows and the same line numbers.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciliation import scanning
from reconciliation.mending import mend
from reconciliation.picking import ROW, pick_lines
from reconciliation.scanning import Scan, ends_lines_with_comma, open_bytes
from reconciliation.sources import HEAD_BYTES, Delivered, Opened, SourceError, check_columns, check_text
from reconciliation.standard_record import REQUIRED

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy

    from reconciliation.engines import Engine
    from reconciliation.validation import Day

MANIFEST = True
SUFFIXES = (".csv", ".csv.gz")
_FIRST_LINE = 2  # the header stands on line 1


def scan(path: Path) -> Scan:
    """One pass over the bytes. Raises OSError when the file cannot be read or its gzip stream is damaged."""
    return scanning.scan(path)


def columns(path: Path) -> tuple[str, ...]:
    """The names in the header, in order. Raises SourceError when it is not the header of a standard record."""
    with open_bytes(path) as file:
        head = file.read(HEAD_BYTES)
    if head.strip():
        check_text(head)
    try:
        text = head.partition(b"\n")[0].decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"its header cannot be read (byte {error.start + 1} is not UTF-8); save it as UTF-8 and deliver it again"
        ) from error
    try:
        names = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        check_text(text.encode())
        raise SourceError(
            "its header cannot be read (a quote is not closed, or more text follows on it); the first line names the "
            "columns"
        ) from error
    if not names:
        raise SourceError("it has no header; the first line names the columns")
    check_columns(tuple(names), REQUIRED)
    return tuple(names)


def ways(engine: Engine, delivered: Delivered, day: Day, folder: Path) -> Iterator[Opened]:
    """The file itself, where nothing in its bytes hides from the fast reader, and then its mended copy."""
    if _may_be_read_fast(delivered):
        yield Opened(
            delivered,
            engine.read_csv(delivered.path, delivered.columns),
            partial(picked, delivered.path, delivered.columns),
            _FIRST_LINE,
            "",
            count=delivered.scan.lines - 1,
        )
    own = folder / delivered.party  # two parties may deliver files of one name
    own.mkdir()
    mended = mend(delivered.path, delivered.columns, own)
    yield Opened(
        delivered,
        engine.read_csv(mended.copy, delivered.columns),
        partial(picked, mended.copy, delivered.columns),
        _FIRST_LINE,
        "even line by line",
        mended=mended,
    )


def picked(
    path: Path, columns: tuple[str, ...], engine: Engine, rows: numpy.ndarray[Any, Any], target: Path
) -> ir.Table:
    """The chosen rows of a CSV file in which every record takes one line."""
    place = target.with_suffix(".csv")
    pick_lines(path, rows, columns, place)
    return engine.read_csv(place, (ROW, *columns))


def _may_be_read_fast(delivered: Delivered) -> bool:
    """Whether nothing in the bytes hides from the fast reader: it silently drops an empty field too many."""
    found = delivered.scan
    if found.odd is not None:
        return False
    if found.commas == found.lines * (len(delivered.columns) - 1):
        return True
    return found.quoted and not ends_lines_with_comma(delivered.path)
