"""ISO 20022 camt.053 account statements (versions 001.02 to 001.14), as standard records: one for each transaction.

Read with lxml alone: the library `pycamt` knows accounts only by IBAN, finds nothing where a document uses a prefix, turns
debit balances into floats, takes the first amount at any depth for a transaction's own, and passes over the number of a
batch. Here no entity is resolved, nothing is fetched, and a document with a DOCTYPE is refused.
Source: ISO 20022 message definition report, Bank-to-Customer Cash Management, BankToCustomerStatement.

- Per statement opening (OPBD, or PRCD) + booked credits - booked debits = closing (CLBD), to the minor unit; ITBD stands
  for either on a statement in pages. The next statement opens with what the one before closed with. TxsSummry, where
  given, ties in number and sum with all entries or with the booked ones. Otherwise SourceError.
- An entry with several TxDtls (a batch) becomes one record for each of them; when they do not add up to the entry, or are
  not as many as NbOfTxs says, the entry as a whole is set aside with its amount.
- CRDT is a payment and DBIT a refund; `credit_is` turns it about. A reversal (RvslInd) already bears the direction in
  which the money moves: the reversal of a credit is a DBIT, and so a refund.
- BOOK is `success`, PDNG and FUTR are `pending`; INFO moves no money and is set aside, with no amount.
- The business day is that of BookgDt, or of ValDt where none is given. `occurred_at` is its time, or `time_of_day` where
  it is a mere date: at noon no instant of the day is further off than twelve hours, and no cut-off window is touched.
- record_id is `statement Id-entry.transaction`, both counted over the file. A "line" is the record's place in the file,
  from 1: XML may have no lines at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.money import parse_minor
from reconciliation.sources import SourceError
from reconciliation.sources.statement import StatementWriter, instant_text

NAME: Final = "camt053"
SUFFIXES: Final = (".xml", ".camt053", ".c53")

_NAMESPACE = re.compile(r"\{(urn:iso:std:iso:20022:tech:xsd:camt\.(05[234])\.001\.([0-9]{2}))\}Document")
_VERSIONS = range(2, 15)
_LARGEST_BYTES = 128 << 20
_STATUSES = {"BOOK": "success", "PDNG": "pending", "FUTR": "pending"}
_NO_REFERENCE = ("", "NOTPROVIDED")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII)
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
    count, opening, closing = _Count(), None, None
    seen: set[tuple[str, str, str]] = set()
    for statement in _document(path).findall("BkToCstmrStmt/Stmt"):
        identity = (_text(statement, "Id"), _text(statement, "ElctrncSeqNb"), _text(statement, "StmtPgntn/PgNb"))
        if identity in seen:
            raise SourceError(f"statement {identity[0]!r} stands in it twice; ask for the file again")
        seen.add(identity)
        _check_account(statement, config)
        start, end = _balances(statement, timezone)
        if closing is not None and (closing.minor, closing.currency) != (start.minor, start.currency):
            raise SourceError(
                f"statement {identity[0]!r} opens with {start.minor} {start.currency} and the one before closed with "
                f"{closing.minor} {closing.currency}, in minor units; a statement is missing or out of order"
            )
        opening, closing = opening or start, end
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
    if closing.day != business_day:
        raise SourceError(
            f"its last closing balance is of {closing.day}, not of {business_day}; it is another day's file"
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

    if path.stat().st_size > _LARGEST_BYTES:
        raise SourceError(f"it is larger than {_LARGEST_BYTES >> 20} MiB; ask the bank for several files")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(path.read_bytes(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(f"it is not well-formed XML, or it is cut short ({error}); ask for the file again") from error
    if root.getroottree().docinfo.doctype:
        raise SourceError("it has a DOCTYPE, which a bank statement never has; the file is not used")
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
    account = _text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id")
    if not account:
        raise SourceError(f"statement {_text(statement, 'Id')!r} does not name its account (Acct/Id)")
    if re.sub(r"\s", "", account).upper() != re.sub(r"\s", "", config.account).upper():
        raise SourceError(f"statement {_text(statement, 'Id')!r} is of another account than the configured one")


def _balances(statement: Any, timezone: ZoneInfo) -> tuple[_Balance, _Balance]:
    """The booked balances at both ends. Raises SourceError when one is missing or stands twice."""
    found: dict[str, list[_Balance]] = {}
    name = _text(statement, "Id")
    for node in statement.findall("Bal"):
        code = _text(node, "Tp/CdOrPrtry/Cd")
        if code in ("OPBD", "PRCD", "CLBD", "ITBD"):
            minor, currency = _amount(node.find("Amt"), f"{code} of statement {name!r}")
            at, _ = _moment(node, "Dt", timezone)
            if at is None:
                raise SourceError(f"{code} of statement {name!r} has no date")
            sign = 1 if _credited(node, f"{code} of statement {name!r}") else -1
            found.setdefault(code, []).append(_Balance(sign * minor, currency, at.date()))
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


def _entry(node: Any, currency: str) -> _Entry:
    where = f"entry {_text(node, 'NtryRef') or _text(node, 'AcctSvcrRef')!r}"
    minor, own = _amount(node.find("Amt"), where)
    if own != currency:
        raise SourceError(f"{where} is in {own} on an account in {currency}; it cannot be added up")
    status = _text(node, "Sts/Cd") or _text(node, "Sts")
    if status not in (*_STATUSES, "INFO"):
        raise SourceError(f"{where} has the status {status!r}; BOOK, PDNG, FUTR and INFO are known")
    return _Entry(node, minor, _credited(node, where), currency, status)


def _check_sums(statement: Any, name: str, entries: list[_Entry], start: _Balance, end: _Balance) -> None:
    booked = [entry for entry in entries if entry.status == "BOOK"]
    moved = sum(entry.minor if entry.credited else -entry.minor for entry in booked)
    if start.minor + moved != end.minor:
        raise SourceError(
            f"statement {name!r} does not add up: {start.minor} + {moved} {start.currency} of booked entries is not "
            f"{end.minor}, in minor units; an entry is missing or wrong"
        )
    for path, wanted in (("TtlNtries", (True, False)), ("TtlCdtNtries", (True,)), ("TtlDbtNtries", (False,))):
        node = statement.find(f"TxsSummry/{path}")
        if node is None:
            continue
        number, total = _text(node, "NbOfNtries"), _text(node, "Sum")
        stated = (
            int(number) if re.fullmatch("[0-9]{1,15}", number) else None,
            _parsed(total, start.currency, f"{path} of statement {name!r}") if total else None,
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
    moment, dated = _moment(entry.node, "BookgDt", timezone)
    if moment is None:
        moment, dated = _moment(entry.node, "ValDt", timezone)
    if entry.status == "INFO":
        count.lines += 1
        writer.reject(count.lines, "Sts", "is INFO: the entry moves no money", entry.status)
        return
    if fault or moment is None:
        count.lines += 1
        column, reason = ("NtryDtls", fault) if fault else ("BookgDt", "is missing, and so is ValDt")
        writer.reject(count.lines, column, reason, amount_minor=entry.minor)
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
    numbers = [_text(node, "NbOfTxs") for node in entry.node.findall("NtryDtls/Btch") if _text(node, "NbOfTxs")]
    if nodes and numbers and not _adds_up(numbers, len(nodes)):
        return [], f"has {len(nodes)} transactions, and NbOfTxs says {' + '.join(numbers)}"
    if len(nodes) < 2:
        return [(nodes[0] if nodes else None, entry.minor, entry.credited)], ""
    parts: list[tuple[Any, int, bool]] = []
    for node in nodes:
        amount = node.find("Amt")
        amount = node.find("AmtDtls/TxAmt/Amt") if amount is None else amount
        try:
            minor, currency = _amount(amount, "a transaction")
            side = _credited(node, "a transaction") if node.find("CdtDbtInd") is not None else entry.credited
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
    texts = [*_texts(node, _REFERENCES.get(config.key, ())), *_texts(entry, _OF_ENTRY.get(config.key, ()))]
    if config.pattern is None:
        return next((text for text in texts if text.upper() not in _NO_REFERENCE), None)
    found = re.search(config.pattern, " ".join(texts))
    if found is None:
        return None
    text = found["key"] if "key" in found.groupdict() else found[1] if found.groups() else found[0]
    return (text or "").strip() or None


def _texts(node: Any, paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths if node is not None else ():
        for found in node.findall(path):
            yield (found.text or "").strip()


def _text(node: Any, path: str) -> str:
    return str(node.findtext(path) or "").strip()


def _amount(node: Any, where: str) -> tuple[int, str]:
    """Minor units and currency of an Amt. Raises SourceError when it cannot be read exactly."""
    if node is None or len(node):
        raise SourceError(f"{where} has no amount that can be read")
    currency = str(node.get("Ccy") or "")
    return _parsed((node.text or "").strip(), currency, where), currency


def _parsed(text: str, currency: str, where: str) -> int:
    try:
        minor = parse_minor(text.removeprefix("+"), currency)
    except ValueError as error:
        raise SourceError(f"{where}: {error}") from error
    if minor < 0:
        raise SourceError(f"{where}: {text!r} is below 0; the direction stands in CdtDbtInd")
    return minor


def _credited(node: Any, where: str) -> bool:
    direction = _text(node, "CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        raise SourceError(f"{where} has the direction {direction!r}; CRDT or DBIT is expected")
    return direction == "CRDT"


def _moment(node: Any, name: str, timezone: ZoneInfo) -> tuple[datetime | None, bool]:
    """The local time of a date or date and time, and whether it is a mere date; None where there is none to be read."""
    try:
        if stamp := _text(node, f"{name}/DtTm"):
            moment = datetime.fromisoformat(stamp)
            return (moment.astimezone(timezone) if moment.tzinfo else moment).replace(tzinfo=None), False
        found = _DATE.fullmatch(_text(node, f"{name}/Dt"))
        return (datetime.fromisoformat(found[1]), True) if found else (None, True)
    except (ValueError, OverflowError):
        return None, True
