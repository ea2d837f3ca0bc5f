"""camt.053: batches, statuses, balances, every version, and documents that are attacks."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pydantic import ValidationError

from reconciliation.sources import SourceError, camt053
from tests.reconciliation.sources.samples_bank import CAMT053, IBAN, convert, judged, mutated

CONFIG = camt053.Config(account=IBAN)


def test_each_transaction_becomes_a_record(tmp_path: Path) -> None:
    """A batch is parted, a reversal keeps its direction, pending stays pending, INFO and nameless entries stand aside."""
    found = convert(camt053, CAMT053.encode(), CONFIG, tmp_path)
    names = ("record_id", "business_key", "kind", "amount_minor", "status", "occurred_at")
    assert {line: tuple(row[name] for name in names) for line, row in found.rows.items()} == {
        1: ("S-305-1.1", "PAY-1", "payment", "12000", "success", "2026-11-01T10:30:00+08:00"),
        2: ("S-305-1.2", "PAY-2", "payment", "8000", "success", "2026-11-01T10:30:00+08:00"),
        3: ("S-305-2.1", "PAY-3", "refund", "6000", "success", "2026-11-01T12:00:00+08:00"),
        4: ("S-305-3.1", "PAY-4", "payment", "5050", "pending", "2026-11-01T12:00:00+08:00"),
    }
    assert {row["business_day"] for row in found.rows.values()} == {"2026-11-01"}
    assert found.rejects == [
        ["5", "Sts", "is INFO: the entry moves no money", "INFO"],
        ["6", "business_key", "is not in the transaction's end_to_end_id", ""],
    ]
    assert found.set_aside_minor == 1050
    assert found.stated == {
        "entries": 5,
        "rows": 6,
        "opening_minor": 100_000,
        "credit_minor": 21_050,
        "debit_minor": 6_000,
        "closing_minor": 115_050,
    }


def test_the_engine_takes_every_record(tmp_path: Path) -> None:
    """Nothing that is written has a fault of the standard record's."""
    assert judged(camt053, CAMT053.encode(), CONFIG, tmp_path) == [(1, 0), (2, 0), (3, 0), (4, 0)]


@pytest.mark.parametrize("version", range(2, 15))
def test_every_version_is_read(tmp_path: Path, version: int) -> None:
    """001.02 to 001.14; until 07 the status was a plain code, and until 03 the amount stood in AmtDtls."""
    content = CAMT053.replace("001.08", f"001.{version:02d}")
    if version < 8:
        for status in ("BOOK", "PDNG", "INFO"):
            content = content.replace(f"<Sts><Cd>{status}</Cd></Sts>", f"<Sts>{status}</Sts>")
    if version < 4:
        for amount in ("120.00", "80.00"):
            own = f'<Amt Ccy="CNY">{amount}</Amt>'
            content = content.replace(f"{own}<CdtDbtInd>CRDT</CdtDbtInd>", f"<AmtDtls><TxAmt>{own}</TxAmt></AmtDtls>")
    assert convert(camt053, content.encode(), CONFIG, tmp_path).records == 4


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('Document xmlns="', 'Document xmlns:x="urn:x" xmlns="'),
        (">200.00<", "><!-- the amount -->200.00<"),
    ],
)
def test_prefixes_and_comments_change_nothing(tmp_path: Path, old: str, new: str) -> None:
    """Unused prefixes and comments are no part of a value."""
    assert convert(camt053, CAMT053.replace(old, new).encode(), CONFIG, tmp_path).records == 4


def test_a_prefixed_document_is_read(tmp_path: Path) -> None:
    """Every name with a prefix instead of a default namespace."""
    head, body = CAMT053.split("<Document xmlns=", 1)
    body = body.replace("</", "</n:").replace("<", "<n:").replace("<n:/n:", "</n:")
    assert convert(camt053, f"{head}<n:Document xmlns:n={body}".encode(), CONFIG, tmp_path).records == 4


def test_other_references_and_other_accounts(tmp_path: Path) -> None:
    """Keys from the entry or the remittance text; an account that is no IBAN."""
    of_bank = camt053.Config(account=IBAN, key="account_servicer_reference")
    keys = [row["business_key"] for row in convert(camt053, CAMT053.encode(), of_bank, tmp_path).rows.values()]
    assert keys == ["BK1", "BK1", "BK2"]
    details = camt053.Config(account=IBAN, key="details", pattern="ORDER:([A-Z0-9-]+)")
    keys = [row["business_key"] for row in convert(camt053, CAMT053.encode(), details, tmp_path).rows.values()]
    assert keys == ["PAY-3"]
    other = CAMT053.replace(f"<IBAN>{IBAN}</IBAN>", "<Othr><Id>1100 1018</Id></Othr>")
    assert convert(camt053, other.encode(), camt053.Config(account="11001018"), tmp_path).records == 4


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (">80.00<", ">80.01<", "add up to 20001"),
        ("<NbOfTxs>2<", "<NbOfTxs>3<", "NbOfTxs says 3"),
        ('<Amt Ccy="CNY">80.00<', '<Amt Ccy="USD">80.00<', "a transaction in USD"),
        ('<Amt Ccy="CNY">80.00</Amt>', "", "no amount"),
    ],
)
def test_a_batch_that_does_not_add_up_is_set_aside_whole(tmp_path: Path, old: str, new: str, reason: str) -> None:
    """Its money is still counted, once."""
    found = convert(camt053, CAMT053.replace(old, new).encode(), CONFIG, tmp_path)
    assert [row["business_key"] for row in found.rows.values()] == ["PAY-3", "PAY-4"]
    assert reason in found.rejects[0][2]
    assert found.set_aside_minor == 20_000 + 1_050


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (">1150.50<", ">1150.51<", "does not add up"),
        ("<Cd>PDNG</Cd>", "<Cd>BOOK</Cd>", "does not add up"),
        ("<Cd>PDNG</Cd>", "<Cd>GONE</Cd>", "status 'GONE'"),
        ("OPBD", "XPCD", "is missing"),
        ("CLBD", "OPBD", "twice"),
        (">5</NbOfNtries>", ">6</NbOfNtries>", "TtlNtries"),
        ("<Sum>210.5<", "<Sum>210.6<", "TtlCdtNtries"),
        (IBAN, "DE00", "another account"),
        (f"<IBAN>{IBAN}</IBAN>", "", "does not name its account"),
        ("<Dt><Dt>2026-11-01</Dt></Dt>", "<Dt><Dt>2026-11-02</Dt></Dt>", "another day's file"),
        (">60.00<", ">60.001<", "more than the 2 digits"),
        (">60.00<", ">6e1<", "not an amount"),
        ('<Amt Ccy="CNY">60', '<Amt Ccy="EUR">60', "in EUR on an account in CNY"),
        ("camt.053", "camt.052", "camt.052.001.08"),
        ("001.08", "001.15", "are read"),
        ("urn:iso", "urn:xiso", "no camt Document"),
        ("</Document>", "", "well-formed"),
        ("Stmt>", "Stm>", "no statement"),
    ],
)
def test_a_file_that_does_not_hold_together_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    """Balances, sums, statuses, accounts, days, versions: a sentence, and nothing of the file is used."""
    with pytest.raises(SourceError, match=says):
        convert(camt053, CAMT053.replace(old, new).encode(), CONFIG, tmp_path)


UNDATED = {
    "no such day": ("<BookgDt><Dt>2026-13-45</Dt></BookgDt>", "BookgDt", "is not a date", "2026-13-45"),
    "a word": ("<BookgDt><Dt>yesterday</Dt></BookgDt>", "BookgDt", "is not a date", "yesterday"),
    "no such time": (
        "<BookgDt><DtTm>2026-11-01T25:00:00</DtTm></BookgDt>",
        "BookgDt",
        "is not a date",
        "2026-11-01T25:00:00",
    ),
    "a word beside a value date": (
        "<BookgDt><Dt>yesterday</Dt></BookgDt><ValDt><Dt>2026-11-01</Dt></ValDt>",
        "BookgDt",
        "is not a date",
        "yesterday",
    ),
    "a word for a value date": ("<ValDt><Dt>yesterday</Dt></ValDt>", "ValDt", "is not a date", "yesterday"),
    "nothing": ("", "BookgDt", "is missing, and so is ValDt", ""),
}


@pytest.mark.parametrize("case", UNDATED)
def test_an_entry_of_no_date_is_set_aside_with_its_amount(tmp_path: Path, case: str) -> None:
    """What stands there is shown; another date is never taken in its place."""
    dates, column, reason, shown = UNDATED[case]
    reversal = "<RvslInd>true</RvslInd>\n    <Sts><Cd>BOOK</Cd></Sts>"
    content = CAMT053.replace(f"{reversal}<BookgDt><Dt>2026-11-01</Dt></BookgDt>", f"{reversal}{dates}")
    found = convert(camt053, content.encode(), CONFIG, tmp_path)
    assert list(found.rows) == [1, 2, 4]
    assert found.rejects[0] == ["3", column, reason, shown]
    assert found.set_aside_minor == 6_000 + 1_050


REFUSED = {
    "a NUL": (
        "PAY-1",
        "PAY\0-1",
        "it is not well-formed XML, or it is cut short (Invalid character: Char 0x0 out of allowed range, line 17, "
        "column 35); ask for the file again",
    ),
    "a balance of no day": (
        "<Dt>2026-10-31</Dt>",
        "<Dt>2026-10-32</Dt>",
        "OPBD of statement 'S-305' has the date '2026-10-32', which is no date; ask for the file again",
    ),
    "cut short after a page": (
        "CLBD",
        "ITBD",
        "statement 'S-305' closes with an interim balance (ITBD), and no further page of it follows; it is cut short; "
        "ask for the file again",
    ),
    "a page that says that more follow": (
        "<Acct>",
        "<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn><Acct>",
        "statement 'S-305' says that it goes on (LastPgInd), and no further page of it follows; it is cut short; ask "
        "for the file again",
    ),
    "the first page lost": (
        "OPBD",
        "ITBD",
        "statement 'S-305' opens with an interim balance (ITBD), and the page that it carries on does not stand before "
        "it; its beginning is missing; ask for the file again",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_one_plain_line(tmp_path: Path, case: str) -> None:
    """What, where, and what to do; nothing of the reader's own words breaks the line."""
    old, new, says = REFUSED[case]
    with pytest.raises(SourceError) as refused:
        convert(camt053, CAMT053.replace(old, new, 1).encode(), CONFIG, tmp_path)
    assert str(refused.value) == says


def test_the_pages_of_a_statement_are_taken(tmp_path: Path) -> None:
    """The first closes and the second opens with an interim balance; a page of another statement is none of its own."""
    before, rest = CAMT053.split("  <Stmt>", 1)
    page, after = rest.split("</Stmt>", 1)
    page = page.replace(
        "<ElctrncSeqNb>305</ElctrncSeqNb>", "<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"
    )
    first = page.replace("CLBD", "ITBD")
    second = page.replace("OPBD", "ITBD").replace(">1150.50<", ">1301.00<").replace(">1000.00<", ">1150.50<")
    second = second.replace("<PgNb>1</PgNb><LastPgInd>false<", "<PgNb>2</PgNb><LastPgInd>true<")
    both = f"{before}<Stmt>{first}</Stmt><Stmt>{second}</Stmt>{after}"
    assert convert(camt053, both.encode(), CONFIG, tmp_path).records == 8
    other = f"{before}<Stmt>{first}</Stmt><Stmt>{second.replace('S-305', 'S-306')}</Stmt>{after}"
    with pytest.raises(SourceError, match="no further page of it follows"):
        convert(camt053, other.encode(), CONFIG, tmp_path)


def test_statements_follow_on_each_other(tmp_path: Path) -> None:
    """The second opens where the first closed; the same one twice, or one with a gap before it, is refused."""
    before, rest = CAMT053.split("  <Stmt>", 1)
    first, after = rest.split("</Stmt>", 1)
    day = first.replace("S-305", "S-306").replace(">305<", ">306<")
    day = day.replace(">1150.50<", ">1301.00<").replace(">1000.00<", ">1150.50<")
    both = f"{before}<Stmt>{first}</Stmt><Stmt>{day}</Stmt>{after}"
    found = convert(camt053, both.encode(), CONFIG, tmp_path)
    assert (found.records, found.stated["closing_minor"], found.stated["entries"]) == (8, 130_100, 10)
    with pytest.raises(SourceError, match="opens with"):
        convert(camt053, f"{before}<Stmt>{day}</Stmt><Stmt>{first}</Stmt>{after}".encode(), CONFIG, tmp_path)
    with pytest.raises(SourceError, match="twice"):
        convert(camt053, f"{before}<Stmt>{first}</Stmt><Stmt>{first}</Stmt>{after}".encode(), CONFIG, tmp_path)


@pytest.mark.parametrize(
    ("doctype", "use"),
    [
        ('<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hostname">]>', "&x;"),
        ('<!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>', "&c;"),
        ('<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/x.dtd">', ""),
        ('<!DOCTYPE Document [<!ENTITY amount "200.00">]>', ""),
    ],
)
def test_entities_are_never_resolved(tmp_path: Path, doctype: str, use: str) -> None:
    """A document type, with whatever it declares, ends the reading."""
    content = CAMT053.replace("<Document", f"{doctype}<Document", 1).replace("PAY-1<", f"{use}PAY-1<")
    with pytest.raises(SourceError, match=r"DOCTYPE|well-formed"):
        convert(camt053, content.encode(), CONFIG, tmp_path)


def test_very_deep_documents_are_refused(tmp_path: Path) -> None:
    """Depth is bounded by the parser."""
    content = CAMT053.replace("<Ntry>", "<Ntry>" + "<x>" * 5000 + "</x>" * 5000, 1)
    with pytest.raises(SourceError, match="well-formed"):
        convert(camt053, content.encode(), CONFIG, tmp_path)


@pytest.mark.parametrize(
    "settings", [{"key": "details"}, {"pattern": "x"}, {"key": "details", "pattern": "("}, {"a": 1}]
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object]) -> None:
    """A pattern without its key, no regular expression, an unknown name."""
    with pytest.raises(ValidationError):
        camt053.Config.model_validate({"account": "1", **settings})


@pytest.mark.parametrize("cases", [2_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_damaged_files_are_refused_or_add_up(tmp_path: Path, cases: int) -> None:
    """Whatever bytes are changed: SourceError and nothing else, or records and rejects are all the rows."""
    chance = random.Random(53)
    accepted = 0
    for _ in range(cases):
        content = mutated(CAMT053.encode(), chance, b"<>/&;0123456789.CDBO\"' ")
        try:
            found = convert(camt053, content, CONFIG, tmp_path)
        except SourceError:
            continue
        accepted += 1
        assert found.records + len(found.rejects) == found.stated["rows"] >= found.stated["entries"]
        change = found.stated["closing_minor"] - found.stated["opening_minor"]
        assert change == found.stated["credit_minor"] - found.stated["debit_minor"]
    assert 0 < accepted < cases
