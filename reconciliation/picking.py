"""Chosen rows of a file, written anew: what has to be looked at closely is a small part of most files.

The numbers of the rows go along in a column of their own, so that nothing depends on how a reader counts.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from reconciliation.scanning import open_bytes

if TYPE_CHECKING:
    import numpy

ROW: Final = "row of the file"
"""The column with the number of a chosen row, from 0; no standard record has one of that name."""
_CHUNK_BYTES: Final = 1 << 21  # fits the processor's cache
_NEWLINE: Final = 0x0A


def pick_lines(path: Path, rows: numpy.ndarray[Any, Any], columns: Sequence[str], target: Path) -> None:
    """Write the chosen rows of a CSV file, in which row n is the n-th line after the header, as CSV with a header.

    `rows` are numbers of rows in rising order. Raises OSError when a file cannot be read or written, and ValueError when
    the file has fewer lines.
    """
    import numpy

    wanted = numpy.asarray(rows, numpy.int64) + 1  # the header is line 0
    first, done = 0, 0  # the line with which what is at hand begins; how many are written
    with open_bytes(path) as source, target.open("wb") as out:
        out.write(_header((ROW, *columns)))
        pieces = _whole_lines(source)
        while done < len(wanted):
            text, ends = next(pieces, (bytearray(), None))
            if ends is None:
                raise ValueError(f"{path} has fewer lines than the row {int(wanted[-1]) - 1} that is asked for")
            upto = int(numpy.searchsorted(wanted, first + len(ends)))
            places = wanted[done:upto] - first
            begins = numpy.where(places > 0, ends[places - 1] + 1, 0)
            lines: Iterable[bytes | bytearray] = map(
                text.__getitem__, map(slice, begins.tolist(), (ends[places] + 1).tolist())
            )
            if b"\r" in text:
                lines = (line.rstrip(b"\r\n") + b"\n" for line in lines)
            numbers = map(b"%d,".__mod__, (wanted[done:upto] - 1).tolist())
            out.write(b"".join(itertools.chain.from_iterable(zip(numbers, lines, strict=True))))
            first += len(ends)
            done = upto


def _whole_lines(source: BinaryIO) -> Iterator[tuple[bytearray, numpy.ndarray[Any, Any]]]:
    """The content in pieces of whole lines, with the places of their ends; each is valid until the next is asked for, since
    they share one buffer."""
    import numpy

    buffer, ends_here = bytearray(_CHUNK_BYTES), numpy.empty(_CHUNK_BYTES, numpy.bool_)
    kept = 0  # bytes of a line that has begun
    while True:
        size = cast(io.BufferedIOBase, source).readinto(memoryview(buffer)[kept:])
        if not size and not kept:
            return
        filled = kept + size
        if not size:
            buffer[filled] = _NEWLINE  # the last line lacks its end
            filled += 1
        values = numpy.frombuffer(buffer, numpy.uint8, filled)
        ends = numpy.flatnonzero(numpy.equal(values, _NEWLINE, out=ends_here[:filled]))
        if len(ends):
            yield buffer, ends
        over = int(ends[-1]) + 1 if len(ends) else 0
        del values  # which keeps the buffer from being changed in size
        kept = filled - over
        if kept == len(buffer):
            buffer, ends_here = buffer + bytearray(kept), numpy.empty(2 * kept, numpy.bool_)
        elif over:
            buffer[:kept] = buffer[over:filled]


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
