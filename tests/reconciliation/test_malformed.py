"""Rows spoilt at random in files of standard records: none ends a run, and every one is accounted for."""

from __future__ import annotations

import random
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from reconciliation.outcome import Outcome
from reconciliation.standard_record import COLUMNS, manifest_path, valid_amount, write_manifest
from reconciliation.three_way import run
from tests.reconciliation.days import DAY, deliver, elsewhere, lines, record
from tests.reconciliation.sources.samples import mutate

MANY = pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.slow)])
SPOILT = (
    None,
    "",
    " ",
    "=1+1",
    "-1",
    "1e3",
    "9" * 25,
    str(2**63),
    "a\nb",
    "a\0b",
    "a\rb",
    "\t",
    "话",
    "\ufffd",
    "x" * 300,
)


def sound(number: int) -> dict[str, object]:
    """Its key is like no other, so that one spoilt by a few bytes is not that of another row."""
    return record(
        f"k{number}-{sha256(str(number).encode()).hexdigest()[:12]}", product="话费", channel="app", region="gd"
    )


def accounted(outcome: Outcome, sound_rows: int, spoilt: int) -> None:
    """Both totals tie, the sound rows are matched, and each spoilt row is in some place: set aside, surplus or standing."""
    party = outcome.certificate["parties"]["billing"]
    assert (outcome.certificate["rows_tie"], outcome.certificate["amounts_tie"]) == (True, True)
    assert party["rows"] == party["rejected"] + party["duplicates"] + party["standing"]
    assert party["rejected"] == len(lines(outcome, "rejects.csv")) > spoilt // 4
    assert outcome.certificate["classes"]["matched"]["count"] >= sound_rows


@MANY
def test_generated_malformed_rows_of_csv_are_all_accounted_for(count: int, tmp_path: Path) -> None:
    """Every third line has bytes changed, doubled, cut out or put in; where that makes one line of several, or a quote
    swallows the next, the file's own count of rows says so."""
    dice = random.Random(2026)
    others = [sound(number) for number in range(count) if number % 3]
    asked = deliver(
        tmp_path,
        {"billing": [sound(number) for number in range(count)]} | dict.fromkeys(("platform", "payment"), others),
    )
    path = tmp_path / "billing.csv"
    header, *rows = path.read_bytes().splitlines(keepends=True)
    spoilt = [
        row if place % 3 else mutate(row[:-1], dice).replace(b'"', b"'") + b"\n" for place, row in enumerate(rows)
    ]
    path.write_bytes(b"".join([header, *spoilt]))
    stated = write_manifest(path, "billing", DAY, 0, 0)
    refused = run(asked).refused  # the totals that nobody stated yet
    rows_found = int(refused[0].split("it has ")[1].split(" rows")[0])
    minor = int(refused[1].split("add up to ")[1].split(" minor")[0])
    assert rows_found >= count * 2 // 3
    write_manifest(path, "billing", DAY, rows_found, minor)
    assert stated == manifest_path(path)
    accounted(run(asked), len(others), count // 3)


@MANY
def test_generated_malformed_rows_of_parquet_are_all_accounted_for(count: int, tmp_path: Path) -> None:
    """Every third row has one to three cells that are something else, in columns of text."""
    dice = random.Random(11)
    rows = [sound(number) for number in range(count)]
    for row in rows[::3]:
        for name in dice.sample(COLUMNS, dice.randint(1, 3)):
            row[name] = dice.choice(SPOILT)
    others = [sound(number) for number in range(count) if number % 3]
    asked = deliver(tmp_path, dict.fromkeys(("platform", "payment"), others))
    path = tmp_path / "billing.parquet"
    cells = {name: [None if row.get(name) is None else str(row[name]) for row in rows] for name in COLUMNS}
    parquet.write_table(pa.table({name: pa.array(column, pa.string()) for name, column in cells.items()}), path)
    write_manifest(path, "billing", DAY, count, sum(valid_amount(cell or "") or 0 for cell in cells["amount_minor"]))
    outcome = run(elsewhere(asked, billing=path))
    assert outcome.certificate["parties"]["billing"]["rows"] == count
    accounted(outcome, len(others), count // 3)
