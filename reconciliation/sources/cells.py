"""Cells of a workbook as the standard record writes them: exact text, money in minor units, days and instants.

A number in a workbook is a binary fraction of 15 decimal digits; it is taken by its shortest decimal form and never
rounded. A cell that cannot be taken raises BadCell with the column, the reason and the value; so does one that holds no
value, a formula that was never computed or an error, which stands in the row as `Valueless`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from core.money import EXPONENTS, parse_minor

_DIGITS = 15
_GROUPED = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII)
_DAY = re.compile(r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|([0-9]{2})([0-9]{2}))", re.ASCII)
_TIME = re.compile(
    r"(?P<day>[0-9]{8}|[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2})[T ]?"
    r"(?P<hour>[0-9]{2}):?(?P<minute>[0-9]{2}):?(?P<second>[0-9]{2})(?P<part>\.[0-9]{1,6})? ?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)

Cell = int | float | str | bool | date | datetime | time | object


@dataclass(frozen=True, slots=True)
class Valueless:
    """A cell without a value; the reason follows on the column's name."""

    reason: str


class BadCell(Exception):
    """A cell cannot be taken; the reason follows on the column's name, as in "amount_minor is not an amount"."""

    def __init__(self, column: str, reason: str, value: Cell) -> None:
        super().__init__(reason)
        self.column, self.reason, self.value = column, reason, str(value)


def plain(cell: Cell) -> str:
    """The text of a text cell without blanks around it; empty for every other cell."""
    return cell.strip() if isinstance(cell, str) else ""


def text_of(column: str, cell: Cell) -> str:
    """The cell as text: text as it stands, numbers by their digits, dates as ISO 8601. Raises BadCell."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, int | float):
        return _number(column, cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Valueless):
        raise BadCell(column, cell.reason, "")
    raise BadCell(column, "is neither text nor a number nor a date", str(cell))


def minor_of(column: str, cell: Cell, currency: str, unit: Literal["major", "minor"]) -> int:
    """Minor units, with sign. Raises BadCell when the cell is no amount, or has more digits than the currency."""
    if currency not in EXPONENTS:
        raise BadCell("currency", "is not an ISO 4217 currency code", currency)
    if isinstance(cell, Valueless):
        raise BadCell(column, cell.reason, "")
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        raise BadCell(column, "is not an amount", str(cell))
    text = cell.strip() if isinstance(cell, str) else _number(column, cell)
    digits = text.replace(",", "") if _GROUPED.fullmatch(text) else text
    if len(digits) > 2 * _DIGITS:
        raise BadCell(column, f"has more than {2 * _DIGITS} digits", text)
    if unit == "minor":
        if re.fullmatch(r"-?[0-9]+", digits, re.ASCII) is None:
            raise BadCell(column, "is not a whole number of minor units", text)
        return int(digits)
    try:
        return parse_minor(digits, currency)
    except ValueError as error:
        raise BadCell(column, f"cannot be taken: {error}", text) from error


def day_of(column: str, cell: Cell) -> date:
    """A date cell, or text such as 2026-11-01, 2026/11/1 or 20261101. Raises BadCell."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = text_of(column, cell)
    found = _DAY.fullmatch(text)
    if found is None:
        raise BadCell(column, "is not a date", text)
    try:
        return date(int(found[1]), int(found[3] or found[5]), int(found[4] or found[6]))
    except ValueError as error:
        raise BadCell(column, f"is not a date: {error}", text) from error


def moment_of(column: str, cell: Cell, time_of_day: time, timezone: ZoneInfo) -> datetime:
    """A date and time with its zone, that of the control unless the text names one. Raises BadCell."""
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=timezone)
    text = plain(cell) or text_of(column, cell)
    found = _TIME.fullmatch(text)
    if found is None:
        return datetime.combine(day_of(column, cell), time_of_day, timezone)
    day = day_of(column, found["day"])
    micros = int((found["part"] or ".")[1:].ljust(6, "0"))
    try:
        clock = time(int(found["hour"]), int(found["minute"]), int(found["second"]), micros)
        zone = datetime.fromisoformat(f"2000-01-01T00:00:00{found['zone']}").tzinfo if found["zone"] else timezone
    except ValueError as error:
        raise BadCell(column, f"is not a date and time: {error}", text) from error
    return datetime.combine(day, clock, zone)


def _number(column: str, cell: int | float) -> str:
    """The shortest decimal that the cell's binary fraction stands for, without an exponent."""
    number = Decimal(repr(cell))
    if not number.is_finite():
        raise BadCell(column, "is not a number", cell)
    number = number.normalize()
    if len(number.as_tuple().digits) > _DIGITS or abs(number) >= 10**_DIGITS:
        reason = f"is a number of more than {_DIGITS} digits, which a workbook does not keep; have it as text"
        raise BadCell(column, reason, cell)
    return f"{number:f}"
