"""Workbooks (.xlsx, .xls, .xlsb, .ods) as standard records, one for each row below a header; calamine reads the cells.

Which column is which is said in `columns` (standard column: header text), what no column holds in `constants`, and what
a cell's text means in `words` ({status: {成功: success}}). A "line" is the row's number as the workbook shows it.

- A number in a workbook is a binary fraction of 15 digits. It is taken by its shortest decimal form, never rounded: an
  amount with more digits than its currency has, or any number of more than 15 digits, sets its row aside. Text stays as it
  is, leading zeros too; a thousands separator in an amount is understood.
- A formula is taken by the value that the workbook keeps of it. A cell of an .xlsx that keeps none, since it was never
  computed or is an error, sets its row aside (`formulas`); to the reader it is empty or 0.
- A cell with a date and time is local time in the control's zone; a mere date becomes `time_of_day` of it, noon unless
  said otherwise, so that it touches no cut-off window. Where business_day is not given, it is the day of occurred_at.
- Without a column for it, record_id is `sheet!row`; with `negative_is_refund` the sign of the amount tells the kind.
- `total_row` is where the sheet states its own sum and count. It must be there, its count must be that of all rows, those
  set aside included, and its sum that of their amounts with their signs. An amount that cannot be read leaves the sum
  unproven: it is then left out of the result, and the file is refused if the readable rest already exceeds it. What
  stands below the total row are remarks, and no row with an amount may be among them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reconciliation.sources import SourceError, zips
from reconciliation.sources.cells import BadCell, Cell, Valueless, day_of, minor_of, moment_of, plain, text_of
from reconciliation.sources.formulas import valueless
from reconciliation.sources.statement import StatementWriter, instant_text
from reconciliation.standard_record import COLUMNS, REQUIRED

if TYPE_CHECKING:
    import python_calamine

NAME: Final = "excel"
SUFFIXES: Final = (".xlsx", ".xls", ".xlsb", ".ods")

_LARGEST_BYTES = 256 << 20
_LARGEST_UNPACKED = 2 << 30
_MOST_CELLS = 24_000_000  # a full sheet of 22 columns; the reader keeps every cell of the rectangle in memory
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]{0,200}?\br="([A-Z]{1,3})([0-9]{1,7})"')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class TotalRow(BaseModel):
    """The row that has `label` in any cell; `amount` and `count` are the headers under which it states them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(default="合计", min_length=1)
    amount: str | None = None
    count: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.amount is None and self.count is None:
            raise ValueError("a total row states an amount or a count; give the header of one of them")
        return self


class Config(BaseModel):
    """`amount_unit`: whether numbers are major units (yuan) or minor units (fen); fees are in the same."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sheet: str | None = None
    header_row: int = Field(default=1, ge=1)
    columns: Mapping[str, str]
    constants: Mapping[str, str] = Field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    amount_unit: Literal["major", "minor"] = "major"
    negative_is_refund: bool = False
    time_of_day: time = time(12)
    total_row: TotalRow | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        named = {*self.columns, *self.constants}
        own = {"record_id"} | ({"kind"} if self.negative_is_refund else set())
        if "business_day" in named or "occurred_at" in named:
            own |= {"business_day", "occurred_at"}
        if unknown := sorted({*named, *self.words} - set(COLUMNS)):
            raise ValueError(f"{', '.join(unknown)}: no column of the standard record")
        if missing := [name for name in REQUIRED if name not in named | own]:
            raise ValueError(f"{', '.join(missing)}: give a column or a constant")
        if both := sorted(self.columns.keys() & self.constants.keys()):
            raise ValueError(f"{', '.join(both)}: give a column or a constant, not both")
        if "amount_minor" not in self.columns:
            raise ValueError("amount_minor: give the column that holds the amount")
        if self.time_of_day.tzinfo is not None:
            raise ValueError("time_of_day is a time of the control's zone; write it without one")
        return self


@dataclass(slots=True)
class _Sum:
    """Rows and the sum of their amounts, in minor units with sign, by currency; `unread` amounts could not be read."""

    rows: int = 0
    minor: int = 0
    unread: int = 0
    negative: bool = False
    currency: str = ""
    days: set[str] = field(default_factory=set)


def convert(
    path: Path, config: Config, business_day: date, timezone: ZoneInfo, writer: StatementWriter
) -> Mapping[str, int]:
    """Write every row below the header; returns rows, and the amount and count of the total row where proven.

    Raises SourceError when the workbook, the sheet or a column is not there, or the total row does not tie.
    """
    total: list[Cell] | None = None
    total_line = 0
    found = _Sum()
    name, rows, first_column = _rows(path, config)
    header = rows[config.header_row - 1] if len(rows) >= config.header_row else []
    if not any(cell != "" for cell in header):
        raise SourceError(f"sheet {name!r} has nothing in row {config.header_row}, where its header should stand")
    places = _places(header, config)
    _mark_valueless(path, name, rows, first_column, places)
    for line, cells in enumerate(rows, start=1):
        if line <= config.header_row or not any(cell != "" for cell in cells):
            continue
        if total is not None:
            _check_remark(line, cells, places, config, total_line)
        elif config.total_row is not None and any(plain(cell) == config.total_row.label for cell in cells):
            total, total_line = cells, line
        else:
            found.rows += 1
            _row(line, cells, places, name, config, timezone, writer, found)
    if found.days and business_day.isoformat() not in found.days:
        raise SourceError(
            f"its rows are of {', '.join(sorted(found.days)[:3])}, none of {business_day}; it is another day's;"
            " ask for the file again"
        )
    stated: dict[str, int] = {"rows": found.rows}
    if config.total_row is not None:
        if total is None:
            raise SourceError(
                f"sheet {name!r} has no row {config.total_row.label!r}; it is cut short, or not the right one;"
                " ask for the file again"
            )
        stated |= _check_total(total, total_line, places, config, found)
    return stated


def _rows(path: Path, config: Config) -> tuple[str, list[list[Cell]], int]:
    """The sheet's name, its rows from the first on, and the column, from 0, with which they begin.

    Raises SourceError when they cannot be read.
    """
    import python_calamine

    _check_size(path)
    try:
        workbook = _opened(path)
        names = workbook.sheet_names
        if config.sheet is None and len(names) != 1:
            raise SourceError(f"it has {len(names)} sheets ({', '.join(names)}); name one as `sheet`")
        if config.sheet is not None and config.sheet not in names:
            raise SourceError(f"it has no sheet {config.sheet!r}, only {', '.join(map(repr, names))}")
        sheet = workbook.get_sheet_by_name(config.sheet or names[0])
        return sheet.name, list(sheet.iter_rows()), (sheet.start or (0, 0))[1]
    except python_calamine.PasswordError as error:
        raise SourceError("it is protected by a password; ask for it without one") from error
    except (python_calamine.CalamineError, OSError, ValueError, OverflowError) as error:
        raise SourceError(f"it is no workbook, or it is damaged ({error}); ask for it again") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # the reader's own fault, which is no Exception
            raise SourceError("it is damaged where the reader gives up; ask for it again") from error
        raise


def _mark_valueless(
    path: Path, sheet: str, rows: list[list[Cell]], first_column: int, places: Mapping[str, int]
) -> None:
    """Put what has no value in its place. The reader leaves off rows at the end that have nothing but such cells."""
    missing = valueless(path, sheet, {place + first_column for place in places.values()})
    width = len(rows[0])
    if max(missing, default=0) * width > _MOST_CELLS:
        raise SourceError(f"a sheet spans more than {_MOST_CELLS} cells; clear what stands far out and ask again")
    rows.extend([""] * width for _ in range(max(missing, default=0) - len(rows)))
    for line, reasons in missing.items():
        for column, reason in reasons.items():
            rows[line - 1][column - first_column] = Valueless(reason)


def _opened(path: Path) -> python_calamine.CalamineWorkbook:
    """The workbook by its name, or else by its content: many a name ends in .xls that should not."""
    import python_calamine

    try:
        return python_calamine.CalamineWorkbook.from_path(path)
    except python_calamine.CalamineError as error:
        try:
            with path.open("rb") as file:
                return python_calamine.CalamineWorkbook.from_filelike(file)
        except python_calamine.CalamineError:
            raise error from None  # what was wrong by its own name says more


def _check_size(path: Path) -> None:
    """Refuse what would unpack to far more than it seems to be, before the reader takes it into memory."""
    if path.stat().st_size > _LARGEST_BYTES:
        raise SourceError(f"it is larger than {_LARGEST_BYTES >> 20} MiB; ask for CSV or Parquet")
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _LARGEST_UNPACKED:
                raise SourceError(f"it unpacks to more than {_LARGEST_UNPACKED >> 30} GiB; ask for CSV or Parquet")
            for member in archive.infolist():
                if member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml"):
                    with archive.open(member) as sheet:
                        _check_rectangle(sheet)
    except zips.DAMAGE as error:
        raise SourceError(f"it is no workbook, or it is damaged ({error}); ask for it again") from error


def _check_rectangle(sheet: Any) -> None:
    """A sheet of two cells, one in each corner, would take all memory: the reader fills the rectangle between."""
    tail = b""
    rows, columns = [1, 1], [1, 1]
    while chunk := sheet.read(1 << 20):
        for found in _CELL.finditer(tail + chunk):
            column = 0
            for sign in found[1]:
                column = column * 26 + sign - 64
            rows = [min(rows[0], int(found[2])), max(rows[1], int(found[2]))]
            columns = [min(columns[0], column), max(columns[1], column)]
        tail = chunk[-256:]
        if (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1) > _MOST_CELLS:
            raise SourceError(f"a sheet spans more than {_MOST_CELLS} cells; clear what stands far out and ask again")


def _places(cells: list[Cell], config: Config) -> dict[str, int]:
    """Where each column stands that the settings name: by standard column, and by header for the total row."""
    headers = [plain(cell) for cell in cells]
    total = config.total_row
    wanted = {
        **config.columns,
        **({f"total {name}": name for name in (total.amount, total.count) if name} if total else {}),
    }
    for header in wanted.values():
        if headers.count(header) != 1:
            count = headers.count(header) or "no"
            raise SourceError(f"row {config.header_row} has {count} column {header!r}; it must stand there once")
    return {name: headers.index(header) for name, header in wanted.items()}


def _row(
    line: int,
    cells: list[Cell],
    places: Mapping[str, int],
    sheet: str,
    config: Config,
    timezone: ZoneInfo,
    writer: StatementWriter,
    found: _Sum,
) -> None:
    """Write one row as a record, or set it aside with the amount it states."""
    values: dict[str, Cell] = {**config.constants, **{name: cells[places[name]] for name in config.columns}}
    amount: int | None = None
    try:
        for name, words in config.words.items():
            values[name] = words.get(plain(values.get(name, "")), values.get(name, ""))
        currency = text_of("currency", values["currency"])
        amount = minor_of("amount_minor", values["amount_minor"], currency, config.amount_unit)
        record: dict[str, object] = {
            name: text_of(name, value)
            for name, value in values.items()
            if name not in ("amount_minor", "fee_minor", "business_day", "occurred_at")
        }
        record.setdefault("record_id", f"{sheet}!{line}")
        if config.negative_is_refund:
            record.setdefault("kind", "refund" if amount < 0 else "payment")
        elif amount < 0:
            raise BadCell("amount_minor", "is below 0, and the settings do not say that this means a refund", amount)
        record["amount_minor"], record["currency"] = abs(amount), currency
        if "fee_minor" in values and values["fee_minor"] != "":
            record["fee_minor"] = minor_of("fee_minor", values["fee_minor"], currency, config.amount_unit)
        record |= _times(values, config, timezone)
        if control := next((name for name, value in record.items() if _CONTROL.search(str(value))), None):
            raise BadCell(control, "a control character stands in the text", str(record[control]))
    except BadCell as bad:
        writer.reject(line, bad.column, bad.reason, bad.value, abs(amount or 0))
    else:
        found.days.add(str(record["business_day"]))
        writer.record(line, record)
    _add(found, amount, str(values.get("currency", "")))


def _add(found: _Sum, amount: int | None, currency: str) -> None:
    if amount is None:
        found.unread += 1
        return
    found.minor += amount
    found.negative = found.negative or amount < 0
    if found.currency not in ("", currency):
        found.unread += 1  # two currencies have no common sum
    found.currency = currency


def _check_remark(line: int, cells: list[Cell], places: Mapping[str, int], config: Config, total_line: int) -> None:
    amount = cells[places["amount_minor"]]
    if isinstance(amount, int | float | Valueless) or (
        config.total_row and any(plain(c) == config.total_row.label for c in cells)
    ):
        raise SourceError(
            f"row {line} stands below the total of row {total_line} and has an amount; it is not one list"
        )


def _check_total(
    cells: list[Cell], line: int, places: Mapping[str, int], config: Config, found: _Sum
) -> dict[str, int]:
    """What the total row states, in minor units and rows. Raises SourceError when it is not what the rows add up to."""
    stated: dict[str, int] = {}
    total = config.total_row
    try:
        if total is not None and total.count is not None:
            count = text_of("count", cells[places[f"total {total.count}"]])
            if count != str(found.rows):
                raise SourceError(
                    f"row {line} states {count} rows and there are {found.rows}; it is cut short or doubled;"
                    " ask for the file again"
                )
            stated["count"] = found.rows
        if total is not None and total.amount is not None:
            currency = found.currency or config.constants.get("currency", "CNY")
            minor = minor_of("amount", cells[places[f"total {total.amount}"]], currency, config.amount_unit)
            if (minor != found.minor and not found.unread) or (minor < found.minor and not found.negative):
                raise SourceError(
                    f"row {line} states a total of {minor} and the rows add up to {found.minor} {currency}, in minor "
                    "units; ask for the file again"
                )
            if not found.unread:
                stated["amount_minor"] = minor
    except BadCell as bad:
        raise SourceError(f"row {line}: the total {bad.value!r} {bad.reason}") from bad
    return stated


def _times(values: Mapping[str, Cell], config: Config, timezone: ZoneInfo) -> dict[str, object]:
    """business_day and occurred_at, each from its own cell or from the other's."""
    day = day_of("business_day", values["business_day"]) if "business_day" in values else None
    if "occurred_at" not in values:
        if day is None:
            raise BadCell("business_day", "is missing", "")
        return {"business_day": day, "occurred_at": instant_text(datetime.combine(day, config.time_of_day), timezone)}
    moment = moment_of("occurred_at", values["occurred_at"], config.time_of_day, timezone)
    return {
        "business_day": day or moment.astimezone(timezone).date(),
        "occurred_at": moment.isoformat(sep="T", timespec="auto"),
    }
