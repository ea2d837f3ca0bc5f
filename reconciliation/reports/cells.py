"""Cells of a workbook that say exactly what the result says: text stays text, and a number that would be rounded is text.

A spreadsheet counts with 15 decimal digits (IEEE 754 doubles), so that a longer integer is written as text.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.money import exponent
from reconciliation.certificate import Certificate

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

LARGEST_EXACT: Final = 10**15 - 1
_TEXT_IS_CUT: Final = -2  # what XlsxWriter answers when a text has more than 32,767 UTF-16 units


def open_workbook(path: Path, certificate: Certificate, title: str) -> Workbook:
    """A workbook that writes row by row, evaluates no text, and bears the business day as its date."""
    from xlsxwriter.workbook import Workbook

    book = Workbook(
        str(path),
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "use_zip64": True,
        },
    )
    book.set_properties({"title": title, "comments": certificate["hash"], "created": document_date(certificate)})
    return book


def document_date(certificate: Certificate) -> datetime:
    """The only instant that a report bears: the beginning, in UTC, of its business day."""
    return datetime.fromisoformat(str(certificate["business_day"])[:10]).replace(tzinfo=UTC)


def integer(sheet: Worksheet, row: int, column: int, value: int | None, style: Format | None = None) -> None:
    """Write an integer as a number, as text when a number would not be exact, and nothing for None."""
    if value is None:
        return
    if abs(value) <= LARGEST_EXACT:
        sheet.write_number(row, column, value, style)
    else:
        sheet.write_string(row, column, str(value), style)


def money(sheet: Worksheet, row: int, column: int, minor: int | None, currency: str, style: Format) -> None:
    """Write minor units in units of the currency, exactly."""
    if minor is None:
        return
    value = in_units(minor, currency)
    if abs(minor) <= LARGEST_EXACT:
        sheet.write_number(row, column, value, style)  # a Decimal, digit by digit
    else:
        sheet.write_string(row, column, f"{value:f}", style)


def text(sheet: Worksheet, row: int, column: int, value: str, style: Format | None = None) -> bool:
    """Write text as text; True when it was longer than a cell holds and was cut."""
    return bool(sheet.write_string(row, column, value, style) == _TEXT_IS_CUT)


def in_units(minor: int, currency: str) -> Decimal:
    """Minor units in units of the currency; of an unknown currency, minor units are units."""
    return Decimal(minor).scaleb(-digits(currency))


@cache
def digits(currency: str) -> int:
    """Digits after the point of a currency; 0 of a code that ISO 4217 does not list."""
    try:
        return exponent(currency)
    except ValueError:
        return 0


class Styles:
    """The formats of a workbook, made once each."""

    def __init__(self, book: Workbook) -> None:
        font = {"font_name": "Calibri", "font_size": 10}
        self._book, self._font = book, font
        self.title = book.add_format({**font, "bold": True, "font_size": 15})
        self.heading = book.add_format({**font, "bold": True, "font_size": 12, "font_color": "#1f3a5f"})
        self.head = book.add_format(
            {**font, "bold": True, "bg_color": "#e8edf3", "bottom": 1, "text_wrap": True, "valign": "top"}
        )
        self.plain = book.add_format({**font, "num_format": "@"})
        self.note = book.add_format({**font, "italic": True, "font_color": "#555555"})
        self.number = book.add_format({**font, "num_format": "#,##0"})
        self.tie = book.add_format({**font, "num_format": "#,##0", "bold": True, "top": 1})
        self.link = book.add_format({**font, "font_color": "#0b5cad", "underline": 1})
        self._units: dict[int, Format] = {}

    def units(self, currency: str) -> Format:
        """The format of an amount in units of a currency."""
        places = digits(currency)
        if places not in self._units:
            shape = "#,##0" + ("." + "0" * places if places else "")
            self._units[places] = self._book.add_format({**self._font, "num_format": shape})
        return self._units[places]
