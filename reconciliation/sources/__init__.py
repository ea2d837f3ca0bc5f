"""The file formats that can be reconciled, one file each; adding one is a file, a line in a list here, and a test.

`SOURCES` are the containers of the standard record, told apart by the file's name; `STATEMENTS` are the formats that a
control names, which are turned into standard records (`statement`). A source has `MANIFEST`, whether a manifest must lie
beside the file; `SUFFIXES`; `scan(path)`, one pass for the checksum; `columns(path)`, the names in the file's header; and
`read(engine, delivered, day, folder)`, which returns the typed and judged rows. What it cannot read at all it says with
SourceError; single bad rows are rows with a fault, or stand in `mended`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast
from zoneinfo import ZoneInfo

from reconciliation.mending import Mended
from reconciliation.request import STANDARD, PartyFile
from reconciliation.scanning import Scan

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.engines import Engine
    from reconciliation.validation import Day


STATEMENTS: Final[dict[str, str]] = {
    "wechat_bill": "reconciliation.sources.wechat_bill",
    "alipay_bill": "reconciliation.sources.alipay_bill",
    "unionpay_zm": "reconciliation.sources.unionpay_zm",
    "mt940": "reconciliation.sources.mt940",
    "camt053": "reconciliation.sources.camt053",
    "excel": "reconciliation.sources.excel",
}
"""The name that a control uses, and the module."""
SOURCES: Final = (
    "reconciliation.sources.standard_parquet",
    "reconciliation.sources.standard_zip",
    "reconciliation.sources.standard_csv",
)


class SourceError(Exception):
    """A file cannot be read as its format; the sentence says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One party's file after its bytes were scanned; `keep` are columns that are wanted as text besides the judged ones."""

    party: str
    path: Path
    columns: tuple[str, ...]
    scan: Scan
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rows of one file as `validation.checked` gives them, with `row`; a row stands on line `row + first_line`.

    `stated` are the totals that the file states of itself and that were found true, in rows or minor units.
    """

    delivered: Delivered
    rows: ir.Table
    first_line: int
    mended: Mended | None = None
    stated: Mapping[str, int] = field(default_factory=dict)


class Source(Protocol):
    """The shape of a source's module."""

    @property
    def MANIFEST(self) -> bool: ...

    @property
    def SUFFIXES(self) -> tuple[str, ...]: ...

    def scan(self, path: Path) -> Scan: ...

    def columns(self, path: Path) -> tuple[str, ...]: ...

    def read(self, engine: Engine, delivered: Delivered, day: Day, folder: Path) -> Loaded: ...


def source_for(path: Path) -> Source:
    """The source that reads files of this name; everything that no other claims is taken for CSV."""
    sources = [cast(Source, importlib.import_module(name)) for name in SOURCES]
    return next((source for source in sources if path.name.endswith(source.SUFFIXES)), sources[-1])


def source_of(file: PartyFile, business_day: date, timezone: ZoneInfo) -> Source:
    """The source of a party's file. Raises ValueError when there is none of the name that the party gives."""
    if file.source == STANDARD:
        return source_for(file.path)
    if file.source not in STATEMENTS:
        names = ", ".join((STANDARD, *STATEMENTS))
        raise ValueError(f"{file.name}: there is no source {file.source!r}; choose one of {names}")
    from reconciliation.sources.statement import Statement, StatementSource

    module = cast(Statement, importlib.import_module(STATEMENTS[file.source]))
    return StatementSource(module, file.settings or module.Config(), business_day, timezone)


def check_columns(names: tuple[str, ...], required: tuple[str, ...]) -> None:
    """Raises SourceError when a column has no name, shares it with another (capitals make no difference), or a required
    one is missing."""
    folded = [name.casefold() for name in names]
    twice = sorted({name for name in names if folded.count(name.casefold()) > 1})
    missing = [name for name in required if name not in names]
    if missing:
        raise SourceError(f"its header lacks {', '.join(missing)}; a standard record needs {', '.join(required)}")
    if "" in names:
        place = names.index("") + 1
        raise SourceError(
            f"column {place} of its header has no name; is there a comma too many at the end of the line?"
        )
    if twice:
        raise SourceError(f"its header names {', '.join(map(repr, twice))} more than once; each column has one name")
