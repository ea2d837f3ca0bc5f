"""The list of sources equals the folder, and the Parquet form of the standard record gives what the CSV form gives."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

import reconciliation.engines
import reconciliation.sources
from reconciliation.engines import ENGINES, connect
from reconciliation.sources import SOURCES, STATEMENTS
from reconciliation.standard_record import valid_amount, write_manifest
from reconciliation.three_way import run
from tests.reconciliation.days import DAY, deliver, elsewhere, lines, record

NOON = datetime(2026, 11, 1, 4, tzinfo=UTC)


def _modules(package: Path) -> set[str]:
    return {path.stem for path in package.glob("*.py") if path.stem != "__init__"}


def test_every_source_and_every_engine_of_the_folder_is_listed() -> None:
    listed = {name.rsplit(".", 1)[1] for name in (*SOURCES, *STATEMENTS.values())}
    others = {
        "statement",
        "cdr_3gpp",
        "cells",
        "mt940_pages",
        "iso20022",
        "formulas",
        "alipay_archive",
        "zips",
        "parted",
    }
    assert listed | others == _modules(Path(reconciliation.sources.__file__).parent)
    assert {name.rsplit(".", 1)[1] for name in ENGINES.values()} == _modules(
        Path(reconciliation.engines.__file__).parent
    )


def test_an_engine_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no engine 'abacus'"), connect("abacus", tmp_path, 1 << 28):
        pass


def _parquet(path: Path, rows: list[dict[str, object]], **types: pa.DataType) -> None:
    columns = {name: pa.array([row[name] for row in rows], types.get(name)) for name in rows[0]}
    parquet.write_table(pa.table(columns), path)
    amounts = [valid_amount(str(row["amount_minor"])) or 0 for row in rows]
    write_manifest(path, "billing", DAY, len(rows), sum(amounts))


def test_parquet_with_its_own_types_is_matched_like_csv(tmp_path: Path) -> None:
    rows = [
        record(key, business_day=DAY, occurred_at=NOON, record_id=f"id {key}")
        for key in ("a", "b", "missing elsewhere")
    ]
    _parquet(tmp_path / "billing.parquet", rows)
    others = [record("a"), record("b")]
    asked = elsewhere(deliver(tmp_path, {"platform": others, "payment": others}), billing=tmp_path / "billing.parquet")
    outcome = run(asked)
    assert outcome.refused == ()
    assert outcome.certificate["classes"]["matched"]["count"] == 2
    [line] = lines(outcome)
    assert (line["billing_record_id"], line["billing_line"]) == ("id missing elsewhere", "3")
    assert line["billing_occurred_at"] == "2026-11-01T12:00:00+08:00"


def test_bad_parquet_rows_go_to_quarantine(tmp_path: Path) -> None:
    """A timestamp without a zone, a missing amount and a key with a line break in it."""
    rows = [
        record("naive", occurred_at="2026-11-01T12:00:00"),
        record("none", amount_minor=None),
        record("broken\nkey"),
        record("negative", amount_minor=-5),
        record("good"),
    ]
    _parquet(tmp_path / "billing.parquet", rows)
    outcome = run(elsewhere(deliver(tmp_path, {}), billing=tmp_path / "billing.parquet"))
    found = [(line["line"], line["column"]) for line in lines(outcome, "rejects.csv")]
    assert found == [("1", "occurred_at"), ("2", "amount_minor"), ("3", "record_id"), ("4", "amount_minor")]


@pytest.mark.parametrize("sign", ["\n", "\r", "\0"])
@pytest.mark.parametrize("column", ["account", "channel", "product", "region", "fee_minor"])
def test_a_line_break_in_a_parquet_column_that_may_be_empty_is_no_empty_cell(
    column: str, sign: str, tmp_path: Path
) -> None:
    """The row is set aside as it would be in CSV, and the rows beside it are matched."""
    rows = [record("a", fee_minor="6"), record("b", fee_minor="6"), record("c", fee_minor="6")]
    rows[1][column] = f"6{sign}"
    for row in rows:
        row.setdefault(column, "x")
    _parquet(tmp_path / "billing.parquet", rows)
    others = [record(key) for key in "abc"]
    asked = elsewhere(deliver(tmp_path, {"platform": others, "payment": others}), billing=tmp_path / "billing.parquet")
    outcome = run(asked)
    assert [(line["line"], line["column"]) for line in lines(outcome, "rejects.csv")] == [("2", column)]
    assert {line["business_key"]: line["class"] for line in lines(outcome)} == {"b": "missing_in_billing"}
    assert (outcome.certificate["classes"]["matched"]["count"], outcome.certificate["rows_tie"]) == (2, True)


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "billing.parquet"
    path.write_bytes(b"PAR1 and no more")
    write_manifest(path, "billing", DAY, 0, 0)
    outcome = run(elsewhere(deliver(tmp_path, {}), billing=path))
    assert "not a Parquet file" in outcome.refused[0]
