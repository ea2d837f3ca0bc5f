"""What breaks have in common: named where it stands out, with its hours, and never where it is only the usual."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pyarrow import parquet

from reconciliation import causes
from reconciliation.causes import Group, leading, shortest_span
from tests.reconciliation.days import Row, lines, reconcile, record

START = datetime.fromisoformat("2026-11-01T14:10:00+08:00")


def day(short: int, elsewhere: int) -> dict[str, list[Row]]:
    """100 orders over 10 channels; `short` of channel 7 between 14:10 and 14:32 and `elsewhere` others are short."""
    rows: dict[str, list[Row]] = {"billing": [], "platform": [], "payment": []}
    for number in range(100):
        at = (START - timedelta(hours=8) + timedelta(minutes=5 * number)).isoformat()
        planned = [record(f"k{number:03}", channel=str(number % 10), occurred_at=at) for _ in rows]
        for party, row in zip(rows, planned, strict=True):
            rows[party].append(row)
    for number in range(short):
        at = (START + timedelta(minutes=22 * number / max(1, short - 1))).isoformat()
        for party in rows:
            amount = 900 if party == "payment" else 1000
            rows[party].append(record(f"s{number:03}", channel="7", occurred_at=at, amount_minor=amount))
    for number in range(elsewhere):
        rows["payment"][number * 11]["amount_minor"] = 900
    return rows


def test_the_channel_and_the_hours_of_a_shortfall_are_pointed_at(tmp_path: Path) -> None:
    outcome = reconcile(tmp_path, day(short=20, elsewhere=2), report=True)
    found = causes.read(outcome.paths["causes.json"].parent)
    assert [(cause["class_name"], cause["dimension"], cause["value"], cause["count"]) for cause in found] == [
        ("amount_shortfall", "channel", "7", 20)
    ]
    cause = found[0]
    assert (cause["share"], cause["at_risk_minor"]) == (0.9091, 2000)
    assert cause["sentence"]["en"].startswith("91 % of “Shortfall” is channel 7, 14:10-14:32")
    assert cause["sentence"]["zh_CN"].startswith("“短款”的 91% 集中在渠道 7，14:10-14:32")


def test_what_is_only_the_usual_is_no_cause(tmp_path: Path) -> None:
    """All records are of one region, so that all breaks are; nothing is said."""
    rows = day(short=0, elsewhere=8)
    for records in rows.values():
        for row in records:
            row["region"] = "Jianghai"
    outcome = reconcile(tmp_path, rows, report=True)
    assert causes.read(outcome.paths["causes.json"].parent) == []


def test_the_dimensions_of_each_break_stand_in_the_order_of_the_breaks(tmp_path: Path) -> None:
    outcome = reconcile(tmp_path, day(short=3, elsewhere=2), report=True)
    kept = parquet.read_table(outcome.paths["dimensions.parquet"]).to_pylist()
    channels = {line["business_key"]: row["channel"] for line, row in zip(lines(outcome), kept, strict=True)}
    assert channels == {"k000": "0", "k011": "1", "s000": "7", "s001": "7", "s002": "7"}


def test_a_run_without_reports_has_the_same_certificate_and_neither_file(tmp_path: Path) -> None:
    with_report = reconcile(tmp_path / "with", day(5, 1), report=True)
    without = reconcile(tmp_path / "without", day(5, 1))
    assert with_report.certificate == without.certificate
    assert not {"causes.json", "dimensions.parquet", "report.xlsx", "report.pdf"} & set(without.paths)
    assert json.loads(with_report.paths["causes.json"].read_text())
    again = reconcile(tmp_path / "with", day(5, 1))
    assert {path.name for path in (tmp_path / "with" / "out").iterdir()} == set(again.paths)


def group(value: str, count: int, money: int) -> Group:
    return Group("channel", value, count, money)


LEADING = {
    "half of the money and twice the usual": ([group("7", 5, 50), group("8", 5, 50)], {"8": 0.25}, "8"),
    "just under half": ([group("7", 5, 49), group("8", 5, 25), group("9", 5, 26)], {}, None),
    "less than twice the usual": ([group("7", 9, 90), group("8", 1, 10)], {"7": 0.46}, None),
    "too few lines to say": ([group("7", 4, 400)], {}, None),
    "no money, so lines count": ([group("7", 6, 0), group("8", 4, 0)], {"7": 0.3}, "7"),
    "a value that nobody stated": ([group("", 9, 90), group("8", 1, 10)], {}, None),
}


@pytest.mark.parametrize("name", LEADING)
def test_a_value_leads_only_where_it_stands_out(name: str) -> None:
    groups, usual, value = LEADING[name]
    found = leading(groups, usual)
    assert (found and found[0].value) == value


def test_the_span_is_the_shortest_that_holds_nine_tenths() -> None:
    instants = [START + timedelta(minutes=minute) for minute in (*range(9), 300)]
    assert shortest_span(instants) == (START, START + timedelta(minutes=8))
    assert shortest_span([]) is None
    assert shortest_span([START, START + timedelta(hours=6)]) == (START, START + timedelta(hours=6))
    assert shortest_span([START, START + timedelta(hours=6, seconds=1)]) is None
