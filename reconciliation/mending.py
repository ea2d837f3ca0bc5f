"""The exact reader: line by line, it sets aside each record that no column can be read from, and keeps every line's place.

It is used only for files in which the fast reader met something (see `scanning`). It writes a copy in which each line of
a record set aside is replaced by a line of empty fields, so that the n-th line of the copy is the n-th line of the
original, and a list of what was set aside. A record whose quoted field runs over several lines is one record; when no
closing quote follows within `_MOST_LINES` lines, only the first line is set aside, so that one lost quote costs one line.
Lines with nothing on them are no records; they are counted.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from reconciliation.scanning import open_bytes
from reconciliation.standard_record import valid_amount

SET_ASIDE_COLUMNS = ("line", "column", "reason", "value")
_MOST_LINES = 50
_LONGEST_LINE_BYTES = 1 << 20
_LONGEST_VALUE = 100
_FOR_RETURN = "\x1d"  # the csv module takes a bare carriage return for the end of a row
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True)
class Mended:
    """What the exact reader set aside, in counts and money.

    `uncertain_amount_minor` is the part of `amount_minor` that was found on rows with too few or too many fields, or with
    a quote too many, where the amount is whatever stands in the amount's place: a sender may or may not have counted it.
    """

    copy: Path
    set_aside: Path
    rows: int = 0
    blank_lines: int = 0
    amount_minor: int = 0
    uncertain_amount_minor: int = 0


@dataclass(frozen=True, slots=True)
class _Fault:
    column: str
    reason: str
    fields: tuple[str, ...] = field(default=())
    certain: bool = True  # whether each field stands in its own column


def mend(path: Path, columns: tuple[str, ...], folder: Path) -> Mended:
    """Write the copy and the list into `folder`. `columns` are the header's names, in order."""
    mended = Mended(folder / f"{path.name}.mended.csv", folder / f"{path.name}.set-aside.csv")
    placeholder = b"," * (len(columns) - 1) + b"\n"
    with (
        open_bytes(path) as source,
        mended.copy.open("wb") as copy,
        mended.set_aside.open("w", encoding="utf-8", newline="") as listed,
    ):
        writer = csv.writer(listed, lineterminator="\n")
        writer.writerow(SET_ASIDE_COLUMNS)
        lines = _lines(source)
        copy.write(next(lines, b"").rstrip(b"\r\n") + b"\n")
        number = 2
        waiting: list[bytes] = []
        while raw := (waiting.pop(0) if waiting else next(lines, b"")):
            line = raw.rstrip(b"\n").removesuffix(b"\r")
            taken = 1
            if line.count(b",") == len(columns) - 1 and _is_plain(line):
                copy.write(line + b"\n")
            elif not line:
                mended.blank_lines += 1
                copy.write(placeholder)
            else:
                if _is_open(line):
                    waiting.extend(itertools.islice(lines, _MOST_LINES - len(waiting)))
                    taken = _lines_of_record(raw, waiting, len(columns))
                    raw = b"".join([raw, *waiting[: taken - 1]])
                    del waiting[: taken - 1]
                fault, mended_line = _judge(raw, taken, columns)
                copy.write(mended_line if fault is None else placeholder * taken)
                if fault is not None:
                    writer.writerow([number, fault.column, fault.reason, _shown(fault, columns)])
                    _count(mended, fault, columns)
            number += taken
    return mended


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """The physical lines; of a line that is longer than the limit, its beginning stands for the whole."""
    while line := source.readline(_LONGEST_LINE_BYTES + 2):
        if not line.endswith(b"\n") and len(line) > _LONGEST_LINE_BYTES:
            while (rest := source.readline(_LONGEST_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
        yield line


def _count(mended: Mended, fault: _Fault, columns: tuple[str, ...]) -> None:
    mended.rows += 1
    place = columns.index("amount_minor")
    amount = valid_amount(fault.fields[place]) if place < len(fault.fields) else None
    if amount is not None:
        mended.amount_minor += amount
        if not fault.certain:
            mended.uncertain_amount_minor += amount


def _shown(fault: _Fault, columns: tuple[str, ...]) -> str:
    """The offending value with its control characters spelled out; a subscriber's account is never shown."""
    if not fault.column or fault.column == "account":
        return ""
    value = fault.fields[columns.index(fault.column)]
    return _CONTROL.sub(lambda sign: f"\\x{ord(sign[0]):02x}", value)[:_LONGEST_VALUE]


def _is_plain(line: bytes) -> bool:
    return (
        b'"' not in line
        and b"\0" not in line
        and b"\r" not in line
        and (line.isascii() or _decoded(line) is not None)
        and len(line) <= _LONGEST_LINE_BYTES
        and bool(line.strip(b","))
    )


def _is_open(text: bytes) -> bool:
    """Whether the text ends inside a quoted field: an odd number of quotes, the first of them opening a field."""
    first = text.find(b'"')
    return first >= 0 and text.count(b'"') % 2 == 1 and (first == 0 or text[first - 1 : first] == b",")


def _lines_of_record(first: bytes, following: list[bytes], width: int) -> int:
    """How many physical lines the record that begins with `first` takes; 1 when its quote is never closed rightly."""
    text = first
    for count, line in enumerate(following, start=2):
        text += line
        if len(text) > _LONGEST_LINE_BYTES:
            return 1
        if not _is_open(text):
            fields = _fields(text.decode("utf-8", "replace").rstrip("\n").removesuffix("\r"))
            return count if fields is not None and len(fields) == width else 1
    return 1


def _judge(raw: bytes, lines: int, columns: tuple[str, ...]) -> tuple[_Fault | None, bytes]:
    """The fault of one record, or None and the record written anew in the plainest form of RFC 4180."""
    if len(raw) > _LONGEST_LINE_BYTES:
        return _Fault("", "the line is longer than 1 MiB"), b""
    text = raw.decode("utf-8", "replace").rstrip("\n").removesuffix("\r")
    fields = _fields(text)
    if fields is None and "\r" in text:
        fields = _fields(text.replace("\r", _FOR_RETURN))
        fields = [cell.replace(_FOR_RETURN, "\r") for cell in fields] if fields is not None else None
    if fields is None:
        reason = "a quoted field is not closed, or is followed by more text"
        return _Fault("", reason, tuple(text.partition("\n")[0].split(",")), certain=False), b""
    if len(fields) != len(columns):
        many = "many" if len(fields) > len(columns) else "few"
        reason = f"the row has too {many} fields: {len(fields)} where the header has {len(columns)}"
        return _Fault("", reason, tuple(fields), certain=False), b""
    whole = tuple(fields)
    if _decoded(raw) is None:
        return _Fault(_column_with("�", fields, columns), "the text is not UTF-8", whole), b""
    for sign, reason in (
        ("\0", "a NUL character stands in the text"),
        ("\n", f"a line break stands inside a quoted field; the record takes {lines} lines"),
        ("\r", "a carriage return stands in the text"),
    ):
        if column := _column_with(sign, fields, columns):
            return _Fault(column, reason, whole), b""
    if not any(fields):
        return _Fault("record_id", "is empty, as is every other field", whole), b""
    return None, _written(fields)


def _fields(text: str) -> list[str] | None:
    try:
        records = list(csv.reader(iter([text]), strict=True))
    except csv.Error:
        return None
    return records[0] if len(records) == 1 else None


def _written(fields: list[str]) -> bytes:
    cells = ('"' + cell.replace('"', '""') + '"' if "," in cell or '"' in cell else cell for cell in fields)
    return (",".join(cells) + "\n").encode()


def _column_with(sign: str, fields: list[str], columns: tuple[str, ...]) -> str:
    return next((name for name, cell in zip(columns, fields, strict=True) if sign in cell), "")


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None
