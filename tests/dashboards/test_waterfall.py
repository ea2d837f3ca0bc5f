"""The bars from file to file of matches that later passes complete: each ends where the certificate's party counts say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from core.store.open import writing
from dashboards.components import waterfall
from dashboards.locale import Say
from dashboards.queries.reconciliation import presence
from dashboards.queries.rows import Row as Found
from reconciliation.breaks import read_breaks
from reconciliation.outcome import Outcome
from reconciliation.passes import Batch, Fuzzy, Pass, Tolerance
from tests.reconciliation.days import Row, record
from tests.reconciliation.desk.world import run_of
from tests.reconciliation.test_general import settle

EN = Say("en")
HOUR = timedelta(hours=1)
NEAR = Tolerance(1, HOUR)
BY_PRODUCT = Batch((("product", "product"),))
EXACT = [record(f"k{n}", amount_minor=n) for n in range(1, 5)]
OWN = [
    *EXACT,
    record("o1", amount_minor=5000),
    record("o2", amount_minor=7000),
    record("failed", status="failed"),
    record("alone", amount_minor=1),
    record("k1", "k1-again"),
    record("bad", amount_minor="x"),
]
BANK = [
    *EXACT,
    record("b1", amount_minor=5001),
    record("b2", amount_minor=7000),
    record("theirs", amount_minor=333),
    record("failed", status="failed"),
]
SALES = [record(f"s{n}", amount_minor=100 * n, product="P") for n in (1, 2, 3)]
CASES: dict[str, tuple[Sequence[Pass], Iterable[Row], Iterable[Row], dict[str, int]]] = {
    "no pass": ((), OWN, BANK, {"Matched": 4}),
    "pairs, of which each row is counted once": ((NEAR,), OWN, BANK, {"Matched": 6}),
    "what is only proposed is not matched": ((Fuzzy(1, HOUR, 0.5),), OWN, BANK, {"Matched": 4}),
    "three rows of ours in one of the bank's": (
        (NEAR, BY_PRODUCT),
        [*OWN, *SALES],
        [*BANK, record("t", amount_minor=600, product="P")],
        {"Matched": 9, "Difference of rows in batches": -2},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_of_two_parties_the_bars_foot_in_rows_and_in_money(name: str, store: Engine, tmp_path: Path) -> None:
    """Nothing is missing in the store, and what is matched is counted in rows of the party, not in keys of both."""
    passes, own, bank, wanted = CASES[name]
    outcome = settle(tmp_path, {"own": own, "bank": bank}, passes=tuple(passes))
    shown = bars(outcome, store, tmp_path / "out", "own", "bank", "rows")
    assert {
        name: value for name, value in shown.items() if name in ("Matched", "Difference of rows in batches")
    } == wanted
    assert "Not in the store" not in shown
    back = bars(outcome, store, tmp_path / "out", "bank", "own", "rows")
    assert back["Matched"] == wanted["Matched"] + wanted.get("Difference of rows in batches", 0)
    bars(outcome, store, tmp_path / "out", "own", "bank", "money")


def test_of_three_parties_a_pair_is_one_key(store: Engine, tmp_path: Path) -> None:
    rows = {
        "own": [*EXACT, record("a", amount_minor=5000)],
        "platform": [*EXACT, record("a", amount_minor=5000)],
        "bank": [*EXACT, record("b", amount_minor=5001)],
    }
    outcome = settle(tmp_path, rows, passes=(Tolerance(1, HOUR, between=("platform", "bank")),))
    for other in ("platform", "bank"):
        assert bars(outcome, store, tmp_path / "out", "own", other, "rows")["Matched"] == 5


def bars(outcome: Outcome, store: Engine, folder: Path, first: str, other: str, unit: str) -> dict[str, int]:
    """The steps by name, once they are seen to lead from the one file's own total to the other's."""
    certificate = outcome.certificate
    part = "rows" if unit == "rows" else "amount_minor"
    found = waterfall.steps(certificate, kept(store, certificate, folder), first, other, unit, EN)
    ends = [certificate["parties"][party][part] for party in (first, other)]
    assert [found[0].value, found[-1].value] == ends
    reached = waterfall.levels(found)
    assert all(reached[at - 1] == step.value for at, step in enumerate(found) if step.total and at), found
    return {step.name: step.value for step in found}


def kept(store: Engine, certificate: Mapping[str, Any], folder: Path) -> list[Found]:
    """What the store knows of the run's breaks."""
    with writing(store) as connection:
        mark = str(certificate["hash"])
        run = run_of(connection, lines=read_breaks(folder), mark=mark)
        found = presence(connection, run.id)
        connection.rollback()
    return found
