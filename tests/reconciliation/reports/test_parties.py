"""Reports of a match of any parties, as the run itself asks for them: other names, passes, causes, carried items."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import openpyxl
import pypdf
import pytest

from reconciliation.match import run
from reconciliation.passes import Tolerance
from reconciliation.request import PartyFile, Request
from reconciliation.standard_record import write
from reconciliation.verify import verify
from tests.reconciliation.days import DAY, Row, record


def asked(folder: Path, language: str) -> Request:
    """Two parties of other names, where channel 7 loses its records at the bank and one record has another key."""
    folder.mkdir(parents=True)
    book: list[Row] = [record(f"k{number}", channel=str(number % 10)) for number in range(200)]
    book.append(record("one key", amount_minor=777))
    bank = [row for row in book if row["channel" if "channel" in row else "kind"] != "7"][:-1]
    bank.append(record("other key", amount_minor=777))
    files = []
    for name, rows in (("core_bank", book), ("clearing", bank)):
        path = folder / f"{name}.csv"
        write(path, name, DAY, rows)
        files.append(PartyFile(name, path))
    return Request(
        DAY,
        tuple(files),
        folder / "out",
        rules="general",
        losers={"missing_in_clearing": "operator"},
        passes=(Tolerance(0, timedelta(minutes=5)),),
        control="bank",
        dimensions=("channel",),
        report=True,
        language=language,
        memory_limit_bytes=512 << 20,
    )


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_a_run_of_other_parties_has_reports_that_tie_and_verify(language: str, tmp_path: Path) -> None:
    """The run writes them itself; the checksums cover everything that it left."""
    request = asked(tmp_path / "day", language)
    outcome = run(request)
    assert (outcome.refused, outcome.notes) == ((), ())
    out = request.out
    verdict = verify(out, inputs=tmp_path)
    assert verdict.faults == ()
    listed = {line.split("  ")[1] for line in (out / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in out.iterdir()} - {"SHA256SUMS"}
    text = "".join(page.extract_text() for page in pypdf.PdfReader(out / "report.pdf").pages).replace("\n", "")
    [cause] = json.loads((out / "causes.json").read_text())
    assert cause["value"] == "7"
    assert cause["sentence"][language][:20].replace(" ", "") in text.replace(" ", "")
    assert ("Missing in clearing" if language == "en" else "clearing缺单") in text
    assert ("Matched by tolerance" if language == "en" else "容差内对平") in text
    sheet = openpyxl.load_workbook(out / "report.xlsx")["Breaks"]
    head = [cell.value for cell in sheet[3]]
    assert {"core_bank_amount_units", "clearing_record_id"} <= set(head)
    assert sheet.max_row == 3 + 20
