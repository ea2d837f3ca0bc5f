"""The reports of a result together: the same bytes each time, checksums that other tools accept, and no crash."""

from __future__ import annotations

import builtins
import os
import re
import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciliation import certificate as certificates
from reconciliation import reports
from reconciliation.reports import checksums
from reconciliation.verify import verify
from tests.reconciliation.reports.days import result
from tests.reconciliation.reports.test_document import equation

ALL = {"breaks.csv", "breaks.parquet", "rejects.csv", "certificate.json", "report.xlsx", "report.pdf"}


def test_two_writings_give_the_same_bytes_wherever_they_happen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another folder, another time zone and with an older report there: the same workbook, document and checksums."""
    signature = {"act": "prepared", "who": "a", "at": datetime(2026, 11, 2, tzinfo=UTC), "comment": ""}
    outcome = result(tmp_path / "one")
    first = outcome.paths["breaks.csv"].parent
    other = tmp_path / "other"
    shutil.copytree(first, other)
    written: list[dict[str, bytes]] = []
    for folder, zone in ((first, "UTC"), (other, "Asia/Shanghai"), (other, "America/New_York")):
        with monkeypatch.context() as there:
            there.setenv("TZ", zone)
            time.tzset()
            names = reports.write(folder, outcome.certificate, language="zh_CN", signatures=[signature], title="对账")
        time.tzset()
        written.append({report: (folder / report).read_bytes() for report in names})
        assert {path.name for path in folder.iterdir()} == {*ALL, checksums.FILE}
    assert written[0] == written[1] == written[2]
    assert set(written[0]) == {"report.xlsx", "report.pdf", checksums.FILE}


def test_sha256sum_accepts_the_checksums(tmp_path: Path) -> None:
    outcome = result(tmp_path)
    folder = outcome.paths["breaks.csv"].parent
    reports.write(folder, outcome.certificate)
    done = subprocess.run(["sha256sum", "-c", checksums.FILE], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {line.partition(":")[0] for line in done.stdout.splitlines()} == ALL
    (folder / "causes.json").write_text("{}")
    assert "causes.json" in checksums.text(folder)


def test_damaged_checksums_are_found(tmp_path: Path) -> None:
    """A line that is none, a file that is missing, changed, or not listed."""
    (tmp_path / "breaks.csv").write_text("x")
    good = checksums.text(tmp_path)
    for text, words in (
        ("nonsense\n" + good, "line 1"),
        (good + f"{'0' * 64}  rejects.csv\n", "missing"),
        ("", "not listed"),
        (f"{'0' * 64}  breaks.csv\n", "was changed"),
        (f"{'0' * 64}  ../breaks.csv\n", "line 1"),
    ):
        (tmp_path / checksums.FILE).write_text(text)
        assert any(words in fault for fault in checksums.faults(tmp_path)), words
    (tmp_path / checksums.FILE).write_bytes(b"\xff")
    assert "cannot be read" in checksums.faults(tmp_path)[0]


def test_without_the_libraries_of_the_document_there_is_a_sentence_and_all_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older document is taken away, since it would be of another certificate."""
    outcome = result(tmp_path)
    folder = outcome.paths["breaks.csv"].parent
    (folder / "report.pdf").write_text("older")
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("weasyprint"):
            raise OSError("cannot load library 'libpango-1.0-0'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(reports.ReportError, match=r"libpango.*report\.xlsx is there"):
        reports.write(folder, outcome.certificate)
    monkeypatch.undo()
    assert {path.name for path in folder.iterdir()} == {*ALL - {"report.pdf"}, checksums.FILE}
    assert verify(folder).sound


def test_a_writing_that_fails_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The older workbook stays as it was, and there are no checksums that would not fit."""
    from reconciliation.reports import workbook

    outcome = result(tmp_path)
    folder = outcome.paths["breaks.csv"].parent
    reports.write(folder, outcome.certificate)
    before = (folder / "report.xlsx").read_bytes()

    def fails(path: Path, *_: object) -> None:
        path.write_text("half")
        raise OSError("no space left on the disk")

    monkeypatch.setattr(workbook, "write", fails)
    with pytest.raises(OSError, match="no space"):
        reports.write(folder, outcome.certificate)
    assert (folder / "report.xlsx").read_bytes() == before
    assert {path.name for path in folder.iterdir()} == ALL


def test_a_control_of_quantities_has_reports_that_verify(tmp_path: Path) -> None:
    import openpyxl

    certificate = equation()
    (tmp_path / certificates.FILE).write_text(certificates.as_text(certificate))
    reports.write(tmp_path, certificate, language="zh_CN")
    values = [row[0].value for row in openpyxl.load_workbook(tmp_path / "report.xlsx")["Summary"].iter_rows()]
    assert {"数量", "in", "out", "公式", "平衡"} <= set(values)
    assert verify(tmp_path).sound


def test_importing_the_reports_loads_nothing_heavy() -> None:
    """The command line starts fast, and a run without reports does not pay for them."""
    import sys

    program = "import sys, reconciliation.reports, reconciliation.verify; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    heavy = re.findall(
        r"^(?:xlsxwriter|weasyprint|pyarrow|ibis|duckdb|pandas|numpy)$", done.stdout.replace(" ", "\n"), re.M
    )
    assert heavy == []
