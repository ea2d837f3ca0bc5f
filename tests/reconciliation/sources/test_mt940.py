"""MT940: the fields, the balances that must lead from one to the next, and files that are not what they should be."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from reconciliation.sources import SourceError, mt940
from tests.reconciliation.sources.samples_bank import ACCOUNT, MT940, convert, judged, mutated

CONFIG = mt940.Config(account="1100 1018 5000 5300 6688")
DETAILS = mt940.Config(account=ACCOUNT, key="details", pattern=r"ORDER:(?P<key>[A-Z0-9-]+)")


def test_each_entry_becomes_a_record_on_its_own_line(tmp_path: Path) -> None:
    """Credits are payments, debits refunds, reversals the other way about; the entry without a reference is set aside."""
    found = convert(mt940, MT940.encode(), CONFIG, tmp_path)
    assert {line: (row["business_key"], row["kind"], row["amount_minor"]) for line, row in found.rows.items()} == {
        6: ("PAY-20261101-01", "payment", "25000"),
        10: ("REF-20261101-02", "refund", "9950"),
        20: ("PAY-20261101-04", "refund", "5000"),
        22: ("REF-20261101-05", "payment", "1000"),
    }
    assert found.rows[6] == {
        "record_id": "00305/001-1",
        "business_key": "PAY-20261101-01",
        "kind": "payment",
        "business_day": "2026-11-01",
        "occurred_at": "2026-11-01T12:00:00+08:00",
        "amount_minor": "25000",
        "currency": "CNY",
        "status": "success",
        "fee_minor": "",
        "account": "",
        "channel": "",
        "product": "",
        "region": "",
    }
    assert found.rejects == [["12", "business_key", "is not in the entry's customer_reference", "NONREF"]]
    assert found.set_aside_minor == 1
    assert found.stated == {
        "entries": 5,
        "opening_minor": 10_000_000,
        "credit_minor": 25_000 + 1 + 1_000,
        "debit_minor": 9_950 + 5_000,
        "closing_minor": 10_011_051,
    }


def test_the_engine_takes_every_record(tmp_path: Path) -> None:
    """Nothing that is written has a fault of the standard record's."""
    assert judged(mt940, MT940.encode(), CONFIG, tmp_path) == [(6, 0), (10, 0), (20, 0), (22, 0)]


def test_keys_may_come_from_the_bank_reference_or_the_remark(tmp_path: Path) -> None:
    """A pattern reads :86: with its lines joined; what stands after the closing balance belongs to no entry."""
    bank = convert(mt940, MT940.encode(), mt940.Config(account=ACCOUNT, key="bank_reference"), tmp_path)
    assert [row["business_key"] for row in bank.rows.values()] == ["BK0001", "BK0002", "BK0003", "BK0004", "BK0005"]
    details = convert(mt940, MT940.encode(), DETAILS, tmp_path)
    assert [row["business_key"] for row in details.rows.values()] == [
        "PAY-20261101-01",
        "REF-20261101-02",
        "PAY-20261101-04",
    ]
    assert [row[0] for row in details.rejects] == ["12", "22"]


def test_the_remark_is_joined_across_its_lines(tmp_path: Path) -> None:
    """SWIFT breaks :86: anywhere, also inside a reference."""
    broken = MT940.replace("ORDER:PAY-20261101-01 for", "ORDER:PAY-2026\n1101-01 for")
    assert convert(mt940, broken.encode(), DETAILS, tmp_path).rows[6]["business_key"] == "PAY-20261101-01"


def test_the_direction_can_be_turned(tmp_path: Path) -> None:
    """For an account that pays out, debits are the payments."""
    turned = convert(mt940, MT940.encode(), mt940.Config(account=ACCOUNT, credit_is="refund"), tmp_path)
    assert [row["kind"] for row in turned.rows.values()] == ["refund", "payment", "payment", "refund"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("C250,00", "C250,01", "does not add up"),
        (":61:2611011101D99,50NTRFREF-20261101-02//BK0002\n", "", "does not add up"),
        (":60M:C261101CNY100150,51", ":60M:C261101CNY100150,52", "opens with"),
        (":62F:C261101CNY100110,51", ":62F:D261101CNY100110,51", "does not add up"),
        (":62F:C261101CNY100110,51", ":62F:C261102CNY100110,51", "another day's file"),
        (":62F:C261101CNY100110,51\n", "", "no closing balance"),
        (":60F:C261031CNY100000,00\n", "", "no opening balance"),
        (":60M:", ":60F:C261101CNY1,00\n:60M:", "2 opening balance"),
        ("CNY", "XXX", "not an ISO 4217"),
        ("C250,00", "C250,001", "more than the 2 digits"),
        (f":25:{ACCOUNT}", ":25:6222000000000000", "another account"),
        (f":25:{ACCOUNT}\n", "", "does not name one account"),
        ("00305/002", "00305/001", "twice"),
        (":20:", ":21:", "before any :20:"),
        (":61:2611011101C250", ":61:not an entry", "does not begin with a date"),
        (":62M:", ":90D:1CNY99,51\n:62M:", "sum debit entries"),
        (":62M:", ":90C:1CNY250,01\n:90D:1CNY99,50\n:62M:", "states"),
    ],
)
def test_a_file_that_does_not_hold_together_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    """Wrong or missing balances, entries, accounts, days and numbers: a sentence, and nothing of the file is used."""
    with pytest.raises(SourceError, match=says):
        convert(mt940, MT940.replace(old, new).encode(), CONFIG, tmp_path)


FIRST, SECOND = MT940.split("-}\n")[:2]
"""The two pages of the sample."""
PAGES = {
    "cut short after its first page": (
        FIRST,
        "statement 00305/001 closes with :62M: on line 13, and no further page of it follows; it is cut short; ask for "
        "the file again",
    ),
    "another statement in place of its second page": (
        MT940.replace(":60M:", ":60F:"),
        "statement 00305/001 closes with :62M: on line 13, and no further page of it follows; it is cut short; ask for "
        "the file again",
    ),
    "a page of another statement": (
        MT940.replace("00305/002", "00306/002"),
        "statement 00305/001 closes with :62M: on line 13, and no further page of it follows; it is cut short; ask for "
        "the file again",
    ),
    "the first page lost": (
        SECOND,
        "statement 00305/002 opens with :60M: on line 5, and the page that it carries on does not stand before it; its "
        "beginning is missing; ask for the file again",
    ),
    "the first page lost behind another statement": (
        MT940.replace(":62M:", ":62F:"),
        "statement 00305/002 opens with :60M: on line 19, and the page that it carries on does not stand before it; its "
        "beginning is missing; ask for the file again",
    ),
    "a page between lost that moved nothing": (
        MT940.replace("00305/002", "00305/003"),
        "statement 00305/003 follows on 00305/001; a page between them is missing or out of order; ask for the file "
        "again",
    ),
}


@pytest.mark.parametrize("case", PAGES)
def test_a_statement_of_which_a_page_is_missing_is_refused(tmp_path: Path, case: str) -> None:
    """The first page opens with :60F:, the last closes with :62F:, and those between are numbered one after another."""
    content, says = PAGES[case]
    with pytest.raises(SourceError) as refused:
        convert(mt940, content.encode(), CONFIG, tmp_path)
    assert str(refused.value) == says


def test_pages_between_the_first_and_the_last_are_taken(tmp_path: Path) -> None:
    """A page opens with :60M: and closes with :62M:; one that moves nothing counts too, and so do unnumbered pages."""
    between = SECOND[: SECOND.index(":61:")] + ":62M:C261101CNY100150,51\n"
    content = f"{FIRST}-}}\n{between}-}}\n{SECOND.replace('00305/002', '00305/003')}"
    assert convert(mt940, content.encode(), CONFIG, tmp_path).records == 4
    bare = re.sub(":28C:.*\n", "", content)
    assert convert(mt940, bare.encode(), CONFIG, tmp_path).rows[5]["record_id"] == "#1/1-1"


UNREADABLE = {
    "two commas": ("D99,50", "D9,9,5", "line 10 (:61:) states '9,9,5' as its amount, which is no amount"),
    "a point": ("D99,50", "D99.50", "line 10 (:61:) states '99.50' as its amount, which is no amount"),
    "a sign": ("D99,50", "D-99,50", "line 10 (:61:) states '-99,50' as its amount, which is no amount"),
    "no amount": ("D99,50", "D", "line 10 (:61:) states '' as its amount, which is no amount"),
    "too many digits": (
        "D99,50",
        "D99999999999999999999,50",
        "line 10 (:61:) states '99999999999999999999' as its amount, which is no amount",
    ),
    "no mark": (
        "1101D99,50",
        "1101X99,50",
        "line 10 is an entry (:61:) that does not begin with a date and C or D",
    ),
    "a word for a date": (
        "2611011101D",
        "yesterdayD",
        "line 10 is an entry (:61:) that does not begin with a date and C or D",
    ),
    "a balance of two commas": (
        "CNY100000,00",
        "CNY1,000,00",
        "line 5 (:60F:) states '1,000,00' as its amount, which is no amount",
    ),
    "a balance of no day": (
        ":62F:C261101",
        ":62F:C261345",
        "line 23 is a balance (:62F:) that does not begin with C or D, a date and a currency",
    ),
    "a number of a statement that is none": (
        "00305/001",
        "first",
        "the statement of line 2 cannot be read as MT940",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path: Path, case: str) -> None:
    """Without it the balance proves nothing, so the file is refused; the sentence says which field it is."""
    old, new, says = UNREADABLE[case]
    with pytest.raises(SourceError) as refused:
        convert(mt940, MT940.replace(old, new, 1).encode(), CONFIG, tmp_path)
    assert str(refused.value) == f"{says}; ask for the file again"


UNDATED = {
    "no such value date": ("261345", "1101", "value date", "261345"),
    "no such entry date": ("261101", "1345", "entry date", "1345"),
    "a leap day in no leap year": ("261101", "0229", "entry date", "0229"),
    "half an entry date": ("261101", "11", "entry date", "11"),
}


@pytest.mark.parametrize("case", UNDATED)
def test_an_entry_of_no_date_is_set_aside_with_its_amount(tmp_path: Path, case: str) -> None:
    """The balances still lead from one to the next, so the others go on."""
    value, entry, column, shown = UNDATED[case]
    content = MT940.replace("2611011101D99,50", f"{value}{entry}D99,50")
    found = convert(mt940, content.encode(), CONFIG, tmp_path)
    assert list(found.rows) == [6, 20, 22]
    assert found.rejects[0] == ["10", column, "is not a date", shown]
    assert (found.set_aside_minor, found.stated["debit_minor"]) == (9_950 + 1, 9_950 + 5_000)


def test_an_entry_without_type_is_not_swallowed_by_the_next(tmp_path: Path) -> None:
    """The library overwrites an entry that has no type code; its absence is noticed."""
    with pytest.raises(SourceError, match="of which"):
        convert(mt940, MT940.replace("C250,00NTRFPAY-20261101-01//BK0001", "C250,00").encode(), CONFIG, tmp_path)


def test_sums_of_the_sender_that_tie_are_accepted(tmp_path: Path) -> None:
    """:90C: and :90D: with the right numbers and sums change nothing."""
    content = MT940.replace(":62M:", ":90D:1CNY99,50\n:90C:2CNY250,01\n:62M:")
    assert convert(mt940, content.encode(), CONFIG, tmp_path).records == 4


def test_an_empty_statement_is_a_statement(tmp_path: Path) -> None:
    """A day without entries ties with nothing to write."""
    content = f":20:A\n:25:{ACCOUNT}\n:28C:1\n:60F:C261031CNY1,00\n:62F:C261101CNY1,00\n"
    assert convert(mt940, content.encode(), CONFIG, tmp_path).stated["entries"] == 0
    with pytest.raises(SourceError, match="no statement"):
        convert(mt940, b"", CONFIG, tmp_path)


def test_other_encodings_are_asked_for(tmp_path: Path) -> None:
    """GBK text is refused as UTF-8 and read as GBK."""
    content = MT940.replace("collection ", "代收 ").encode("gbk")
    with pytest.raises(SourceError, match="encoding"):
        convert(mt940, content, CONFIG, tmp_path)
    assert convert(mt940, content, mt940.Config(account=ACCOUNT, encoding="gbk"), tmp_path).records == 4


@pytest.mark.parametrize(
    "settings", [{"key": "details"}, {"pattern": "x"}, {"key": "details", "pattern": "("}, {"encoding": "no"}, {"a": 1}]
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object]) -> None:
    """A pattern without its key, no regular expression, no encoding, an unknown name."""
    with pytest.raises(ValidationError):
        mt940.Config.model_validate({"account": "1", **settings})


@pytest.mark.parametrize("cases", [2_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_damaged_files_are_refused_or_add_up(tmp_path: Path, cases: int) -> None:
    """Whatever bytes are changed: SourceError and nothing else, or records and rejects are the entries stated."""
    chance = random.Random(940)
    accepted = 0
    for case in range(cases):
        content = mutated(MT940.encode(), chance)
        try:
            found = convert(mt940, content, CONFIG if case % 2 else DETAILS, tmp_path)
        except SourceError:
            continue
        accepted += 1
        assert found.records + len(found.rejects) == found.stated["entries"] == content.count(b"\n:61:")
        amounts = sum(int(row["amount_minor"]) for row in found.rows.values()) + found.set_aside_minor
        assert amounts == found.stated["credit_minor"] + found.stated["debit_minor"]
        change = found.stated["closing_minor"] - found.stated["opening_minor"]
        assert change == found.stated["credit_minor"] - found.stated["debit_minor"]
    assert 0 < accepted < cases
