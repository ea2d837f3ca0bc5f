"""Bad rows go to quarantine, each with its true line, column and reason; the others are reconciled."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from reconciliation import mending, scanning
from reconciliation.three_way import run
from tests.reconciliation.days import deliver, elsewhere, lines, reconcile, record, request, rewrite

GOOD = {party: [record("a"), record("b")] for party in ("billing", "platform", "payment")}

BAD_CELLS: dict[str, dict[str, object]] = {
    "record_id": {"empty": "", "blank": "  "},
    "business_key": {"empty": "", "blank": " ", "blanks and a tab": " \t "},
    "kind": {"empty": "", "capitals": "PAYMENT", "other": "chargeback"},
    "business_day": {"empty": "", "next day": "2026-11-02", "day before at noon": "2026-10-31", "text": "today"},
    "occurred_at": {
        "empty": "",
        "no zone": "2026-11-01T12:00:00",
        "no such month": "2026-13-01T12:00:00+08:00",
        "no such hour": "2026-11-01T25:00:00+08:00",
        "date alone": "2026-11-01",
        "no such zone": "2026-11-01T12:00:00+99:99",
        "text": "noon",
    },
    "amount_minor": {
        "empty": "",
        "negative": -1,
        "exponent": "1e3",
        "point": "10.00",
        "thirty digits": "1" * 30,
        "beyond 64 bits": 2**63,
        "blank before": " 10",
        "plus": "+10",
        "text": "ten",
        "full-width": "１２",
        "formula": "=1+1",
    },
    "currency": {"empty": "", "unknown": "XQZ", "small": "cny", "two of the list": "D A", "long": "CNYY"},
    "status": {"empty": "", "capitals": "SUCCESS", "other": "done"},
    "fee_minor": {"point": "0.5", "beyond": 2**62, "text": "none"},
}
CASES = [(column, name) for column, cells in BAD_CELLS.items() for name in cells]


def test_each_bad_cell_is_named_by_line_column_and_reason(tmp_path: Path) -> None:
    """All bad cells of the table in one file, between good rows; the good rows are matched and the totals tie."""
    rows = {party: list(found) for party, found in GOOD.items()}
    for column, name in CASES:
        rows["platform"].append(record(f"x {column} {name}", **{column: BAD_CELLS[column][name]}))
    rows["platform"].append(record("c"))
    outcome = reconcile(tmp_path, rows)
    found = lines(outcome, "rejects.csv")
    assert [(line["column"], int(line["line"])) for line in found] == [
        (column, place) for place, (column, _) in enumerate(CASES, start=4)
    ]
    assert all(line["file"] == "platform.csv" and line["party"] == "platform" and line["reason"] for line in found)
    account = outcome.certificate["parties"]["platform"]
    assert (account["rows"], account["rejected"], account["standing"]) == (len(CASES) + 3, len(CASES), 3)
    assert outcome.certificate["rows_tie"]
    assert outcome.certificate["amounts_tie"]
    assert [line["class"] for line in lines(outcome)] == ["platform_only"]


def test_blank_keys_are_not_shared_and_a_key_that_begins_with_a_blank_is_one(tmp_path: Path) -> None:
    """Three parties that leave the key blank did not agree on anything."""
    rows = {party: [*found, record("  ", "blank"), record(" c", "c")] for party, found in GOOD.items()}
    outcome = reconcile(tmp_path, rows)
    assert [(line["line"], line["column"]) for line in lines(outcome, "rejects.csv")] == [("4", "business_key")] * 3
    assert (outcome.exit_status, outcome.certificate["classes"]["matched"]["count"]) == (0, 3)


@pytest.mark.parametrize(
    ("cell", "minor"), [("0", 0), ("007", 7), (str(2**63 - 1), 2**63 - 1)], ids=["zero", "leading zeros", "largest"]
)
def test_unusual_amounts_that_are_sound_are_taken(cell: str, minor: int, tmp_path: Path) -> None:
    outcome = reconcile(tmp_path, {"payment": [record("a", amount_minor=cell)]})
    assert [int(line["at_risk_minor"]) for line in lines(outcome)] == [minor]


@pytest.mark.parametrize(
    "instant",
    [
        "2026-11-01T04:00:00Z",
        "2026-11-01 12:00:00+08:00",
        "2026-11-01T12:00:00.123456+08:00",
        "2026-11-01T12:00:00+0800",
    ],
)
def test_the_ways_to_write_an_instant(instant: str, tmp_path: Path) -> None:
    outcome = reconcile(tmp_path, {"payment": [record("a", occurred_at=instant, currency="JPY")]})
    assert outcome.rejected == 0
    assert lines(outcome)[0]["payment_occurred_at"].startswith("2026-11-01T12:00:00")
    assert lines(outcome)[0]["payment_occurred_at"].endswith("+08:00")


def test_a_repeated_record_id_is_rejected_once_for_each_further_row(tmp_path: Path) -> None:
    rows = GOOD | {"billing": [record("a"), record("b"), record("c", "a", occurred_at="2026-11-01T13:00:00+08:00")]}
    outcome = reconcile(tmp_path, rows)
    [line] = lines(outcome, "rejects.csv")
    assert (line["line"], line["column"]) == ("4", "record_id")
    assert "line 2" in line["reason"]
    assert outcome.exit_status == 0
    assert outcome.certificate["parties"]["billing"]["rejected_amount_minor"] == 1000


# name: bytes put between good rows, the lines that they take, and the column and reason of the reject
REST = b"payment,2026-11-01,2026-11-01T12:00:00Z,5,CNY,success,"
BROKEN: dict[str, tuple[bytes, int, str, str]] = {
    "too few fields": (b"x,x,payment\n", 1, "", "too few fields: 3"),
    "one field too many": (b"x,k," + REST + b",,,,,\n", 1, "", "too many fields: 14"),
    "not UTF-8": (b"x,k," + REST + b",,,\xb5\xe7,\n", 1, "product", "not UTF-8"),
    "NUL": (b"x,k\0," + REST + b",,,,\n", 1, "business_key", "NUL"),
    "line break in quotes": (b'x,"k\nk",' + REST + b",,,,\n", 2, "business_key", "line break"),
    "three lines in quotes": (b"x,k," + REST + b',,,"p\n\nq",\n', 3, "product", "takes 3 lines"),
    "carriage return": (b"x,k," + REST + b",,,a\rb,\n", 1, "product", "carriage return"),
    "quote never closed": (b'x,"k,' + REST + b",,,,\n", 1, "", "not closed"),
    "text after a quote": (b'"x"y,k,' + REST + b",,,,\n", 1, "", "followed by more text"),
    "nothing but commas": (b",,,,,,,,,,,,\n", 1, "record_id", "empty"),
    "longer than a line may be": (b"x," + b"k" * (2 << 20) + b"\n", 1, "", "longer than 1 MiB"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_row_is_set_aside_alone_and_lines_stay_true(name: str, tmp_path: Path) -> None:
    """The good rows around it are matched, and the bad cell behind it is reported on its true line."""
    text, taken, column, reason = BROKEN[name]
    asked = deliver(tmp_path, GOOD | {"billing": [*GOOD["billing"], record("z", amount_minor="bad")]})

    def spoil(content: bytes) -> bytes:
        parts = content.splitlines(keepends=True)
        return b"".join([*parts[:2], text, *parts[2:]])

    amount = 2000 if name in ("quote never closed", "text after a quote") or b",5," not in text else 2005
    rewrite(tmp_path / "billing.csv", spoil, rows=4, amount_minor=amount)
    outcome = run(asked)
    assert outcome.refused == ()
    first, second = lines(outcome, "rejects.csv")
    assert (first["line"], first["column"]) == ("3", column)
    assert reason in first["reason"]
    assert (second["line"], second["column"]) == (str(4 + taken), "amount_minor")
    assert outcome.certificate["classes"]["matched"]["count"] == 2
    assert outcome.certificate["rows_tie"]
    assert outcome.certificate["amounts_tie"]


def test_the_amount_of_a_row_with_too_many_fields_may_be_stated_or_not(tmp_path: Path) -> None:
    for stated in (2000, 2005):
        asked = deliver(tmp_path, GOOD)
        rewrite(
            tmp_path / "billing.csv", lambda text: text + BROKEN["one field too many"][0], rows=3, amount_minor=stated
        )
        assert run(asked).refused == ()


@pytest.mark.parametrize("name", ["quote never closed", "text after a quote"])
@pytest.mark.parametrize("stated", [2000, 2005])
def test_the_amount_of_a_row_with_a_quote_too_many_may_be_stated_or_not(name: str, stated: int, tmp_path: Path) -> None:
    """A sender counts what it wrote; one lost quote is no reason to refuse the file."""
    asked = deliver(tmp_path, GOOD)
    rewrite(tmp_path / "billing.csv", lambda text: text + BROKEN[name][0], rows=3, amount_minor=stated)
    outcome = run(asked)
    assert (outcome.refused, outcome.rejected) == ((), 1)
    assert outcome.certificate["amounts_tie"]


def test_windows_lines_a_mark_at_the_start_quotes_and_blank_lines_are_no_faults(tmp_path: Path) -> None:
    rows = {party: [record("a", product='5" disk, "new"'), record("b", product="话费")] for party in GOOD}
    asked = deliver(tmp_path, rows)
    rewrite(tmp_path / "billing.csv", lambda text: b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    rewrite(tmp_path / "platform.csv", lambda text: text.replace(b"\n", b"\n\n"))
    rewrite(tmp_path / "payment.csv", lambda text: text.rstrip(b"\n"))
    outcome = run(asked)
    assert (outcome.exit_status, outcome.rejected) == (0, 0)


def test_columns_may_stand_in_any_order_and_others_are_ignored(tmp_path: Path) -> None:
    asked = deliver(tmp_path, GOOD)

    def turn(text: bytes) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for place, row in enumerate(csv.reader(text.decode().splitlines())):
            writer.writerow([*reversed(row), "extra" if place == 0 else "1"])
        return out.getvalue().encode()

    rewrite(tmp_path / "billing.csv", turn)
    assert run(asked).exit_status == 0


def test_a_large_file_has_true_lines_on_the_fast_and_the_exact_path(tmp_path: Path) -> None:
    """40 MB, more than the engine reads in one piece, with bad cells at known lines."""
    bad = {2, 17_001, 31_072, 40_001}
    rows = [
        record(f"k{number}", amount_minor="bad" if number in bad else number, product="x" * 900)
        for number in range(2, 40_002)
    ]
    asked = deliver(tmp_path, {"platform": rows})
    fast = run(asked)
    assert [int(line["line"]) for line in lines(fast, "rejects.csv")] == sorted(bad)
    rewrite(tmp_path / "platform.csv", lambda text: text + b"short\n", rows=40_001)
    exact = run(asked)
    assert [int(line["line"]) for line in lines(exact, "rejects.csv")] == [*sorted(bad), 40_002]
    found = {int(line["platform_amount_minor"]): int(line["platform_line"]) for line in lines(exact)}
    assert all(amount == line for amount, line in found.items())


def test_one_lost_quote_costs_one_row(tmp_path: Path) -> None:
    """Without a limit, the quote would swallow every row up to the next quote, or the rest of the file."""
    asked = deliver(tmp_path, {"billing": [record(f"k{number}", product="p") for number in range(500)]})
    rewrite(tmp_path / "billing.csv", lambda text: text.replace(b"k7,k7", b'k7,"k7', 1), amount_minor=499_000)
    outcome = run(asked)
    assert outcome.rejected == 1
    assert outcome.certificate["parties"]["billing"]["standing"] == 499


def test_cells_of_the_outputs_are_never_evaluated_by_a_spreadsheet(tmp_path: Path) -> None:
    """Keys that could start a formula are neutralised reversibly; the Parquet file has them as delivered."""
    from pyarrow import parquet

    from reconciliation.spreadsheet import plain

    wicked = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "'quoted", " =1", "＝1", "plain", "中文"]
    rows = {"payment": [record(key, f"id{place}") for place, key in enumerate(wicked)]}
    rows["billing"] = [record("ok", status="=cmd|' /C calc'!A0")]
    outcome = reconcile(tmp_path, rows)
    cells = [line["business_key"] for line in lines(outcome)]
    assert not any(cell.strip()[0] in "=+-@＝＋－＠" or cell[0] in "\t\r" for cell in cells)
    assert sorted(plain(cell) for cell in cells) == sorted(wicked)
    assert sorted(parquet.read_table(outcome.paths["breaks.parquet"])["business_key"].to_pylist()) == sorted(wicked)
    assert lines(outcome, "rejects.csv")[0]["value"].startswith("'=")


def test_an_account_is_never_shown_among_the_rejects(tmp_path: Path) -> None:
    asked = deliver(tmp_path, {"billing": [record("a")]})
    rewrite(tmp_path / "billing.csv", lambda text: text.replace(b"13800000000", b"1380\x0000000"))
    [line] = lines(run(asked), "rejects.csv")
    assert (line["column"], line["value"]) == ("account", "")


def test_scan_counts_over_the_borders_of_its_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With chunks of a few bytes, every pair of neighbouring characters falls on a border once."""
    path = tmp_path / "x.csv"
    for content, odd in (
        ("a,b\r\n话,费\r\n".encode(), None),
        (b'a,b\n"1","2 ""x"" y"\n', None),
        (b"a,b\n1\r2,3\n", "carriage return"),
        (b'a,b\n"1"x,3\n', "quote"),
        (b"a,b\n\xe8\xaf\n", "UTF-8"),
        (b"a,b\n\xe8\xaf", "middle of a character"),
    ):
        path.write_bytes(content)
        for size in (1, 2, 3, 5, 64):
            monkeypatch.setattr(scanning, "_CHUNK_BYTES", size)
            found = scanning.scan(path)
            assert (found.lines, found.commas) == (
                content.count(b"\n") + (not content.endswith(b"\n")),
                content.count(b","),
            )
            assert (found.odd is None) == (odd is None), (content, size, found)


def test_mending_keeps_the_place_of_every_line(tmp_path: Path) -> None:
    source = tmp_path / "x.csv"
    source.write_bytes(b'record_id,amount_minor\na,1\nb\n\n"c\nc",3\nd,4\n')
    mended = mending.mend(source, ("record_id", "amount_minor"), tmp_path)
    assert mended.copy.read_bytes() == b"record_id,amount_minor\na,1\n,\n,\n,\n,\nd,4\n"
    assert (mended.rows, mended.blank_lines, mended.amount_minor) == (2, 1, 3)


def test_files_of_one_name_from_two_parties_are_mended_apart(tmp_path: Path) -> None:
    asked = {}
    for party in GOOD:
        deliver(tmp_path / party, {party: [record(party)]})
        for end in ("", ".manifest.json"):
            (tmp_path / party / f"{party}.csv{end}").rename(tmp_path / party / f"day.csv{end}")
        asked[party] = tmp_path / party / "day.csv"
        rewrite(asked[party], lambda text: text + b"short\n", rows=2)
    outcome = run(elsewhere(request(tmp_path), **asked))
    assert [(line["party"], line["line"]) for line in lines(outcome, "rejects.csv")] == [(p, "3") for p in GOOD]
    assert {line["business_key"] for line in lines(outcome)} == set(GOOD)
