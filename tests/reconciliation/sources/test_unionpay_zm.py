"""The UnionPay ZM file: lines of fixed width as standard records, the year found, and damage refused or set aside."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path

import pytest

from reconciliation.sources import SourceError, unionpay_zm
from reconciliation.sources.unionpay_zm import LENGTH_BYTES, WIDTHS, Config, moment_of
from reconciliation.standard_record import write_manifest
from tests.reconciliation.sources import samples
from tests.reconciliation.sources.samples import DAY, UNIONPAY_MERCHANT, ZM, Converted, converted, written, zm, zm_line

CONFIG = Config(merchant=UNIONPAY_MERCHANT)


def read(folder: Path, content: bytes, config: Config = CONFIG, day: date = DAY, name: str = "bill.zm") -> Converted:
    return converted(unionpay_zm, config, written(folder, name, content), day)


def test_the_layout_is_that_of_the_description() -> None:
    """42 fields and the separators between them make 607 bytes; a Chinese name counts by its GBK bytes."""
    assert (len(WIDTHS), LENGTH_BYTES) == (42, 566 + 41)
    assert {len(zm_line(row)) for row in ZM} == {LENGTH_BYTES}


def test_every_line_becomes_a_record(tmp_path: Path) -> None:
    """Purchases and collections are payments, refunds and reversals refunds of the original order, the rest set aside."""
    found = read(tmp_path, zm())
    assert found.keys == [
        ("CMCC20261101000201", "payment", 10000, "success", 60),
        ("CMCC20261101000202", "payment", 2990, "success", 18),
        ("CMCC20261101000203", "payment", 5000, "success", 30),
        ("CMCC20261030000009", "refund", 1000, "success", -6),
        ("CMCC20261030000009/TK20261101000202", "refund", 500, "success", -3),
        ("CMCC20261101000202", "refund", 2990, "success", -18),
    ]
    assert found.rejects == [
        {"line": "7", "column": "交易类型", "reason": "is neither a payment's nor a refund's", "value": "02"}
    ]
    assert found.stated == {"rows": 7, "payments_amount_minor": 17990, "refunds_amount_minor": 4490}
    assert found.writer.mended.amount_minor == 8800
    assert found.lines_tie
    assert found.records[1] == {
        "record_id": "201610312300011234501",
        "business_key": "CMCC20261101000201",
        "kind": "payment",
        "business_day": "2026-11-01",
        "occurred_at": "2026-10-31T23:00:01+08:00",
        "amount_minor": "10000",
        "currency": "CNY",
        "status": "success",
        "fee_minor": "60",
        "account": "",
        "channel": "0001",
        "product": "000201",
        "region": "",
    }
    assert "6216261000000000018" not in found.writer.mended.copy.read_text(), "the card number is never taken over"


def test_what_is_written_passes_validation(tmp_path: Path) -> None:
    """Also the line of the evening before, which the settlement day takes in."""
    assert samples.faults(read(tmp_path, zm()), tmp_path) == {**dict.fromkeys(range(1, 7), 0), 7: -1}


def test_a_refund_may_bear_its_own_number(tmp_path: Path) -> None:
    found = read(tmp_path, zm(), Config(merchant=UNIONPAY_MERCHANT, refund_key="refund"))
    assert [row[0] for row in found.keys][3:] == ["TK20261101000201", "TK20261101000202", "TK20261101000203"]


@pytest.mark.parametrize(
    ("text", "day", "moment"),
    [
        ("1231235959", date(2027, 1, 1), "2026-12-31 23:59:59"),
        ("0101000000", date(2027, 1, 1), "2027-01-01 00:00:00"),
        ("0101000000", date(2026, 12, 31), "2027-01-01 00:00:00"),
        ("0229120000", date(2028, 2, 29), "2028-02-29 12:00:00"),
        ("0229120000", date(2026, 3, 1), None),
        ("1301120000", DAY, None),
        ("1101250000", DAY, None),
        ("110112000", DAY, None),
        ("１101120000", DAY, None),
    ],
    ids=["old year", "new year", "next year", "leap day", "no leap day", "month", "hour", "short", "full-width"],
)
def test_the_year_is_that_of_the_settlement_day(text: str, day: date, moment: str | None) -> None:
    """MMDDhhmmss means the moment nearest to the day, at New Year too."""
    found = moment_of(text, datetime.combine(day, time()))
    assert (found and str(found)) == moment


def test_new_years_day_takes_in_the_last_hour_of_the_old_year(tmp_path: Path) -> None:
    rows = [replace(ZM[0], moment="1231230000"), replace(ZM[1], moment="0101225959")]
    found = read(tmp_path, zm(rows), day=date(2027, 1, 1))
    assert [row["occurred_at"] for row in found.records.values()] == [
        "2026-12-31T23:00:00+08:00",
        "2027-01-01T22:59:59+08:00",
    ]
    assert samples.faults(found, tmp_path, date(2027, 1, 1)) == {1: 0, 2: 0}


def test_the_settlement_day_ends_at_its_cutoff(tmp_path: Path) -> None:
    """The first moment belongs to the day, the last to the next; with midnight as cut-off it is the calendar day."""
    rows = [replace(ZM[0], moment=moment) for moment in ("1031225959", "1031230000", "1101225959", "1101230000")]
    found = read(tmp_path, zm(rows))
    assert [(reject["line"], reject["column"]) for reject in found.rejects] == [
        ("1", "交易传输时间"),
        ("4", "交易传输时间"),
    ]
    assert found.lines_tie
    midnight = read(
        tmp_path, zm(rows), Config.model_validate({"merchant": UNIONPAY_MERCHANT, "cutoff": "00:00"}), name="b"
    )
    assert sorted(midnight.records) == [3, 4]


NAME = f"INN26110188ZM_{UNIONPAY_MERCHANT}"
REFUSED: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    "cut in a line": (lambda content: content[:-200], "bill.zm", "409 of 607 bytes, so it is cut short"),
    "empty": (lambda _: b"", "bill.zm", "it is empty"),
    "another merchant": (
        lambda content: content.replace(UNIONPAY_MERCHANT.encode(), b"777290058110098"),
        "bill.zm",
        "merchant 777290058110098's file",
    ),
    "the day before": (
        lambda content: content.replace(b" 1101", b" 1031").replace(b" 103123", b" 103022"),
        "bill.zm",
        "no line is of settlement day 2026-11-01; the first is of 10-30 22:00:01",
    ),
    "no ZM file": (lambda _: b"a,b,c\n1,2,3\n", "bill.zm", "none of its 2 lines can be read; it is no ZM file, or"),
    "UTF-8": (lambda content: content.decode("gbk").encode(), "bill.zm", "none of its 7 lines can be read"),
    "doubled": (lambda content: content * 2, "bill.zm", "its second half is its first half again"),
    "one line doubled": (lambda content: content[: LENGTH_BYTES + 2] * 2, "bill.zm", "it was delivered doubled"),
    "no line end": (lambda _: b"x" * 100_000, "bill.zm", "longer than"),
    "a name of another day": (lambda content: content, f"INN26110288ZM_{UNIONPAY_MERCHANT}", "settlement day 261102"),
    "a name of another merchant": (
        lambda content: content,
        "INN26110188ZM_777290058110098",
        "merchant 777290058110098",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_the_right_one_is_refused(case: str, tmp_path: Path) -> None:
    """The sentence says why, and nothing but SourceError is raised."""
    change, name, reason = REFUSED[case]
    with pytest.raises(SourceError, match=reason):
        read(tmp_path, change(zm()), name=name)


def test_the_right_name_and_an_allowed_empty_file_are_taken(tmp_path: Path) -> None:
    assert read(tmp_path, zm(), name=NAME).stated["rows"] == 7
    empty = read(tmp_path, b"", Config(merchant=UNIONPAY_MERCHANT, may_be_empty=True))
    assert empty.stated == {"rows": 0, "payments_amount_minor": 0, "refunds_amount_minor": 0}
    whole = read(tmp_path, zm().removesuffix(b"\r\n"), name="no-end.zm")
    assert whole.stated["rows"] == 7, "a whole last line needs no line end"


def spoil(line: bytes, place: int, put: bytes) -> bytes:
    """The line with bytes replaced, its length kept."""
    return line[:place] + put + line[place + len(put) :]


def start(number: int) -> int:
    """Where field `number` begins."""
    return sum(WIDTHS[: number - 1]) + number - 1


BAD: dict[str, tuple[Callable[[bytes], bytes], str, bool]] = {
    "a byte short": (lambda line: line[1:], "", False),
    "a byte long": (lambda line: line + b" ", "", True),
    "a name in UTF-8": (
        lambda line: line.replace("西单营业厅".encode("gbk"), "西单营业厅".encode()),
        "",
        True,
    ),
    "a line break in the order": (lambda line: spoil(line, start(12) + 2, b"\n"), "商户订单号", True),
    "line breaks in a field that is not read": (lambda line: spoil(line, start(31), b"\r\n\n"), "", True),
    "a carriage return in the order": (lambda line: spoil(line, start(12) + 2, b"\r"), "商户订单号", True),
    "no separator": (lambda line: spoil(line, 3, b"x"), "", False),
    "fields moved": (lambda line: line[:50] + b"9" + line[50:-1], "", False),
    "no amount": (lambda line: spoil(line, start(7), b"00000000-100"), "交易金额", False),
    "amount in letters": (lambda line: spoil(line, start(7), b"            "), "交易金额", False),
    "no such time": (lambda line: spoil(line, start(5), b"1131120000"), "交易传输时间", True),
    "another day": (lambda line: spoil(line, start(5), b"1105120000"), "交易传输时间", True),
    "another merchant": (lambda line: spoil(line, start(28), b"999"), "商户代码", True),
    "an unknown kind": (lambda line: spoil(line, start(20), b"99"), "交易类型", True),
    "no number": (lambda line: spoil(line, start(10), b" " * 21), "查询流水号", True),
    "a NUL in the order": (lambda line: spoil(line, start(12) + 1, b"\0"), "商户订单号", True),
    "no GBK": (lambda line: spoil(line, start(12) + 1, b"\xff\xff"), "商户订单号", True),
    "no order": (lambda line: spoil(line, start(12), b" " * 32), "商户订单号", True),
    "a fee without its side": (lambda line: spoil(line, start(16), b"X"), "商户手续费", True),
    "no fee": (lambda line: spoil(line, start(16), b" " * 13), "商户手续费", True),
    "a settlement that is none": (lambda line: spoil(line, start(17), b"Cabc"), "结算金额", True),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_line_is_set_aside_and_the_others_go_on(case: str, tmp_path: Path) -> None:
    """It is named by line and column, and its amount counts where it can be read."""
    change, column, readable = BAD[case]
    lines = zm().split(b"\r\n")[:6]
    lines[1] = change(lines[1])
    found = read(tmp_path, b"\r\n".join([*lines, b""]))
    assert [(reject["line"], reject["column"]) for reject in found.rejects] == [("2", column)]
    assert (found.writer.records, found.stated["rows"]) == (5, 6)
    assert found.writer.mended.amount_minor == (2990 if readable else 0)
    assert samples.faults(found, tmp_path)[2] == -1


@pytest.mark.parametrize(
    ("rounds", "length"),
    [(300, 20), pytest.param(2_000, 50, marks=pytest.mark.slow)],
    ids=["some", "many"],
)
def test_mutated_bytes_never_raise_anything_but_source_error(rounds: int, length: int, tmp_path: Path) -> None:
    """A file with bytes changed is refused, or each of its lines is a record or a reject."""
    dice, content, taken = random.Random(20261101), zm(samples.zm_many(length)), 0
    for turn in range(rounds):
        try:
            found = read(tmp_path, samples.mutate(content, dice), name=f"{turn}.zm")
        except SourceError:
            continue
        taken += 1
        assert found.lines_tie
    assert taken > rounds // 2


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_generated_malformed_lines_are_all_accounted_for(count: int, tmp_path: Path) -> None:
    """Every third line is spoilt; the rest are records, and the totals are those of the sound lines."""
    dice, rows = random.Random(11), samples.zm_many(count)
    lines, spoilt, sound, at = [], set(), 0, 1
    for place, row in enumerate(rows):
        line = zm_line(row)
        if place % 3 == 1:
            change, column, _ = dice.choice(list(BAD.values()))
            line = change(line)
            if column == "商户订单号" and row.kind == "04":
                line = spoil(line, start(41), b" " * 32)
            spoilt.add(at)
        else:
            sound += row.fen
        lines.append(line + b"\n")
        at += lines[-1].count(b"\n")  # a broken line takes several
    found = read(tmp_path, b"".join(lines))
    assert {int(reject["line"]) for reject in found.rejects} == spoilt
    assert found.lines_tie
    assert found.stated["payments_amount_minor"] + found.stated["refunds_amount_minor"] == sound


def test_what_a_broken_line_says_and_which_lines_it_takes(tmp_path: Path) -> None:
    """It is one row on its first line; lines that are short for another reason stay rows of their own."""
    lines = zm().split(b"\r\n")[:6]
    lines[1] = spoil(lines[1], start(12) + 2, b"\n")
    found = read(tmp_path, b"\r\n".join([*lines, b""]))
    assert found.rejects == [
        {
            "line": "2",
            "column": "商户订单号",
            "reason": "a line break stands in one of the line's fields",
            "value": "CM\\x0aC20261101000202",
        }
    ]
    assert sorted(found.records) == [1, 4, 5, 6, 7]
    lines = zm().split(b"\r\n")[:6]
    lines[1:3] = [lines[1][:300], lines[2][:299]]
    assert [row["line"] for row in read(tmp_path, b"\r\n".join([*lines, b""]), name="short.zm").rejects] == ["2", "3"]


@pytest.mark.parametrize(
    ("rows", "amount", "refused"),
    [
        (7, 31_280, ""),
        (7, 31_280 - 2990, ""),
        (8, 31_280, "it has 7 rows and the manifest states 8; ask for the file again"),
        (7, 31_279, "its amounts add up to 31280 minor units and the manifest states 31279; ask for the file again"),
    ],
)
def test_a_manifest_beside_it_must_tie(tmp_path: Path, rows: int, amount: int, refused: str) -> None:
    """Rows set aside count; the amount of a line that is too long may have been counted or not."""
    lines = zm().split(b"\r\n")[:7]
    lines[1] += b" "
    path = samples.written(tmp_path, "bill.zm", b"\r\n".join([*lines, b""]))
    write_manifest(path, "payment", DAY, rows, amount)
    found = samples.converted(unionpay_zm, CONFIG, path)
    outcome = samples.matched(unionpay_zm.NAME, CONFIG, path, found)
    assert [reason.removeprefix(f"{path}: ") for reason in outcome.refused] == ([refused] if refused else [])


def test_a_line_of_the_description_is_read_at_its_places(tmp_path: Path) -> None:
    """A line typed out by hand, so that the maker of samples and the reader cannot share one mistake."""
    line = (
        b"S22 00049992    00049992    086447 1101180301 6216261000000000018 000000001000 4900 07 "
        b"201611011803010864478 01 OR20261101180301                 02 000000 0000000000 D000000000006 C000000000994 "
    )
    line = line.ljust(start(20)) + b"01 01 000201"
    line = line.ljust(start(28)) + UNIONPAY_MERCHANT.encode()
    found = read(tmp_path, line.ljust(LENGTH_BYTES) + b"\n")
    assert found.keys == [("OR20261101180301", "payment", 1000, "success", 6)]


def test_a_run_matches_the_bill_with_the_books(tmp_path: Path) -> None:
    """From the file as delivered to the certificate: what the books lack is a break, and every row is accounted for."""
    found = read(tmp_path, zm(), name="bill.zm")
    outcome = samples.matched(unionpay_zm.NAME, CONFIG, tmp_path / "bill.zm", found)
    account = outcome.certificate["parties"]["payment"]
    classes = {name: cell["count"] for name, cell in outcome.certificate["classes"].items()}
    assert classes == {
        "missing_in_billing": 1,
        "matched": 5,
    }
    assert (account["rows"], account["rejected"]) == (found.stated["rows"], len(found.rejects))
    assert outcome.certificate["rows_tie"]
    assert outcome.certificate["amounts_tie"]
