"""The file formats that can be reconciled, one file each; adding one is a file, a line in a list here, and a test.

`SOURCES` are the containers of the standard record, told apart by the file's name; `STATEMENTS` are the formats that a
control names, which are turned into standard records (`statement`). A source has `MANIFEST`, whether a manifest must lie
beside the file; `SUFFIXES`; `scan(path)`, one pass for the checksum; `columns(path)`, the names in the file's header; and
`ways(engine, delivered, day, folder)`, the ways to read its rows as text, the fastest first. What it cannot read at all it says
with SourceError; single bad rows are rows that `validation` finds a fault in, or stand in `mended`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from zoneinfo import ZoneInfo

from reconciliation.mending import Mended
from reconciliation.request import STANDARD, PartyFile
from reconciliation.scanning import Scan

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy

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


_OTHER_KINDS: Final = (
    (b"pk\x03\x04", "it is a workbook or a zip archive under another name"),
    (b"\xd0\xcf\x11\xe0", "it is a workbook (.xls) under another name"),
    (b"\x1f\x8b", "it is packed with gzip, and its name does not end in .gz"),
    (b"%pdf", "it is a PDF document under another name"),
    (b"<", "it is a web page or an answer in XML, and no rows"),
    (b'{"', "it is an answer in JSON, and no rows"),
    (b"\xff\xfe", "it is text in UTF-16"),
    (b"\xfe\xff", "it is text in UTF-16"),
    (bytes(64), "it has zeros in place of text"),
)
"""With what a file begins that is no text of rows, in small letters, and what it is."""
HEAD_BYTES: Final = 1 << 16
_BREAKS: Final = re.compile("[ ]*[\x00-\x1f\x7f\x85\u2028\u2029][\x00-\x20\x7f\x85\u2028\u2029]*")


class SourceError(Exception):
    """A file cannot be read as its format; the sentence says what is wrong and what to do. It is one line, also where it
    holds what a parser or the file says in several."""

    def __init__(self, sentence: str) -> None:
        super().__init__(_BREAKS.sub(" ", sentence))


@dataclass(frozen=True, slots=True)
class Delivered:
    """One party's file after its bytes were scanned; `keep` are columns that are wanted as text besides the judged ones."""

    party: str
    path: Path
    columns: tuple[str, ...]
    scan: Scan
    keep: tuple[str, ...] = ()


class Picked(Protocol):
    """Brings chosen rows of a file before the engine again, without those between them."""

    def __call__(self, engine: Engine, rows: numpy.ndarray[Any, Any], target: Path) -> ir.Table:
        """The text of the rows with these numbers (rising, from 0), with their number as `ROW`; `target` is a file's
        name without its ending, for what has to be written. Raises ReadError."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One way to read a file: `text` has its columns as text, in the order of its rows; row n stands on line n +
    `first_line`.

    The reading stands only when it gave `count` rows, where that is known beforehand; else the next way is tried, and
    after the last one `unreadable` says what was tried in vain. `stated` are the totals that the file states of itself
    and that were found true, in rows or minor units; `claimed` those that still have to be compared with its rows.
    """

    delivered: Delivered
    text: ir.Table
    picked: Picked
    first_line: int
    unreadable: str
    count: int | None = None
    mended: Mended | None = None
    stated: Mapping[str, int] = field(default_factory=dict)
    claimed: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rows of one file that have to be looked at closely, as `validation.checked` gives them with `row`."""

    opened: Opened
    rows: ir.Table

    @property
    def delivered(self) -> Delivered:
        return self.opened.delivered

    @property
    def first_line(self) -> int:
        return self.opened.first_line

    @property
    def mended(self) -> Mended | None:
        return self.opened.mended


class Source(Protocol):
    """The shape of a source's module."""

    @property
    def MANIFEST(self) -> bool: ...

    @property
    def SUFFIXES(self) -> tuple[str, ...]: ...

    def scan(self, path: Path) -> Scan: ...

    def columns(self, path: Path) -> tuple[str, ...]: ...

    def ways(self, engine: Engine, delivered: Delivered, day: Day, folder: Path) -> Iterator[Opened]: ...


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


def check_text(head: bytes) -> None:
    """Raises SourceError when the first `HEAD_BYTES` of a file are not those of a text with lines: what comes of a download
    that failed, or of a file that was saved as something else."""
    if not head.strip():
        raise SourceError("it is empty; ask for the file again")
    start = head[:64].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for sign, what in _OTHER_KINDS:
        if start.startswith(sign):
            raise SourceError(f"{what}; ask for the file again")
    if b"\n" not in head and b"\r" in head.rstrip(b"\r"):
        raise SourceError(
            "its lines end with carriage returns alone, as on old Macs; save it with lines that end with LF or CRLF and "
            "deliver it again"
        )


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
