"""Workbooks: exact numbers, text as text, dates, the total row, and files that are none."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path

import pytest
import xlsxwriter
from pydantic import ValidationError

from reconciliation.sources import SourceError, excel
from reconciliation.sources.statement import StatementWriter
from tests.reconciliation.sources.samples_bank import DAY, ZONE, Converted, convert, judged, mutated, open_document

HEADER = ("订单号", "交易时间", "类型", "金额（元）", "手续费", "状态", "笔数")
ROWS: Sequence[Sequence[object]] = (
    ("0012026110100001", datetime.fromisoformat("2026-11-01T09:30:01"), "收款", 12.3, 0.07, "成功", ""),
    ("0012026110100002", "2026-11-01 10:00:00", "退款", "1,234.56", "", "成功", ""),
    (20261101003, date(2026, 11, 1), "收款", 0.1, -0.02, "处理中", ""),
)
TOTAL = ("合计", "", "", 1246.96, "", "", 3)
CONFIG = excel.Config(
    header_row=3,
    columns={
        "business_key": "订单号",
        "occurred_at": "交易时间",
        "kind": "类型",
        "amount_minor": "金额（元）",
        "fee_minor": "手续费",
        "status": "状态",
    },
    constants={"currency": "CNY", "channel": "门店"},
    words={"kind": {"收款": "payment", "退款": "refund"}, "status": {"成功": "success", "处理中": "pending"}},
    total_row=excel.TotalRow(amount="金额（元）", count="笔数"),
)


def workbook(
    rows: Sequence[Sequence[object]], header: Sequence[str] = HEADER, sheets: Sequence[str] = ("明细",)
) -> bytes:
    """A workbook with a title in row 1, the header in row 3 and the rows from row 4 on."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        for name in sheets:
            sheet = book.add_worksheet(name)
            sheet.write(0, 0, "门店收款明细")
            sheet.write_row(2, 0, header)
            for number, row in enumerate(rows, start=3):
                sheet.write_row(number, 0, row)
    return content.getvalue()


def read(rows: Sequence[Sequence[object]], folder: Path, config: excel.Config = CONFIG) -> Converted:
    return convert(excel, workbook(rows), config, folder)


def test_each_row_becomes_a_record(tmp_path: Path) -> None:
    """Numbers are exact, text keeps its zeros, dates are local, words are translated, and the total row ties."""
    found = read([*ROWS, TOTAL, ("制表人：张三",)], tmp_path)
    names = ("record_id", "business_key", "kind", "amount_minor", "fee_minor", "status", "occurred_at", "business_day")
    assert {line: tuple(row[name] for name in names) for line, row in found.rows.items()} == {
        4: ("明细!4", "0012026110100001", "payment", "1230", "7", "success", "2026-11-01T09:30:01+08:00", "2026-11-01"),
        5: ("明细!5", "0012026110100002", "refund", "123456", "", "success", "2026-11-01T10:00:00+08:00", "2026-11-01"),
        6: ("明细!6", "20261101003", "payment", "10", "-2", "pending", "2026-11-01T12:00:00+08:00", "2026-11-01"),
    }
    assert {row["channel"] for row in found.rows.values()} == {"门店"}
    assert found.stated == {"rows": 3, "count": 3, "amount_minor": 124_696}


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        (3, 12.345, ("amount_minor", "more than the 2 digits")),
        (3, 0.123456789012345, ("amount_minor", "more than the 2 digits")),
        (3, 1e15, ("amount_minor", "more than 15 digits")),
        (3, "12,34.5", ("amount_minor", "is not an amount")),
        (3, "", ("amount_minor", "is not an amount")),
        (3, True, ("amount_minor", "is not an amount")),
        (3, "9" * 31, ("amount_minor", "more than 30 digits")),
        (3, 1e300, ("amount_minor", "more than 15 digits")),
        (3, date(2026, 11, 1), ("amount_minor", "is not an amount")),
        (3, "十二元", ("amount_minor", "is not an amount")),
        (3, "#DIV/0!", ("amount_minor", "is not an amount")),
        (0, "a\rb", ("business_key", "control character")),
        (3, -1.5, ("amount_minor", "is below 0")),
        (0, 4200001234202611, ("business_key", "more than 15 digits")),
        (0, "a\nb", ("business_key", "control character")),
        (1, "2026-02-30 10:00:00", ("occurred_at", "is not a date")),
        (1, "2026-11-01 25:00:00", ("occurred_at", "is not a date and time")),
        (1, "gestern", ("occurred_at", "is not a date")),
        (1, 2026111, ("occurred_at", "is not a date")),
        (1, 202611, ("occurred_at", "is not a date")),
        (1, 2958466, ("occurred_at", "is not a date")),
        (1, time(9, 30), ("occurred_at", "is neither text nor a number nor a date")),
        (4, "free", ("fee_minor", "is not an amount")),
    ],
)
def test_a_bad_cell_sets_its_row_aside(tmp_path: Path, column: int, value: object, fault: tuple[str, str]) -> None:
    """Column, reason and line are told; the others go on."""
    bad = [*ROWS[0][:column], value, *ROWS[0][column + 1 :]]
    config = CONFIG.model_copy(update={"total_row": None})
    found = read([ROWS[1], bad, ROWS[2]], tmp_path, config)
    assert list(found.rows) == [4, 6]
    (line, name, reason, _) = found.rejects[0]
    assert (line, name) == ("5", fault[0])
    assert fault[1] in reason
    assert found.stated == {"rows": 3}


@pytest.mark.parametrize(
    ("total", "says"),
    [
        (("合计", "", "", 1246.97, "", "", 3), "states a total of 124697"),
        (("合计", "", "", 1246.96, "", "", 4), "states 4 rows and there are 3"),
        (("合计", "", "", "", "", "", 3), "the total '' cannot be taken"),
        (("共计", "", "", 1246.96, "", "", 3), "no row '合计'"),
    ],
)
def test_a_total_row_that_does_not_tie_refuses_the_file(tmp_path: Path, total: Sequence[object], says: str) -> None:
    """Wrong sum, wrong count, no sum, no row."""
    with pytest.raises(SourceError, match=says):
        read([*ROWS, total], tmp_path)


def test_a_row_below_the_total_refuses_the_file(tmp_path: Path) -> None:
    """Two lists in one sheet are not one list."""
    with pytest.raises(SourceError, match="below the total"):
        read([*ROWS, TOTAL, ROWS[0]], tmp_path)
    with pytest.raises(SourceError, match="below the total"):
        read([*ROWS, TOTAL, TOTAL], tmp_path)


def test_an_unreadable_amount_leaves_the_sum_unproven(tmp_path: Path) -> None:
    """The row is set aside and the count still ties; a readable rest above the total is refused all the same."""
    bad = ("K", "2026-11-01 10:00:00", "收款", "?", "", "成功", "")
    found = read([*ROWS, bad, ("合计", "", "", 1300, "", "", 4)], tmp_path)
    assert (found.stated, len(found.rejects)) == ({"rows": 4, "count": 4}, 1)
    with pytest.raises(SourceError, match="states a total of 124000"):
        read([*ROWS, bad, ("合计", "", "", 1240, "", "", 4)], tmp_path)


def test_signs_may_tell_the_kind_and_numbers_may_be_fen(tmp_path: Path) -> None:
    """A negative amount is a refund of its size; the total is of the signed amounts."""
    columns = {name: header for name, header in CONFIG.columns.items() if name not in ("kind", "fee_minor")}
    config = excel.Config(
        header_row=3,
        columns=columns,
        constants={"currency": "CNY"},
        words={"status": CONFIG.words["status"]},
        amount_unit="minor",
        negative_is_refund=True,
        total_row=excel.TotalRow(amount="金额（元）"),
    )
    rows = [("A", "20261101093001", "", 1200, "", "成功"), ("B", "2026/11/1", "", -200, "", "成功")]
    found = read([*rows, ("合计", "", "", 1000)], tmp_path, config)
    assert [(row["kind"], row["amount_minor"]) for row in found.rows.values()] == [
        ("payment", "1200"),
        ("refund", "200"),
    ]
    assert found.stated == {"rows": 2, "amount_minor": 1000}
    assert found.rows[4]["occurred_at"] == "2026-11-01T09:30:01+08:00"


def test_sheets_and_headers_must_be_there(tmp_path: Path) -> None:
    """Two sheets need a name; a header that is missing or stands twice is refused."""
    with pytest.raises(SourceError, match="name one"):
        convert(excel, workbook([*ROWS, TOTAL], sheets=("甲", "乙")), CONFIG, tmp_path)
    named = CONFIG.model_copy(update={"sheet": "乙"})
    assert convert(excel, workbook([*ROWS, TOTAL], sheets=("甲", "乙")), named, tmp_path).records == 3
    with pytest.raises(SourceError, match="no sheet '乙'"):
        convert(excel, workbook(ROWS), named, tmp_path)
    with pytest.raises(SourceError, match="no column '订单号'"):
        convert(excel, workbook(ROWS, header=("a", *HEADER[1:])), CONFIG, tmp_path)
    with pytest.raises(SourceError, match="2 column '订单号'"):
        convert(excel, workbook(ROWS, header=("订单号", "订单号", *HEADER[1:])), CONFIG, tmp_path)
    with pytest.raises(SourceError, match="nothing in row 40"):
        convert(excel, workbook(ROWS), CONFIG.model_copy(update={"header_row": 40}), tmp_path)


def test_a_sheet_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    """Two cells in opposite corners of a sheet are some hundred bytes, and 17 thousand million cells."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, 1)
        sheet.write(1_048_575, 16_383, 1)
    with pytest.raises(SourceError, match="spans more than"):
        convert(excel, content.getvalue(), CONFIG, tmp_path)


def test_a_workbook_of_another_day_is_refused(tmp_path: Path) -> None:
    """No row of the business day: yesterday's file under today's name."""
    with pytest.raises(SourceError, match="none of 2026-11-02"):
        convert(excel, workbook([*ROWS, TOTAL]), CONFIG, tmp_path, date(2026, 11, 2))


def test_the_engine_takes_every_record(tmp_path: Path) -> None:
    """Nothing that is written has a fault of the standard record's."""
    assert judged(excel, workbook([*ROWS, TOTAL]), CONFIG, tmp_path) == [(4, 0), (5, 0), (6, 0)]


def _cell(kind: str, value: str) -> str:
    attribute = {"string": "", "float": f' office:value="{value}"', "date": f' office:date-value="{value}"'}[kind]
    return f'<table:table-cell office:value-type="{kind}"{attribute}><text:p>{value}</text:p></table:table-cell>'


def test_an_amount_beyond_64_bits_is_left_to_validation(tmp_path: Path) -> None:
    """It is never wrapped: the control sets its row aside."""
    config = CONFIG.model_copy(update={"total_row": None})
    rows = [ROWS[0], (*ROWS[1][:3], "92233720368547758.08", *ROWS[1][4:])]
    assert convert(excel, workbook(rows), config, tmp_path).rows[5]["amount_minor"] == str(2**63)
    assert judged(excel, workbook(rows), config, tmp_path) == [(4, 0), (5, 6)]


def test_of_merged_cells_only_the_first_has_the_value(tmp_path: Path) -> None:
    """The rows below have none, and are set aside rather than given what is shown beside them."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        sheet = book.add_worksheet("明细")
        for number, row in enumerate([HEADER, *(ROWS[1],) * 3], start=2):
            sheet.write_row(number, 0, [cell if number != 4 or place != 3 else "" for place, cell in enumerate(row)])
        sheet.merge_range("D4:D5", 12.3)
    found = convert(excel, content.getvalue(), CONFIG.model_copy(update={"total_row": None}), tmp_path)
    assert {line: row["amount_minor"] for line, row in found.rows.items()} == {4: "1230", 6: "123456"}
    assert [row[:2] for row in found.rejects] == [["5", "amount_minor"]]


def test_open_document_workbooks_are_read(tmp_path: Path) -> None:
    """Cells of an .ods, with the empty rows to the end of the sheet that LibreOffice writes as one."""
    cells = (
        ("string", "0012"),
        ("date", "2026-11-01T09:30:01"),
        ("string", "收款"),
        ("float", "12.3"),
        ("string", "成功"),
    )
    header = "".join(_cell("string", HEADER[place]) for place in (0, 1, 2, 3, 5))
    rows = f"<table:table-row>{header}</table:table-row>"
    rows += f"<table:table-row>{''.join(_cell(*cell) for cell in cells)}</table:table-row>"
    rows += '<table:table-row table:number-rows-repeated="1048574"><table:table-cell/></table:table-row>'
    columns = {name: text for name, text in CONFIG.columns.items() if name != "fee_minor"}
    config = CONFIG.model_copy(update={"header_row": 1, "total_row": None, "columns": columns})
    found = convert(excel, open_document(rows), config, tmp_path)  # although its name says .xlsx
    assert [(row["business_key"], row["amount_minor"]) for row in found.rows.values()] == [("0012", "1230")]
    assert found.rows[2]["occurred_at"] == "2026-11-01T09:30:01+08:00"


def test_an_open_document_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    """One repeated cell that stands for 17 thousand million."""
    cell = '<table:table-cell table:number-columns-repeated="16000" office:value-type="float" office:value="1"/>'
    rows = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
    path = tmp_path / "wide.ods"
    path.write_bytes(open_document(rows))
    with StatementWriter(tmp_path, path.name) as writer, pytest.raises(SourceError, match="limit"):
        excel.convert(path, CONFIG, DAY, ZONE, writer)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), b"a,b\n"])
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    """Nothing, half an archive, an empty compound file, a CSV file under another name."""
    with pytest.raises(SourceError, match="no workbook"):
        convert(excel, content, CONFIG, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"columns": {**CONFIG.columns, "nonsense": "x"}},
        {"constants": {}},
        {"constants": {"currency": "CNY", "status": "success"}},
        {"columns": {name: text for name, text in CONFIG.columns.items() if name != "occurred_at"}},
        {"total_row": {"label": "合计"}},
        {"words": {"nonsense": {}}},
        {"unknown": 1},
    ],
)
def test_settings_that_cannot_work_are_refused(change: dict[str, object]) -> None:
    """Unknown or missing columns, a column given twice, a total row that states nothing."""
    with pytest.raises(ValidationError):
        excel.Config.model_validate({**CONFIG.model_dump(), **change})


@pytest.mark.parametrize("cases", [2_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])])
def test_damaged_files_are_refused_or_add_up(tmp_path: Path, cases: int) -> None:
    """Damage to the archive or to the sheet inside it: SourceError and nothing else, or every row is accounted for."""
    chance = random.Random(2003)
    whole = workbook([*ROWS, TOTAL])
    accepted = 0
    for case in range(cases):
        content = mutated(whole, chance) if case % 4 == 0 else _inside(whole, chance)
        try:
            found = convert(excel, content, CONFIG, tmp_path)
        except SourceError:
            continue
        accepted += 1
        assert found.records + len(found.rejects) == found.stated["rows"]
    assert 0 < accepted < cases


def _inside(whole: bytes, chance: random.Random) -> bytes:
    """The workbook with damage inside its sheet or its texts, in an archive that is whole."""
    content = io.BytesIO()
    target = chance.choice(("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"))
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, mutated(text, chance, b'<>/"0123456789 =rcvst') if name == target else text)
    return content.getvalue()
