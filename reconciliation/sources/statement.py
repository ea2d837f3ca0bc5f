"""Statement formats: what payment channels and banks deliver, turned into standard records line by line.

A statement source is a module with `Config` (a pydantic model of its settings), `NAME`, `SUFFIXES` and
`convert(path, config, day, writer)`: it hands each record and each bad row to the writer, in the order of the file, and
returns the totals that the file states of itself and that were found true. A file that cannot be the right one (cut
short, of another day or party, totals that do not tie) raises SourceError, and nothing of it is used.

The writer makes the two files that `mending` makes of a damaged CSV: a copy in the standard columns in which the n-th row
stands for line n of the original, and the list of what was set aside. What a "line" is, each source says.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from reconciliation.mending import SET_ASIDE_COLUMNS, Mended
from reconciliation.scanning import Scan, checksum
from reconciliation.standard_record import COLUMNS, LARGEST_AMOUNT, valid_amount

if TYPE_CHECKING:
    from reconciliation.engines import Engine
    from reconciliation.sources import Delivered, Opened
    from reconciliation.validation import Day

FIRST_LINE: Final = 1
"""Lines are counted from 1; the copy's header has no line of the original."""
_LONGEST_VALUE: Final = 100
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Statement(Protocol):
    """The shape of a statement source's module."""

    @property
    def NAME(self) -> str: ...

    @property
    def SUFFIXES(self) -> tuple[str, ...]: ...

    @property
    def Config(self) -> type[BaseModel]: ...

    def convert(
        self, path: Path, config: Any, business_day: date, timezone: ZoneInfo, writer: StatementWriter
    ) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True)
class StatementSource:
    """A statement format with its settings, in the shape of `sources.Source`."""

    module: Statement
    config: BaseModel
    business_day: date
    timezone: ZoneInfo

    @property
    def MANIFEST(self) -> bool:
        """A statement states its own totals."""
        return False

    @property
    def SUFFIXES(self) -> tuple[str, ...]:
        return self.module.SUFFIXES

    def scan(self, path: Path) -> Scan:
        """The checksum. Raises OSError when the file cannot be read."""
        return Scan(checksum(path), lines=0, commas=0, quoted=False)

    def columns(self, path: Path) -> tuple[str, ...]:
        """The columns of the standard record, which the statement is turned into."""
        return COLUMNS

    def ways(self, engine: Engine, delivered: Delivered, day: Day, folder: Path) -> Iterator[Opened]:
        """The copy in standard records. Raises SourceError when the statement is refused as a whole."""
        from reconciliation.sources import Opened
        from reconciliation.sources.standard_csv import picked

        own = folder / delivered.party
        own.mkdir()
        with StatementWriter(own, delivered.path.name) as writer:
            stated = self.module.convert(delivered.path, self.config, self.business_day, self.timezone, writer)
        copy = writer.mended.copy
        yield Opened(
            delivered,
            engine.read_csv(copy, COLUMNS),
            partial(picked, copy, COLUMNS),
            FIRST_LINE,
            "even line by line",
            mended=writer.mended,
            stated=stated,
        )


class StatementWriter(AbstractContextManager["StatementWriter"]):
    """Takes the records and the bad rows of one statement in rising order of their lines."""

    def __init__(self, folder: Path, name: str) -> None:
        self.mended = Mended(folder / f"{name}.records.csv", folder / f"{name}.set-aside.csv")
        self.records = 0
        self.amount_minor = 0
        self._copy = self.mended.copy.open("w", encoding="utf-8", newline="")
        self._aside = self.mended.set_aside.open("w", encoding="utf-8", newline="")
        self._record = csv.writer(self._copy, lineterminator="\n")
        self._reject = csv.writer(self._aside, lineterminator="\n")
        self._record.writerow(COLUMNS)
        self._reject.writerow(SET_ASIDE_COLUMNS)
        self._line = 0

    def record(self, line: int, cells: Mapping[str, object]) -> None:
        """One standard record that stands on that line; names are those of the standard record, None is left empty.

        The cells are judged afterwards like those of any file, so a value that is wrong may be handed on as it stands.
        """
        row = ["" if cells.get(name) is None else str(cells[name]) for name in COLUMNS]
        bad = next((name for name, cell in zip(COLUMNS, row, strict=True) if _CONTROL.search(cell)), None)
        if bad is not None:
            amount = valid_amount(row[COLUMNS.index("amount_minor")]) or 0
            self.reject(line, bad, "a control character stands in the text", row[COLUMNS.index(bad)], amount)
            return
        self._advance(line)
        self._record.writerow(row)
        self.records += 1

    def reject(
        self, line: int, column: str, reason: str, value: str = "", amount_minor: int = 0, *, certain: bool = True
    ) -> None:
        """A row from which no record can be made: the column in the sender's or our words, and a reason that follows
        on it ("is no amount"); `amount_minor` is what it states, where that much can be read, and `certain`, whether it
        stands in its own place."""
        self._advance(line)
        self._copy.write("," * (len(COLUMNS) - 1) + "\n")
        shown = _CONTROL.sub(lambda sign: f"\\x{ord(sign[0]):02x}", value)[:_LONGEST_VALUE]
        self._reject.writerow([line, column, reason, "" if column == "account" else shown])
        self.mended.rows += 1
        if 0 <= amount_minor <= LARGEST_AMOUNT:
            self.mended.amount_minor += amount_minor
            self.mended.uncertain_amount_minor += 0 if certain else amount_minor

    def _advance(self, line: int) -> None:
        if line <= self._line:
            raise ValueError(f"line {line} comes after line {self._line}: records are written in rising order")
        empty = "," * (len(COLUMNS) - 1) + "\n"
        for _ in range(line - self._line - 1):
            self._copy.write(empty)
        self._line = line

    def close(self) -> None:
        """Finish both files."""
        self._copy.close()
        self._aside.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def instant_text(local: datetime, timezone: ZoneInfo) -> str:
    """A local time of the sender as the standard record writes it: ISO 8601 with the zone's offset."""
    return local.replace(tzinfo=timezone).isoformat(sep="T", timespec="auto")
