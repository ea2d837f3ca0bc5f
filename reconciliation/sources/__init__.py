"""The file formats that can be reconciled, one file each; adding one is a file, a line in `SOURCES` and a test.

A source has `SUFFIXES`; `scan(path)`, one pass for the checksum; `columns(path)`, the names in the file's header; and
`read(engine, delivered, day, folder)`, which returns the typed and judged rows. What it cannot read at all it says with
SourceError; single bad rows are rows with a fault, or stand in `mended`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

from reconciliation.mending import Mended
from reconciliation.scanning import Scan

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.engines import Engine
    from reconciliation.validation import Day


SOURCES: Final = ("reconciliation.sources.standard_parquet", "reconciliation.sources.standard_csv")


class SourceError(Exception):
    """A file cannot be read as its format; the sentence says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One party's file after its bytes were scanned."""

    party: str
    path: Path
    columns: tuple[str, ...]
    scan: Scan


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rows of one file as `validation.checked` gives them, with `row`; a row stands on line `row + first_line`."""

    delivered: Delivered
    rows: ir.Table
    first_line: int
    mended: Mended | None = None


class Source(Protocol):
    """The shape of a source's module."""

    @property
    def SUFFIXES(self) -> tuple[str, ...]: ...

    def scan(self, path: Path) -> Scan: ...

    def columns(self, path: Path) -> tuple[str, ...]: ...

    def read(self, engine: Engine, delivered: Delivered, day: Day, folder: Path) -> Loaded: ...


def source_for(path: Path) -> Source:
    """The source that reads files of this name; everything that no other claims is taken for CSV."""
    sources = [cast(Source, importlib.import_module(name)) for name in SOURCES]
    return next((source for source in sources if path.name.endswith(source.SUFFIXES)), sources[-1])


def check_columns(names: tuple[str, ...], required: tuple[str, ...]) -> None:
    """Raises SourceError when a name stands twice or a required one is missing."""
    twice = sorted({name for name in names if names.count(name) > 1})
    missing = [name for name in required if name not in names]
    if missing:
        raise SourceError(f"its header lacks {', '.join(missing)}; a standard record needs {', '.join(required)}")
    if twice:
        raise SourceError(f"its header names {', '.join(map(repr, twice))} more than once; each column has one name")
