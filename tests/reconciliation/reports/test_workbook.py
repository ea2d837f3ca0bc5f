"""The workbook: what its formulas give is what the certificate says, and no text of a sender is anything but text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.workbook import Workbook

from reconciliation.outcome import Outcome
from reconciliation.reports import workbook
from reconciliation.reports.cells import LARGEST_EXACT
from reconciliation.reports.words import speaker
from tests.reconciliation.days import lines, reconcile, record
from tests.reconciliation.reports.days import EVIL, result


def opened(outcome: Outcome, held: int = workbook.LINES_HELD, language: str = "en") -> tuple[Workbook, Workbook]:
    """The workbook as formulas and as stored values."""
    folder = outcome.paths["breaks.csv"].parent
    path = folder.parent / "report.xlsx"
    workbook.write(path, folder, outcome.certificate, speaker(language), "", held)
    return openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)


RANGE = re.compile(r"(?:(\w+)!)?\$?([A-Z]+)\$?(\d+)(?::\$?([A-Z]+)\$?(\d+))?")


def computed(book: Workbook, sheet: str, formula: Any) -> Any:
    """What a formula of the summary gives, worked out from the cells that it names; other values are themselves."""
    if not (isinstance(formula, str) and formula.startswith("=")):
        return formula

    def cells(text: str) -> list[Any]:
        found = RANGE.fullmatch(text.strip())
        assert found, text
        name, left, top, right, bottom = found.groups()
        right, bottom = right or left, bottom or top
        assert left == right
        there = book[name or sheet]
        return [computed(book, name or sheet, there[f"{left}{row}"].value) for row in range(int(top), int(bottom) + 1)]

    def value(text: str) -> Any:
        text = text.strip()
        if text in ("TRUE", "FALSE"):
            return text == "TRUE"
        return computed(book, sheet, book[sheet][text.replace("$", "")].value)

    def conditional(match: re.Match[str]) -> str:
        arguments = match[2].split(",")
        sums = cells(arguments.pop(0)) if match[1] == "SUMIFS" else None
        pairs = [(cells(arguments[at]), value(arguments[at + 1])) for at in range(0, len(arguments), 2)]
        rows = [row for row in range(len(pairs[0][0])) if all(column[row] == wanted for column, wanted in pairs)]
        return str(len(rows) if sums is None else sum(sums[row] for row in rows))

    text = re.sub(r"(SUMIFS|COUNTIFS)\(([^()]*)\)", conditional, formula[1:])
    text = re.sub(r"\$?[A-Z]\$?\d+", lambda match: f"({value(match[0])})", text)
    assert re.fullmatch(r"[-+*/(). \dABSe]+", text), text
    return eval(text.replace("ABS", "abs"), {"__builtins__": {}, "abs": abs})


def formulas(book: Workbook) -> list[Any]:
    return [cell for row in book["Summary"].iter_rows() for cell in row if str(cell.value).startswith("=")]


@pytest.mark.parametrize("held", [workbook.LINES_HELD, 4, 1])
def test_every_formula_gives_its_stored_value_and_the_ties_give_nothing(held: int, tmp_path: Path) -> None:
    """Also when only the first lines are in the workbook, since the others are counted beside them."""
    live, stored = opened(result(tmp_path), held)
    found = formulas(live)
    assert len(found) > 30
    for cell in found:
        assert computed(live, "Summary", cell.value) == pytest.approx(stored["Summary"][cell.coordinate].value), (
            cell.value
        )
    [tie] = [row for row in live["Summary"].iter_rows() if row[0].value == "Everything ties when this is 0"]
    assert computed(live, "Summary", tie[1].value) == 0


def test_a_changed_line_shows_in_the_tie(tmp_path: Path) -> None:
    """The tie is a formula over the lines, and not a zero that was written."""
    live, _ = opened(result(tmp_path))
    live["Breaks"]["E5"].value += 1
    [tie] = [row for row in live["Summary"].iter_rows() if row[0].value == "Everything ties when this is 0"]
    assert computed(live, "Summary", tie[1].value) == 1


def test_live_totals_are_those_of_the_certificate(tmp_path: Path) -> None:
    """Each class, loser and currency has its lines and its money, in minor units and in units of the currency."""
    outcome = result(tmp_path)
    live, _ = opened(outcome)
    rows = {
        (row[1].value, row[2].value, row[3].value, row[4].value): row
        for row in live["Summary"].iter_rows()
        if isinstance(row[4].value, bool)
    }
    certified = outcome.certificate["lines"]
    assert len(rows) == len(certified) > 5
    for line in certified:
        row = rows[line["class"], line["loser"], line["currency"], line["carried"]]
        assert computed(live, "Summary", row[5].value) == line["count"]
        assert computed(live, "Summary", row[9].value) == line["at_risk_minor"]
        assert computed(live, "Summary", row[13].value) == pytest.approx(line["at_risk_minor"] / 100)


def test_text_stays_text_letter_by_letter(tmp_path: Path) -> None:
    """Keys that look like formulas, numbers or addresses are neither; the only links are ours."""
    outcome = result(tmp_path)
    live, _ = opened(outcome)
    sheet = live["Breaks"]
    keys = {row[0].value: row[0] for row in sheet.iter_rows(min_row=4)}
    assert set(EVIL) <= set(keys)
    assert all(cell.data_type in ("s", "inlineStr") and cell.hyperlink is None for cell in keys.values())
    assert keys["=1+1|cmd"].number_format == "@"
    assert not [
        cell
        for name in ("Breaks", "Rejects")
        for row in live[name].iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]
    [bad] = list(live["Rejects"].iter_rows(min_row=4))
    assert (bad[5].value, bad[5].data_type in ("s", "inlineStr")) == ("=1+1", True)
    assert bad[2].value == int(lines(outcome, "rejects.csv")[0]["line"])


def test_control_characters_at_the_start_of_a_cell_stay_text(tmp_path: Path) -> None:
    """A tab or a NUL before an equals sign, whichever way a cell came to have it."""
    import xlsxwriter

    from reconciliation.reports import cells

    path = tmp_path / "x.xlsx"
    book = cells.open_workbook(path, {"business_day": "2026-11-01", "hash": "0" * 64}, "t")
    assert isinstance(book, xlsxwriter.Workbook)
    sheet = book.add_worksheet("S")
    for row, text in enumerate(("\t=1", "\x00=1", "=1", "{=1}")):
        cells.text(sheet, row, 0, text)
    assert cells.text(sheet, 4, 0, "x" * 40_000)
    book.close()
    found = [row[0] for row in openpyxl.load_workbook(path)["S"].iter_rows()]
    assert [cell.data_type for cell in found] == ["inlineStr"] * 5 or [cell.data_type for cell in found] == ["s"] * 5
    assert found[0].value == "\t=1"
    assert found[1].value in ("_x0000_=1", "\x00=1")


def test_each_total_leads_to_its_first_line_and_that_line_back(tmp_path: Path) -> None:
    live, _ = opened(result(tmp_path))
    summary, sheet = live["Summary"], live["Breaks"]
    links = [row[0] for row in summary.iter_rows() if row[0].hyperlink and "Breaks" in row[0].hyperlink.location]
    assert len(links) > 5
    for cell in links:
        target = sheet[cell.hyperlink.location.rpartition("!")[2]].row
        group = [summary.cell(cell.row, column).value for column in (2, 3, 4, 5)]
        there = [sheet.cell(target, column).value for column in (3, 4, 7, 8)]
        assert there == group
        assert sheet.cell(target, 3).hyperlink.location == "'Summary'!A1"
        above = [[sheet.cell(row, column).value for column in (3, 4, 7, 8)] for row in range(4, target)]
        assert group not in above


def test_amounts_are_numbers_in_minor_units_and_in_units(tmp_path: Path) -> None:
    live, _ = opened(result(tmp_path))
    head = [cell.value for cell in live["Breaks"][3]]
    for row in live["Breaks"].iter_rows(min_row=4):
        line = dict(zip(head, (cell.value for cell in row), strict=True))
        assert line["at_risk_units"] == pytest.approx(line["at_risk_minor"] / 100)
        if line["payment_amount_minor"] is not None:
            assert line["payment_amount_units"] == pytest.approx(line["payment_amount_minor"] / 100)
            assert line["payment_occurred_at"] == "2026-11-01T12:00:00+08:00"


def test_an_amount_that_a_spreadsheet_would_round_is_text(tmp_path: Path) -> None:
    """Every digit is there, and the total does not pretend to be computed."""
    large = LARGEST_EXACT * 7 + 3
    live, _ = opened(reconcile(tmp_path, {"billing": [record("k", amount_minor=large)]}))
    assert live["Breaks"]["E4"].value == str(large)
    assert live["Breaks"]["F4"].value == f"{str(large)[:-2]}.{str(large)[-2:]}"
    [row] = [row for row in live["Summary"].iter_rows() if isinstance(row[4].value, bool)]
    assert row[11].value == row[9].value == str(large)


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    live, _ = opened(result(tmp_path), 3)
    total = len(lines(result(tmp_path)))
    assert live["Breaks"].max_row == 3 + 3
    assert f"{total - 3} more lines" in live["Breaks"]["A2"].value
    assert opened(result(tmp_path))[0]["Breaks"]["A2"].value is None


def test_the_words_are_chinese_when_asked(tmp_path: Path) -> None:
    live, _ = opened(result(tmp_path), language="zh_CN")
    words = {row[0].value for row in live["Summary"].iter_rows()}
    assert {"平衡校验", "短款", "无源入账", "各方行数"} <= words


def test_the_certificate_sheet_has_the_hashes(tmp_path: Path) -> None:
    outcome = result(tmp_path)
    live, _ = opened(outcome)
    found = {row[2].value for row in live["Certificate"].iter_rows()}
    certificate = outcome.certificate
    assert {certificate["hash"], *certificate["outputs"].values()} <= found
    assert {party["sha256"] for party in certificate["parties"].values()} <= found


def test_a_day_without_breaks_has_a_workbook_that_ties(tmp_path: Path) -> None:
    same = [record("k")]
    live, stored = opened(reconcile(tmp_path, {"billing": same, "platform": same, "payment": same}))
    for cell in formulas(live):
        assert computed(live, "Summary", cell.value) == stored["Summary"][cell.coordinate].value
