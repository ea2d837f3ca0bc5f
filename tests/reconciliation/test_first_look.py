"""The first look: with it and without it a day has the same result, to the byte; and what it may not take for at rest."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy
import pytest

from reconciliation import first_look
from reconciliation.conservation import Totals
from reconciliation.engines import ReadError
from reconciliation.engines.duckdb import DuckDB
from reconciliation.first_look import Found
from reconciliation.standard_record import PARTIES
from reconciliation.three_way import run
from tests.reconciliation.days import Row, deliver, elsewhere, lines, record, rewrite

SOUND = 120
ODD: tuple[Callable[[str], Row], ...] = (
    lambda key: record(key, amount_minor=999),
    lambda key: record(key, status="failed"),
    lambda key: record(key, status="pending"),
    lambda key: record(key, currency="USD"),
    lambda key: record(key, fee_minor=7),
    lambda key: record(key, kind="refund"),
    lambda key: record(key, amount_minor="0100"),
    lambda key: record(key, amount_minor="1e3"),
    lambda key: record(key, occurred_at="2026-11-01T24:00:00+08:00"),
    lambda key: record(key, occurred_at="2026-11-01T04:00:00Z"),
    lambda key: record(key, business_day="2026-10-31", occurred_at="2026-11-01T00:10:00+08:00"),
    lambda key: record(key, business_day="2026-10-01"),
    lambda key: record(key, record_id="k3"),  # which a sound record has already
    lambda key: record(key, record_id="", amount_minor=5),
    lambda key: record(""),
    lambda key: record("k5", record_id=f"again-{key}"),  # a second record of a key that is in order
    lambda key: record("k6", record_id=f"other-{key}", amount_minor=7),
)


def odd_day(seed: int) -> dict[str, list[Row]]:
    """A day of which most is in order; the oddities and their places are drawn."""
    drawn = random.Random(seed)
    day: dict[str, list[Row]] = {name: [record(f"k{number}") for number in range(SOUND)] for name in PARTIES}
    for place, odd in enumerate(ODD):
        for name in PARTIES:
            if drawn.random() < 0.5:
                day[name].append(odd(f"odd{place}"))
            if drawn.random() < 0.3:
                day[name].append(record(f"odd{place}", record_id=f"more{place}"))
    for rows in day.values():
        drawn.shuffle(rows)
    return day


def everything(*_: Any) -> None:
    """What a first look finds that trusts nothing."""


def both_ways(monkeypatch: pytest.MonkeyPatch, request: Any) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The outputs with a first look that must have chosen rows, and without."""
    chosen: list[Found | None] = []
    compare = first_look.compare

    def watched(*arguments: Any) -> Found | None:
        chosen.append(compare(*arguments))
        return chosen[-1]

    monkeypatch.setattr(first_look, "compare", watched)
    with_it = run(replace(request, out=request.out / "with"))
    assert not with_it.refused, with_it.refused
    assert chosen[0] is not None
    assert chosen[0].at_rest.count > 0
    monkeypatch.setattr(first_look, "compare", everything)
    without = run(replace(request, out=request.out / "without"))
    assert with_it.certificate["rows_tie"]
    assert with_it.certificate["amounts_tie"]
    return tuple({name: path.read_bytes() for name, path in found.paths.items()} for found in (with_it, without))  # type: ignore[return-value]


@pytest.mark.parametrize("seed", range(8))
def test_the_result_is_the_same_without_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed: int) -> None:
    """Bad cells, other values, repeated ids, second records: every output is the same to the byte."""
    one, other = both_ways(monkeypatch, deliver(tmp_path, odd_day(seed)))
    assert one == other


def test_a_second_record_that_every_party_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All parties state both records alike, so that only the key tells that one of them is a second one."""
    day = {name: [record(f"k{number}") for number in range(20)] for name in PARTIES}
    for rows in day.values():
        rows.append(record("k6", record_id="second", amount_minor=7))
    one, other = both_ways(monkeypatch, deliver(tmp_path, day))
    assert one == other
    assert one["breaks.csv"].count(b"duplicate_") == 3


def test_a_refund_is_no_second_record_of_its_payment(tmp_path: Path) -> None:
    """Both stand under one business key, and both are at rest."""
    day = {name: [record(f"k{number}") for number in range(20)] for name in PARTIES}
    for rows in day.values():
        rows += [record(f"k{number}", record_id=f"back{number}", kind="refund") for number in range(20)]
    assert run(deliver(tmp_path, day)).certificate["classes"] == {"matched": {"count": 40, "at_risk_minor": 0}}


def test_a_file_that_has_to_be_mended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Rows are picked from the mended copy, and keep the lines that they have in the file."""
    request = deliver(tmp_path, odd_day(1))

    def damage(content: bytes) -> bytes:
        head, *rest = content.splitlines(keepends=True)
        rest.insert(3, b"too,few,fields\n")
        rest.insert(9, b'x,"two\nlines",payment,2026-11-01,2026-11-01T12:00:00+08:00,5,CNY,success,0,1,,,\n')
        rest.insert(20, b"\n")
        return head + b"".join(rest)

    path = tmp_path / "billing.csv"
    manifest = run(request).certificate["parties"]["billing"]
    rewrite(path, damage, rows=manifest["rows"] + 2, amount_minor=manifest["amount_minor"] + 5)
    one, other = both_ways(monkeypatch, request)
    assert one == other


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_lines_that_end_in_two_signs_and_a_last_line_without_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: bytes
) -> None:
    """The odd record stands on the very last line."""
    day = odd_day(2)
    for rows in day.values():
        rows.append(record("last", record_id="last", amount_minor=len(rows)))
    request = deliver(tmp_path, day)
    for name in PARTIES:
        rewrite(tmp_path / f"{name}.csv", lambda content: content.replace(b"\n", end).rstrip(end))
    one, other = both_ways(monkeypatch, request)
    assert one == other
    assert b"last" in one["breaks.csv"]


def test_gzip_and_parquet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Rows are picked from a stream that is decompressed, and from Parquet."""
    import pyarrow.csv
    from pyarrow import parquet

    request = deliver(tmp_path, odd_day(3))
    packed = tmp_path / "platform.csv.gz"
    packed.write_bytes(gzip.compress((tmp_path / "platform.csv").read_bytes(), mtime=0))
    table = pyarrow.csv.read_csv(
        tmp_path / "payment.csv",
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(record("k"), "str")),
    )
    parquet.write_table(table, tmp_path / "payment.parquet", row_group_size=50)
    for name, path in (("platform", packed), ("payment", tmp_path / "payment.parquet")):
        stated = (tmp_path / f"{name}.csv.manifest.json").read_text()
        path.with_name(path.name + ".manifest.json").write_text(stated)
        rewrite(path, bytes)
    one, other = both_ways(monkeypatch, elsewhere(request, platform=packed, payment=tmp_path / "payment.parquet"))
    assert one == other


def test_a_carried_item_finds_its_key_among_those_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A record of yesterday whose key all parties have today is a second record of the key, not left aside."""
    late = record("k7", record_id="yesterday", occurred_at="2026-11-01T23:50:00+08:00")
    yesterday = deliver(tmp_path / "one", {"billing": [late]})
    assert run(yesterday).carried == 1
    day = {name: [record(f"k{n}", business_day="2026-11-02") for n in range(20)] for name in PARTIES}
    request = replace(deliver(tmp_path / "two", day, date(2026, 11, 2)), carried=yesterday.out)
    one, other = both_ways(monkeypatch, request)
    assert one == other
    assert b"duplicate_booking" in one["breaks.csv"]


def test_a_day_of_which_half_is_odd_is_looked_at_whole(tmp_path: Path) -> None:
    """Then picking would cost more than it saves."""
    day = {name: [record(f"{name}{number}") for number in range(9)] for name in PARTIES}
    outcome = run(deliver(tmp_path, day))
    assert outcome.breaks == 27


def test_identities_that_two_records_share_are_not_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Should a digest be shared, a file does not tie, and everything is looked at closely before it would be refused."""
    day = {name: [record(f"k{number}") for number in range(50)] for name in PARTIES}
    day["payment"][7]["amount_minor"] = 999
    monkeypatch.setattr(first_look, "unshared", lambda parties: [numpy.zeros(0, numpy.intp) for _ in parties])
    outcome = run(deliver(tmp_path, day))
    assert [line["class"] for line in lines(outcome)] == ["amount_shortfall"]


@pytest.mark.parametrize("failing", [1, 2], ids=["the chosen rows", "all rows, too"])
def test_what_a_first_look_let_pass_and_a_close_one_cannot_read_is_read_another_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failing: int
) -> None:
    """Where the chosen rows cannot be read the whole file is, and where that fails its mended copy."""
    day = {name: [record(f"k{number}") for number in range(50)] for name in PARTIES}
    day["payment"][7]["amount_minor"] = 999
    request = deliver(tmp_path, day)
    expected = {name: path.read_bytes() for name, path in run(request).paths.items()}
    asked: list[str] = []
    number = DuckDB.number

    def numbered(self: DuckDB, name: str, rows: Any) -> Any:
        asked.append(name)
        if name == "payment_rows" and asked.count(name) <= failing:
            raise ReadError("the line cannot be read")
        return number(self, name, rows)

    monkeypatch.setattr(DuckDB, "number", numbered)
    assert {name: path.read_bytes() for name, path in run(request).paths.items()} == expected
    assert asked.count("payment_rows") == 2
    assert ("payment_rows_again" in asked) == (failing == 2)


def test_totals_of_rows_at_rest(tmp_path: Path) -> None:
    """Rows and money of those in order are in the certificate, beside the others."""
    day = {name: [record(f"k{number}", amount_minor=number) for number in range(10)] for name in PARTIES}
    del day["payment"][3]
    party = run(deliver(tmp_path, day)).certificate["parties"]["billing"]
    assert (party["rows"], party["standing"], party["amount_minor"]) == (10, 10, 45)
    assert Totals(9, 42) + Totals(1, 3) == Totals(10, 45)
