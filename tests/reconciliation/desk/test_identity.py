"""The identity of a break: what it is made of, and what it leaves out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reconciliation.breaks import columns
from reconciliation.desk.identity import as_line, awaited_by, fingerprint, records
from tests.reconciliation.desk.world import CONTROL, NOON, line

SAME: dict[str, dict[str, Any]] = {
    "another amount": {"platform_amount_minor": 1, "at_risk_minor": 1},
    "another line of the file": {"platform_line": 900},
    "a file of another name": {"platform_file": "again.csv"},
    "another time": {"platform_occurred_at": NOON + timedelta(hours=3)},
    "carried": {"carried": True},
}
OTHER: dict[str, dict[str, Any]] = {
    "another key": {"business_key": "T2"},
    "a refund": {"kind": "refund"},
    "another class": {"class": "payment_only"},
    "another record": {"platform_record_id": "another"},
    "a record less": {"platform_record_id": None},
    "a record more": {"billing_record_id": "late"},
}


@pytest.mark.parametrize("name", SAME)
def test_what_does_not_make_another_break(name: str) -> None:
    """Amounts, lines, files and times are no part of it."""
    assert fingerprint(CONTROL, line("T1") | SAME[name]) == fingerprint(CONTROL, line("T1"))


@pytest.mark.parametrize("name", OTHER)
def test_what_makes_another_break(name: str) -> None:
    """Key, kind, class and the records are."""
    assert fingerprint(CONTROL, line("T1") | OTHER[name]) != fingerprint(CONTROL, line("T1"))


def test_another_control_has_breaks_of_its_own() -> None:
    """Two controls may read the same files."""
    assert fingerprint("another", line("T1")) != fingerprint(CONTROL, line("T1"))


def test_a_line_of_the_file_and_of_the_store_are_the_same_break() -> None:
    """Whether the records stand in columns or by party."""
    one = line("T1")
    stored = {name: one[name] for name in ("business_key", "kind", "class")} | {"records": records(one)}
    assert fingerprint(CONTROL, stored) == fingerprint(CONTROL, one)


def test_ids_do_not_run_into_each_other() -> None:
    """A record id moved from one party to another is another break, whatever characters it has."""
    one = line("T1", billing={"record_id": 'a","b', "amount_minor": 1})
    two = line("T1", billing={"record_id": "a", "amount_minor": 1}, platform={"record_id": "b", "amount_minor": 1})
    assert fingerprint(CONTROL, one) != fingerprint(CONTROL, two)


def test_a_line_survives_the_way_into_the_store_and_back() -> None:
    """Every column of breaks.parquet is there again, instants typed."""
    one = line("T1")
    again = as_line(one, records(one), ("billing", "platform", "payment"))
    assert again == one
    assert tuple(again) == columns(("billing", "platform", "payment"))


def test_only_a_line_of_expected_records_alone_waits_for_an_adjustment() -> None:
    """A record that a party delivered makes it a break of its own."""
    expected = {"record_id": "adjustment-7", "file": "adjustments", "line": 7}
    assert awaited_by({"records": {"billing": expected, "platform": expected}}) == 7
    assert awaited_by({"records": {"billing": expected, "payment": {"record_id": "x", "file": "p.csv"}}}) is None
    assert awaited_by({"records": {}}) is None
    assert awaited_by(line("T1")) is None
