"""Standard records in CSV: UTF-8 (a byte-order mark is allowed), a header, RFC 4180, one record a line, perhaps gzipped.

The engine's own parallel reader takes the file; its result stands only when the counts of the scan prove that every
record had one line and as many fields as the header. Otherwise the file is read line by line (`mending`) and the engine
takes the mended copy, so that both ways give the same rows and the same line numbers.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from reconciliation import scanning
from reconciliation.mending import mend
from reconciliation.scanning import Scan, ends_lines_with_comma, open_bytes
from reconciliation.sources import Delivered, Loaded, SourceError, check_columns
from reconciliation.standard_record import REQUIRED

if TYPE_CHECKING:
    from reconciliation.engines import Engine
    from reconciliation.validation import Day

MANIFEST = True
SUFFIXES = (".csv", ".csv.gz")
_FIRST_LINE = 2  # the header stands on line 1
_LONGEST_HEADER_BYTES = 1 << 16


def scan(path: Path) -> Scan:
    """One pass over the bytes. Raises OSError when the file cannot be read or its gzip stream is damaged."""
    return scanning.scan(path)


def columns(path: Path) -> tuple[str, ...]:
    """The names in the header, in order. Raises SourceError when it is not the header of a standard record."""
    with open_bytes(path) as file:
        line = file.readline(_LONGEST_HEADER_BYTES)
    try:
        names = next(csv.reader([line.decode("utf-8-sig").rstrip("\r\n")], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"its header cannot be read ({error}); the first line names the columns in UTF-8") from error
    if not names:
        raise SourceError("it has no header; the first line names the columns")
    check_columns(tuple(names), REQUIRED)
    return tuple(names)


def read(engine: Engine, delivered: Delivered, day: Day, folder: Path) -> Loaded:
    """The judged rows of the file. Raises SourceError when not even the mended copy can be read."""
    from reconciliation.engines import ReadError
    from reconciliation.validation import checked

    name = f"{delivered.party}_rows"
    if _may_be_read_fast(delivered):
        try:
            text = engine.read_csv(delivered.path, delivered.columns)
            rows = engine.number(name, checked(text, day, mended=False, keep=delivered.keep))
        except ReadError:
            pass  # the exact reader finds out which rows are to blame, and lists them
        else:
            if engine.fetch(rows.aggregate(count=rows.count()))[0]["count"] + 1 == delivered.scan.lines:
                return Loaded(delivered, rows, _FIRST_LINE)
    own = folder / delivered.party  # two parties may deliver files of one name
    own.mkdir()
    mended = mend(delivered.path, delivered.columns, own)
    try:
        text = engine.read_csv(mended.copy, delivered.columns)
        rows = engine.number(f"{name}_mended", checked(text, day, mended=True, keep=delivered.keep))
    except ReadError as error:
        raise SourceError(f"it cannot be read even line by line ({error}); ask for it again") from error
    mended.copy.unlink()
    return Loaded(delivered, rows, _FIRST_LINE, mended)


def _may_be_read_fast(delivered: Delivered) -> bool:
    """Whether nothing in the bytes hides from the fast reader: it silently drops an empty field too many."""
    found = delivered.scan
    if found.odd is not None:
        return False
    if found.commas == found.lines * (len(delivered.columns) - 1):
        return True
    return found.quoted and not ends_lines_with_comma(delivered.path)
