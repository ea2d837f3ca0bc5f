"""The WeChat Pay trade bill: its rows as standard records, its summary proven, and damage refused or set aside."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from reconciliation.sources import SourceError, wechat_bill
from reconciliation.sources.wechat_bill import Config, hundred_thousandths, rounded_fen
from tests.reconciliation.sources import samples
from tests.reconciliation.sources.samples import WECHAT, WECHAT_MERCHANT, WECHAT_OLD, Converted, converted, written

CONFIG = Config(merchant=WECHAT_MERCHANT)
NAMES = samples.WECHAT_HEADER.split(",")
RECORDS = [
    ("CMCC20261101000001", "payment", 5000, "success", 30),
    ("CMCC20261101000002", "payment", 2888, "success", 17),
    ("CMCC20261101000003", "payment", 1, "success", 0),
    ("CMCC20261031000077", "refund", 3000, "success", -18),
    ("CMCC20261031000077/TK20261101000002", "refund", 2000, "pending", -12),
    ("CMCC20261101000002", "refund", 900, "failed", -5),
    ("CMCC20261101000004", "refund", 500, "success", 0),
]
"""The records of the sample with settled amounts."""
COUPON = 100


def read(folder: Path, content: str | bytes, config: Config = CONFIG, name: str = "bill.csv") -> Converted:
    return converted(
        wechat_bill, config, written(folder, name, content.encode() if isinstance(content, str) else content)
    )


def test_every_row_becomes_a_record_and_the_summary_is_proven(tmp_path: Path) -> None:
    """Payments and refunds by the order's number, the second refund of an order apart; fees rounded to the fen."""
    found = read(tmp_path, WECHAT, Config(merchant=WECHAT_MERCHANT, amount="settlement"))
    assert found.keys == RECORDS
    assert found.rejects == []
    assert found.lines_tie
    assert found.stated == {
        "rows": 7,
        "settlement_amount_minor": 7889,
        "refund_amount_minor": 6400,
        "coupon_refund_amount_minor": 0,
        "fee_minor": 12,  # 0.11934 yuan
        "order_amount_minor": 7989,
        "requested_refund_amount_minor": 6500,
        "fee_of_records_minor": 12,
    }
    assert found.records[2] == {
        "record_id": "4200002411202611010000000001",
        "business_key": "CMCC20261101000001",
        "kind": "payment",
        "business_day": "2026-11-01",
        "occurred_at": "2026-11-01T00:00:03+08:00",
        "amount_minor": "5000",
        "currency": "CNY",
        "status": "success",
        "fee_minor": "30",
        "account": "",
        "channel": "JSAPI",
        "product": "话费充值,50元",
        "region": "",
    }
    assert [row["record_id"] for row in found.records.values()][3:5] == [
        "50300002412026110100000001",
        "50300002412026110100000002",
    ]


def test_what_is_written_passes_validation(tmp_path: Path) -> None:
    """Every line that holds a record is sound in the eyes of the control; the others hold none."""
    found = read(tmp_path, WECHAT)
    assert samples.faults(found, tmp_path) == {1: -1, **dict.fromkeys(range(2, 9), 0)}


def test_the_ordered_amount_is_taken_unless_the_settled_one_is_asked_for(tmp_path: Path) -> None:
    found = read(tmp_path, WECHAT)
    assert [row[2] for row in found.keys] == [5000, 2888 + COUPON, 1, 3000, 2000, 900 + COUPON, 500]


def test_columns_are_read_by_name_for_older_merchants_too(tmp_path: Path) -> None:
    """The older bill of 24 columns, in another order of columns, with its own summary."""
    found = read(tmp_path, WECHAT_OLD)
    assert found.keys == [
        ("1415640626", "payment", 2, "success", 0),
        ("1415635270", "refund", 1, "success", 0),
    ]
    assert (found.stated["order_amount_minor"], found.stated["refund_amount_minor"]) == (2, 1)


def test_settings_choose_keys_and_what_a_refund_on_its_way_is(tmp_path: Path) -> None:
    config = Config(merchant=WECHAT_MERCHANT, key="微信订单号", refund_key="refund", processing_refund="success")
    found = read(tmp_path, WECHAT, config)
    assert [row[0] for row in found.keys][2:5] == [
        "4200002411202611010000000003",
        "TK20261101000001",
        "TK20261101000002",
    ]
    assert [row[3] for row in found.keys][3:6] == ["success", "success", "failed"]


def test_a_gzip_file_and_windows_line_ends_are_read_alike(tmp_path: Path) -> None:
    content = gzip.compress(WECHAT.replace("\n", "\r\n").encode())
    assert read(tmp_path, content, name="bill.csv.gz").keys == read(tmp_path, WECHAT).keys
    with pytest.raises(SourceError, match="cannot be read to its end"):
        read(tmp_path, content[:-30], name="cut.csv.gz")


def test_a_day_without_trade_is_a_bill_of_no_rows(tmp_path: Path) -> None:
    found = read(
        tmp_path, f"{samples.WECHAT_HEADER}\n{samples.WECHAT_SUMMARY}\n`0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00"
    )
    assert (found.records, found.stated["rows"]) == ({}, 0)


REFUSED: dict[str, tuple[Callable[[str], str], str]] = {
    "cut short before the summary": (lambda text: text[: text.index("总交易单数")], "cut short"),
    "cut short after the summary's header": (lambda text: text[: text.index("`7,`78.89")], "0 lines follow"),
    "cut short in the summary": (lambda text: text[: text.index(",`79.89")], "5 values for 7 names"),
    "cut short in the header": (lambda text: text[:60], "lacks"),
    "empty": (lambda _: "", "it is empty; ask for the file again"),
    "blank lines": (lambda _: "\r\n\r\n", "it is empty; ask for the file again"),
    "doubled": (lambda text: text + text[1:], "lines follow"),
    "a row lost": (lambda text: text.replace(text.split("\n")[3] + "\n", ""), "states 7 rows and it has 6"),
    "a row twice": (
        lambda text: text.replace(text.split("\n")[3] + "\n", (text.split("\n")[3] + "\n") * 2),
        "states 7 rows and it has 8",
    ),
    "one fen more": (lambda text: text.replace("`50.00,`0.00,`\n", "`50.01,`0.00,`\n"), "add up to 79.90000"),
    "a hundred-thousandth of fee": (lambda text: text.replace("`0.00006", "`0.00007"), "add up to 0.11935"),
    "another merchant": (lambda text: text.replace("1900000109", "1900000110"), "merchant 1900000110's bill"),
    "another day": (lambda text: text.replace("`2026-11-01", "`2026-11-02"), "no row is of 2026-11-01"),
    "an unknown total": (lambda text: text.replace("申请退款总金额", "另一总金额"), "states 另一总金额"),
    "a total that is no number": (lambda text: text.replace("`78.89", "`7x.89"), "is no number"),
    "a column twice": (lambda text: text.replace("设备号", "商户号"), "more than once"),
    "no refund column": (
        lambda text: text.replace("退款金额,充值券", "x,y").replace("申请退款金额,费", "z,费"),
        "states 退款总金额",
    ),
    "another encoding": (lambda text: text.encode("gbk", "replace").decode("latin-1"), "lacks"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_the_right_one_is_refused(case: str, tmp_path: Path) -> None:
    """The sentence says why, and nothing but SourceError is raised."""
    change, reason = REFUSED[case]
    with pytest.raises(SourceError, match=reason):
        read(tmp_path, change(WECHAT))


def test_the_merchant_is_asked_for_and_settings_are_checked() -> None:
    with pytest.raises(ValidationError, match="merchant"):
        Config()  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="refund_keys"):
        Config.model_validate({"merchant": "1", "refund_keys": "order"})
    assert Config.model_validate({"merchant": 1900000109}).merchant == "1900000109"


BAD: dict[str, tuple[str, str, bool]] = {
    "no such time": ("交易时间", "2026-13-01 00:00:00", True),
    "a time with a zone": ("交易时间", "2026-11-01T00:00:00Z", True),
    "another merchant": ("商户号", "1900000110", True),
    "another currency": ("货币种类", "USD", True),
    "a currency that is none": ("货币种类", "RMB", True),
    "no currency": ("货币种类", "", True),
    "a carriage return in the order": ("商户订单号", "CM\rCC", True),
    "an unknown state": ("交易状态", "USERPAYING", True),
    "no order": ("商户订单号", "", True),
    "a NUL": ("商户订单号", "CMCC\0", True),
    "no number": ("微信订单号", "0", True),
    "a carriage return in the product": ("商品名称", "a\rb", True),
    "a fee that is none": ("手续费", "0.6%", True),
    "a fee too fine": ("手续费", "0.000001", True),
    "an amount that is none": ("订单金额", "1e3", False),
    "an amount in full-width digits": ("订单金额", "１.00", False),
    "half a fen": ("订单金额", "1.005", False),
    "no amount": ("订单金额", "", False),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_set_aside_and_the_others_go_on(case: str, tmp_path: Path) -> None:
    """It is named by line and column, counts in the rows, and its amount counts where it can be read."""
    column, value, readable = BAD[case]
    rows = samples.wechat_many(9)
    total = rows[4][NAMES.index("订单金额")].replace(".", "")
    lines = [samples.wechat_line(row) for row in rows]
    lines[4] = samples.wechat_line(
        [value if name == column else cell for name, cell in zip(NAMES, rows[4], strict=True)]
    )
    found = read(tmp_path, samples.wechat_bill(rows, lines))
    assert [(reject["line"], reject["column"]) for reject in found.rejects] == [("6", column)]
    assert (found.writer.records, found.writer.mended.rows, found.stated["rows"]) == (8, 1, 9)
    assert found.writer.mended.amount_minor == (int(total) if readable else 0)
    assert ("order_amount_minor" in found.stated) == readable, "a sum that a cell leaves open is not called proven"
    assert samples.faults(found, tmp_path)[6] == -1


def test_rows_of_the_wrong_shape_are_set_aside(tmp_path: Path) -> None:
    """Too few and too many fields, bytes that are no UTF-8, no row at all, and a line break inside a text."""
    rows = samples.wechat_many(12)
    lines = [samples.wechat_line(row) for row in rows]
    lines[1] += ",`more"
    lines[2] = ",".join(lines[2].split(",")[:5])
    lines[3] = "what is this"
    lines[5] = lines[5].replace("话费充值", "话费\r\n充值")
    content = samples.wechat_bill(rows, lines).replace("话费充值".encode(), "话费充值".encode("gbk"), 1)
    found = read(tmp_path, content)
    assert [(reject["line"], reject["reason"][:30]) for reject in found.rejects] == [
        ("2", "holds a control character, or "),
        ("3", "the row has 28 fields where th"),
        ("4", "the row has 5 fields where the"),
        ("5", "the row has 1 fields where the"),
        ("7", "a line break stands in one of "),
    ]
    assert found.lines_tie
    assert min(found.records) == 6
    assert 8 not in found.records, "the second line of the broken row is part of it"


def test_a_key_that_looks_like_a_formula_is_a_text(tmp_path: Path) -> None:
    """It is taken as it stands; what is written for a spreadsheet is guarded there."""
    assert read(tmp_path, WECHAT.replace("`CMCC20261101000001", "`=1+1")).keys[0][0] == "=1+1"


def test_a_stray_row_of_another_day_is_left_to_validation(tmp_path: Path) -> None:
    """It keeps its own day, so the control takes it only where the cut-off explains it."""
    found = read(tmp_path, WECHAT.replace("2026-11-01 09:00:00", "2026-10-30 09:00:00"))
    assert found.records[4]["business_day"] == "2026-10-30"
    assert samples.faults(found, tmp_path)[4] == 4


def test_amounts_are_read_exactly_and_fees_rounded_openly() -> None:
    assert [hundred_thousandths(text) for text in ("0.1", "0.00001", "-12.3", "1.000000", "900719925474099.30")] == [
        10_000,
        1,
        -1_230_000,
        100_000,
        90_071_992_547_409_930_000,
    ]
    assert [hundred_thousandths(text) for text in ("", ".5", "1.", "1e5", "+1", "1,000.00", " 1", "0.000001")] == [
        None
    ] * 8
    assert [rounded_fen(units) for units in (499, 500, 1499, 1500, -499, -500)] == [0, 1, 1, 2, 0, -1]


@pytest.mark.parametrize(
    ("rounds", "length"),
    [(300, 20), pytest.param(2_000, 50, marks=pytest.mark.slow)],
    ids=["some", "many"],
)
def test_mutated_bytes_never_raise_anything_but_source_error(rounds: int, length: int, tmp_path: Path) -> None:
    """A bill with bytes changed is refused, or each of its rows is a record or a reject."""
    dice, content, taken = random.Random(20261101), samples.wechat_bill(samples.wechat_many(length)), 0
    for turn in range(rounds):
        try:
            found = read(tmp_path, samples.mutate(content, dice), name=f"{turn}.csv")
        except SourceError:
            continue
        taken += 1
        assert found.lines_tie
    assert rounds // 20 < taken < rounds


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_generated_malformed_rows_are_all_accounted_for(count: int, tmp_path: Path) -> None:
    """Every third row has a cell spoilt; the rest are records, all are counted, and the totals tie."""
    dice, rows = random.Random(11), samples.wechat_many(count)
    lines, spoilt = [], set()
    for place, row in enumerate(rows):
        cells = list(row)
        if place % 3 == 1:
            column, value, _ = dice.choice(list(BAD.values()))
            if column == "订单金额" and row[9] != "SUCCESS":
                column = "申请退款金额"
            if column == "微信订单号" and row[9] != "SUCCESS":
                column = "微信退款单号"
            cells[NAMES.index(column)] = value
            spoilt.add(place + 2)
        lines.append(samples.wechat_line(cells))
    found = read(tmp_path, samples.wechat_bill(rows, lines))
    assert {int(reject["line"]) for reject in found.rejects} == spoilt
    assert found.lines_tie
    assert found.stated["rows"] == count


def test_another_business_day_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no row is of 2026-11-02; the first is of 2026-11-01"):
        converted(wechat_bill, CONFIG, written(tmp_path, "bill.csv", WECHAT.encode()), date(2026, 11, 2))


def test_a_service_provider_asks_for_its_sub_merchant(tmp_path: Path) -> None:
    """The column of the sub-merchant goes by two names, and rows of another are not that party's."""
    mine = Config(merchant=WECHAT_MERCHANT, sub_merchant="1900000200")
    assert len(read(tmp_path, WECHAT.replace("`1900000109,`0,", "`1900000109,`1900000200,"), mine).records) == 7
    older = WECHAT_OLD.replace("`1900000109,`0,", "`1900000109,`1900000200,")
    assert len(read(tmp_path, older, mine, "older.csv").records) == 2
    with pytest.raises(SourceError, match="merchant 0's bill"):
        read(tmp_path, WECHAT, mine, "other.csv")


def test_a_spoilt_payer_is_not_shown(tmp_path: Path) -> None:
    found = read(tmp_path, WECHAT.replace("`oX1,", "`oX\0,"))
    assert [(reject["column"], reject["value"]) for reject in found.rejects] == [("用户标识", "")]


def test_an_amount_beyond_64_bits_is_left_to_validation(tmp_path: Path) -> None:
    """It is never wrapped: it stands in the copy as it is, and the control sets the row aside."""
    rows = samples.wechat_many(3)
    for name in ("订单金额", "应结订单金额"):
        rows[1][NAMES.index(name)] = "92233720368547758.08"
    found = read(tmp_path, samples.wechat_bill(rows))
    assert found.records[3]["amount_minor"] == str(2**63)
    assert found.stated["order_amount_minor"] == 100 + 2**63 + 102
    assert samples.faults(found, tmp_path) == {1: -1, 2: 0, 3: 6, 4: 0}


def test_a_run_matches_the_bill_with_the_books(tmp_path: Path) -> None:
    """From the file as delivered to the certificate: what the books lack is a break, and every row is accounted for."""
    found = read(tmp_path, WECHAT.encode(), name="bill.csv")
    outcome = samples.matched(wechat_bill.NAME, CONFIG, tmp_path / "bill.csv", found)
    account = outcome.certificate["parties"]["payment"]
    classes = {name: cell["count"] for name, cell in outcome.certificate["classes"].items()}
    assert classes == {
        "missing_in_billing": 1,
        "in_doubt": 1,
        "no_effect": 1,
        "matched": 4,
    }
    assert (account["rows"], account["rejected"]) == (found.stated["rows"], len(found.rejects))
    assert outcome.certificate["rows_tie"]
    assert outcome.certificate["amounts_tie"]
