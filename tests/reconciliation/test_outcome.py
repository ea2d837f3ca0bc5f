"""An outcome as samples, and its breaks page by page."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model import Kind
from reconciliation.breaks import read_breaks
from reconciliation.outcome import INDICATORS, Outcome, samples
from tests.reconciliation.days import reconcile, record

ROWS = {
    "billing": [record("a"), record("b"), record("r", kind="refund"), record("bad", amount_minor="x")],
    "platform": [record("a"), record("r", kind="refund"), record("doubt", status="pending")],
    "payment": [record("a"), record("x", amount_minor=300), record("y", amount_minor=70, currency="USD")],
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return reconcile(tmp_path_factory.mktemp("outcome"), ROWS)


def test_breaks_and_money_become_samples_and_carried_items_do_not(outcome: Outcome) -> None:
    found = {(sample.indicator, *sample.labels): sample.value for sample in samples(outcome, 1_000)}
    assert found == {
        ("reconciliation.refused",): 0,
        ("reconciliation.breaks_total",): 4,
        ("reconciliation.rejected_rows",): 1,
        ("reconciliation.match_ratio",): pytest.approx(1 / 6),
        ("reconciliation.breaks", ("class", "billing_only"), ("loser", "operator")): 1,
        ("reconciliation.breaks", ("class", "missing_in_payment"), ("loser", "customer")): 1,
        ("reconciliation.breaks", ("class", "payment_only"), ("loser", "customer")): 2,
        ("reconciliation.at_risk", ("currency", "CNY")): 2300,
        ("reconciliation.at_risk", ("currency", "USD")): 70,
    }


def test_every_sample_is_of_a_declared_indicator_and_money_names_its_currency(outcome: Outcome) -> None:
    declared = {indicator.name: indicator for indicator in INDICATORS}
    for sample in samples(outcome, 1_000):
        assert sample.at_ms == 1_000
        money = declared[sample.indicator].kind is Kind.MONEY
        assert ("currency" in dict(sample.labels)) == money


def test_a_refused_run_says_nothing_but_that(tmp_path: Path) -> None:
    refused = Outcome("three-way", "2026-11-01", 3, refused=("no file",))
    assert [(sample.indicator, sample.value) for sample in samples(refused, 5)] == [("reconciliation.refused", 1)]


def test_a_day_without_keys_has_no_match_ratio(tmp_path: Path) -> None:
    """Nothing to match is not a ratio of zero or of one."""
    found = {sample.indicator for sample in samples(reconcile(tmp_path, {}), 5)}
    assert "reconciliation.match_ratio" not in found
    assert "reconciliation.breaks_total" in found


def test_breaks_are_read_page_by_page_in_their_order_and_by_class(outcome: Outcome) -> None:
    folder = outcome.paths["breaks.csv"].parent
    whole = read_breaks(folder)
    assert [line["business_key"] for line in whole] == ["b", "doubt", "r", "x", "y"]
    pages = [read_breaks(folder, offset, 2) for offset in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert [line for page in pages for line in page] == whole
    only = read_breaks(folder, 1, 5, classes={"payment_only"})
    assert [(line["business_key"], line["at_risk_minor"], line["payment_currency"]) for line in only] == [
        ("y", 70, "USD")
    ]


def test_a_folder_without_a_result_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_breaks(tmp_path)
