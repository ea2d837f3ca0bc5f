"""SWIFT MT940 customer statements of a bank account, as standard records: one for each statement line (:61:).

The library `mt940` reads the fields; what it would pass over in silence (a second balance, a statement line that its
reading merges into another, remarks on the statement that it hangs onto the last entry) is counted in `mt940_pages` and
refused or kept apart. Source: SWIFT Standards MT, Category 9, MT 940.

- Per page opening (:60F:, :60M:) + credits - debits = closing (:62F:, :62M:), to the minor unit; the next page or
  statement opens with what the one before closed with; :90C: and :90D:, where given, tie in number and sum. The pages of a
  statement are all there: it opens with :60F:, closes with :62F:, and :28C: counts those between. Otherwise SourceError.
- A credit (C, or RD: the reversal of a debit) is a payment and a debit (D, RC) a refund; `credit_is` turns it about.
- The business key is the customer reference, the bank reference, or what a regular expression finds in :86:, whose lines
  are joined without a space as SWIFT breaks them. An entry without one (also NONREF), and one of which a date is none, is
  set aside with its amount. An entry without a mark or an amount that can be read leaves the balance unproven: SourceError.
- MT940 knows days and no times. The business day is the entry date, or the value date where no entry date is given, as
  the standard has it; `occurred_at` is `time_of_day` of it in the zone, noon unless said otherwise: no instant of the
  day is further off than twelve hours, and it never lies in a cut-off window and so is never excused by one.
- record_id is `statement number/sequence number-n`, n being the entry's place in its statement.
- A "line" is the physical line on which the entry's :61: stands.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.money import parse_minor
from reconciliation.sources import HEAD_BYTES, SourceError, check_text, mt940_pages
from reconciliation.sources.mt940_pages import Page
from reconciliation.sources.statement import StatementWriter, instant_text

NAME: Final = "mt940"
SUFFIXES: Final = (".mt940", ".940", ".sta", ".fin", ".txt")

_LARGEST_BYTES = 256 << 20
_OPENINGS = ("final_opening_balance", "intermediate_opening_balance", "opening_balance")
_CLOSINGS = ("final_closing_balance", "intermediate_closing_balance", "closing_balance")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_REFERENCE = ("", "NONREF")


class Config(BaseModel):
    """`account` as in :25:, spaces aside; `pattern` finds the key in :86:, by its group `key`, its first or its whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: str = Field(min_length=1)
    key: Literal["customer_reference", "bank_reference", "details"] = "customer_reference"
    pattern: str | None = None
    credit_is: Literal["payment", "refund"] = "payment"
    time_of_day: time = time(12)
    channel: str | None = None
    encoding: str = "utf-8"

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if (self.key == "details") != (self.pattern is not None):
            raise ValueError("pattern belongs to key: details; give both or neither")
        if self.time_of_day.tzinfo is not None:
            raise ValueError("time_of_day is a time of the control's zone; write it without one")
        try:
            re.compile(self.pattern or "")
            "".encode(self.encoding)
        except re.error as error:
            raise ValueError(f"pattern is no regular expression: {error}") from error
        except LookupError as error:
            raise ValueError(f"encoding: {error}") from error
        return self


@dataclass(slots=True)
class _Sums:
    entries: int = 0
    credit: int = 0
    debit: int = 0


@dataclass(frozen=True, slots=True)
class _Chain:
    """What the page before left behind; `final`, whether it was the last of its statement."""

    number: str
    final: bool
    line: int
    closing: int
    currency: str
    day: date


def convert(
    path: Path, config: Config, business_day: date, timezone: ZoneInfo, writer: StatementWriter
) -> Mapping[str, int]:
    """Write every entry of the account's statements; returns entries, opening, credits, debits and closing.

    Raises SourceError when the file is no MT940, is of another account or day, or does not add up.
    """
    logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)  # it would log whole fields, accounts among them
    sums, chain, opening = _Sums(), None, 0
    seen: set[str] = set()
    for ordinal, page in enumerate(mt940_pages.pages(_text(path, config)), start=1):
        parsed = mt940_pages.parsed(page)
        _check_account(parsed.data, page, config)
        number = _number(parsed.data, ordinal)
        if number in seen:
            raise SourceError(f"statement {number} stands in it twice; ask for the file again")
        seen.add(number)
        _check_order(page, number, chain)
        start, currency, _ = _balance(parsed.data, _OPENINGS, ":60F:", page)
        if chain is None:
            opening = start
        elif (chain.closing, chain.currency) != (start, currency):
            raise SourceError(
                f"statement {number} opens with {start} {currency} and the one before closed with {chain.closing} "
                f"{chain.currency}, in minor units; a statement is missing or out of order; ask for the file again"
            )
        chain = _statement(parsed, page, number, start, currency, config, timezone, writer, sums)
    if chain is None:
        raise SourceError("there is no statement in it: no line begins with :20:; it is no MT940 or it is empty")
    _check_ended(chain)
    if chain.day != business_day:
        raise SourceError(
            f"its last closing balance is of {chain.day}, not of {business_day}; it is another day's file;"
            " ask for the file again"
        )
    return {
        "entries": sums.entries,
        "opening_minor": opening,
        "credit_minor": sums.credit,
        "debit_minor": sums.debit,
        "closing_minor": chain.closing,
    }


def _text(path: Path, config: Config) -> str:
    if path.stat().st_size > _LARGEST_BYTES:
        raise SourceError(f"it is larger than {_LARGEST_BYTES >> 20} MiB; a bank statement is not")
    content = path.read_bytes()
    if content.strip() and not config.encoding.lower().replace("_", "-").startswith("utf-16"):
        check_text(content[:HEAD_BYTES])
    try:
        return content.decode(config.encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise SourceError(f"it is not {config.encoding} text (byte {error.start}); set `encoding`") from error


def _check_order(page: Page, number: str, before: _Chain | None) -> None:
    """Raises SourceError when the page is not the one that is due: the first of a statement, or the next of it."""
    carried = page.one("60").name == "60M"
    if before is None or before.final:
        if carried:
            raise SourceError(
                f"statement {number} opens with :60M: on line {page.one('60').line}, and the page that it carries on "
                "does not stand before it; its beginning is missing; ask for the file again"
            )
        return
    this, last = number.split("/"), before.number.split("/")
    numbered = not number.startswith("#") and not before.number.startswith("#")
    if not carried or (numbered and this[0] != last[0]):
        _check_ended(before)
    if numbered and int(this[1]) != int(last[1]) + 1:
        raise SourceError(
            f"statement {number} follows on {before.number}; a page between them is missing or out of order; ask for "
            "the file again"
        )


def _check_ended(last: _Chain) -> None:
    if not last.final:
        raise SourceError(
            f"statement {last.number} closes with :62M: on line {last.line}, and no further page of it follows; it is "
            "cut short; ask for the file again"
        )


def _statement(
    parsed: Any,
    page: Page,
    number: str,
    start: int,
    currency: str,
    config: Config,
    timezone: ZoneInfo,
    writer: StatementWriter,
    sums: _Sums,
) -> _Chain:
    """Write the entries of one page. Raises SourceError when they do not lead from opening to closing."""
    own = _Sums()
    for place, (line, entry) in enumerate(zip(page.entries, parsed.transactions, strict=True), start=1):
        amount = _minor(entry.data["amount"].amount, currency, f"line {line}")
        own.entries += 1
        credited = str(entry.data["status"]).upper() in ("C", "RD")
        if credited:
            own.credit += amount
        else:
            own.debit += amount
        if line in page.undated:
            column, text = page.undated[line]
            writer.reject(line, column, "is not a date", text, amount)
            continue
        key = _key(entry.data, config)
        if key is None or _CONTROL.search(key):
            reason = f"is not in the entry's {config.key}" if key is None else "a control character stands in the text"
            writer.reject(line, "business_key", reason, _shown(entry.data, config), amount)
            continue
        day = date.fromordinal((entry.data.get("entry_date") or entry.data["date"]).toordinal())
        writer.record(
            line,
            {
                "record_id": f"{number}-{place}",
                "business_key": key,
                "kind": "payment" if credited == (config.credit_is == "payment") else "refund",
                "business_day": day.isoformat(),
                "occurred_at": instant_text(datetime.combine(day, config.time_of_day), timezone),
                "amount_minor": amount,
                "currency": currency,
                "status": "success",
                "channel": config.channel,
            },
        )
    end, closing_currency, day = _balance(parsed.data, _CLOSINGS, ":62F:", page)
    if (start + own.credit - own.debit, currency) != (end, closing_currency):
        raise SourceError(
            f"statement {number} does not add up: {start} + {own.credit} - {own.debit} {currency} is not "
            f"{end} {closing_currency}, in minor units; an entry is missing or wrong; ask for the file again"
        )
    _check_sums(parsed.data, own, number, currency)
    sums.entries, sums.credit, sums.debit = (
        sums.entries + own.entries,
        sums.credit + own.credit,
        sums.debit + own.debit,
    )
    last = page.one("62")
    return _Chain(number, last.name != "62M", last.line, end, closing_currency, day)


def _check_account(stated: Mapping[str, Any], page: Page, config: Config) -> None:
    account = str(stated.get("account_identification") or "")
    if sum(each.name in ("25", "25P") for each in page.fields) != 1 or not account:
        raise SourceError(f"the statement of line {page.first_line} does not name one account (:25:)")
    if _plain(account) != _plain(config.account):
        raise SourceError(
            f"the statement of line {page.first_line} is of another account than the configured one;"
            " ask for the file again"
        )


def _check_sums(stated: Mapping[str, Any], own: _Sums, number: str, currency: str) -> None:
    """The sender's own count and sum of debits and credits are of the :61: lines by mark, reversals by their effect."""
    for name, total in (("sum_credit_entries", own.credit), ("sum_debit_entries", own.debit)):
        found = stated.get(name)
        if found is None:
            continue
        if found.currency != currency or _minor(found.amount, currency, f"statement {number}") != total:
            raise SourceError(f"statement {number}: its {name.replace('_', ' ')} is not what its entries add up to")
    counts = [stated[name].number for name in ("sum_credit_entries", "sum_debit_entries") if name in stated]
    if len(counts) == 2 and all(counts) and sum(int(count) for count in counts) != own.entries:
        raise SourceError(
            f"statement {number} states {counts} entries and has {own.entries}; it is cut short or doubled"
        )


def _balance(stated: Mapping[str, Any], names: tuple[str, ...], tag: str, page: Page) -> tuple[int, str, date]:
    """Minor units (a debit balance is negative), currency and day of the statement's opening or closing balance."""
    found = next((stated[name] for name in names if name in stated), None)
    if found is None or found.amount is None or found.date is None:
        raise SourceError(f"the statement of line {page.first_line} has no balance {tag} that can be read")
    currency = str(found.amount.currency)
    minor = _minor(found.amount.amount, currency, f"{tag} of the statement of line {page.first_line}")
    return (-minor if found.status.upper() == "D" else minor), currency, date.fromordinal(found.date.toordinal())


def _minor(amount: Decimal, currency: str, where: str) -> int:
    try:
        return parse_minor(f"{abs(amount):f}", currency)
    except ValueError as error:
        raise SourceError(f"{where}: {error}") from error


def _number(stated: Mapping[str, Any], ordinal: int) -> str:
    number, sequence = stated.get("statement_number"), stated.get("sequence_number")
    return f"{number or f'#{ordinal}'}/{sequence or 1}"


def _key(entry: Mapping[str, Any], config: Config) -> str | None:
    text = _shown(entry, config)
    if config.pattern is not None:
        found = re.search(config.pattern, text)
        if found is None:
            return None
        text = (found["key"] if "key" in found.groupdict() else found[1] if found.groups() else found[0]) or ""
    text = text.strip()
    return None if text.upper() in _NO_REFERENCE else text


def _shown(entry: Mapping[str, Any], config: Config) -> str:
    if config.key == "details":
        return "".join(str(entry.get("transaction_details") or "").split("\n"))
    return str(entry.get(config.key) or "")


def _plain(account: str) -> str:
    return re.sub(r"\s", "", account).upper()
