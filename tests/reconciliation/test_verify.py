"""The verdict on a result: sound as it was written, and every way of tampering with it is found and said."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciliation import certificate, reports
from reconciliation.reports import checksums
from reconciliation.three_way import run
from reconciliation.verify import Verdict, verify
from tests.reconciliation.days import DAY, deliver, record

LATE = {"occurred_at": "2026-11-01T23:55:00+08:00"}


def rows() -> dict[str, list[dict[str, object]]]:
    """A day with breaks, a carried item, duplicates, two currencies, a rejected row and cells that were neutralised."""
    same = [record(f"k{number}") for number in range(5)]
    return {
        "billing": [
            *same,
            record("=1+1"),
            record("'x"),
            record("late", **LATE),
            record("twice"),
            record("twice", "again"),
        ],
        "platform": [*same, record("twice"), record("usd", currency="USD")],
        "payment": [*same, record("short", amount_minor=7), record("bad", amount_minor="x"), record("twice")],
    }


def days(tmp_path: Path, count: int = 3) -> Path:
    """Results of successive days, chained, each in a folder named by its day; the files delivered are beside them."""
    results = tmp_path / "results"
    previous: str | None = None
    for place in range(count):
        day = DAY + timedelta(days=place)
        asked = deliver(tmp_path / "delivered" / day.isoformat(), moved(day), day)
        asked = replace(asked, out=results / day.isoformat(), previous_hash=previous)
        outcome = run(asked)
        assert outcome.refused == ()
        previous = str(outcome.certificate["hash"])
    return results


def moved(day: date) -> dict[str, list[dict[str, object]]]:
    """The rows as of another day."""
    return {
        party: [
            {
                **row,
                "business_day": day.isoformat(),
                "occurred_at": str(row["occurred_at"]).replace("2026-11-01", day.isoformat()),
            }
            for row in found
        ]
        for party, found in rows().items()
    }


def folder_of(results: Path, place: int = 0) -> Path:
    return results / (DAY + timedelta(days=place)).isoformat()


def reseal(folder: Path, change: Callable[[dict[str, Any]], None], outputs: bool = True) -> None:
    """Change a certificate as a forger would: with new checksums of the outputs and a hash that fits."""
    content = json.loads((folder / certificate.FILE).read_text())
    change(content)
    if outputs:
        content["outputs"] = {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in content["outputs"]
        }
    content["hash"] = certificate.digest(content)
    (folder / certificate.FILE).write_text(certificate.as_text(content))


def nothing(content: dict[str, Any]) -> None:
    """A forger's change of the checksums alone."""


def csv_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def put_csv(path: Path, lines: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


def change_parquet(folder: Path, change: Callable[[Any], Any]) -> None:
    from pyarrow import parquet

    table = parquet.read_table(folder / "breaks.parquet")
    parquet.write_table(change(table), folder / "breaks.parquet")


def assert_found(verdict: Verdict, *words: str) -> None:
    assert not verdict.sound
    assert any(all(word in fault for word in words) for fault in verdict.faults), verdict.faults


def test_a_result_is_sound_with_nothing_but_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied elsewhere, without the files delivered, without a network, it is sound and says what was checked."""
    results = days(tmp_path, 1)
    elsewhere = tmp_path / "other machine" / "audit"
    shutil.copytree(folder_of(results), elsewhere)

    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "socket", no_network)
    verdict = verify(elsewhere)
    assert verdict == Verdict(True, verdict.checked, ())
    assert "first of its chain" in " ".join(verdict.checked)


def test_a_chain_of_days_is_sound_and_so_is_each_day_beside_its_neighbours(tmp_path: Path) -> None:
    results = days(tmp_path)
    assert verify(results, inputs=tmp_path / "delivered").faults == ()
    for place in range(3):
        verdict = verify(folder_of(results, place), inputs=tmp_path / "delivered" / folder_of(results, place).name)
        assert verdict.faults == ()
    assert "follows" in " ".join(verify(folder_of(results, 1)).checked)


def test_a_result_with_reports_is_sound_and_a_changed_report_is_found(tmp_path: Path) -> None:
    folder = folder_of(days(tmp_path, 1))
    reports.write(folder, certificate.load(folder))
    verdict = verify(folder)
    assert verdict.sound
    assert any(checksums.FILE in said for said in verdict.checked)
    with (folder / "report.pdf").open("ab") as file:
        file.write(b"%")
    assert_found(verify(folder), "report.pdf", "SHA256SUMS")


@pytest.mark.parametrize("name", ["breaks.csv", "breaks.parquet", "rejects.csv", "certificate.json"])
def test_a_file_that_is_missing_cut_or_edited_is_found(name: str, tmp_path: Path) -> None:
    folder = folder_of(days(tmp_path, 1))
    whole = (folder / name).read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", whole + b" \n", whole.replace(b"7", b"8")):
        (folder / name).write_bytes(damaged)
        if damaged != whole:
            if name == "certificate.json" and damaged == whole + b" \n":
                continue  # blanks after JSON say nothing
            assert_found(verify(folder), name)
    (folder / name).unlink()
    assert_found(verify(folder), name)


def edited_cell(folder: Path) -> None:
    lines = csv_rows(folder / "breaks.csv")
    lines[1][4] = str(int(lines[1][4]) + 1)
    put_csv(folder / "breaks.csv", lines)


def deleted_line(folder: Path) -> None:
    put_csv(folder / "breaks.csv", csv_rows(folder / "breaks.csv")[:-1])


def added_line(folder: Path) -> None:
    lines = csv_rows(folder / "breaks.csv")
    put_csv(folder / "breaks.csv", [*lines, lines[-1]])


def reordered_lines(folder: Path) -> None:
    head, *lines = csv_rows(folder / "breaks.csv")
    put_csv(folder / "breaks.csv", [head, *reversed(lines)])


def edited_record(folder: Path) -> None:
    lines = csv_rows(folder / "breaks.csv")
    place = lines[0].index("billing_occurred_at")
    [line] = [line for line in lines if line[0] == "late"]
    line[place] = line[place].replace("23:55", "23:56")
    put_csv(folder / "breaks.csv", lines)


def swapped_files(folder: Path) -> None:
    (folder / "breaks.csv").rename(folder / "kept")
    (folder / "rejects.csv").rename(folder / "breaks.csv")
    (folder / "kept").rename(folder / "rejects.csv")


@pytest.mark.parametrize(
    "tamper", [edited_cell, deleted_line, added_line, reordered_lines, edited_record, swapped_files]
)
def test_an_edited_csv_is_found_even_when_the_certificate_was_sealed_again(
    tamper: Callable[[Path], None], tmp_path: Path
) -> None:
    """The forger made the checksums fit; the lines of the Parquet file still tell."""
    folder = folder_of(days(tmp_path, 1))
    tamper(folder)
    assert_found(verify(folder), "breaks.csv", "SHA-256")
    reseal(folder, nothing)
    assert_found(verify(folder), "breaks.csv", "breaks.parquet")


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.slice(1),
        lambda table: table.set_column(4, "at_risk_minor", [[0] * len(table)]),
        lambda table: table.set_column(2, "class", [["fee_mismatch"] * len(table)]),
        lambda table: table.drop(["class"]),
    ],
    ids=["line deleted", "money", "class", "column"],
)
def test_edited_lines_are_found_against_the_certified_totals(change: Callable[[Any], Any], tmp_path: Path) -> None:
    folder = folder_of(days(tmp_path, 1))
    change_parquet(folder, change)
    reseal(folder, nothing)
    assert_found(verify(folder), "breaks.parquet")


def test_a_deleted_reject_is_found_by_its_count(tmp_path: Path) -> None:
    folder = folder_of(days(tmp_path, 1))
    put_csv(folder / "rejects.csv", csv_rows(folder / "rejects.csv")[:-1])
    reseal(folder, nothing)
    assert_found(verify(folder), "rejects.csv", "0 lines of payment")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("rows", "rows"),
        ("standing", "rows"),
        ("amount_minor", "minor units"),
        ("duplicates_amount_minor", "minor units"),
    ],
)
def test_a_party_whose_arithmetic_does_not_hold_is_found(place: str, words: str, tmp_path: Path) -> None:
    folder = folder_of(days(tmp_path, 1))

    def change(content: dict[str, Any]) -> None:
        content["parties"]["payment"][place] += 1

    reseal(folder, change)
    assert_found(verify(folder), "payment", words)


@pytest.mark.parametrize("name", ["rows_tie", "amounts_tie"])
def test_a_certificate_that_does_not_claim_to_tie_proves_nothing(name: str, tmp_path: Path) -> None:
    folder = folder_of(days(tmp_path, 1))
    reseal(folder, lambda content: content.update({name: False}))
    assert_found(verify(folder), name)


def test_a_forged_certificate_breaks_the_chain_on_either_side(tmp_path: Path) -> None:
    """Sealed again, it is whole by itself; the next day's certificate names the hash that it had."""
    results = days(tmp_path)
    reseal(folder_of(results, 1), lambda content: content.update(engine="spark"))
    assert_found(verify(results), "2026-11-03", "does not follow")
    assert_found(verify(folder_of(results, 1)), "replaced")
    assert_found(verify(folder_of(results, 2)), "does not follow")
    alone = tmp_path / "alone"
    shutil.copytree(folder_of(results, 2), alone)
    assert_found(verify(alone, previous=folder_of(results, 1)), "does not follow")
    assert verify(alone).sound  # nothing there to compare with, which is said
    assert "was not checked" in " ".join(verify(alone).checked)


def test_a_certificate_cut_from_its_chain_is_found(tmp_path: Path) -> None:
    """A forger who drops the link makes it the first of a chain, which it is not."""
    results = days(tmp_path)
    reseal(folder_of(results, 2), lambda content: content.update(previous_hash=None))
    assert_found(verify(results), "says that it is the first")
    assert_found(verify(folder_of(results, 2)), "says that it is the first")


def test_a_removed_day_is_found(tmp_path: Path) -> None:
    """In the middle it breaks the chain; at its beginning it is said; an emptied folder is a fault."""
    results = days(tmp_path, 4)
    shutil.rmtree(folder_of(results, 0))
    verdict = verify(results)
    assert verdict.sound
    assert "before it are not here" in " ".join(verdict.checked)
    shutil.rmtree(folder_of(results, 2))
    verdict = verify(results)
    assert_found(verdict, "2026-11-04", "does not follow", "removed")
    assert "no result between 2026-11-02 and 2026-11-04" in " ".join(verdict.checked)
    (folder_of(results, 3) / certificate.FILE).unlink()
    assert_found(verify(results), "2026-11-04", "no certificate")


def test_a_day_without_a_run_is_said_and_is_no_fault_when_the_chain_goes_over_it(tmp_path: Path) -> None:
    results = days(tmp_path, 1)
    later = DAY + timedelta(days=3)
    asked = deliver(tmp_path / "later", moved(later), later)
    previous = certificate.load(folder_of(results))["hash"]
    run(replace(asked, out=results / later.isoformat(), previous_hash=previous))
    verdict = verify(results)
    assert verdict.faults == ()
    assert "no result between 2026-11-01 and 2026-11-04" in " ".join(verdict.checked)


def test_exchanged_days_are_found(tmp_path: Path) -> None:
    results = days(tmp_path, 2)
    folder_of(results, 0).rename(results / "kept")
    folder_of(results, 1).rename(folder_of(results, 0))
    (results / "kept").rename(folder_of(results, 1))
    assert_found(verify(results), "exchanged")


def test_inputs_that_differ_or_lack_are_found(tmp_path: Path) -> None:
    results = days(tmp_path, 1)
    delivered = tmp_path / "delivered" / DAY.isoformat()
    path = delivered / "payment.csv"
    path.write_bytes(path.read_bytes().replace(b"k1", b"k9"))
    assert_found(verify(folder_of(results), inputs=delivered), "payment.csv", "not the file")
    path.unlink()
    assert_found(verify(folder_of(results), inputs=delivered), "payment.csv", "is not in")


def test_what_is_no_result_is_a_fault_and_never_a_crash(tmp_path: Path) -> None:
    """A folder that is empty or not there, JSON that is no certificate, and one that lacks its parts."""
    assert_found(verify(tmp_path), "holds no result")
    assert_found(verify(tmp_path / "nowhere"), "certificate.json cannot be read: No such file or directory")
    for text in ("[]", "{", "null", '{"hash": 1, "business_day": 2, "outputs": 3}'):
        (tmp_path / certificate.FILE).write_text(text)
        assert not verify(tmp_path).sound
    folder = folder_of(days(tmp_path / "sound", 1))
    for name in ("classes", "parties", "lines"):
        copy = tmp_path / f"without {name}"
        shutil.copytree(folder, copy)
        reseal(copy, lambda content, name=name: content.update({name: [1]}))  # type: ignore[misc]
        assert not verify(copy).sound, name


def test_an_output_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    """A certificate that names a path elsewhere cannot make the checker read it."""
    folder = folder_of(days(tmp_path, 1))
    outside = tmp_path / "outside"
    outside.write_text("x")
    digest = hashlib.sha256(b"x").hexdigest()
    content = json.loads((folder / certificate.FILE).read_text())
    content["outputs"][os.path.relpath(outside, folder)] = digest
    content["hash"] = certificate.digest(content)
    (folder / certificate.FILE).write_text(certificate.as_text(content))
    assert_found(verify(folder), "outside")
