"""The UnionPay merchant transaction file ZM (商户交易流水) as standard records, one for each line of fixed width.

42 fields in GBK *bytes*, one separator byte between two of them; amounts are in fen. A "line" is a physical line, the
first being line 1. Source: UnionPay online acquiring (全渠道) documentation, 对账文件 ZM.

- 交易类型 says what a line is: 01, 03 and 11 (purchase, completed authorisation, collection) are payments; 04, 31 and 33
  (refund, reversals) are refunds; the rest moves no money of an order and is set aside. Both lists are settings.
- record_id is 查询流水号 (field 10). A refund bears the order's number (field 41), as the other parties' refund does; of
  several refunds of one order in one file, the first bears it alone and each further one as `ORDER/REFUND`, so that none is
  taken for a duplicate. With `refund_key: refund` a refund bears its own number, field 12.
- The fee (field 16) is positive where the merchant is debited (D), negative where it is given back (C).
- The time (field 5) is MMDDhhmmss without a year. The settlement day runs from `cutoff` of the day before to `cutoff`, so
  the year is that of the one or the other, also at New Year. business_day is the settlement day, for it is the channel's
  accounting day; a line that lies outside is set aside, and a file in which all do is another day's and refused.
- The file holds what has been cleared: every status is success. The card number is never taken over.

The file states no totals of itself. What is checked instead: each line's length and separators; that the last line is
whole (a file cut exactly between two lines cannot be told from a whole one by what stands in it); that the file is not
the same lines twice over; 商户代码 (field 28) of every line; and the day and the merchant in the file's name, where it is
INN + YYMMDD + 88ZM_ + merchant.
The result therefore holds only what was counted: `rows`, and in fen what payments and refunds add up to, bad lines aside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import IO, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from reconciliation.sources import HEAD_BYTES, SourceError, check_text
from reconciliation.sources.parted import whole_rows
from reconciliation.sources.statement import StatementWriter, instant_text

NAME: Final = "unionpay_zm"
SUFFIXES: Final = (".zm", ".txt")

# fmt: off
WIDTHS: Final = (
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2,
    6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 32, 98,
)
# fmt: on
LENGTH_BYTES: Final = sum(WIDTHS) + len(WIDTHS) - 1
FIELDS: Final = {
    "交易传输时间": 5,
    "交易金额": 7,
    "查询流水号": 10,
    "商户订单号": 12,
    "商户手续费": 16,
    "结算金额": 17,
    "支付方式": 18,
    "交易类型": 20,
    "业务类型": 22,
    "商户代码": 28,
    "清算净额": 33,
    "原始交易订单号": 41,
}
"""The fields that are read, by their numbers from 1."""
_STARTS = (0, *accumulate(width + 1 for width in WIDTHS))
_separators = itemgetter(*(start - 1 for start in _STARTS[1 : len(WIDTHS)]))
_SLICES = {name: slice(_STARTS[n - 1], _STARTS[n - 1] + WIDTHS[n - 1]) for name, n in FIELDS.items()}
_FILE_NAME = re.compile(r"INN(?P<day>[0-9]{6})[0-9]{2}ZM_(?P<merchant>[0-9A-Za-z]{15})", re.ASCII)
_SIGNED = re.compile(r"[CD][0-9]{12}", re.ASCII)
_UNFIT = re.compile("[\x00-\x1f\x7f\N{REPLACEMENT CHARACTER}]")
_LONGEST_LINE_BYTES = 1 << 16
_COMPARED_BYTES = 1 << 20


class Config(BaseModel):
    """`cutoff` is the local time at which UnionPay's settlement day ends; `may_be_empty` allows a file without a line."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    merchant: str = Field(min_length=1)
    cutoff: time = time(23)
    refund_key: Literal["order", "refund"] = "order"
    payments: tuple[str, ...] = ("01", "03", "11")
    refunds: tuple[str, ...] = ("04", "31", "33")
    separator: str = Field(" ", min_length=1, max_length=1, pattern="^[\x01-\x7f]$")
    may_be_empty: bool = False


@dataclass(slots=True)
class _File:
    config: Config
    business_day: date
    timezone: ZoneInfo
    start: datetime
    end: datetime
    rows: int = 0
    of_day: int = 0
    of_merchant: int = 0
    other_day: str = ""  # of the first line that is not of the day
    other_merchant: str = ""
    minor: dict[str, int] = field(default_factory=lambda: {"payment": 0, "refund": 0})
    refunded: set[str] = field(default_factory=set)
    last: bytes = b"\n"  # of its lines, as it stands


class _BadLine(Exception):
    """A line from which no record can be made: column, reason and value."""


def convert(
    path: Path, config: Config, business_day: date, timezone: ZoneInfo, writer: StatementWriter
) -> Mapping[str, int]:
    """Hand over every line; returns `rows`, `payments_amount_minor` and `refunds_amount_minor`.

    Raises SourceError when the file is cut short, or of another day or merchant.
    """
    _check_name(path, config, business_day)
    end = datetime.combine(business_day, config.cutoff)
    if config.cutoff == time(0):
        end += timedelta(days=1)
    found = _File(config, business_day, timezone, end - timedelta(days=1), end)
    try:
        with path.open("rb") as file:
            if (head := file.read(HEAD_BYTES)).strip():
                check_text(head)
            if b"\n" in head:
                _check_once(path)
            file.seek(0)
            lines = _lines(file, found)
            for line, raw, broken in whole_rows(
                lines, lambda raw: _length(raw) < LENGTH_BYTES, lambda raw: _length(raw) == LENGTH_BYTES, b""
            ):
                if text := raw.rstrip(b"\r\n"):
                    _take(found, line, text, broken, writer)
    except OSError as error:
        raise SourceError(f"it cannot be read to its end ({error}); download it again") from error
    if not found.last.endswith(b"\n") and len(found.last.rstrip(b"\r")) < LENGTH_BYTES:
        raise SourceError(
            f"its last line ends after {len(found.last)} of {LENGTH_BYTES} bytes, so it is cut short; download it again"
        )
    if not found.rows and not config.may_be_empty:
        raise SourceError("it is empty; say `may_be_empty: true` if there are days without a transaction")
    if found.rows and not found.of_merchant:
        if not found.other_merchant:
            raise SourceError(
                f"none of its {found.rows} lines can be read; it is no ZM file, or not in GBK; download it again"
            )
        raise SourceError(
            f"it is merchant {found.other_merchant}'s file, not {config.merchant}'s; or no ZM file at all;"
            " download it again"
        )
    if found.rows and not found.of_day:
        raise SourceError(
            f"no line is of settlement day {business_day}; the first is of {found.other_day or 'no known time'};"
            " download it again"
        )
    return {"rows": found.rows, **{f"{kind}s_amount_minor": minor for kind, minor in found.minor.items()}}


def moment_of(text: str, start: datetime) -> datetime | None:
    """The local time that MMDDhhmmss means near the settlement day that begins at `start`; None when it means none."""
    if not (len(text) == 10 and text.isascii() and text.isdigit()):
        return None
    day = _nearest(text[:4], start.date())
    try:
        return None if day is None else datetime.combine(day, time(int(text[4:6]), int(text[6:8]), int(text[8:])))
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _nearest(month_and_day: str, near: date) -> date | None:
    candidates = []
    for year in (near.year - 1, near.year, near.year + 1):
        try:
            candidates.append(date(year, int(month_and_day[:2]), int(month_and_day[2:])))
        except ValueError:
            continue
    return min(candidates, key=lambda day: abs(day - near), default=None)


def _check_name(path: Path, config: Config, business_day: date) -> None:
    found = _FILE_NAME.match(path.name)
    if found is None:
        return
    if found["day"] != business_day.strftime("%y%m%d"):
        raise SourceError(
            f"its name says settlement day {found['day']} (YYMMDD), not {business_day}; download it again"
        )
    if found["merchant"] != config.merchant:
        raise SourceError(f"its name says merchant {found['merchant']}, not {config.merchant}; download it again")


def _check_once(path: Path) -> None:
    """Raises SourceError when the second half of the file is its first half again, byte for byte: 查询流水号 is of one line
    alone, so that no day's file is like that."""
    size = path.stat().st_size
    half = size // 2
    if size % 2 or half < LENGTH_BYTES:
        return
    with path.open("rb") as first, path.open("rb") as second:
        second.seek(half)
        while second_part := second.read(_COMPARED_BYTES):
            if first.read(len(second_part)) != second_part:
                return
    raise SourceError("its second half is its first half again, so it was delivered doubled; download it again")


def _lines(file: IO[bytes], found: _File) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each line."""
    line = 0
    while raw := file.readline(_LONGEST_LINE_BYTES):
        line, found.last = line + 1, raw
        if len(raw) == _LONGEST_LINE_BYTES and not raw.endswith(b"\n"):
            raise SourceError(f"line {line} is longer than {_LONGEST_LINE_BYTES} bytes; it is no ZM file")
        yield line, raw


def _length(raw: bytes) -> int:
    return len(raw.rstrip(b"\r\n"))


def _take(found: _File, line: int, raw: bytes, broken: bool, writer: StatementWriter) -> None:
    found.rows += 1
    amount = None
    try:
        if len(raw) != LENGTH_BYTES:
            amount = _amount_of_odd(raw)
            raise _BadLine("", f"the line has {len(raw)} bytes where a ZM line has {LENGTH_BYTES}", "")
        if set(_separators(raw)) != {ord(found.config.separator)}:
            raise _BadLine("", "a separator is missing from its place, so the fields cannot be told apart", "")
        row = _fields(raw)
        digits = row["交易金额"]
        if not (len(digits) == 12 and digits.isascii() and digits.isdigit()):
            raise _BadLine("交易金额", "is no amount of twelve digits in fen", digits)
        amount = int(digits)
        if broken:
            column = next((name for name, text in row.items() if "\n" in text), "")
            raise _BadLine(column, "a line break stands in one of the line's fields", row.get(column, ""))
        record = _record(found, row)
        writer.record(line, {**record, "amount_minor": amount})
        found.minor[str(record["kind"])] += amount
    except _BadLine as bad:
        column, reason, value = bad.args
        writer.reject(line, column, reason, value, amount or 0, certain=len(raw) == LENGTH_BYTES)


def _amount_of_odd(raw: bytes) -> int | None:
    """The amount where it should be in a line too short or too long, as text in UTF-8 makes it; it is not certain."""
    place = _SLICES["交易金额"]
    digits = raw[place].decode("latin-1")
    return int(digits) if len(digits) == 12 and digits.isascii() and digits.isdigit() else None


def _fields(raw: bytes) -> dict[str, str]:
    if raw.isascii():
        text = raw.decode("ascii")
        return {name: text[place].strip(" ") for name, place in _SLICES.items()}
    return {name: raw[place].decode("gb18030", "replace").strip(" ") for name, place in _SLICES.items()}


def _record(found: _File, row: Mapping[str, str]) -> dict[str, object]:
    """The standard record of a line, but for its amount. Raises _BadLine for the first thing that is wrong."""
    config = found.config
    if _UNFIT.search("".join(row.values())):
        unfit = next(name for name, text in row.items() if _UNFIT.search(text))
        raise _BadLine(unfit, "holds a control character, or bytes that are no GBK", row[unfit])
    if row["商户代码"] != config.merchant:
        found.other_merchant = found.other_merchant or row["商户代码"]
        raise _BadLine("商户代码", f"is not {config.merchant}, whose file this should be", row["商户代码"])
    found.of_merchant += 1
    moment = _moment(found, row["交易传输时间"])
    refund = row["交易类型"] in config.refunds
    if not refund and row["交易类型"] not in config.payments:
        raise _BadLine("交易类型", "is neither a payment's nor a refund's", row["交易类型"])
    for name in ("商户手续费", "结算金额", "清算净额"):
        if not _SIGNED.fullmatch(row[name]) and (name == "商户手续费" or row[name]):
            raise _BadLine(name, "is not C or D and twelve digits in fen", row[name])
    needed = ["查询流水号", "原始交易订单号" if refund and config.refund_key == "order" else "商户订单号"]
    if empty := next((name for name in needed if not row[name]), None):
        raise _BadLine(empty, "is empty", "")
    key = row[needed[1]]
    if refund and config.refund_key == "order":
        if key in found.refunded:
            key = f"{key}/{row['商户订单号'] or row['查询流水号']}"
        found.refunded.add(row[needed[1]])
    fee = int(row["商户手续费"][1:])
    return {
        "record_id": row["查询流水号"],
        "business_key": key,
        "kind": "refund" if refund else "payment",
        "business_day": found.business_day.isoformat(),
        "occurred_at": instant_text(moment, found.timezone),
        "currency": "CNY",
        "status": "success",
        "fee_minor": fee if row["商户手续费"][0] == "D" else -fee,
        "channel": row["支付方式"],
        "product": row["业务类型"],
    }


def _moment(found: _File, text: str) -> datetime:
    moment = moment_of(text, found.start)
    if moment is None:
        raise _BadLine("交易传输时间", "is not a time as MMDDhhmmss", text)
    if not found.start <= moment < found.end:
        found.other_day = found.other_day or f"{moment:%m-%d %H:%M:%S}"
        raise _BadLine("交易传输时间", f"is not within the settlement day, {found.start} to {found.end}", text)
    found.of_day += 1
    return moment
