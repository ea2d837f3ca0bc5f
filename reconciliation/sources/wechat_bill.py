"""The WeChat Pay trade bill (交易账单, types ALL, SUCCESS and REFUND) as standard records, one for each detail row.

The bill has four parts: a header, the details, a summary header and the summary. Detail and summary values each begin
with a backtick, so rows are parted at comma and backtick and a comma in a product's name does no harm. Columns are found
by their names; older merchants get 总金额 for 订单金额. A "line" is a physical line of the file, the header being line 1.
Source: WeChat Pay merchant documentation, 交易账单文件格式说明.

- A payment is known by 微信订单号, a refund (REFUND, REVOKED) by 微信退款单号. A refund bears the order's number, as the
  other parties' refund does; of several refunds of one order in one bill, the first in the file bears it alone and each
  further one as `ORDER/REFUND`, so that none is taken for a duplicate. With `refund_key: refund` a refund bears 商户退款单号.
- A refund's row is a snapshot of the day it was accepted and is never updated: PROCESSING is `pending` unless
  `processing_refund` says otherwise.
- Fees have up to five digits after the point. fee_minor is each row's fee rounded half away from zero to a fen; what ties
  to the summary is the unrounded sum. A fee that is given back stands as a negative fee.
- No account is taken over: the payer's identity means nothing to the other parties.

The summary's count is that of all detail rows, those set aside included, and each of its sums is that of the column over
all rows, set aside or not. A cell that cannot be read leaves its column's sum unproven: that sum is then left out of the
result, and the file is refused only if the readable rest, which cannot be negative but for fees, exceeds what is stated.
"""

from __future__ import annotations

import re
import zlib
from collections import deque
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from reconciliation.scanning import open_bytes
from reconciliation.sources import HEAD_BYTES, SourceError, check_text
from reconciliation.sources.statement import StatementWriter, instant_text

NAME: Final = "wechat_bill"
SUFFIXES: Final = (".csv", ".csv.gz", ".txt")

COUNT: Final = "总交易单数"
SUMS: Final = {
    "应结订单总金额": ("应结订单金额", "settlement_amount_minor"),
    "退款总金额": ("退款金额", "refund_amount_minor"),
    "总退款金额": ("退款金额", "refund_amount_minor"),
    "充值券退款总金额": ("充值券退款金额", "coupon_refund_amount_minor"),
    "总代金券或立减优惠退款金额": ("代金券或立减优惠退款金额", "coupon_refund_amount_minor"),
    "总企业红包退款金额": ("企业红包退款金额", "red_packet_refund_amount_minor"),
    "手续费总金额": ("手续费", "fee_minor"),
    "订单总金额": ("订单金额", "order_amount_minor"),
    "总交易额": ("总金额", "order_amount_minor"),
    "申请退款总金额": ("申请退款金额", "requested_refund_amount_minor"),
}
"""Each sum of the summary: the column that it adds up, and its name in the result."""
REFUNDS: Final = ("REFUND", "REVOKED")
REFUND_STATUSES: Final = {
    "SUCCESS": "success",
    "FAIL": "failed",
    "FAILED": "failed",
    "CLOSED": "failed",
    "PROCESSING": "pending",
    "CHANGE": "pending",
    "NOTSURE": "pending",
    "ABNORMAL": "pending",
}
_REQUIRED = ("交易时间", "商户号", "微信订单号", "商户订单号", "交易状态", "货币种类", "手续费")
_ORDER = ("订单金额", "总金额", "应结订单金额")
_PAYER = "用户标识"  # never shown, not even where it is at fault
_REQUESTED = ("申请退款金额", "退款金额")
_DIGITS = 5
_FEN: int = 10 ** (_DIGITS - 2)  # hundred-thousandths of a yuan in one fen
_AMOUNT = re.compile(rf"(-?)([0-9]{{1,30}})(?:\.([0-9]{{1,{_DIGITS}}})0*)?", re.ASCII)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_UNFIT = re.compile("[\x00-\x08\x0a-\x1f\x7f\N{REPLACEMENT CHARACTER}]")
_LONGEST_LINE_BYTES = 1 << 20
_LARGEST_BYTES = 16 << 30
_MOST_LINES = 10  # that one row broken by line breaks in its texts may take


class Config(BaseModel):
    """`merchant` is the 商户号 of the bill; `sub_merchant` (特约商户号) is asked for only of a service provider's bill."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    merchant: str = Field(min_length=1)
    sub_merchant: str | None = None
    key: Literal["商户订单号", "微信订单号", "商户数据包"] = "商户订单号"
    refund_key: Literal["order", "refund"] = "order"
    amount: Literal["order", "settlement"] = "order"
    processing_refund: Literal["pending", "success"] = "pending"


@dataclass(slots=True)
class _Column:
    """The running sum of a column in hundred-thousandths of a yuan, and how many cells could not be read."""

    units: int = 0
    unread: int = 0


@dataclass(slots=True)
class _Bill:
    config: Config
    business_day: date
    timezone: ZoneInfo
    places: dict[str, int]
    width: int
    sums: dict[str, _Column]
    rows: int = 0
    of_day: int = 0
    of_merchant: int = 0
    other: dict[str, str] = field(default_factory=dict)  # the first other day and merchant met
    refunded: set[str] = field(default_factory=set)
    fees_minor: int = 0


class _BadRow(Exception):
    """A row from which no record can be made: column, reason and value."""


def convert(
    path: Path, config: Config, business_day: date, timezone: ZoneInfo, writer: StatementWriter
) -> Mapping[str, int]:
    """Hand over every detail row; returns `rows` and the proven sums of the summary in minor units.

    Raises SourceError when the bill is cut short, of another day or merchant, or does not tie to its summary.
    """
    lines = _lines(path)
    bill = _opened(next(lines, (0, "")), config, business_day, timezone)
    summary: str | None = None
    for line, cells, broken in _rows(lines, bill.width):
        if isinstance(cells, str):
            summary = cells
            break
        _take(bill, line, cells, broken, writer)
    if summary is None:
        raise SourceError("it ends without its summary rows, so it is cut short; download the bill again")
    values = [text for _, text in lines if text]
    if len(values) != 1:
        raise SourceError(f"{len(values)} lines follow the summary's header where one is due; download the bill again")
    if bill.rows and not bill.of_merchant:
        raise SourceError(
            f"it is merchant {bill.other.get('商户号', '?')}'s bill, not {config.merchant}'s; download the bill again"
        )
    if bill.rows and not bill.of_day:
        raise SourceError(
            f"no row is of {business_day}; the first is of {bill.other.get('交易时间', 'no known day')};"
            " download the bill again"
        )
    return _proven(bill, summary, values[0])


def hundred_thousandths(text: str) -> int | None:
    """The amount in 10**-5 yuan, exactly; None when it is no plain decimal number of so many digits."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return None
    units = int(found[2] + (found[3] or "").ljust(_DIGITS, "0"))
    return -units if found[1] else units


def rounded_fen(units: int) -> int:
    """Hundred-thousandths of a yuan in whole fen, half a fen away from zero."""
    fen = (abs(units) + _FEN // 2) // _FEN
    return -fen if units < 0 else fen


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line; bytes that are no UTF-8 become the replacement character."""
    size = 0
    try:
        with open_bytes(path) as file:
            check_text(file.read(HEAD_BYTES))
            file.seek(0)
            number = 0
            while raw := file.readline(_LONGEST_LINE_BYTES):
                size += len(raw)
                if size > _LARGEST_BYTES or (len(raw) == _LONGEST_LINE_BYTES and not raw.endswith(b"\n")):
                    raise SourceError(f"line {number + 1} or the whole is too long for a bill; download it again")
                number += 1
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8", "replace").rstrip("\r\n")
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"it cannot be read to its end ({error}); download the bill again") from error


def _opened(header: tuple[int, str], config: Config, business_day: date, timezone: ZoneInfo) -> _Bill:
    names = [name.strip().lstrip("`") for name in header[1].split(",")]
    order = ("应结订单金额",) if config.amount == "settlement" else _ORDER
    needed = [*_REQUIRED, config.key, *([_sub_merchant(names)] if config.sub_merchant else [])]
    lacking = [name for name in dict.fromkeys(needed) if name not in names]
    if not any(name in names for name in order):
        lacking.append(order[0])
    if lacking:
        raise SourceError(f"its first line lacks {', '.join(lacking)}; it is not the header of a WeChat Pay trade bill")
    if len(set(names)) != len(names):
        raise SourceError("its header names a column more than once; download the bill again")
    places = {name: place for place, name in enumerate(names)}
    sums = {column: _Column() for column, _ in SUMS.values() if column in places}
    return _Bill(config, business_day, timezone, places, len(names), sums)


def _rows(lines: Iterator[tuple[int, str]], width: int) -> Iterator[tuple[int, list[str] | str, bool]]:
    """Line and cells of each row, and whether line breaks part it; last the summary's header, as text."""
    ahead: deque[tuple[int, str]] = deque()
    while (found := ahead.popleft() if ahead else next(lines, None)) is not None:
        line, text = found
        if text.startswith(COUNT):
            yield line, text, False
            return
        if not text:
            continue
        cells = _cells(text)
        if len(cells) >= width or not text.startswith("`"):
            yield line, cells, False
            continue
        joined, taken = text, 0
        while len(_cells(joined)) < width and taken < _MOST_LINES:
            if taken == len(ahead):
                if (more := next(lines, None)) is None:
                    break
                ahead.append(more)
            if ahead[taken][1].startswith(("`", COUNT)):
                break
            joined += "\n" + ahead[taken][1]
            taken += 1
        if taken and len(_cells(joined)) == width:
            for _ in range(taken):
                ahead.popleft()
            yield line, _cells(joined), True
        else:
            yield line, cells, False


def _cells(text: str) -> list[str]:
    return text.removeprefix("`").split(",`")


def _take(bill: _Bill, line: int, cells: list[str], broken: bool, writer: StatementWriter) -> None:
    """Add one row to the sums, and hand it to the writer as a record or as a bad row."""
    bill.rows += 1
    row = {name: cells[place] for name, place in bill.places.items()} if len(cells) == bill.width else {}
    amounts: dict[str, int] = {}
    for name, column in bill.sums.items():
        units = hundred_thousandths(row[name]) if row else None
        if units is None or (units % _FEN and name != "手续费"):
            column.unread += 1
        else:
            column.units += units
            amounts[name] = units
    column_of_amount = _column_of_amount(bill, row)
    units = amounts.get(column_of_amount)
    amount = None if units is None else units // _FEN
    try:
        if not row:
            raise _BadRow("", f"the row has {len(cells)} fields where the header has {bill.width}", "")
        if broken:
            raise _BadRow("", "a line break stands in one of the row's texts", "")
        if _UNFIT.search("".join(cells)):
            unfit = next(name for name, text in row.items() if _UNFIT.search(text))
            raise _BadRow(
                unfit, "holds a control character, or bytes that are no UTF-8", "" if unfit == _PAYER else row[unfit]
            )
        record = _record(bill, row, amounts)
        if amount is None:
            raise _BadRow(
                column_of_amount, "is no amount in yuan with at most two digits", row.get(column_of_amount, "")
            )
        writer.record(line, {**record, "amount_minor": amount})
        bill.fees_minor += int(str(record["fee_minor"]))
    except _BadRow as bad:
        column, reason, value = bad.args
        writer.reject(line, column, reason, value, amount or 0)


def _column_of_amount(bill: _Bill, row: Mapping[str, str]) -> str:
    settled = bill.config.amount == "settlement"
    candidates: tuple[str, ...] = ("应结订单金额",) if settled else _ORDER
    if row.get("交易状态") in REFUNDS:
        candidates = ("退款金额",) if settled else _REQUESTED
    return next((name for name in candidates if name in bill.places), candidates[0])


def _record(bill: _Bill, row: Mapping[str, str], amounts: Mapping[str, int]) -> dict[str, object]:
    """The standard record of a row, but for its amount. Raises _BadRow for the first thing that is wrong."""
    config = bill.config
    moment = _moment(bill, row["交易时间"])
    _check_merchant(bill, row)
    if row["货币种类"] != "CNY":
        raise _BadRow("货币种类", "is not CNY, the currency of this bill", row["货币种类"])
    order, state = row[config.key], row["交易状态"]
    refund = state in REFUNDS
    if not refund and state != "SUCCESS":
        raise _BadRow("交易状态", "is none of SUCCESS, REFUND and REVOKED", state)
    identifier, own, status = row["微信订单号"], "", "success"
    if refund:
        identifier, own = row.get("微信退款单号", ""), row.get("商户退款单号", "")
        status = REFUND_STATUSES.get(row.get("退款状态", "") or ("SUCCESS" if state == "REVOKED" else ""), "")
        if not status:
            raise _BadRow("退款状态", f"is none of {', '.join(REFUND_STATUSES)}", row.get("退款状态", ""))
        if row.get("退款状态") == "PROCESSING":
            status = config.processing_refund
        if (own in ("", "0") or "\t" in own) and config.refund_key == "refund":
            raise _BadRow("商户退款单号", "is empty, and it is the key of a refund", own)
    for name, text in (("微信退款单号" if refund else "微信订单号", identifier), (config.key, order)):
        if text in ("", "0") or "\t" in text:
            raise _BadRow(name, "is empty or holds a tab", text)
    if "手续费" not in amounts:
        raise _BadRow("手续费", f"is no amount in yuan with at most {_DIGITS} digits", row["手续费"])
    return {
        "record_id": identifier,
        "business_key": _key(bill, order, own, identifier) if refund else order,
        "kind": "refund" if refund else "payment",
        "business_day": moment.date().isoformat(),
        "occurred_at": instant_text(moment, bill.timezone),
        "currency": "CNY",
        "status": status,
        "fee_minor": rounded_fen(amounts["手续费"]),
        "channel": row.get("交易类型", "").replace("\t", " "),
        "product": row.get("商品名称", "").replace("\t", " "),
    }


def _key(bill: _Bill, order: str, own: str, identifier: str) -> str:
    if bill.config.refund_key == "refund":
        return own
    if order in bill.refunded:
        return f"{order}/{identifier if own in ('', '0') else own}".replace("\t", " ")
    bill.refunded.add(order)
    return order


def _moment(bill: _Bill, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise _BadRow("交易时间", "is not a time such as 2026-11-01 12:00:00", text)
    if moment.date() == bill.business_day:
        bill.of_day += 1
    else:
        bill.other.setdefault("交易时间", moment.date().isoformat())
    return moment


def _sub_merchant(names: Container[str]) -> str:
    return "子商户号" if "子商户号" in names else "特约商户号"


def _check_merchant(bill: _Bill, row: Mapping[str, str]) -> None:
    sub_merchant = _sub_merchant(bill.places)
    for name, due in (("商户号", bill.config.merchant), (sub_merchant, bill.config.sub_merchant)):
        if due and row[name] != due:
            bill.other.setdefault("商户号", row[name][:32])
            raise _BadRow(name, f"is not {due}, whose bill this should be", row[name])
    bill.of_merchant += 1


def _proven(bill: _Bill, header: str, values: str) -> dict[str, int]:
    """The summary's count and sums as far as they are proven. Raises SourceError for the first that does not tie."""
    names, stated = header.split(","), _cells(values)
    if len(names) != len(stated):
        raise SourceError(f"its summary has {len(stated)} values for {len(names)} names; it is cut short")
    proven: dict[str, int] = {}
    for name, text in zip(names, stated, strict=True):
        units = hundred_thousandths(text)
        if units is None:
            raise SourceError(
                f"its summary states {text[:40]!r} as {name}, which is no number; download the bill again"
            )
        if name == COUNT:
            if units != bill.rows * 10**_DIGITS:
                raise SourceError(f"its summary states {text} rows and it has {bill.rows}; download the bill again")
            proven["rows"] = bill.rows
            continue
        column, key = SUMS.get(name, ("", ""))
        if column not in bill.sums:
            raise SourceError(f"its summary states {name}, and no column of it is known to add up to that")
        found = bill.sums[column]
        if found.unread == 0 and found.units == units:
            proven[key] = rounded_fen(units)
        elif found.unread == 0 or (found.units > units and column != "手续费"):
            rest = f", and {found.unread} cells cannot be read" if found.unread else ""
            raise SourceError(
                f"its summary states {text} yuan as {name} and its rows add up to {_yuan(found.units)}{rest};"
                " download the bill again"
            )
    if "手续费总金额" in names:
        proven["fee_of_records_minor"] = bill.fees_minor
    return proven


def _yuan(units: int) -> str:
    whole, part = divmod(abs(units), 10**_DIGITS)
    return f"{'-' if units < 0 else ''}{whole}.{part:0{_DIGITS}d}"
