"""Formulas that were never computed and errors in a workbook: to the reader they are empty or 0, to the control they are bad."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from reconciliation.sources import SourceError, excel
from reconciliation.sources.formulas import NOT_COMPUTED, valueless
from tests.reconciliation.sources.samples_bank import convert
from tests.reconciliation.sources.test_excel import CONFIG, HEADER, ROWS, TOTAL

UNTOTALLED = CONFIG.model_copy(update={"total_row": None})
COMPUTED = ("xl/workbook.xml", ' fullCalcOnLoad="1"', "")
AMOUNT = '<c r="D4"><v>12.3</v></c>'
FEE = '<c r="E4"><v>0.07000000000000001</v></c>'
SHEET = "xl/worksheets/sheet1.xml"


def workbook(formulas: dict[str, str], *changes: tuple[str, str, str]) -> bytes:
    """The sample with these formulas, as XlsxWriter makes them: with 0 for each, and the word that all is to be computed."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        sheet = book.add_worksheet("明细")
        for number, row in enumerate([HEADER, *ROWS, TOTAL], start=2):
            sheet.write_row(number, 0, row)
        for place, formula in formulas.items():
            if formula.startswith("{"):
                sheet.write_array_formula(place, formula)
            else:
                sheet.write_formula(place, formula)
    return changed(content.getvalue(), *changes)


def changed(content: bytes, *changes: tuple[str, str, str]) -> bytes:
    """The workbook with one text in place of another in a part."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            for part, before, after in changes:
                if part == name:
                    assert before in text, (name, before)
                    text = text.replace(before, after, 1)
            new.writestr(name, text)
    return target.getvalue()


def cell(old: str, new: str) -> Callable[[], bytes]:
    """The sample, computed, with one cell in place of another."""
    return lambda: workbook({}, COMPUTED, (SHEET, old, new))


CASES: dict[str, tuple[Callable[[], bytes], list[list[str]]]] = {
    "an amount to be computed": (lambda: workbook({"D4": "=1+1"}), [["4", "amount_minor", NOT_COMPUTED, ""]]),
    "a fee to be computed": (lambda: workbook({"E5": "=1+1"}), [["5", "fee_minor", NOT_COMPUTED, ""]]),
    "a key to be computed": (lambda: workbook({"A6": "=A5"}), [["6", "business_key", NOT_COMPUTED, ""]]),
    "cells that an array formula fills": (
        lambda: workbook({"D4:D5": "{=A1:A2}"}),
        [["4", "amount_minor", NOT_COMPUTED, ""], ["5", "amount_minor", NOT_COMPUTED, ""]],
    ),
    "a column that is not used": (lambda: workbook({"I4": "=1+1"}), []),
    "a formula with its value": (cell(AMOUNT, '<c r="D4"><f>6.15*2</f><v>12.3</v></c>'), []),
    "a value of which it is not said that it was computed": (
        lambda: workbook(
            {},
            ("xl/workbook.xml", 'fullCalcOnLoad="1"', 'calcCompleted="0"'),
            (SHEET, AMOUNT, '<c r="D4"><f>6.15*2</f><v>12.3</v></c>'),
        ),
        [["4", "amount_minor", NOT_COMPUTED, ""]],
    ),
    "no value": (cell(AMOUNT, '<c r="D4"><f>1+1</f></c>'), [["4", "amount_minor", NOT_COMPUTED, ""]]),
    "an empty value": (cell(AMOUNT, '<c r="D4"><f>1+1</f><v/></c>'), [["4", "amount_minor", NOT_COMPUTED, ""]]),
    "a shared formula": (
        cell(AMOUNT, '<c r="D4"><f t="shared" si="0"/></c>'),
        [["4", "amount_minor", NOT_COMPUTED, ""]],
    ),
    "a fee without a value": (cell(FEE, '<c r="E4"><f>1+1</f></c>'), [["4", "fee_minor", NOT_COMPUTED, ""]]),
    "a fee that is an empty text": (cell(FEE, '<c r="E4" t="str"><f>""</f><v></v></c>'), []),
    "a fee that is an error": (
        cell(FEE, '<c r="E4" t="e"><f>1/0</f><v>#DIV/0!</v></c>'),
        [["4", "fee_minor", "is the error #DIV/0!", ""]],
    ),
    "an amount that is an error": (
        cell(AMOUNT, '<c r="D4" t="e"><v>#N/A</v></c>'),
        [["4", "amount_minor", "is the error #N/A", ""]],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_cell_without_a_value_sets_its_row_aside(tmp_path: Path, case: str) -> None:
    """Line, column and reason are told; an amount is never 0, nor a fee left out, because nothing was computed."""
    make, rejects = CASES[case]
    without_total = {"columns": CONFIG.columns, "total_row": excel.TotalRow(count="笔数")}
    found = convert(excel, make(), CONFIG.model_copy(update=without_total), tmp_path)
    assert found.rejects == rejects
    assert found.records + len(rejects) == found.stated["rows"] == 3


def test_the_amount_counts_where_another_cell_has_no_value(tmp_path: Path) -> None:
    """The row's own amount can be read, so the sum still ties."""
    found = convert(excel, cell(FEE, '<c r="E4" t="e"><v>#N/A</v></c>')(), CONFIG, tmp_path)
    assert (found.set_aside_minor, found.stated["amount_minor"]) == (1230, 124_696)


@pytest.mark.parametrize(("place", "formula"), [("D7", "=SUM(D4:D6)"), ("G7", "=COUNTA(A4:A6)")])
def test_a_total_that_was_never_computed_refuses_the_file(tmp_path: Path, place: str, formula: str) -> None:
    with pytest.raises(SourceError) as refused:
        convert(excel, workbook({place: formula}), CONFIG, tmp_path)
    assert str(refused.value) == "row 7: the total '' is a formula without a computed value"


def test_what_openpyxl_writes_is_not_taken_for_nothing(tmp_path: Path) -> None:
    """It keeps no value of a formula, and here the sheet begins in column C; a row of formulas alone is a row, too."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "明细"
    for number, row in enumerate([HEADER, ROWS[1], ("=A1", *["=1+1"] * 6)], start=3):
        for place, value in enumerate(row, start=3):
            sheet.cell(number, place, value if value != "" else None)
    book.save(tmp_path / "made.xlsx")
    found = convert(excel, (tmp_path / "made.xlsx").read_bytes(), UNTOTALLED, tmp_path)
    assert (list(found.rows), found.rejects) == ([4], [["5", "amount_minor", NOT_COMPUTED, ""]])


def test_a_formula_below_the_total_may_be_an_amount(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="row 8 stands below the total of row 7 and has an amount"):
        convert(excel, workbook({"D8": "=1+1"}), CONFIG, tmp_path)


DAMAGED = {
    "a document type": (
        (SHEET, "<worksheet", "<!DOCTYPE a><worksheet"),
        "it has a DOCTYPE, which a workbook never has",
    ),
    "a part that is elsewhere": (
        ("xl/_rels/workbook.xml.rels", 'Id="rId1"', 'Id="rId9"'),
        "sheet '明细' is not among its parts",
    ),
    "a row that no sheet has": (
        (SHEET, '<row r="4"', '<row r="99999999999"><c><f>1</f></c></row><row r="4"'),
        "it has a row 99999999999",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_sheet_that_cannot_be_looked_into_is_refused(tmp_path: Path, case: str) -> None:
    change, says = DAMAGED[case]
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook({"D4": "=1+1"}, change))
    with pytest.raises(SourceError) as refused:
        valueless(path, "明细", {0, 3})
    assert str(refused.value) == f"it is no workbook, or it is damaged ({says}); ask for it again"


def test_what_the_reader_says_in_lines_is_said_in_one(tmp_path: Path) -> None:
    content = workbook({}, ("xl/workbook.xml", "<workbook", "</\n<workbook"))
    with pytest.raises(SourceError, match="it is no workbook, or it is damaged") as refused:
        convert(excel, content, CONFIG, tmp_path)
    assert str(refused.value).splitlines() == [str(refused.value)]


def test_cells_without_a_place_are_counted(tmp_path: Path) -> None:
    """Rows and cells may leave out where they stand: then each is the next."""
    rows = '<row><c><v>1</v></c><c><f>1</f></c></row><row r="5"><c r="C5"><f>1</f></c><c><f>2</f></c></row>'
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook({}, (SHEET, "<sheetData>", f"<sheetData>{rows}")))
    assert valueless(path, "明细", {1, 3}) == {1: {1: NOT_COMPUTED}, 5: {3: NOT_COMPUTED}}
    assert valueless(path, "明细", {0}) == {}
