"""The Alipay bill (对账单, trade) as standard records: the details of the zip as delivered, or of its one CSV in GBK.

Four lines beginning with `#`, a header, the details, and a footer of `#` lines that states the counts and sums of trades
and refunds. Cells are padded with tabs. A "line" is a physical line of the details file, the first `#` line being line 1.
In the zip, names are GBK without the UTF-8 flag, and beside the details stands a summary by shop (业务明细(汇总)), whose
line 合计 must tie too unless `tie_summary` is off. Source: Alipay open platform, 对账单 (trade) field description.

- 交易 is a payment, 退款 a refund, whose negative amounts become positive. Both stand with their number at Alipay; a
  refund's record_id is that and 退款批次号/请求号, since it repeats the numbers of its trade.
- A refund bears the order's number, as the other parties' refund does; of several refunds of one order in one bill, the
  first in the file bears it alone and each further one as `ORDER/REFUND`, so that none is taken for a duplicate. With
  `refund_key: refund` a refund bears 退款批次号/请求号.
- 服务费 is negative where the merchant pays it; fee_minor is positive there, and negative where it is given back.
- Everything in the bill has happened: every status is success. occurred_at is 完成时间.
- A comma in 商品名称 is not escaped by the sender; the row is read where the surplus fields can only be that name's. A row
  that line breaks in its texts part into several lines is one row, which is set aside.
- No account is taken over: that of the other side is sensitive, and the other parties do not know it.

The stated counts are those of all rows of their 业务类型, the sums those of the columns over them, set aside or not; the sum
of refunds is compared without its sign. While a row is there whose type or amount cannot be read, a count may exceed, and
a sum be other than, what was read: what is thus unproven is left out of the result. A count that falls short is refused,
and so is a bill whose two counts are not together the number of its rows.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from core.money import decimal_text, parse_minor
from reconciliation.sources import SourceError
from reconciliation.sources.alipay_archive import REFUSALS, lines_of, members_of
from reconciliation.sources.parted import whole_rows
from reconciliation.sources.statement import StatementWriter, instant_text

NAME: Final = "alipay_bill"
SUFFIXES: Final = (".zip", ".csv")

KINDS: Final = {"交易": "payment", "退款": "refund"}
SUMMED: Final = {
    "订单金额（元）": "order_amount_minor",
    "商家实收（元）": "received_amount_minor",
    "商家优惠（元）": "merchant_discount_minor",
    "服务费（元）": "fee_minor",
}
"""The columns that footer and summary add up, and the ends of their names in the result."""
FOOTER: Final = {"商家实收": "商家实收（元）", "商家优惠": "商家优惠（元）", "订单金额": "订单金额（元）"}
_REQUIRED = ("支付宝交易号", "商户订单号", "业务类型", "商品名称", "创建时间", "完成时间", "退款批次号/请求号", *SUMMED)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_ACCOUNT = re.compile(r"账号：\[(.*?)\]")
_PERIOD = re.compile(r"(?:起始|终止)日期：\[(\S+) [0-9:]+\]")
_TOTAL = re.compile(r"#+(交易|退款)合计：([0-9]{1,18})笔(.*)", re.ASCII)
_SUM = re.compile(r"[，,]\s*([^0-9，,-]+?)(?:退款)?共(-?[0-9]{1,25}(?:\.[0-9]+)?)元", re.ASCII)
_UNFIT = re.compile("[\x00-\x1f\x7f\N{REPLACEMENT CHARACTER}]")
_PAYER = "对方账户"  # never shown, not even where it is at fault
_LONGEST_AMOUNT = 30


class Config(BaseModel):
    """`merchant` is the number in the bill's line 账号, with or without the 0156 that Alipay may append."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    merchant: str = Field(min_length=1)
    key: Literal["商户订单号", "支付宝交易号"] = "商户订单号"
    refund_key: Literal["order", "refund"] = "order"
    amount: Literal["order", "received"] = "order"
    tie_summary: bool = True


@dataclass(slots=True)
class _Total:
    """Rows of one type of business, their sums by column in fen, and how many cells of each could not be read."""

    rows: int = 0
    minor: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUMMED, 0))
    unread: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUMMED, 0))


@dataclass(slots=True)
class _Bill:
    config: Config
    business_day: date
    timezone: ZoneInfo
    names: list[str] = field(default_factory=list)
    totals: dict[str, _Total] = field(default_factory=lambda: {name: _Total() for name in KINDS})
    unknown: int = 0  # rows whose type of business cannot be read
    of_day: int = 0
    other_day: str = ""  # of the first row
    refunded: set[str] = field(default_factory=set)


class _BadRow(Exception):
    """A row from which no record can be made: column, reason and value."""


def convert(
    path: Path, config: Config, business_day: date, timezone: ZoneInfo, writer: StatementWriter
) -> Mapping[str, int]:
    """Hand over every detail row; returns `rows`, `payments`, `refunds` and the proven sums in fen.

    Raises SourceError when the bill is damaged, cut short, of another day or account, or does not tie to its totals.
    """
    bill = _Bill(config, business_day, timezone)
    try:
        if not zipfile.is_zipfile(path):
            if path.suffix == ".zip":
                raise SourceError("it is no whole zip file; download the bill again")
            with path.open("rb") as file:
                return _details(bill, lines_of(file), writer)
        with zipfile.ZipFile(path) as archive:
            details, summary = members_of(archive)
            with archive.open(details) as file:
                proven = _details(bill, lines_of(file), writer)
            if summary is not None and config.tie_summary:
                with archive.open(summary) as file:
                    _tie_summary(bill, lines_of(file))
            return proven
    except REFUSALS as error:
        raise SourceError(f"it cannot be read to its end ({error}); download the bill again") from error


def _names(text: str) -> list[str]:
    return [cell.strip().replace("(元)", "（元）") for cell in text.split(",")]


def _details(bill: _Bill, lines: Iterator[tuple[int, str]], writer: StatementWriter) -> dict[str, int]:
    _check_head(bill, lines)
    end = None
    for line, text in _rows(lines, bill.names):
        if text.startswith("#"):
            end = text
            break
        _take(bill, line, text, writer)
    if end is None or "结束" not in end:
        raise SourceError("it ends without its footer (业务明细列表结束), so it is cut short; download the bill again")
    footer = [text for _, text in lines]
    if odd := next((text for text in footer if not text.startswith("#")), None):
        raise SourceError(f"after the end of its details stands {odd[:40]!r}; download the bill again")
    rows = sum(total.rows for total in bill.totals.values()) + bill.unknown
    if rows and not bill.of_day:
        raise SourceError(
            f"no row is of {bill.business_day}; the first is of {bill.other_day or 'no known day'};"
            " download the bill again"
        )
    return {"rows": rows, **_proven(bill, footer)}


def _check_head(bill: _Bill, lines: Iterator[tuple[int, str]]) -> None:
    """Read to the header. Raises SourceError when account, period or columns are not those of the bill asked for."""
    head: list[str] = []
    for _, text in lines:
        if not text.startswith("#"):
            bill.names = _names(text)
            break
        head.append(text)
    account = _ACCOUNT.search("\n".join(head))
    lacking = [name for name in _REQUIRED if name not in bill.names]
    if account is None or lacking:
        what = f"its header lacks {', '.join(lacking)}" if account else "its first lines name no account (账号)"
        raise SourceError(f"{what}; it is no Alipay trade bill in GBK")
    if len(set(bill.names)) != len(bill.names):
        raise SourceError("its header names a column more than once; download the bill again")
    if account[1] not in (bill.config.merchant, bill.config.merchant + "0156"):
        raise SourceError(
            f"it is the bill of account {account[1]}, not of {bill.config.merchant}; download the bill again"
        )
    period = _PERIOD.findall("\n".join(head))
    days = bill.business_day, bill.business_day + timedelta(days=1)
    first, end = (f"{day.year}年{day.month:02d}月{day.day:02d}日" for day in days)
    if len(period) != 2 or period[0] != first or period[1] not in (first, end):
        raise SourceError(
            f"it states the period {' to '.join(period)}, which is not the day {bill.business_day};"
            " download the bill again"
        )


def _rows(lines: Iterator[tuple[int, str]], names: list[str]) -> Iterator[tuple[int, str]]:
    """Line and text of each row and of the footer; of short lines that make one row together, the text of all."""

    def is_short(text: str) -> bool:
        return not text.startswith("#") and text.count(",") + 1 < len(names)

    def is_whole(text: str) -> bool:
        return len(_cells(text, names)) == len(names)

    return ((line, text) for line, text, _ in whole_rows(lines, is_short, is_whole, "\n"))


def _cells(text: str, names: list[str]) -> list[str]:
    """The cells of a row; a surplus of fields goes to the product's name, which only then must fit (see `_take`)."""
    cells = text.split(",")
    if (surplus := len(cells) - len(names)) > 0:
        place = names.index("商品名称")
        cells[place : place + surplus + 1] = [",".join(cells[place : place + surplus + 1])]
        if not all(_TIME.fullmatch(cells[names.index(name)].strip()) for name in ("创建时间", "完成时间")):
            return text.split(",")
    return [cell.strip("\t ") for cell in cells]


def _take(bill: _Bill, line: int, text: str, writer: StatementWriter) -> None:
    """Add one row to the totals, and hand it to the writer as a record or as a bad row."""
    cells = _cells(text, bill.names)
    row = dict(zip(bill.names, cells, strict=True)) if len(cells) == len(bill.names) else {}
    total = bill.totals.get(row.get("业务类型", ""))
    minor: dict[str, int] = {}
    for name in SUMMED:
        fen = fen_of(row[name]) if row else None
        if fen is not None:
            minor[name] = fen
        if total is not None:
            total.minor[name] += fen or 0
            total.unread[name] += fen is None
    if total is None:
        bill.unknown += 1
    else:
        total.rows += 1
    column = "订单金额（元）" if bill.config.amount == "order" else "商家实收（元）"
    amount = minor.get(column)
    sign = -1 if row.get("业务类型") == "退款" else 1
    try:
        if not row:
            raise _BadRow("", f"the row has {len(cells)} fields where the header has {len(bill.names)}", "")
        if "\n" in text:
            raise _BadRow("", "a line break stands in one of the row's texts", "")
        if _UNFIT.search("".join(cells)):
            unfit = next(name for name, cell in row.items() if _UNFIT.search(cell))
            shown = "" if unfit == _PAYER else row[unfit]
            raise _BadRow(unfit, "holds a control character, or bytes that are no GBK", shown)
        if total is None:
            raise _BadRow("业务类型", f"is none of {', '.join(KINDS)}", row["业务类型"])
        if amount is None:
            raise _BadRow(column, "is no amount in yuan with at most two digits", row[column])
        fee = minor.get("服务费（元）")
        if fee is None and row["服务费（元）"]:
            raise _BadRow("服务费（元）", "is no amount in yuan with at most two digits", row["服务费（元）"])
        record = _record(bill, row, KINDS[row["业务类型"]])
        writer.record(line, {**record, "amount_minor": sign * amount, "fee_minor": None if fee is None else -fee})
    except _BadRow as bad:
        where, reason, value = bad.args
        writer.reject(line, where, reason, value, sign * (amount or 0))


def _record(bill: _Bill, row: Mapping[str, str], kind: str) -> dict[str, object]:
    """The standard record of a row, but for its money. Raises _BadRow for the first thing that is wrong."""
    number, order, refund = row["支付宝交易号"], row[bill.config.key], row["退款批次号/请求号"]
    try:
        moment = datetime.fromisoformat(row["完成时间"]) if _TIME.fullmatch(row["完成时间"]) else None
    except ValueError:
        moment = None
    if moment is None:
        raise _BadRow("完成时间", "is not a time such as 2026-11-01 12:00:00", row["完成时间"])
    if moment.date() == bill.business_day:
        bill.of_day += 1
    bill.other_day = bill.other_day or moment.date().isoformat()
    needed = ("支付宝交易号", bill.config.key, *(["退款批次号/请求号"] if kind == "refund" else []))
    if empty := next((name for name in needed if not row[name]), None):
        raise _BadRow(empty, "is empty", "")
    key = order
    if kind == "refund":
        key = refund if bill.config.refund_key == "refund" else order
        if key == order and order in bill.refunded:
            key = f"{order}/{refund}"
        bill.refunded.add(order)
    return {
        "record_id": f"{number}/{refund}" if kind == "refund" else number,
        "business_key": key,
        "kind": kind,
        "business_day": moment.date().isoformat(),
        "occurred_at": instant_text(moment, bill.timezone),
        "currency": "CNY",
        "status": "success",
        "channel": row.get("门店名称") or row.get("门店编号"),
        "product": row["商品名称"],
    }


def _proven(bill: _Bill, footer: list[str]) -> dict[str, int]:
    """The footer's counts and sums as far as they are proven. Raises SourceError for the first that does not tie."""
    stated = {found[1]: found for text in footer if (found := _TOTAL.fullmatch(text.strip())) is not None}
    if lacking := [name for name in KINDS if name not in stated]:
        raise SourceError(f"its footer lacks {'合计, '.join(lacking)}合计, so it is cut short; download the bill again")
    proven: dict[str, int] = {}
    rows = sum(total.rows for total in bill.totals.values()) + bill.unknown
    _tie_count("交易合计 and 退款合计", sum(int(found[2]) for found in stated.values()), rows, 0)
    for name, kind in KINDS.items():
        total = bill.totals[name]
        _tie_count(f"{name}合计", int(stated[name][2]), total.rows, bill.unknown)
        if not bill.unknown:
            proven[f"{kind}s"] = total.rows
        sums = _SUM.findall(stated[name][3])
        if len(sums) != stated[name][3].count("元") or not sums:
            raise SourceError(f"its footer states no readable sum of {name}: {stated[name][0][:80]}")
        for label, text in sums:
            column = FOOTER.get(label.removesuffix("退款"))
            if column is None:
                raise SourceError(f"its footer states {label}, and no column is known to add up to that")
            due, added = _stated(label, text), total.minor[column]
            if name == "退款":
                due, added = abs(due), abs(added)
            if not (bill.unknown or total.unread[column]):
                _tie_sum(f"{name}合计 {label}", due, added)
                proven[f"{kind}s_{SUMMED[column]}"] = due
    return proven


def fen_of(text: str) -> int | None:
    """The fen of an amount in yuan; None when it is no plain number with at most two digits after the point."""
    try:
        return parse_minor(text, "CNY") if len(text) <= _LONGEST_AMOUNT else None
    except ValueError:
        return None


def _stated(what: str, text: str) -> int:
    fen = fen_of(text)
    if fen is None:
        raise SourceError(f"it states {text[:40]!r} as {what}, which is no amount; download the bill again")
    return fen


def _tie_count(what: str, stated: int, found: int, unknown: int) -> None:
    if not found <= stated <= found + unknown:
        more = f", beside {unknown} rows of unreadable type" if unknown else ""
        raise SourceError(f"it states {stated} rows as {what} and has {found}{more}; download the bill again")


def _tie_sum(what: str, stated: int, found: int) -> None:
    if found != stated:
        texts = decimal_text(stated, "CNY"), decimal_text(found, "CNY")
        raise SourceError(f"it states {texts[0]} yuan as {what} and its rows add up to {texts[1]}; download it again")


def _tie_summary(bill: _Bill, lines: Iterator[tuple[int, str]]) -> None:
    """Compare the line 合计 of the summary by shop. Raises SourceError when it is missing or does not tie."""
    names: list[str] = []
    stated: dict[str, str] = {}
    ended = False
    for _, text in lines:
        if text.startswith("#"):
            ended = ended or "结束" in text
            continue
        cells = _names(text)
        if not names:
            names = cells
        elif cells[0] == "合计" and len(cells) == len(names):
            stated = dict(zip(names, cells, strict=True))
    if not stated or not ended:
        raise SourceError(
            "the summary (汇总) in the zip has no line 合计 or no end, so it is cut short; download it again"
        )
    totals = bill.totals.values()
    for name, column in (("交易", "交易订单总笔数"), ("退款", "退款订单总笔数")):
        if column in stated:
            if not re.fullmatch("[0-9]{1,18}", stated[column]):
                raise SourceError(f"the summary (汇总) states {stated[column][:40]!r} as {column}, which is no number")
            _tie_count(f"{column} of the summary", int(stated[column]), bill.totals[name].rows, bill.unknown)
    for column in SUMMED:
        if column in stated and not (bill.unknown or any(total.unread[column] for total in totals)):
            found = sum(total.minor[column] for total in totals)
            _tie_sum(f"{column} of the summary", _stated(column, stated[column]), found)
