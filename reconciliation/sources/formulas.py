"""Cells of an .xlsx sheet that hold no value, although the reader gives one: empty or 0, as if that had been meant.

A workbook keeps beside each formula the value that it had when it was last computed. A program that only writes formulas
leaves none, or a 0 and the word that all is to be computed on opening; and of an error (#DIV/0!) the reader makes an
empty cell. An amount, a fee or a date from such a cell would be wrong without a sign of it, so they are looked up here in
the sheet's XML, once a search of its bytes has found that there is a formula or an error at all.

- `<f>` without a value in `<v>` was never computed; `t="str"` with an empty one is the text "".
- Where `calcPr` has `fullCalcOnLoad`, or has `calcCompleted` off, no formula's value stands, whatever is in `<v>`; nor do the
  values of the cells that an array formula fills.
- `t="e"` is an error.

Source: ECMA-376 part 1, 18.2.2 calcPr, 18.3.1.4 c, 18.3.1.40 f, 18.3.1.96 v, 18.18.11 ST_CellType. An .xls, .xlsb or .ods is
not looked into: what is read from its formulas is what the program that saved it kept.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Any, Final
from xml.parsers import expat

from reconciliation.sources import SourceError, zips

NOT_COMPUTED: Final = "is a formula without a computed value"

_ANY = re.compile(rb"<(?:\w+:)?f[\s/>]|\bt=[\"']e[\"']")
_PLACE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})", re.ASCII)
_CHUNK_BYTES = 1 << 20
_LONGEST_VALUE = 16
_MOST_ROWS = 1 << 20
_LARGEST_PART_BYTES = 16 << 20  # the list of sheets, and where they are


class _Damaged(Exception):
    """The XML is not what a workbook has."""


_DAMAGE = (_Damaged, expat.ExpatError, *zips.DAMAGE)


def valueless(path: Path, sheet: str, columns: Collection[int]) -> Mapping[int, Mapping[int, str]]:
    """By row, as the workbook counts it, and column from 0 the reason why there is no value, in these columns alone.

    Raises SourceError when the sheet cannot be found or read.
    """
    if not zipfile.is_zipfile(path):
        return {}
    try:
        with zipfile.ZipFile(path) as archive:
            parts = {name.lower(): name for name in archive.namelist()}
            if "xl/workbook.xml" not in parts:
                return {}
            part, stale = _sheet(archive, parts, sheet)
            with archive.open(part) as file:
                if not _has_any(file):
                    return {}
            found = _Found(columns, stale)
            with archive.open(part) as file:
                found.read(file)
            return found.reasons
    except _DAMAGE as error:
        raise SourceError(f"it is no workbook, or it is damaged ({error}); ask for it again") from error


def _sheet(archive: zipfile.ZipFile, parts: Mapping[str, str], sheet: str) -> tuple[str, bool]:
    """The part that holds the sheet, and whether the workbook says that its formulas are still to be computed."""
    link, stale = "", False
    for name, has in _elements(archive, parts["xl/workbook.xml"]):
        if name == "sheet" and has.get("name") == sheet:
            link = next((value for key, value in has.items() if key.rpartition(":")[2] == "id" and ":" in key), "")
        elif name == "calcPr":
            stale = has.get("fullCalcOnLoad", "0") in ("1", "true") or has.get("calcCompleted", "1") in ("0", "false")
    for name, has in _elements(archive, parts["xl/_rels/workbook.xml.rels"]):
        if name == "Relationship" and has.get("Id") == link:
            target = has["Target"].lstrip("/")
            return parts[(target if target.startswith("xl/") else f"xl/{target}").lower()], stale
    raise _Damaged(f"sheet {sheet!r} is not among its parts")


def _elements(archive: zipfile.ZipFile, part: str) -> list[tuple[str, dict[str, str]]]:
    """The elements of a small part, by their local names, with their attributes."""
    if archive.getinfo(part).file_size > _LARGEST_PART_BYTES:
        raise _Damaged(f"{part} is larger than {_LARGEST_PART_BYTES >> 20} MiB")
    found: list[tuple[str, dict[str, str]]] = []
    parser = _parser()
    parser.StartElementHandler = lambda name, has: found.append((name.rpartition(":")[2], has))
    parser.Parse(archive.read(part), True)
    return found


def _parser() -> expat.XMLParserType:
    """A parser that takes no DOCTYPE, and so no entities."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: Any) -> None:
        raise _Damaged("it has a DOCTYPE, which a workbook never has")

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _has_any(file: IO[bytes]) -> bool:
    tail = b""
    while chunk := file.read(_CHUNK_BYTES):
        if _ANY.search(tail + chunk):
            return True
        tail = chunk[-64:]
    return False


class _Found:
    """Goes over a sheet cell by cell and keeps those without a value."""

    def __init__(self, columns: Collection[int], stale: bool) -> None:
        self.reasons: dict[int, dict[int, str]] = {}
        self._columns, self._stale = frozenset(columns), stale
        self._row, self._column = 0, -1
        self._kind, self._value = "n", ""
        self._formula = self._in_value = False
        self._filled: dict[int, int] = {}  # by column, the last row of an array formula above

    def read(self, file: IO[bytes]) -> None:
        parser = _parser()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        while chunk := file.read(_CHUNK_BYTES):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)

    def _start(self, name: str, has: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name == "c":
            self._kind, self._value, self._formula = has.get("t", "n"), "", False
            place = _PLACE.fullmatch(has.get("r", ""))
            if place is None:
                self._column += 1
            else:
                self._column, self._row = _number(place[1]), int(place[2])
        elif name == "v":
            self._in_value = True
        elif name == "f":
            self._formula = True
            self._fill(has.get("ref", "") if has.get("t") == "array" else "")
        elif name == "row":
            self._row, self._column = int(has.get("r", self._row + 1)), -1

    def _text(self, text: str) -> None:
        if self._in_value and len(self._value) < _LONGEST_VALUE:
            self._value += text[:_LONGEST_VALUE]

    def _end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name == "v":
            self._in_value = False
        elif name == "c" and self._column in self._columns:
            formula = self._formula or self._row <= self._filled.get(self._column, 0)
            reason = ""
            if self._kind == "e":
                reason = f"is the error {self._value.strip()}"
            elif formula and (self._stale or (not self._value.strip() and self._kind != "str")):
                reason = NOT_COMPUTED
            if reason and not 1 <= self._row <= _MOST_ROWS:
                raise _Damaged(f"it has a row {self._row}")
            if reason:
                self.reasons.setdefault(self._row, {})[self._column] = reason

    def _fill(self, area: str) -> None:
        ends = [found for found in map(_PLACE.fullmatch, area.split(":")) if found is not None]
        if len(ends) == 2:
            first, last = _number(ends[0][1]), _number(ends[1][1])
            for column in self._columns:
                if first <= column <= last:
                    self._filled[column] = int(ends[1][2])


def _number(letters: str) -> int:
    """The column from 0: A is 0, AA is 26."""
    column = 0
    for sign in letters:
        column = column * 26 + ord(sign) - 64
    return column - 1
