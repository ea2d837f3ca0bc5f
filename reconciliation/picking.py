"""Chosen rows of a file, written anew: what has to be looked at closely is a small part of most files.

The numbers of the rows go along in a column of their own, so that nothing depends on how a reader counts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciliation.scanning import open_bytes

if TYPE_CHECKING:
    import numpy

ROW: Final = "row of the file"
"""The column with the number of a chosen row, from 0; no standard record has one of that name."""
_CHUNK_BYTES: Final = 1 << 22
_NEWLINE: Final = 0x0A


def pick_lines(path: Path, rows: numpy.ndarray[Any, Any], columns: Sequence[str], target: Path) -> None:
    """Write the chosen rows of a CSV file, in which row n is the n-th line after the header, as CSV with a header.

    `rows` are numbers of rows in rising order. Raises OSError when a file cannot be read or written, and ValueError when
    the file has fewer lines.
    """
    import numpy

    wanted = numpy.asarray(rows, numpy.int64) + 1  # the header is line 0
    first, done = 0, 0  # the line with which what is at hand begins; how many are written
    rest = b""
    with open_bytes(path) as source, target.open("wb") as out:
        out.write(_header((ROW, *columns)))
        while done < len(wanted):
            chunk = source.read(_CHUNK_BYTES)
            text = rest + (chunk or b"\n")  # the last line may lack its end
            ends = numpy.flatnonzero(numpy.frombuffer(text, numpy.uint8) == _NEWLINE)
            upto = int(numpy.searchsorted(wanted, first + len(ends)))
            places = wanted[done:upto] - first
            if len(places):
                begins = numpy.where(places > 0, ends[places - 1] + 1, 0)
                found = zip((wanted[done:upto] - 1).tolist(), begins.tolist(), ends[places].tolist(), strict=True)
                out.writelines(b"%d,%b\n" % (row, text[begin:end].rstrip(b"\r")) for row, begin, end in found)
            if not chunk and upto < len(wanted):
                raise ValueError(f"{path} has fewer lines than the row {int(wanted[-1]) - 1} that is asked for")
            rest = text[int(ends[-1]) + 1 :] if len(ends) else text
            first += len(ends)
            done = upto


def pick_rows(path: Path, rows: numpy.ndarray[Any, Any], target: Path) -> None:
    """Write the chosen rows of a Parquet file as Parquet with `ROW`; `rows` are their numbers in rising order."""
    import numpy
    import pyarrow
    from pyarrow import parquet

    with parquet.ParquetFile(path) as source:
        schema = source.schema_arrow.append(pyarrow.field(ROW, pyarrow.int64()))
        first = 0
        with parquet.ParquetWriter(target, schema) as out:
            for batch in source.iter_batches():
                begin, end = numpy.searchsorted(rows, (first, first + len(batch)))
                chosen = numpy.asarray(rows[begin:end], numpy.int64)
                if len(chosen):
                    taken = pyarrow.Table.from_batches([batch]).take(pyarrow.array(chosen - first))
                    out.write_table(taken.append_column(schema.field(ROW), pyarrow.array(chosen)).cast(schema))
                first += len(batch)


def _header(names: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(names)
    return text.getvalue().encode()
