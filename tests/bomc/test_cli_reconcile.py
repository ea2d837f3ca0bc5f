"""`bomc reconcile` from the command line: its exit statuses, what it says, controls run by hand, and the library."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from core.store.open import open_store
from core.store.tables import control_run
from reconciliation.controls import library as ready
from reconciliation.standard_record import PARTIES
from reconciliation.standard_record import write as write_records
from tests.bomc.estates import cli, rows
from tests.reconciliation.days import DAY, deliver, record
from tests.reconciliation.sources.samples_bank import charging_file


def reconcile(folder: Path, rows_of: dict[str, list[dict[str, object]]], *more: str) -> tuple[int, str]:
    deliver(folder, rows_of)
    files = [part for party in PARTIES for part in (f"--{party}", str(folder / f"{party}.csv"))]
    return cli(folder, "reconcile", "three-way", "--day", DAY.isoformat(), *files, "--out", str(folder / "out"), *more)


def test_the_exit_status_of_a_reconciliation_is_its_answer(tmp_path: Path) -> None:
    """0 without a break, 1 with, 2 wrong use, 3 refused and which file."""
    agreed = {party: [record("a")] for party in PARTIES}
    status, said = reconcile(tmp_path / "agreed", agreed, "--json")
    assert status == 0
    assert json.loads(said)["breaks"] == 0
    status, said = reconcile(tmp_path / "broken", {**agreed, "billing": []})
    assert status == 1
    assert "missing_in_billing" in said
    assert (tmp_path / "broken" / "out" / "certificate.json").exists()
    assert reconcile(tmp_path / "use", agreed, "--engine", "abacus")[0] == 2
    assert reconcile(tmp_path / "zone", agreed, "--timezone", "Mars")[0] == 2
    assert cli(tmp_path, "reconcile", "three-way", "--day", "yesterday")[0] == 2
    deliver(tmp_path / "refused", agreed)
    (tmp_path / "refused" / "payment.csv").unlink()
    files = [part for party in PARTIES for part in (f"--{party}", str(tmp_path / "refused" / f"{party}.csv"))]
    out = str(tmp_path / "refused" / "out")
    status, said = cli(tmp_path, "reconcile", "three-way", "--day", DAY.isoformat(), *files, "--out", out)
    assert status == 3
    assert "payment" in said


REPORTS = {"report.xlsx", "report.pdf", "SHA256SUMS", "causes.json"}


def test_three_way_writes_reports_for_people_unless_told_not_to(tmp_path: Path) -> None:
    """Workbook, document, causes and checksums beside the evidence; the evidence itself is the same without them."""
    broken = {party: [] if party == "billing" else [record("a")] for party in PARTIES}
    with_reports, without = tmp_path / "with" / "out", tmp_path / "without" / "out"
    assert reconcile(tmp_path / "with", broken)[0] == 1
    assert reconcile(tmp_path / "without", broken, "--no-report")[0] == 1
    there = {path.name for path in with_reports.iterdir()}
    assert there >= REPORTS
    assert {path.name for path in without.iterdir()} == there - REPORTS - {"dimensions.parquet"}
    assert (with_reports / "certificate.json").read_bytes() == (without / "certificate.json").read_bytes()
    assert (
        reconcile(tmp_path / "with", broken, "--no-report")[0] == 1
    )  # those of before would not fit what is there now
    assert not {path.name for path in with_reports.iterdir()} & REPORTS


@pytest.mark.parametrize("command", ["three-way", "run"])
def test_an_engine_that_cannot_work_here_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """No Java on this path: it says what is needed; exit status 2, and nothing is written."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    agreed = {party: [record("a")] for party in PARTIES}
    if command == "three-way":
        status, said = reconcile(tmp_path, agreed, "--engine", "spark")
    else:
        home = standing(tmp_path, agreed)
        status, said = cli(home, "reconcile", "run", "pay", "--day", DAY.isoformat(), "--engine", "spark")
    assert status == 2, said
    assert "Java" in said
    assert "Traceback" not in said
    assert not list(tmp_path.rglob("certificate.json"))


PAY = """
name: pay
title: {en: Payments, zh: 支付}
kind: match
schedule: {at: "00:40"}
parties:
  billing: {path: "exchange/{day}/billing.csv"}
  platform: {path: "exchange/{day}/platform.csv"}
  payment: {path: "exchange/{day}/payment.csv"}
"""
TOTALS = """
name: totals
title: {en: Totals, zh: 总额}
kind: equation
schedule: {at: "00:50"}
quantities:
  found: {unit: "1", run: {control: pay, take: breaks}}
formula: found
unit: "1"
balanced: {tolerance: 0}
"""


def standing(home: Path, rows_of: dict[str, list[dict[str, object]]]) -> Path:
    """A home with a match, an equation over it, a store, and a day's files."""
    (home / "config" / "controls").mkdir(parents=True)
    for name, content in (("pay", PAY), ("totals", TOTALS)):
        (home / "config" / "controls" / f"{name}.yaml").write_text(content, encoding="utf-8")
    assert cli(home, "db", "upgrade")[0] == 0
    deliver(home / "exchange" / DAY.isoformat(), rows_of)
    return home


def test_what_was_set_aside_is_said_where_the_breaks_are(tmp_path: Path) -> None:
    """A run without a break that could not use a row says so on the terminal too."""
    home = standing(tmp_path, {party: [record("a"), record("b", amount_minor="x")] for party in PARTIES})
    status, said = cli(home, "reconcile", "run", "pay", "--day", DAY.isoformat())
    assert status == 0, said
    assert "0 breaks, 0 carried, 3 rows set aside in rejects.csv; every row and every amount" in said


def test_what_an_equation_notes_of_its_files_is_said(tmp_path: Path) -> None:
    """A charging file that came twice is counted once, and whoever runs it by hand hears of it."""
    home = standing(tmp_path, {party: [] for party in PARTIES})
    folder = home / "cdr" / DAY.isoformat()
    folder.mkdir(parents=True)
    for name in ("7.dat", "7 again.dat"):
        (folder / name).write_bytes(charging_file([b"x", b"y"], sequence=7))
    headers = 'cdr_headers: {path: "cdr/{day}/*.dat", take: lost}'
    content = TOTALS.replace("run: {control: pay, take: breaks}", headers)
    (home / "config" / "controls" / "totals.yaml").write_text(content, encoding="utf-8")
    status, said = cli(home, "reconcile", "run", "totals", "--day", DAY.isoformat())
    assert status == 0, said
    assert re.search(r"note: found: .*taken from", said)


def test_a_control_of_the_configuration_is_run_by_hand(tmp_path: Path) -> None:
    """The exit status is its answer; run again it is the same run; an equation shows its quantities."""
    home = standing(tmp_path, {party: [] if party == "billing" else [record("a")] for party in PARTIES})
    for _ in range(2):
        status, said = cli(home, "reconcile", "run", "pay", "--day", DAY.isoformat())
        assert status == 1, said
        assert re.search(r"missing_in_billing\s.*1\s", said)
        assert "1 break, 0 carried; every row and every amount is accounted for" in said
    status, said = cli(home, "reconcile", "run", "totals", "--day", DAY.isoformat())
    assert status == 1, said
    assert "found = 1 1: OUT OF BALANCE by 1" in said
    status, said = cli(home, "reconcile", "run", "pay", "--day", DAY.isoformat(), "--json")
    assert json.loads(said)["control"] == "pay"
    engine = open_store(f"sqlite:///{home / 'bomc.db'}")
    assert [(row.control, row.outcome) for row in rows(engine, control_run)] == [
        ("pay", "breaks"),
        ("totals", "breaks"),
    ]
    engine.dispose()
    (home / "exchange" / DAY.isoformat() / "payment.csv").unlink()
    status, said = cli(home, "reconcile", "run", "pay", "--day", DAY.isoformat())
    assert status == 3
    assert "the payment file is missing" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "nobody", "--day", "2026-11-01"), "There is no control 'nobody'"),
        (("run", "pay", "--day", "yesterday"), "'yesterday' is no day"),
        (("run", "pay", "--day", "2026-11-01", "--engine", "abacus"), "there is no engine 'abacus' here"),
        (("library", "nobody"), "nobody"),
    ],
)
def test_a_wrong_use_of_reconcile_is_a_sentence(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    home = standing(tmp_path, {})
    status, said = cli(home, "reconcile", *arguments)
    assert status == 2
    assert words in said
    assert "Traceback" not in said


def test_evidence_is_verified_with_nothing_but_its_folder(tmp_path: Path) -> None:
    """Sound; tampered with, which file; a chain of days from a folder of them, and one whose day was exchanged."""
    broken = {party: [] if party == "billing" else [record("a")] for party in PARTIES}
    home = standing(tmp_path, broken)
    following = DAY + timedelta(days=1)
    place = home / "exchange" / following.isoformat()
    place.mkdir()
    for party in PARTIES:
        write_records(place / f"{party}.csv", party, following, [record("b", business_day=following.isoformat())])
    for day in (DAY, following):
        assert cli(home, "reconcile", "run", "pay", "--day", day.isoformat())[0] in (0, 1)
    chain = home / "runs" / "pay"
    elsewhere = tmp_path / "another machine"
    shutil.copytree(chain, elsewhere)
    for folder, more in ((elsewhere, ("--inputs", str(home / "exchange"))), (elsewhere / following.isoformat(), ())):
        status, said = cli(Path("/nowhere"), "reconcile", "verify", str(folder), *more)
        assert status == 0, said
        assert said.splitlines()[-1] == "sound"
        assert "checked: " in said
    place = elsewhere / DAY.isoformat() / "breaks.csv"
    place.write_bytes(place.read_bytes().replace(b"1000", b"1", 1))
    status, said = cli(Path("/nowhere"), "reconcile", "verify", str(elsewhere))
    assert status == 1
    assert "fault: " in said
    assert "breaks.csv" in said
    assert re.search(r"NOT SOUND: \d faults", said)
    shutil.rmtree(elsewhere)
    shutil.copytree(chain, elsewhere)
    shutil.rmtree(elsewhere / DAY.isoformat())
    shutil.copytree(elsewhere / following.isoformat(), elsewhere / DAY.isoformat())
    status, said = cli(Path("/nowhere"), "reconcile", "verify", str(elsewhere))
    assert status == 1
    assert "results were exchanged or renamed" in said
    status, said = cli(Path("/nowhere"), "reconcile", "verify", str(tmp_path / "nothing"))
    assert status == 1
    assert "NOT SOUND: 1 fault\n" in said


def test_the_library_is_listed_and_each_control_of_it_is_printed_as_a_file(tmp_path: Path) -> None:
    """What is printed can be put into the configuration as it is."""
    status, said = cli(tmp_path, "reconcile", "library")
    assert status == 0
    names = ready.names()
    assert len(names) >= 27
    assert all(name in said for name in names)
    status, said = cli(tmp_path, "reconcile", "library", names[0])
    assert (status, said) == (0, ready.text(names[0]))
    (tmp_path / "config" / "controls").mkdir(parents=True)
    (tmp_path / "config" / "controls" / f"{names[0]}.yaml").write_text(said, encoding="utf-8")
    status, said = cli(tmp_path, "config", "check")
    assert status == 0, said
