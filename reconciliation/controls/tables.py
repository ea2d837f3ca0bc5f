"""CSV (UTF-8, header; `.gz` too) and Parquet files read row by row as text, with the SHA-256 of what was delivered.

Any columns will do: the totals of equations are asked of summaries and registers as well as of standard records. Raises
TableError, with the file and the line, at the first thing that is not as it should be: a total of most of a file is none.
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from reconciliation.scanning import checksum, open_bytes

_BATCH: Final = 50_000


class TableError(Exception):
    """A file cannot be read, or a cell in it is not what is needed; the sentence says where."""


@dataclass(frozen=True, slots=True)
class Table:
    """An open file: its columns, and its rows with the line (CSV) or row (Parquet) that each stands on."""

    path: Path
    sha256: str
    columns: tuple[str, ...]
    rows: Iterator[tuple[int, list[str]]]


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """The file, to be read once. Raises TableError when it is missing or cannot be read."""
    if not path.is_file():
        raise TableError(f"{path}: the file is missing; ask the sender for it")
    try:
        if path.name.endswith(".parquet"):
            yield _parquet(path)
        else:
            with open_bytes(path) as file:
                yield _csv(path, file)
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"{path}: it cannot be read ({error}); ask for the file again") from error


def _csv(path: Path, file: BinaryIO) -> Table:
    digest = checksum(path)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    rows = _csv_rows(path, reader)
    _, header = next(rows, (0, []))
    if not header:
        raise TableError(f"{path}: the file is empty; it needs a header at least")
    return Table(path, digest, _distinct(path, header), _of_width(path, rows, len(header)))


def _csv_rows(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError as error:
            raise TableError(f"{path}, line {reader.line_num + 1}: it is not UTF-8 ({error.reason})") from error
        except csv.Error as error:
            raise TableError(f"{path}, line {reader.line_num}: it is no CSV ({error})") from error
        yield reader.line_num, row


def _of_width(path: Path, rows: Iterator[tuple[int, list[str]]], width: int) -> Iterator[tuple[int, list[str]]]:
    for line, row in rows:
        if len(row) != width:
            raise TableError(f"{path}, line {line}: it has {len(row)} fields and the header {width}")
        yield line, row


def _distinct(path: Path, names: list[str]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError(f"{path}: its header names {', '.join(map(repr, twice))} more than once")
    return tuple(names)


def _parquet(path: Path) -> Table:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        columns = _distinct(path, list(file.schema_arrow.names))
    except pyarrow.ArrowException as error:
        raise TableError(f"{path}: it is no Parquet file ({error}); ask for the file again") from error
    return Table(path, checksum(path), columns, _parquet_rows(path, file))


def _parquet_rows(path: Path, file: Any) -> Iterator[tuple[int, list[str]]]:
    import pyarrow

    number = 0
    try:
        for batch in file.iter_batches(batch_size=_BATCH):
            cells = [column.to_pylist() for column in batch.columns]
            for row in zip(*cells, strict=True):
                number += 1
                yield number, ["" if cell is None else _text(cell) for cell in row]
    except pyarrow.ArrowException as error:
        raise TableError(f"{path}, after row {number}: it cannot be read ({error}); ask for it again") from error


def _text(cell: Any) -> str:
    """A Parquet value as CSV would have it: dates and instants in ISO 8601, true and false in small letters."""
    if isinstance(cell, bool):
        return str(cell).lower()
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)
