"""Bills of the three payment channels in the shapes of their public descriptions, with invented merchants and orders."""
# ruff: noqa: E501 - the rows of the bills stand as they are delivered

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from reconciliation.engines import connect
from reconciliation.outcome import Outcome
from reconciliation.request import PartyFile
from reconciliation.sources.statement import FIRST_LINE, Statement, StatementWriter
from reconciliation.sources.unionpay_zm import WIDTHS
from reconciliation.standard_record import COLUMNS
from reconciliation.three_way import run
from reconciliation.validation import checked, day_of
from tests.reconciliation.days import deliver

DAY = date(2026, 11, 1)

WECHAT_MERCHANT = "1900000109"
WECHAT_HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,"
    "代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
WECHAT_SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
WECHAT = f"""\ufeff{WECHAT_HEADER}
`2026-11-01 00:00:03,`wx2421b1c4370ec43b,`1900000109,`0,`,`4200002411202611010000000001,`CMCC20261101000001,`oX1,`JSAPI,`SUCCESS,`OTHERS,`CNY,`50.00,`0.00,`0,`0,`0.00,`0.00,`,`,`话费充值,50元,`bj,`0.30000,`0.60%,`50.00,`0.00,`
`2026-11-01 08:15:40,`wx2421b1c4370ec43b,`1900000109,`0,`013467007045764,`4200002411202611010000000002,`CMCC20261101000002,`oX2,`NATIVE,`SUCCESS,`ICBC_DEBIT,`CNY,`28.88,`1.00,`0,`0,`0.00,`0.00,`,`,`流量包 5GB,`,`0.17328,`0.60%,`29.88,`0.00,`
`2026-11-01 09:00:00,`wx2421b1c4370ec43b,`1900000109,`0,`,`4200002411202611010000000003,`CMCC20261101000003,`oX3,`APP,`SUCCESS,`CMB_CREDIT,`CNY,`0.01,`0.00,`0,`0,`0.00,`0.00,`,`,`话费充值,`,`0.00006,`0.60%,`0.01,`0.00,`
`2026-11-01 10:20:30,`wx2421b1c4370ec43b,`1900000109,`0,`,`4200002411202610310000000077,`CMCC20261031000077,`oX4,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`50300002412026110100000001,`TK20261101000001,`30.00,`0.00,`ORIGINAL,`SUCCESS,`话费充值,`,`-0.18000,`0.60%,`0.00,`30.00,`
`2026-11-01 11:20:30,`wx2421b1c4370ec43b,`1900000109,`0,`,`4200002411202610310000000077,`CMCC20261031000077,`oX4,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`50300002412026110100000002,`TK20261101000002,`20.00,`0.00,`ORIGINAL,`PROCESSING,`话费充值,`,`-0.12000,`0.60%,`0.00,`20.00,`
`2026-11-01 12:00:00,`wx2421b1c4370ec43b,`1900000109,`0,`,`4200002411202611010000000002,`CMCC20261101000002,`oX2,`NATIVE,`REFUND,`ICBC_DEBIT,`CNY,`0.00,`0.00,`50300002412026110100000003,`TK20261101000003,`9.00,`0.00,`BALANCE,`FAIL,`流量包 5GB,`,`-0.05400,`0.60%,`0.00,`10.00,`
`2026-11-01 23:59:59,`wx2421b1c4370ec43b,`1900000109,`0,`,`4200002411202611010000000004,`CMCC20261101000004,`oX5,`MICROPAY,`REVOKED,`OTHERS,`CNY,`0.00,`0.00,`50300002412026110100000004,`TK20261101000004,`5.00,`0.00,`ORIGINAL,`SUCCESS,`营业厅,`,`0.00000,`0.60%,`0.00,`5.00,`
{WECHAT_SUMMARY}
`7,`78.89,`64.00,`0.00,`0.11934,`79.89,`65.00
"""
WECHAT_OLD = """交易时间,公众账号ID,商户号,子商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,总金额,代金券或立减优惠金额,微信退款单号,商户退款单号,退款金额,代金券或立减优惠退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率
`2026-11-01 16:33:45,`wx2421b1c4370ec43b,`1900000109,`0,`1000,`1001690740201411100005734289,`1415640626,`o1,`MICROPAY,`SUCCESS,`CFT,`CNY,`0.02,`0.0,`0,`0,`0,`0,`,`,`被扫支付,`订单额外描述,`0,`0.60%
`2026-11-01 16:46:14,`wx2421b1c4370ec43b,`1900000109,`0,`1000,`1002780740201411100005729794,`1415635270,`o2,`MICROPAY,`REFUND,`CFT,`CNY,`0,`0.0,`2000001,`R1,`0.01,`0,`ORIGINAL,`SUCCESS,`被扫支付,`,`0,`0.60%
总交易单数,总交易额,总退款金额,总代金券或立减优惠退款金额,手续费总金额
`2,`0.02,`0.01,`0.0,`0
"""

ALIPAY_MERCHANT = "2088101122223333"
ALIPAY_HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,"
    "支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
ALIPAY = f"""#支付宝业务明细查询
#账号：[20881011222233330156]
#起始日期：[2026年11月01日 00:00:00]   终止日期：[2026年11月02日 00:00:00]
#-----------------------------------------业务明细列表----------------------------------------
{ALIPAY_HEADER}
2026110122001400001\t,CMCC20261101000101\t,交易\t,话费充值\t,2026-11-01 00:00:01\t,2026-11-01 00:00:05\t,BJ01\t,西单营业厅\t,\t,\t,*三(138****0001)\t,100.00\t,100.00\t,0.00\t,0.00\t,0.00\t,0.00\t,0.00\t,\t,0.00\t,0.00\t,\t,-0.60\t,0.00\t,\t
2026110122001400002\t,CMCC20261101000102\t,交易\t,宽带,一年\t,2026-10-31 23:59:50\t,2026-11-01 00:00:07\t,BJ01\t,西单营业厅\t,\t,\t,*四(139****0002)\t,365.50\t,360.50\t,0.00\t,0.00\t,0.00\t,5.00\t,0.00\t,\t,0.00\t,0.00\t,\t,-2.16\t,0.00\t,\t
2026110122001400003\t,CMCC20261101000103\t,交易\t,流量包\t,2026-11-01 12:00:00\t,2026-11-01 12:00:04\t,\t,\t,\t,\t,*五(137****0003)\t,9.90\t,9.90\t,0.00\t,0.00\t,0.00\t,0.00\t,0.00\t,\t,0.00\t,0.00\t,\t,-0.06\t,0.00\t,\t
2026110122001400002\t,CMCC20261101000102\t,退款\t,宽带,一年\t,2026-10-31 23:59:50\t,2026-11-01 18:30:00\t,BJ01\t,西单营业厅\t,\t,\t,*四(139****0002)\t,-100.00\t,-95.00\t,0.00\t,0.00\t,0.00\t,-5.00\t,0.00\t,\t,0.00\t,0.00\t,RF20261101000001\t,0.57\t,0.00\t,部分退款\t
2026110122001400002\t,CMCC20261101000102\t,退款\t,宽带,一年\t,2026-10-31 23:59:50\t,2026-11-01 19:30:00\t,BJ01\t,西单营业厅\t,\t,\t,*四(139****0002)\t,-65.50\t,-65.50\t,0.00\t,0.00\t,0.00\t,0.00\t,0.00\t,\t,0.00\t,0.00\t,RF20261101000002\t,0.39\t,0.00\t,部分退款\t
#-----------------------------------------业务明细列表结束------------------------------------
#交易合计：3笔，商家实收共470.40元，商家优惠共5.00元
#退款合计：2笔，商家实收退款共-160.50元，商家优惠退款共-5.00元
#导出时间：[2026年11月02日 09:11:12]
"""
ALIPAY_SUMMARY = """#支付宝业务汇总查询
#账号：[20881011222233330156]
#起始日期：[2026年11月01日 00:00:00]   终止日期：[2026年11月02日 00:00:00]
#-----------------------------------------业务汇总列表----------------------------------------
门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）
BJ01\t,西单营业厅\t,2\t,2\t,300.00\t,300.00\t,0.00\t,0.00\t,0.00\t,-1.80\t,0.00\t,298.20\t
合计\t,\t,3\t,2\t,309.90\t,309.90\t,0.00\t,0.00\t,0.00\t,-1.86\t,0.00\t,308.04\t
#----------------------------------------业务汇总列表结束-------------------------------------
#导出时间：[2026年11月02日 09:11:12]
"""

UNIONPAY_MERCHANT = "777290058110097"


@dataclass(frozen=True, slots=True)
class Zm:
    """The fields of a ZM line that a test wants to set."""

    kind: str
    moment: str
    fen: int
    query: str
    order: str
    fee: str = "D000000000000"
    original: str = ""
    merchant: str = UNIONPAY_MERCHANT


ZM = (
    Zm("01", "1031230001", 10000, "201610312300011234501", "CMCC20261101000201", "D000000000060"),
    Zm("01", "1101120000", 2990, "201611011200001234502", "CMCC20261101000202", "D000000000018"),
    Zm("11", "1101225959", 5000, "201611012259591234503", "CMCC20261101000203", "D000000000030"),
    Zm("04", "1101150000", 1000, "201611011500001234504", "TK20261101000201", "C000000000006", "CMCC20261030000009"),
    Zm("04", "1101150100", 500, "201611011501001234505", "TK20261101000202", "C000000000003", "CMCC20261030000009"),
    Zm("31", "1101120500", 2990, "201611011205001234506", "TK20261101000203", "C000000000018", "CMCC20261101000202"),
    Zm("02", "1101090000", 8800, "201611010900001234507", "CMCC20261101000204"),
)


def zm_line(row: Zm) -> bytes:
    """One line of fixed width in GBK, with a card number and a shop's Chinese name where they stand."""
    net = f"{'C' if row.kind in ('01', '03', '11') else 'D'}{row.fen - int(row.fee[1:]):012d}"
    fields = [b""] * len(WIDTHS)
    stated = {1: "S22", 2: "00049992", 3: "00049992", 4: row.query[-6:], 5: row.moment, 6: "6216261000000000018"}
    stated |= {7: f"{row.fen:012d}", 8: "4814", 9: "07", 10: row.query, 12: row.order, 13: "01", 16: row.fee, 17: net}
    stated |= {18: "0001", 20: row.kind, 21: "01", 22: "000201", 28: row.merchant, 31: "西单营业厅", 33: net}
    stated |= {41: row.original}
    for number, text in stated.items():
        fields[number - 1] = text.encode("gb18030")
    return b" ".join(cell.ljust(width) for cell, width in zip(fields, WIDTHS, strict=True))


def zm(rows: Sequence[Zm] = ZM) -> bytes:
    """A whole ZM file."""
    return b"".join(zm_line(row) + b"\r\n" for row in rows)


def alipay_zip(details: bytes, summary: bytes | None = None) -> bytes:
    """A zip as Alipay makes it: member names in GBK bytes without the UTF-8 flag."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("业务明细", details), ("业务明细(汇总)", summary)):
            if content is not None:
                archive.writestr(f"{ALIPAY_MERCHANT}0156_20261101_{name}.csv", content)
    found = target.getvalue()
    for name in ("业务明细", "(汇总)"):
        utf8, gbk = name.encode(), name.encode("gbk")
        found = found.replace(utf8, gbk + b"0" * (len(utf8) - len(gbk)))  # padded, so that the lengths stay true
    changed = bytearray(found)
    for signature, offset in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        place = found.find(signature)
        while place >= 0:
            changed[place + offset] &= ~0x08  # the flag that says UTF-8
            place = found.find(signature, place + 4)
    return bytes(changed)


def wechat_many(count: int) -> list[list[str]]:
    """Rows of a long bill, every tenth a refund."""
    rows = []
    for n in range(count):
        refund, fen = n % 10 == 9, 100 + n % 900
        yuan = f"{fen // 100}.{fen % 100:02d}"
        fee = f"{Decimal(fen) * 6 / 100_000:.5f}"
        rows.append(
            [
                f"2026-11-01 {n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}",
                *("wx2421b1c4370ec43b", WECHAT_MERCHANT, "0", "", f"42{n:026d}", f"CMCC{n:014d}", "oX", "JSAPI"),
                *("REFUND" if refund else "SUCCESS", "OTHERS", "CNY", "0.00" if refund else yuan, "0.00"),
                *((f"50{n:024d}", f"TK{n:012d}", yuan) if refund else ("0", "0", "0.00")),
                *("0.00", "ORIGINAL" if refund else "", "SUCCESS" if refund else "", "话费充值", ""),
                *(f"-{fee}" if refund else fee, "0.60%", "0.00" if refund else yuan, yuan if refund else "0.00", ""),
            ]
        )
    return rows


def wechat_bill(rows: Sequence[Sequence[str]], lines: Sequence[str] | None = None) -> bytes:
    """A bill whose summary is that of `rows`, and whose details are `lines` where they are given."""
    names = WECHAT_HEADER.split(",")
    columns = ("应结订单金额", "退款金额", "充值券退款金额", "手续费", "订单金额", "申请退款金额")
    sums = (sum((Decimal(row[names.index(name)]) for row in rows), Decimal(0)) for name in columns)
    details = [wechat_line(row) for row in rows] if lines is None else lines
    summary = wechat_line([str(len(rows)), *map(str, sums)])
    return ("\r\n".join([WECHAT_HEADER, *details, WECHAT_SUMMARY, summary]) + "\r\n").encode()


def wechat_line(cells: Sequence[str]) -> str:
    """Cells as the bill writes them."""
    return ",".join(f"`{cell}" for cell in cells)


def alipay_many(count: int) -> list[list[str]]:
    """Rows of a long bill, every tenth a refund of the trade before it."""
    rows = []
    for n in range(count):
        refund, fen = n % 10 == 9, 100 + n % 900
        trade, sign = (n - 1, "-") if refund else (n, "")
        moment = f"2026-11-01 {n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}"
        yuan = f"{sign}{fen // 100}.{fen % 100:02d}"
        rows.append(
            [
                *(
                    f"2026110122{trade:012d}",
                    f"CMCC{trade:014d}",
                    "退款" if refund else "交易",
                    "话费充值",
                    moment,
                    moment,
                ),
                *("BJ01", "西单营业厅", "", "", "*三(138****0001)", yuan, yuan, "0.00", "0.00", "0.00", "0.00", "0.00"),
                *("", "0.00", "0.00", f"RF{n:012d}" if refund else "", "0.01" if refund else "-0.01", "0.00", ""),
            ]
        )
    return rows


def alipay_bill(rows: Sequence[Sequence[str]], lines: Sequence[str] | None = None) -> bytes:
    """A details file whose footer is that of `rows`, and whose details are `lines` where they are given."""
    totals = {}
    for kind in ("交易", "退款"):
        mine = [row for row in rows if row[2] == kind]
        totals[kind] = (len(mine), *(sum((Decimal(row[n]) for row in mine), Decimal("0.00")) for n in (12, 16)))
    trades, refunds = totals["交易"], totals["退款"]
    footer = [
        "#-----------------------------------------业务明细列表结束------------------------------------",
        f"#交易合计：{trades[0]}笔，商家实收共{trades[1]}元，商家优惠共{trades[2]}元",
        f"#退款合计：{refunds[0]}笔，商家实收退款共{refunds[1]}元，商家优惠退款共{refunds[2]}元",
        "#导出时间：[2026年11月02日 09:11:12]",
    ]
    details = [alipay_line(row) for row in rows] if lines is None else list(lines)
    return "\r\n".join([*ALIPAY.split("\n")[:5], *details, *footer, ""]).encode("gb18030")


def alipay_line(cells: Sequence[str]) -> str:
    """Cells as the bill writes them, each padded with a tab."""
    return ",".join(f"{cell}\t" for cell in cells)


def zm_many(count: int) -> list[Zm]:
    """Lines of a long file, every tenth a refund."""
    rows = []
    for n in range(count):
        moment = f"1101{n // 3600 % 22:02d}{n // 60 % 60:02d}{n % 60:02d}"
        order = f"CMCC{n:014d}"
        if n % 10 == 9:
            rows.append(Zm("04", moment, 100 + n % 900, f"{n:021d}", f"TK{n:012d}", "C000000000001", order))
        else:
            rows.append(Zm("01", moment, 100 + n % 900, f"{n:021d}", order, "D000000000001"))
    return rows


def written(folder: Path, name: str, content: bytes) -> Path:
    """A file with that content."""
    path = folder / name
    path.write_bytes(content)
    return path


@dataclass(frozen=True, slots=True)
class Converted:
    """What a source made of a file: the records by line, the rejects, the stated totals and the writer's counts."""

    records: dict[int, dict[str, str]]
    rejects: list[dict[str, str]]
    stated: Mapping[str, int]
    writer: StatementWriter

    @property
    def keys(self) -> list[tuple[str, str, int, str, int]]:
        """Key, kind, amount, status and fee of each record, in order."""
        return [
            (row["business_key"], row["kind"], int(row["amount_minor"]), row["status"], int(row["fee_minor"]))
            for row in self.records.values()
        ]

    @property
    def lines_tie(self) -> bool:
        """Whether each of the file's rows ended as a record or as a reject, and none as both."""
        return (
            self.writer.records + self.writer.mended.rows == self.stated["rows"]
            and self.writer.records == len(self.records)
            and self.writer.mended.rows == len(self.rejects)
            and self.records.keys().isdisjoint(int(reject["line"]) for reject in self.rejects)
        )


def converted(source: Statement, config: BaseModel, path: Path, day: date = DAY) -> Converted:
    """Convert a file of Beijing's clock, and read back both files that were written."""
    folder = path.parent / f"{path.name}.converted"
    folder.mkdir()
    with StatementWriter(folder, "payment") as writer:
        stated = source.convert(path, config, day, ZoneInfo("Asia/Shanghai"), writer)
    with writer.mended.copy.open(encoding="utf-8", newline="") as file:
        rows = enumerate(csv.DictReader(file), start=FIRST_LINE)
        records = {line: row for line, row in rows if any(row.values())}
    with writer.mended.set_aside.open(encoding="utf-8", newline="") as file:
        rejects = list(csv.DictReader(file))
    return Converted(records, rejects, stated, writer)


def faults(found: Converted, folder: Path, day: date = DAY) -> dict[int, int]:
    """The fault that validation finds on each line of the copy: 0 for a sound record, -1 where no record stands."""
    engine_folder = folder / "engine"
    engine_folder.mkdir()
    judged_day = day_of(day, ZoneInfo("Asia/Shanghai"), timedelta(minutes=30))
    with connect("duckdb", engine_folder, 512 << 20) as engine:
        text = engine.read_csv(found.writer.mended.copy, COLUMNS)
        rows = engine.number("payment_rows", checked(text, judged_day, mended=True))
        return {row["row"] + FIRST_LINE: row["fault"] for row in engine.fetch(rows.select("row", "fault"))}


def mutate(content: bytes, dice: random.Random) -> bytes:
    """The content with a few bytes changed, doubled, cut out or put in."""
    changed = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        place, length = dice.randrange(len(changed) + 1), dice.choice((0, 1, 1, 2, 40))
        put = dice.choice(
            (b"", b"\0", b"\n", b"\xff", b",", b"`", b"\t", b"-", b"9", b'"', changed[place : place + length] * 2)
        )
        changed[place : place + length] = put
    return bytes(changed)


def matched(source: str, settings: BaseModel, path: Path, found: Converted) -> Outcome:
    """The three-way match of a bill with books of the same records, in which the operator lacks the third."""
    folder = path.parent / f"{source}.books"
    books: list[dict[str, object]] = [
        {name: cell for name, cell in row.items() if cell} for row in found.records.values()
    ]
    asked = deliver(folder, {"billing": books[:2] + books[3:], "platform": books})
    files = (*asked.parties[:2], PartyFile("payment", path, source, settings))
    return run(replace(asked, parties=files))
