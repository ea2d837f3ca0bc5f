"""ISO 20022 camt.053 account statements (versions 001.02 to 001.14), as standard records: one for each transaction.

Read with lxml alone: the library `pycamt` knows accounts only by IBAN, finds nothing where a document uses a prefix, turns
debit balances into floats, takes the first amount at any depth for a transaction's own, and passes over the number of a
batch. Here (`iso20022`) no entity is resolved, nothing is fetched, and a document with a DOCTYPE is refused.
Source: ISO 20022 message definition report, Bank-to-Customer Cash Management, BankToCustomerStatement.

- Per statement opening (OPBD, or PRCD) + booked credits - booked debits = closing (CLBD), to the minor unit; ITBD stands
  for either between the pages of one statement, of which none may be missing. The next statement opens with what the one
  before closed with. TxsSummry, where
  given, ties in number and sum with all entries or with the booked ones. Otherwise SourceError.
- An entry with several TxDtls (a batch) becomes one record for each of them; when they do not add up to the entry, or are
  not as many as NbOfTxs says, the entry as a whole is set aside with its amount.
- CRDT is a payment and DBIT a refund; `credit_is` turns it about. A reversal (RvslInd) already bears the direction in
  which the money moves: the reversal of a credit is a DBIT, and so a refund.
- BOOK is `success`, PDNG and FUTR are `pending`; INFO moves no money and is set aside, with no amount.
- The business day is that of BookgDt, or of ValDt where none is given; an entry whose date cannot be read is set aside with
  its amount. `occurred_at` is its time, or `time_of_day` where
  it is a mere date: at noon no instant of the day is further off than twelve hours, and no cut-off window is touched.
- record_id is `statement Id-entry.transaction`, both counted over the file. A "line" is the record's place in the file,
  from 1: XML may have no lines at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reconciliation.sources import SourceError
from reconciliation.sources.iso20022 import (
    amount_of,
    date_text,
    is_credit,
    minor_of,
    moment_of,
    root_of,
    text_of,
    texts_of,
)
from reconciliation.sources.statement import StatementWriter, instant_text

NAME: Final = "camt053"
SUFFIXES: Final = (".xml", ".camt053", ".c53")

_NAMESPACE = re.compile(r"\{(urn:iso:std:iso:20022:tech:xsd:camt\.(05[234])\.001\.([0-9]{2}))\}Document")
_VERSIONS = range(2, 15)
_STATUSES = {"BOOK": "success", "PDNG": "pending", "FUTR": "pending"}
_NO_REFERENCE = ("", "NOTPROVIDED")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REFERENCES = {
    "end_to_end_id": ("Refs/EndToEndId",),
    "instruction_id": ("Refs/InstrId",),
    "transaction_id": ("Refs/TxId",),
    "account_servicer_reference": ("Refs/AcctSvcrRef",),
    "details": ("RmtInf/Ustrd", "RmtInf/Strd/CdtrRefInf/Ref", "AddtlTxInf"),
}
_OF_ENTRY = {
    "account_servicer_reference": ("AcctSvcrRef",),
    "entry_reference": ("NtryRef",),
    "details": ("AddtlNtryInf",),
}


class Config(BaseModel):
    """`account` is the IBAN or other number, spaces aside; `pattern` finds the key in the remittance texts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: str = Field(min_length=1)
    key: Literal[
        "end_to_end_id",
        "instruction_id",
        "transaction_id",
        "account_servicer_reference",
        "entry_reference",
        "details",
    ] = "end_to_end_id"
    pattern: str | None = None
    credit_is: Literal["payment", "refund"] = "payment"
    time_of_day: time = time(12)
    channel: str | None = None

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if (self.key == "details") != (self.pattern is not None):
            raise ValueError("pattern belongs to key: details; give both or neither")
        if self.time_of_day.tzinfo is not None:
            raise ValueError("time_of_day is a time of the control's zone; write it without one")
        try:
            re.compile(self.pattern or "")
        except re.error as error:
            raise ValueError(f"pattern is no regular expression: {error}") from error
        return self


@dataclass(frozen=True, slots=True)
class _Balance:
    minor: int
    currency: str
    day: date
    interim: bool


@dataclass(frozen=True, slots=True)
class _Page:
    """What the page before said of itself."""

    name: str
    interim: bool
    goes_on: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    """One Ntry, read; amounts in minor units, `status` as the bank says it."""

    node: Any
    minor: int
    credited: bool
    currency: str
    status: str


@dataclass(slots=True)
class _Count:
    """What was written so far, over the whole file."""

    lines: int = 0
    entries: int = 0
    credit: int = 0
    debit: int = 0


def convert(
    path: Path, config: Config, business_day: date, timezone: ZoneInfo, writer: StatementWriter
) -> Mapping[str, int]:
    """Write every transaction; returns entries, rows, opening, booked credits and debits, closing.

    Raises SourceError when the file is no camt.053, is of another account or day, or does not add up.
    """
    count, opening, closing, last = _Count(), None, None, None
    seen: set[tuple[str, str, str]] = set()
    for statement in _document(path).findall("BkToCstmrStmt/Stmt"):
        identity = (text_of(statement, "Id"), text_of(statement, "ElctrncSeqNb"), text_of(statement, "StmtPgntn/PgNb"))
        if identity in seen:
            raise SourceError(f"statement {identity[0]!r} stands in it twice; ask for the file again")
        seen.add(identity)
        _check_account(statement, config)
        start, end = _balances(statement, timezone)
        _check_page(identity[0], start, last)
        if closing is not None and (closing.minor, closing.currency) != (start.minor, start.currency):
            raise SourceError(
                f"statement {identity[0]!r} opens with {start.minor} {start.currency} and the one before closed with "
                f"{closing.minor} {closing.currency}, in minor units; a statement is missing or out of order;"
                " ask for the file again"
            )
        opening, closing = opening or start, end
        last = _Page(identity[0], end.interim, text_of(statement, "StmtPgntn/LastPgInd") in ("false", "0"))
        entries = [_entry(node, start.currency) for node in statement.findall("Ntry")]
        _check_sums(statement, identity[0], entries, start, end)
        for entry in entries:
            count.entries += 1
            if entry.status == "BOOK":
                count.credit += entry.minor if entry.credited else 0
                count.debit += 0 if entry.credited else entry.minor
            _write(entry, identity[0], config, timezone, writer, count)
    if opening is None or closing is None:
        raise SourceError("there is no statement (Stmt) in it; ask for the file again")
    _check_ended(last)
    if closing.day != business_day:
        raise SourceError(
            f"its last closing balance is of {closing.day}, not of {business_day}; it is another day's file;"
            " ask for the file again"
        )
    return {
        "entries": count.entries,
        "rows": count.lines,
        "opening_minor": opening.minor,
        "credit_minor": count.credit,
        "debit_minor": count.debit,
        "closing_minor": closing.minor,
    }


def _document(path: Path) -> Any:
    """The Document with its own namespace taken off the names. Raises SourceError when it is no camt.053."""
    from lxml import etree

    root = root_of(path)
    documents = [node for node in root.iter("{*}Document") if _NAMESPACE.fullmatch(node.tag)]
    if len(documents) != 1:
        raise SourceError(f"it has {len(documents) or 'no'} camt Document; one camt.053 statement message is expected")
    namespace, message, version = _NAMESPACE.fullmatch(documents[0].tag).groups()  # type: ignore[union-attr]
    if message != "053" or int(version) not in _VERSIONS:
        raise SourceError(f"it is camt.{message}.001.{version}; camt.053.001.02 to camt.053.001.14 are read")
    for node in documents[0].iter(f"{{{namespace}}}*"):
        node.tag = etree.QName(node).localname
    return documents[0]


def _check_account(statement: Any, config: Config) -> None:
    account = text_of(statement, "Acct/Id/IBAN") or text_of(statement, "Acct/Id/Othr/Id")
    if not account:
        raise SourceError(f"statement {text_of(statement, 'Id')!r} does not name its account (Acct/Id)")
    if re.sub(r"\s", "", account).upper() != re.sub(r"\s", "", config.account).upper():
        raise SourceError(
            f"statement {text_of(statement, 'Id')!r} is of another account than the configured one;"
            " ask for the file again"
        )


def _balances(statement: Any, timezone: ZoneInfo) -> tuple[_Balance, _Balance]:
    """The booked balances at both ends. Raises SourceError when one is missing or stands twice."""
    found: dict[str, list[_Balance]] = {}
    name = text_of(statement, "Id")
    for node in statement.findall("Bal"):
        code = text_of(node, "Tp/CdOrPrtry/Cd")
        if code in ("OPBD", "PRCD", "CLBD", "ITBD"):
            minor, currency = amount_of(node.find("Amt"), f"{code} of statement {name!r}")
            at, _ = moment_of(node, "Dt", timezone)
            if at is None:
                stated = date_text(node, "Dt")
                raise SourceError(
                    f"{code} of statement {name!r} has the date {stated[:40]!r}, which is no date;"
                    " ask for the file again"
                    if stated
                    else f"{code} of statement {name!r} has no date"
                )
            sign = 1 if is_credit(node, f"{code} of statement {name!r}") else -1
            found.setdefault(code, []).append(_Balance(sign * minor, currency, at.date(), code == "ITBD"))
    twice = [code for code in ("OPBD", "PRCD", "CLBD") if len(found.get(code, ())) > 1]
    interim = found.get("ITBD", [])
    openings = found.get("OPBD") or found.get("PRCD") or interim[:1]
    closings = found.get("CLBD") or (interim[1:] if openings == interim[:1] else interim)[-1:]
    if twice or not openings or not closings:
        fault = f"{twice[0]} stands twice" if twice else "the opening or the closing balance (OPBD, CLBD) is missing"
        raise SourceError(f"statement {name!r}: {fault}; it cannot be proven complete")
    if openings[0].currency != closings[0].currency:
        raise SourceError(f"statement {name!r} opens and closes in two currencies")
    return openings[0], closings[0]


def _check_page(name: str, start: _Balance, last: _Page | None) -> None:
    """Raises SourceError when the page is not the one that is due: the first of a statement, or the next of it."""
    if last is not None and (last.name != name or not start.interim):
        _check_ended(last)
    if start.interim and (last is None or not last.interim):
        raise SourceError(
            f"statement {name!r} opens with an interim balance (ITBD), and the page that it carries on does not stand "
            "before it; its beginning is missing; ask for the file again"
        )


def _check_ended(last: _Page | None) -> None:
    if last is not None and (last.interim or last.goes_on):
        sign = "closes with an interim balance (ITBD)" if last.interim else "says that it goes on (LastPgInd)"
        raise SourceError(
            f"statement {last.name!r} {sign}, and no further page of it follows; it is cut short;"
            " ask for the file again"
        )


def _entry(node: Any, currency: str) -> _Entry:
    where = f"entry {text_of(node, 'NtryRef') or text_of(node, 'AcctSvcrRef')!r}"
    minor, own = amount_of(node.find("Amt"), where)
    if own != currency:
        raise SourceError(f"{where} is in {own} on an account in {currency}; it cannot be added up")
    status = text_of(node, "Sts/Cd") or text_of(node, "Sts")
    if status not in (*_STATUSES, "INFO"):
        raise SourceError(f"{where} has the status {status!r}; BOOK, PDNG, FUTR and INFO are known")
    return _Entry(node, minor, is_credit(node, where), currency, status)


def _check_sums(statement: Any, name: str, entries: list[_Entry], start: _Balance, end: _Balance) -> None:
    booked = [entry for entry in entries if entry.status == "BOOK"]
    moved = sum(entry.minor if entry.credited else -entry.minor for entry in booked)
    if start.minor + moved != end.minor:
        raise SourceError(
            f"statement {name!r} does not add up: {start.minor} + {moved} {start.currency} of booked entries is not "
            f"{end.minor}, in minor units; an entry is missing or wrong; ask for the file again"
        )
    for path, wanted in (("TtlNtries", (True, False)), ("TtlCdtNtries", (True,)), ("TtlDbtNtries", (False,))):
        node = statement.find(f"TxsSummry/{path}")
        if node is None:
            continue
        number, total = text_of(node, "NbOfNtries"), text_of(node, "Sum")
        stated = (
            int(number) if re.fullmatch("[0-9]{1,15}", number) else None,
            minor_of(total, start.currency, f"{path} of statement {name!r}") if total else None,
        )
        sides = [[entry.minor for entry in some if entry.credited in wanted] for some in (entries, booked)]
        true = [(len(side) if number else None, sum(side) if total else None) for side in sides]
        if stated not in true:
            raise SourceError(
                f"statement {name!r}: {path} is not what its entries add up to; it is cut short or doubled"
            )


def _write(
    entry: _Entry, name: str, config: Config, timezone: ZoneInfo, writer: StatementWriter, count: _Count
) -> None:
    """The records of one entry, or what sets it or one of them aside."""
    parts, fault = _parts(entry)
    day_of = "BookgDt" if date_text(entry.node, "BookgDt") or not date_text(entry.node, "ValDt") else "ValDt"
    moment, dated = moment_of(entry.node, day_of, timezone)
    if entry.status == "INFO":
        count.lines += 1
        writer.reject(count.lines, "Sts", "is INFO: the entry moves no money", entry.status)
        return
    if fault or moment is None:
        count.lines += 1
        stated = date_text(entry.node, day_of)
        column, reason = (day_of, "is not a date" if stated else "is missing, and so is ValDt")
        if fault:
            column, reason, stated = "NtryDtls", fault, ""
        writer.reject(count.lines, column, reason, stated, entry.minor)
        return
    local = datetime.combine(moment.date(), config.time_of_day) if dated else moment
    for place, (node, minor, credited) in enumerate(parts, start=1):
        count.lines += 1
        key = _key(node, entry.node, config)
        if key is None or _CONTROL.search(key) or _CONTROL.search(name):
            reason = (
                f"is not in the transaction's {config.key}" if key is None else "a control character stands in the text"
            )
            writer.reject(count.lines, "business_key", reason, key or "", minor)
            continue
        writer.record(
            count.lines,
            {
                "record_id": f"{name}-{count.entries}.{place}",
                "business_key": key,
                "kind": "payment" if credited == (config.credit_is == "payment") else "refund",
                "business_day": moment.date().isoformat(),
                "occurred_at": instant_text(local, timezone),
                "amount_minor": minor,
                "currency": entry.currency,
                "status": _STATUSES[entry.status],
                "channel": config.channel,
            },
        )


def _parts(entry: _Entry) -> tuple[list[tuple[Any, int, bool]], str]:
    """The transactions of an entry (node, minor units, whether credited), or why they cannot be used."""
    nodes = entry.node.findall("NtryDtls/TxDtls")
    numbers = [text_of(node, "NbOfTxs") for node in entry.node.findall("NtryDtls/Btch") if text_of(node, "NbOfTxs")]
    if nodes and numbers and not _adds_up(numbers, len(nodes)):
        return [], f"has {len(nodes)} transactions, and NbOfTxs says {' + '.join(numbers)}"
    if len(nodes) < 2:
        return [(nodes[0] if nodes else None, entry.minor, entry.credited)], ""
    parts: list[tuple[Any, int, bool]] = []
    for node in nodes:
        amount = node.find("Amt")
        amount = node.find("AmtDtls/TxAmt/Amt") if amount is None else amount
        try:
            minor, currency = amount_of(amount, "a transaction")
            side = is_credit(node, "a transaction") if node.find("CdtDbtInd") is not None else entry.credited
        except SourceError as error:
            return [], f"has several transactions, and {error}"
        if currency != entry.currency:
            return [], f"has a transaction in {currency}, while the entry is in {entry.currency}"
        parts.append((node, minor, side))
    total = sum(minor if side == entry.credited else -minor for _, minor, side in parts)
    if total != entry.minor:
        return [], f"has transactions that add up to {total}, while the entry is {entry.minor}, in minor units"
    return parts, ""


def _adds_up(numbers: list[str], count: int) -> bool:
    return all(re.fullmatch("[0-9]{1,15}", number) for number in numbers) and sum(map(int, numbers)) == count


def _key(node: Any, entry: Any, config: Config) -> str | None:
    texts = [*texts_of(node, _REFERENCES.get(config.key, ())), *texts_of(entry, _OF_ENTRY.get(config.key, ()))]
    if config.pattern is None:
        return next((text for text in texts if text.upper() not in _NO_REFERENCE), None)
    found = re.search(config.pattern, " ".join(texts))
    if found is None:
        return None
    text = found["key"] if "key" in found.groupdict() else found[1] if found.groups() else found[0]
    return (text or "").strip() or None
