"""The pages of an MT940 file: its text cut at every :20:, each page read by the library `mt940`, none of it passed over.

A statement may run over several pages. Its first opens with :60F: and its last closes with :62F:; those between hand the
balance on, :62M: on the one page and :60M: on the next, under one statement number and rising sequence numbers in :28C:.
Source: SWIFT Standards MT, Category 9, MT 940, fields 28C, 60a, 61 and 62a.

What the library would say of a field that it cannot read holds the field, and with it accounts and names; which field it
is, is found out here. A date of an entry that is none costs that entry alone, so it is kept from the library.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from reconciliation.sources import SourceError

_TAG = re.compile(r":(?P<tag>[0-9]{2}|NS)(?P<option>[A-Z])?:")
_ENVELOPE = re.compile(r"\{[1-5S]:|-\}|-$")
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)  # the library's own
_ENTRY = re.compile(r":61:(?P<value>[0-9]{6})(?P<entry>[0-9]{0,8}| {4})(?P<mark>R?[DC])(?P<rest>.*)", re.IGNORECASE)
_BALANCE = re.compile(r":6[0245][FM]?:[DC](?P<day>[0-9]{6})[A-Z]{3}(?P<amount>.*)", re.IGNORECASE)
_WRITTEN = re.compile(r"[A-Z]?(?P<amount>[^A-Z/]{0,40})", re.IGNORECASE)  # after the mark, a letter of the currency
_ANY_DAY: Final = "000101"


class Field(NamedTuple):
    """One field: its tag with its option, its physical line, and what stands on that line."""

    name: str
    line: int
    text: str


@dataclass(slots=True)
class Page:
    """One page's text from its :20: on; `undated` are the entries, by their line, of which a date is none."""

    first_line: int
    lines: list[str] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    undated: dict[int, tuple[str, str]] = field(default_factory=dict)

    @property
    def entries(self) -> list[int]:
        """The lines on which its entries stand."""
        return [each.line for each in self.fields if each.name == "61"]

    def one(self, tag: str) -> Field:
        """Its only field of that tag, whatever the option."""
        return next(each for each in self.fields if each.name.startswith(tag))


def pages(text: str) -> Iterator[Page]:
    """The pages, without the envelope; remarks on a whole page (:86: after :62:) are left out."""
    page: Page | None = None
    closed = skipping = False
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.rstrip("\r")
        if "\r" in line:
            raise SourceError(f"line {number} holds a carriage return that ends no line; ask for the file again")
        if _ENVELOPE.match(line):
            skipping, line = True, ""
        tag = _TAG.match(line)
        if tag is not None:
            skipping = False
            name = tag["tag"] + (tag["option"] or "")
            if name == "20":
                if page is not None:
                    yield page
                page, closed = Page(number), False
            elif page is None and name in ("61", "60F", "62F"):
                raise SourceError(f"line {number} is a :{name}: before any :20:; its beginning is missing")
            if page is not None:
                page.fields.append(Field(name, number, line))
                if name == "61":
                    line = _dated(page, number, line)
                skipping = closed and name == "86"
                closed = closed or tag["tag"] == "62"
        if page is not None and not skipping:
            page.lines.append(line)
    if page is not None:
        yield page


def parsed(page: Page) -> Any:
    """The library's reading of one page, proven to have lost no field that counts. Raises SourceError."""
    import mt940

    where = f"the statement of line {page.first_line}"
    for tag, name in (("60", "opening balance (:60F:)"), ("62", "closing balance (:62F:)")):
        count = sum(each.name.startswith(tag) for each in page.fields)
        if count != 1:
            raise SourceError(
                f"{where} has {count or 'no'} {name}; exactly one belongs there: it is cut short or doubled;"
                " ask for the file again"
            )
    order = [each.name[:2] for each in page.fields if each.name[:2] in ("60", "61", "62")]
    if order != sorted(order):
        raise SourceError(f"in {where} an entry stands outside its balances; ask for the file again")
    try:
        found = mt940.parse(
            io.StringIO("\n".join(page.lines)),
            processors={"post_transaction_details": []},  # :86: as it stands, never merged into the references
            options=mt940.Options.all(),
        )
    except _UNREADABLE as error:
        _blame(page)
        raise SourceError(f"{where} cannot be read as MT940; ask for the file again") from error
    if len(found.transactions) != len(page.entries):
        _blame(page)
        raise SourceError(f"{where} has {len(page.entries)} entries, of which {len(found.transactions)} can be read")
    return found


def _dated(page: Page, number: int, line: str) -> str:
    """The line as the library may have it: a date in it that is none is noted, and stands in as some day."""
    found = _ENTRY.fullmatch(line)
    if found is None:
        return line
    value, entry = found["value"], found["entry"].strip()
    if not _is_day(value):
        page.undated[number] = ("value date", value)
    elif entry and not (len(entry) == 4 and _is_day(value[:2] + entry)):
        page.undated[number] = ("entry date", entry)
    else:
        return line
    return f":61:{_ANY_DAY}{found['mark']}{found['rest']}"


def _is_day(text: str) -> bool:
    try:
        date(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        return False
    return True


def _blame(page: Page) -> None:
    """Raises SourceError for the first field of which is known what is wrong with it."""
    for each in page.fields:
        if each.name == "61":
            entry = _ENTRY.fullmatch(each.text)
            if entry is None:
                raise SourceError(
                    f"line {each.line} is an entry (:61:) that does not begin with a date and C or D; ask for the "
                    "file again"
                )
            amount = _WRITTEN.match(entry["rest"])
            if entry["rest"] and amount is not None:  # else it may stand on the next line
                _check_amount(each, amount["amount"].strip())
        elif each.name[:2] in ("60", "62", "64", "65"):
            balance = _BALANCE.fullmatch(each.text)
            if balance is None or not _is_day(balance["day"]):
                raise SourceError(
                    f"line {each.line} is a balance (:{each.name}:) that does not begin with C or D, a date and a "
                    "currency; ask for the file again"
                )
            _check_amount(each, balance["amount"].strip())


def _check_amount(found: Field, amount: str) -> None:
    if not re.fullmatch("[0-9,]{1,15}", amount) or amount.count(",") > 1 or amount == ",":
        raise SourceError(
            f"line {found.line} (:{found.name}:) states {amount[:20]!r} as its amount, which is no amount; ask for "
            "the file again"
        )
