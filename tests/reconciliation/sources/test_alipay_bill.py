"""The Alipay bill: its rows as standard records, footer and summary proven, and damage refused or set aside."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from reconciliation.sources import SourceError, alipay_bill
from reconciliation.sources.alipay_archive import member_name
from reconciliation.sources.alipay_bill import Config
from tests.reconciliation.sources import samples
from tests.reconciliation.sources.samples import (
    ALIPAY,
    ALIPAY_MERCHANT,
    ALIPAY_SUMMARY,
    DAY,
    Converted,
    alipay_zip,
    converted,
    written,
)

CONFIG = Config(merchant=ALIPAY_MERCHANT)
NAMES = samples.ALIPAY_HEADER.split(",")
DETAILS, SUMMARY = ALIPAY.encode("gbk"), ALIPAY_SUMMARY.encode("gbk")


def read(folder: Path, content: bytes, config: Config = CONFIG, day: date = DAY, name: str = "bill.zip") -> Converted:
    return converted(alipay_bill, config, written(folder, name, content), day)


def test_every_row_becomes_a_record_and_the_totals_are_proven(tmp_path: Path) -> None:
    """Refunds are positive and bear the order's number, the second of an order apart; fees are what the merchant pays."""
    found = read(tmp_path, alipay_zip(DETAILS, SUMMARY))
    assert found.keys == [
        ("CMCC20261101000101", "payment", 10000, "success", 60),
        ("CMCC20261101000102", "payment", 36550, "success", 216),
        ("CMCC20261101000103", "payment", 990, "success", 6),
        ("CMCC20261101000102", "refund", 10000, "success", -57),
        ("CMCC20261101000102/RF20261101000002", "refund", 6550, "success", -39),
    ]
    assert found.rejects == []
    assert found.lines_tie
    assert found.stated == {
        "rows": 5,
        "payments": 3,
        "payments_received_amount_minor": 47040,
        "payments_merchant_discount_minor": 500,
        "refunds": 2,
        "refunds_received_amount_minor": 16050,
        "refunds_merchant_discount_minor": 500,
    }
    assert found.records[7] == {
        "record_id": "2026110122001400002",
        "business_key": "CMCC20261101000102",
        "kind": "payment",
        "business_day": "2026-11-01",
        "occurred_at": "2026-11-01T00:00:07+08:00",
        "amount_minor": "36550",
        "currency": "CNY",
        "status": "success",
        "fee_minor": "216",
        "account": "",
        "channel": "西单营业厅",
        "product": "宽带,一年",
        "region": "",
    }
    assert [row["record_id"] for row in found.records.values()][3:] == [
        "2026110122001400002/RF20261101000001",
        "2026110122001400002/RF20261101000002",
    ]
    assert "138****0001" not in found.writer.mended.copy.read_text(), "the other side's account is never taken over"


def test_what_is_written_passes_validation(tmp_path: Path) -> None:
    """Every line that holds a record is sound in the eyes of the control; the others hold none."""
    found = read(tmp_path, alipay_zip(DETAILS, SUMMARY))
    assert samples.faults(found, tmp_path) == {**dict.fromkeys(range(1, 6), -1), **dict.fromkeys(range(6, 11), 0)}


def test_a_zip_without_summary_a_flagged_zip_and_a_bare_file_are_read_alike(tmp_path: Path) -> None:
    """Names in GBK without the flag, names in UTF-8 with it, and the details alone in GBK."""
    keys = read(tmp_path, alipay_zip(DETAILS)).keys
    flagged = io.BytesIO()
    with zipfile.ZipFile(flagged, "w") as archive:
        archive.writestr("业务明细.csv", DETAILS)
        archive.writestr("业务明细(汇总).csv", SUMMARY)
        archive.writestr("读我.txt", "nothing")
    assert read(tmp_path, flagged.getvalue(), name="flagged.zip").keys == keys
    assert read(tmp_path, DETAILS, name="bare.csv").keys == keys
    with zipfile.ZipFile(io.BytesIO(alipay_zip(DETAILS, SUMMARY))) as archive:
        names = [member_name(info) for info in archive.infolist()]
    assert [("业务明细" in name, "汇总" in name) for name in names] == [(True, False), (True, True)]


def test_settings_choose_keys_and_amount(tmp_path: Path) -> None:
    config = Config(merchant=ALIPAY_MERCHANT, key="支付宝交易号", refund_key="refund", amount="received")
    found = read(tmp_path, alipay_zip(DETAILS, SUMMARY), config)
    assert [row[0] for row in found.keys] == [
        "2026110122001400001",
        "2026110122001400002",
        "2026110122001400003",
        "RF20261101000001",
        "RF20261101000002",
    ]
    assert [row[2] for row in found.keys] == [10000, 36050, 990, 9500, 6550]


def changed(before: str, after: str) -> Callable[[str], str]:
    return lambda text: text.replace(before, after)


REFUSED: dict[str, tuple[Callable[[str], str], str]] = {
    "cut short in the details": (lambda text: text[: text.index("#---", 600)], "without its footer"),
    "cut short in the footer": (lambda text: text[: text.index("#退款合计")], "footer lacks 退款合计"),
    "cut short in the first total": (
        lambda text: text[: text.index("元，商家优惠共5")],
        "footer lacks 退款合计",
    ),
    "cut short in the header": (lambda text: text[:200], "header lacks"),
    "empty": (lambda _: "", "it is empty; ask for the file again"),
    "doubled": (lambda text: text + text, "after the end of its details stands"),
    "a row lost": (lambda text: text.replace(text.split("\n")[7] + "\n", ""), "has 4"),
    "a row twice": (lambda text: text.replace(text.split("\n")[7] + "\n", (text.split("\n")[7] + "\n") * 2), "has 6"),
    "a payment called refund": (
        lambda text: text.replace(text.split("\n")[7], text.split("\n")[7].replace("交易", "退款")),
        "states 3 rows as 交易合计 and has 2",
    ),
    "one fen more": (changed("\t,100.00\t,100.00", "\t,100.00\t,100.01"), "add up to 470.41"),
    "another account": (changed("2088101122223333", "2088101122224444"), "of account 20881011222244440156"),
    "another period": (changed("11月01日 00:00:00", "11月03日 00:00:00"), "period 2026年11月03日 to 2026年11月02日"),
    "no such day": (changed("11月01日 00:00:00", "13月01日 00:00:00"), "period 2026年13月01日 to"),
    "another day's rows": (
        changed("2026-11-01 ", "2026-11-05 "),
        "no row is of 2026-11-01; the first is of 2026-11-05",
    ),
    "an unknown total": (changed("商家实收共", "别的共"), "states 别的"),
    "a total that is no number": (changed("共470.40元", "共47x.40元"), "no readable sum"),
    "a column twice": (changed("门店名称", "门店编号"), "more than once"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_the_right_one_is_refused(case: str, tmp_path: Path) -> None:
    """The sentence says why, and nothing but SourceError is raised."""
    change, reason = REFUSED[case]
    with pytest.raises(SourceError, match=reason):
        read(tmp_path, alipay_zip(change(ALIPAY).encode("gbk")))


SUMMARY_REFUSED = {
    "a count": ("3\t,2\t,309.90", "4\t,2\t,309.90"),
    "a sum": ("3\t,2\t,309.90", "3\t,2\t,309.91"),
    "fees": ("-1.86\t,0.00\t,308.04", "-1.87\t,0.00\t,308.04"),
    "no total": ("合计", "小计"),
    "no end": ("结束", ""),
    "no number": ("3\t,2\t,309.90", "x\t,2\t,309.90"),
}


@pytest.mark.parametrize("case", SUMMARY_REFUSED)
def test_a_summary_that_does_not_tie_refuses_the_bill(case: str, tmp_path: Path) -> None:
    """Unless the setting says that the summary is not to be looked at."""
    before, after = SUMMARY_REFUSED[case]
    content = alipay_zip(DETAILS, ALIPAY_SUMMARY.replace(before, after).encode("gbk"))
    with pytest.raises(SourceError, match="summary"):
        read(tmp_path, content)
    assert (
        read(tmp_path, content, Config(merchant=ALIPAY_MERCHANT, tie_summary=False), name="b.zip").stated["rows"] == 5
    )


def packed(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.csv", content)
    return target.getvalue()


def test_zips_that_are_no_bill_are_refused(tmp_path: Path) -> None:
    """A bomb is not unpacked; two details, none, a damaged or cut or encrypted zip say what they are."""
    cases = {
        "which no bill does; it is not unpacked": packed(业务明细=bytes(8 << 20)),
        "must hold one details file": packed(业务明细=DETAILS, 业务明细二=DETAILS),
        "and holds: 业务明细.汇总..csv": packed(**{"业务明细(汇总)": SUMMARY}),
        "members, and a bill has two": packed(**{f"m{n}": b"" for n in range(80)}),
        "no whole zip file": alipay_zip(DETAILS)[:-40],
        "is encrypted": _flagged(packed(业务明细=DETAILS)),
        "cannot be read to its end": _damaged(alipay_zip(DETAILS)),
    }
    for place, (reason, content) in enumerate(cases.items()):
        with pytest.raises(SourceError, match=reason):
            read(tmp_path, content, name=f"{place}.zip")


def _flagged(archive: bytes) -> bytes:
    changed_bytes = bytearray(archive)
    changed_bytes[archive.find(b"PK\x03\x04") + 6] |= 1
    changed_bytes[archive.find(b"PK\x01\x02") + 8] |= 1
    return bytes(changed_bytes)


def _damaged(archive: bytes) -> bytes:
    return archive[:300] + bytes(20) + archive[320:]


BAD: dict[str, tuple[str, str, bool]] = {
    "no such time": ("完成时间", "2026-11-31 00:00:00", True),
    "a time with slashes": ("完成时间", "2026/11/01 00:00:00", True),
    "no order": ("商户订单号", "", True),
    "no number": ("支付宝交易号", "", True),
    "a NUL": ("商户订单号", "CMCC\0", True),
    "an unknown type": ("业务类型", "转账", True),
    "a fee that is none": ("服务费（元）", "0.6%", True),
    "an amount that is none": ("订单金额（元）", "1e3", False),
    "an amount too fine": ("订单金额（元）", "1.005", False),
    "no amount": ("订单金额（元）", "", False),
    "an amount of forty digits": ("订单金额（元）", "1" * 40, False),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_set_aside_and_the_others_go_on(case: str, tmp_path: Path) -> None:
    """It is named by line and column, counts in the rows, and its amount counts where it can be read."""
    column, value, readable = BAD[case]
    rows = samples.alipay_many(9)
    total = int(rows[4][NAMES.index("订单金额（元）")].replace(".", ""))
    lines = [samples.alipay_line(row) for row in rows]
    lines[4] = samples.alipay_line(
        [value if name == column else cell for name, cell in zip(NAMES, rows[4], strict=True)]
    )
    found = read(tmp_path, alipay_zip(samples.alipay_bill(rows, lines)))
    assert [(reject["line"], reject["column"]) for reject in found.rejects] == [("10", column)]
    assert (found.writer.records, found.writer.mended.rows, found.stated["rows"]) == (8, 1, 9)
    assert found.writer.mended.amount_minor == (total if readable else 0)
    assert samples.faults(found, tmp_path)[10] == -1


def test_what_an_unreadable_row_leaves_open_is_not_called_proven(tmp_path: Path) -> None:
    """A row without a readable type may be of either, so counts and sums by type are left out; the rows still tie."""
    rows = samples.alipay_many(12)
    lines = [samples.alipay_line(row) for row in rows]
    lines[3] = "what is this"
    lines[5] = lines[5] + ",more,and more"
    found = read(tmp_path, alipay_zip(samples.alipay_bill(rows, lines)))
    assert found.stated == {"rows": 12}
    assert [reject["reason"][:20] for reject in found.rejects] == ["the row has 1 fields", "the row has 27 field"]
    assert found.lines_tie


@pytest.mark.parametrize("text", ["话费\n充值", "话费\r\n充值", "话费,\n\n充\n值"])
def test_a_row_that_line_breaks_part_costs_itself(text: str, tmp_path: Path) -> None:
    """It is one row, on its first line, and its money is counted, so counts and sums still tie."""
    rows = samples.alipay_many(9)
    lines = [samples.alipay_line(row) for row in rows]
    lines[4] = lines[4].replace("话费充值", text)
    found = read(tmp_path, alipay_zip(samples.alipay_bill(rows, lines)))
    assert found.rejects == [
        {"line": "10", "column": "", "reason": "a line break stands in one of the row's texts", "value": ""}
    ]
    assert (found.stated["rows"], found.stated["payments_received_amount_minor"]) == (9, 936)
    assert found.writer.mended.amount_minor == 104
    assert 11 not in found.records


def test_a_short_row_before_a_whole_one_is_not_joined_with_it(tmp_path: Path) -> None:
    rows = samples.alipay_many(9)
    lines = [samples.alipay_line(row) for row in rows]
    lines[4] = "2026110122"
    found = read(tmp_path, alipay_zip(samples.alipay_bill(rows, lines)))
    assert [row["line"] for row in found.rejects] == ["10"]
    assert found.writer.records == 8


def test_a_key_that_looks_like_a_formula_is_a_text(tmp_path: Path) -> None:
    """It is taken as it stands; what is written for a spreadsheet is guarded there."""
    found = read(tmp_path, alipay_zip(ALIPAY.replace("CMCC20261101000101", "=1+1").encode("gbk")))
    assert found.keys[0][0] == "=1+1"


def test_bytes_that_are_no_gbk_cost_one_row(tmp_path: Path) -> None:
    found = read(tmp_path, alipay_zip(DETAILS.replace("话费充值".encode("gbk"), b"\xff\xff\xff", 1), SUMMARY))
    assert [(reject["line"], reject["column"]) for reject in found.rejects] == [("6", "商品名称")]
    assert found.stated["payments_received_amount_minor"] == 47040, "its amount is readable, so the sum is proven still"


@pytest.mark.parametrize(
    ("rounds", "length"),
    [(300, 20), pytest.param(2_000, 50, marks=pytest.mark.slow)],
    ids=["some", "many"],
)
def test_mutated_bytes_never_raise_anything_but_source_error(rounds: int, length: int, tmp_path: Path) -> None:
    """A bill with bytes changed, inside the zip or of the zip itself, is refused, or each of its rows is accounted for."""
    dice, details, taken = random.Random(20261101), samples.alipay_bill(samples.alipay_many(length)), 0
    for turn in range(rounds):
        content = alipay_zip(samples.mutate(details, dice)) if turn % 2 else samples.mutate(alipay_zip(details), dice)
        try:
            found = read(tmp_path, content, name=f"{turn}.zip")
        except SourceError:
            continue
        taken += 1
        assert found.lines_tie
    assert rounds // 20 < taken < rounds


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_generated_malformed_rows_are_all_accounted_for(count: int, tmp_path: Path) -> None:
    """Every third row has a cell spoilt; the rest are records, all are counted, and the totals tie."""
    dice, rows = random.Random(11), samples.alipay_many(count)
    lines, spoilt = [], set()
    for place, row in enumerate(rows):
        cells = list(row)
        if place % 3 == 1:
            column, value, _ = dice.choice(list(BAD.values()))
            cells[NAMES.index(column)] = value
            spoilt.add(place + 6)
        lines.append(samples.alipay_line(cells))
    found = read(tmp_path, alipay_zip(samples.alipay_bill(rows, lines)))
    assert {int(reject["line"]) for reject in found.rejects} == spoilt
    assert found.lines_tie
    assert found.stated["rows"] == count


def test_a_day_without_trade_is_a_bill_of_no_rows(tmp_path: Path) -> None:
    found = read(tmp_path, alipay_zip(samples.alipay_bill([])))
    assert (found.records, found.stated["rows"], found.stated["payments"]) == ({}, 0, 0)


def test_the_sign_of_the_refunds_total_does_not_matter(tmp_path: Path) -> None:
    """Footers are seen with and without it; the figure itself must tie."""
    found = read(tmp_path, alipay_zip(ALIPAY.replace("退款共-160.50", "退款共160.50").encode("gbk")))
    assert found.stated["refunds_received_amount_minor"] == 16050
    with pytest.raises(SourceError, match=r"add up to 160\.50"):
        read(tmp_path, alipay_zip(ALIPAY.replace("退款共-160.50", "退款共160.51").encode("gbk")), name="b.zip")


def test_a_spoilt_account_is_not_shown(tmp_path: Path) -> None:
    found = read(tmp_path, alipay_zip(DETAILS.replace(b"138****0001", b"138\0***0001")))
    assert [(reject["column"], reject["value"]) for reject in found.rejects] == [("对方账户", "")]


def test_an_empty_cell_is_unknown_and_never_zero(tmp_path: Path) -> None:
    """A fee that is not given stays out of the record; a sum with a hole in it is not called proven."""
    rows = samples.alipay_many(3)
    lines = [samples.alipay_line(row) for row in rows]
    lines[1] = samples.alipay_line(
        [{"服务费（元）": "", "商家优惠（元）": ""}.get(n, c) for n, c in zip(NAMES, rows[1], strict=True)]
    )
    found = read(tmp_path, alipay_zip(samples.alipay_bill(rows, lines)))
    assert [row["fee_minor"] for row in found.records.values()] == ["1", "", "1"]
    assert found.stated.keys() & {"payments_received_amount_minor", "payments_merchant_discount_minor"} == {
        "payments_received_amount_minor"
    }


def test_a_run_matches_the_bill_with_the_books(tmp_path: Path) -> None:
    """From the file as delivered to the certificate: what the books lack is a break, and every row is accounted for."""
    found = read(tmp_path, alipay_zip(DETAILS, SUMMARY), name="bill.zip")
    outcome = samples.matched(alipay_bill.NAME, CONFIG, tmp_path / "bill.zip", found)
    account = outcome.certificate["parties"]["payment"]
    classes = {name: cell["count"] for name, cell in outcome.certificate["classes"].items()}
    assert classes == {
        "missing_in_billing": 1,
        "matched": 4,
    }
    assert (account["rows"], account["rejected"]) == (found.stated["rows"], len(found.rejects))
    assert outcome.certificate["rows_tie"]
    assert outcome.certificate["amounts_tie"]
