"""SWIFT MT940 customer statements of a bank account, as standard records: one for each statement line (:61:).

The library `mt940` reads the fields; what it would pass over in silence (a second balance, a statement line that its
reading merges into another, remarks on the statement that it hangs onto the last entry) is counted here and refused or
kept apart. Source: SWIFT Standards MT, Category 9, MT 940.

- Per statement opening (:60F:, :60M:) + credits - debits = closing (:62F:, :62M:), to the minor unit; the next statement
  opens with what the one before closed with; :90C: and :90D:, where given, tie in number and sum. Otherwise SourceError.
- A credit (C, or RD: the reversal of a debit) is a payment and a debit (D, RC) a refund; `credit_is` turns it about.
- The business key is the customer reference, the bank reference, or what a regular expression finds in :86:, whose lines
  are joined without a space as SWIFT breaks them. An entry without one (also NONREF) is set aside with its amount.
- MT940 knows days and no times. The business day is the entry date, or the value date where no entry date is given, as
  the standard has it; `occurred_at` is `time_of_day` of it in the zone, noon unless said otherwise: no instant of the
  day is further off than twelve hours, and it never lies in a cut-off window and so is never excused by one.
- record_id is `statement number/sequence number-n`, n being the entry's place in its statement.
- A "line" is the physical line on which the entry's :61: stands.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.money import parse_minor
from reconciliation.sources import SourceError
from reconciliation.sources.statement import StatementWriter, instant_text

NAME: Final = "mt940"
SUFFIXES: Final = (".mt940", ".940", ".sta", ".fin", ".txt")

_LARGEST_BYTES = 256 << 20
_TAG = re.compile(r":(?P<tag>[0-9]{2}|NS)(?P<option>[A-Z])?:")
_ENVELOPE = re.compile(r"\{[1-5S]:|-\}|-$")
_OPENINGS = ("final_opening_balance", "intermediate_opening_balance", "opening_balance")
_CLOSINGS = ("final_closing_balance", "intermediate_closing_balance", "closing_balance")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_REFERENCE = ("", "NONREF")
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)  # the library's own


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
class _Block:
    """One statement's text from its :20: on, and on which lines its entries stand."""

    first_line: int
    lines: list[str] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Sums:
    entries: int = 0
    credit: int = 0
    debit: int = 0


@dataclass(frozen=True, slots=True)
class _Chain:
    """What the statement before left behind."""

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
    for ordinal, block in enumerate(_blocks(_text(path, config)), start=1):
        parsed = _parsed(block)
        _check_account(parsed.data, block, config)
        number = _number(parsed.data, ordinal)
        if number in seen:
            raise SourceError(f"statement {number} stands in it twice; ask for the file again")
        seen.add(number)
        start, currency, _ = _balance(parsed.data, _OPENINGS, ":60F:", block)
        if chain is None:
            opening = start
        elif (chain.closing, chain.currency) != (start, currency):
            raise SourceError(
                f"statement {number} opens with {start} {currency} and the one before closed with {chain.closing} "
                f"{chain.currency}, in minor units; a statement is missing or out of order"
            )
        chain = _statement(parsed, block, number, start, currency, config, timezone, writer, sums)
    if chain is None:
        raise SourceError("there is no statement in it: no line begins with :20:; it is no MT940 or it is empty")
    if chain.day != business_day:
        raise SourceError(
            f"its last closing balance is of {chain.day}, not of {business_day}; it is another day's file"
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
    try:
        return path.read_bytes().decode(config.encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise SourceError(f"it is not {config.encoding} text (byte {error.start}); set `encoding`") from error


def _blocks(text: str) -> Iterator[_Block]:
    """The statements, without the envelope; remarks on a whole statement (:86: after :62:) are left out."""
    block: _Block | None = None
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
                if block is not None:
                    yield block
                block, closed = _Block(number), False
            elif block is None and name in ("61", "60F", "62F"):
                raise SourceError(f"line {number} is a :{name}: before any :20:; its beginning is missing")
            if block is not None:
                block.fields.append(name)
                if name == "61":
                    block.entries.append(number)
                skipping = closed and name == "86"
                closed = closed or tag["tag"] == "62"
        if block is not None and not skipping:
            block.lines.append(line)
    if block is not None:
        yield block


def _parsed(block: _Block) -> Any:
    """The library's reading of one statement, proven to have lost no field that counts."""
    import mt940

    where = f"the statement of line {block.first_line}"
    for tag, name in (("60", "opening balance (:60F:)"), ("62", "closing balance (:62F:)")):
        count = sum(field.startswith(tag) for field in block.fields)
        if count != 1:
            raise SourceError(
                f"{where} has {count or 'no'} {name}; exactly one belongs there: it is cut short or doubled"
            )
    order = [name[:2] for name in block.fields if name[:2] in ("60", "61", "62")]
    if order != sorted(order):
        raise SourceError(f"in {where} an entry stands outside its balances; ask for the file again")
    try:
        parsed = mt940.parse(
            io.StringIO("\n".join(block.lines)),
            processors={"post_transaction_details": []},  # :86: as it stands, never merged into the references
            options=mt940.Options.all(),
        )
    except _UNREADABLE as error:
        raise SourceError(f"{where} cannot be read as MT940 ({_short(error)}); ask for the file again") from error
    if len(parsed.transactions) != len(block.entries):
        raise SourceError(f"{where} has {len(block.entries)} entries, of which {len(parsed.transactions)} can be read")
    return parsed


def _statement(
    parsed: Any,
    block: _Block,
    number: str,
    start: int,
    currency: str,
    config: Config,
    timezone: ZoneInfo,
    writer: StatementWriter,
    sums: _Sums,
) -> _Chain:
    """Write the entries of one statement. Raises SourceError when they do not lead from opening to closing."""
    own = _Sums()
    for place, (line, entry) in enumerate(zip(block.entries, parsed.transactions, strict=True), start=1):
        amount = _minor(entry.data["amount"].amount, currency, f"line {line}")
        own.entries += 1
        credited = str(entry.data["status"]).upper() in ("C", "RD")
        if credited:
            own.credit += amount
        else:
            own.debit += amount
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
    end, closing_currency, day = _balance(parsed.data, _CLOSINGS, ":62F:", block)
    if (start + own.credit - own.debit, currency) != (end, closing_currency):
        raise SourceError(
            f"statement {number} does not add up: {start} + {own.credit} - {own.debit} {currency} is not "
            f"{end} {closing_currency}, in minor units; an entry is missing or wrong"
        )
    _check_sums(parsed.data, own, number, currency)
    sums.entries, sums.credit, sums.debit = (
        sums.entries + own.entries,
        sums.credit + own.credit,
        sums.debit + own.debit,
    )
    return _Chain(end, closing_currency, day)


def _check_account(stated: Mapping[str, Any], block: _Block, config: Config) -> None:
    account = str(stated.get("account_identification") or "")
    if block.fields.count("25") + block.fields.count("25P") != 1 or not account:
        raise SourceError(f"the statement of line {block.first_line} does not name one account (:25:)")
    if _plain(account) != _plain(config.account):
        raise SourceError(f"the statement of line {block.first_line} is of another account than the configured one")


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


def _balance(stated: Mapping[str, Any], names: tuple[str, ...], tag: str, block: _Block) -> tuple[int, str, date]:
    """Minor units (a debit balance is negative), currency and day of the statement's opening or closing balance."""
    found = next((stated[name] for name in names if name in stated), None)
    if found is None or found.amount is None or found.date is None:
        raise SourceError(f"the statement of line {block.first_line} has no balance {tag} that can be read")
    currency = str(found.amount.currency)
    minor = _minor(found.amount.amount, currency, f"{tag} of the statement of line {block.first_line}")
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


def _short(error: BaseException) -> str:
    """The error's kind alone: its text repeats the field, and with it accounts and names."""
    return type(error).__name__
