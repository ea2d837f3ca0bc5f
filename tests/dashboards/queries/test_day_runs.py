"""What the queries about the runs of a day find: requests, and how two runs differ, on every database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from core.store.open import reading, writing
from dashboards.queries import compare, day_runs, reconciliation
from dashboards.queries.rows import Row
from dashboards.queries.status import versions
from reconciliation.desk import reruns
from tests.dashboards import seeded
from tests.dashboards.desk import EQUATION, MATCH, furnish, run_again

NOW = datetime(2026, 3, 12, 6, 30, 15, tzinfo=UTC)
DAY, FIRST = "2026-03-05", 4


@pytest.fixture
def again(store: Engine, tmp_path: Path) -> Iterator[tuple[Connection, int]]:
    """The furnished store with a day that was run twice, and the number of its second run."""
    with writing(store) as connection:
        seeded._runs(connection, NOW)
    furnish(store, NOW, tmp_path)
    number = run_again(store, NOW)
    with reading(store) as connection:
        yield connection, number


def run(connection: Connection, number: int) -> Row:
    found = reconciliation.run(connection, number)
    assert found is not None
    return found


def test_the_runs_of_a_day_and_its_requests_the_newest_first(again: tuple[Connection, int]) -> None:
    connection, number = again
    assert [row["id"] for row in day_runs.runs_of_day(connection, MATCH, DAY)] == [number, FIRST]
    assert [row["act"] for row in day_runs.runs_of_day(connection, MATCH, "2026-03-09")] == ["reviewed"]
    [asked] = day_runs.requests_of_day(connection, MATCH, DAY, 5)
    assert (asked["state"], asked["run_id"], asked["asked_by"]) == ("done", number, "sun.yi")
    [asked] = day_runs.requests_of_day(connection, EQUATION, "2026-03-10", 5)
    assert asked["state"] == "failed"
    assert day_runs.asked_for(connection) == {("card-vouchers", "2026-03-11")}
    assert reconciliation.of_same_day(connection, run(connection, number)) == {"earlier": FIRST}
    assert reconciliation.of_same_day(connection, run(connection, FIRST)) == {"newest": number}
    assert reconciliation.of_same_day(connection, run(connection, 5)) == {}


def test_breaks_are_gone_and_new_by_their_identity(
    again: tuple[Connection, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that stay nothing is said; the list is cut off, the number is not."""
    connection, number = again
    n, gone = compare.only_in(connection, FIRST, number)
    assert (n, len(gone)) == (3, 3)
    assert [row["at_risk_minor"] for row in gone] == sorted((row["at_risk_minor"] for row in gone), reverse=True)
    n, new = compare.only_in(connection, number, FIRST)
    assert (n, [row["business_key"] for row in new]) == (1, ["MP-NEW-000001"])
    assert compare.only_in(connection, number, number) == (0, [])
    monkeypatch.setattr(compare, "CHANGED", 2)
    n, gone = compare.only_in(connection, FIRST, number)
    assert (n, len(gone)) == (3, 2)


def test_files_classes_and_parameters_that_differ(again: tuple[Connection, int]) -> None:
    connection, number = again
    before, after = run(connection, FIRST), run(connection, number)
    differ = [one["party"] for one in compare.files(before, after) if one["before"]["sha256"] != one["after"]["sha256"]]
    assert differ == ["billing"]
    found = {row["class"]: row for row in compare.classes(before, after)}
    assert (found["missing_in_payment"]["n_before"], found["missing_in_payment"]["n_after"]) == (3, 0)
    assert found["payment_only"]["minor_after"] - found["payment_only"]["minor_before"] == 7_700
    assert (found["matched"]["n_before"], found["matched"]["n_after"]) == (4_171, 4_173)
    assert found["matched"]["currency"] == ""
    assert [row["class"] for row in compare.classes(before, after)][:3] == [
        "payment_only",
        "missing_in_payment",
        "matched",
    ]
    assert compare.settings(before, after) == [{"name": "control_version", "before": "1", "after": "2"}]
    assert compare.settings(before, before) == []


def test_lines_of_several_currencies_are_counted_apart_and_a_refused_run_counts_nothing() -> None:
    lines = [
        {"class": "amount_surplus", "currency": "CNY", "count": 2, "at_risk_minor": 500, "carried": False},
        {"class": "amount_surplus", "currency": "USD", "count": 1, "at_risk_minor": 90, "carried": False},
    ]
    run: Row = {
        "certificate": {"lines": lines, "classes": {"amount_surplus": {"count": 3, "at_risk_minor": 590}}},
        "currency": "mixed",
        "engine": "duckdb",
    }
    refused: Row = {"certificate": None, "currency": "CNY", "engine": ""}
    found = compare.classes(refused, run)
    assert [(row["currency"], row["n_before"], row["n_after"]) for row in found] == [("CNY", 0, 2), ("USD", 0, 1)]
    assert compare.files(refused, run) == []


def test_quantities_of_an_equation_stand_beside_each_other(again: tuple[Connection, int]) -> None:
    connection, _number = again
    rows = [row for row in reconciliation.runs(connection) if row["control"] == EQUATION]
    before, after = run(connection, rows[-1]["id"]), run(connection, rows[0]["id"])
    found = {row["name"]: row for row in compare.quantities(before, after)}
    assert set(found) == {"opening", "top_up", "usage", "closing"}
    assert found["opening"]["before"]["value"] == found["opening"]["after"]["value"] == 5_000_000


def test_open_pages_are_told_of_each_step_of_a_request(store: Engine) -> None:
    """Asked for, begun, ended: each raises the counter of the reconciliation pages."""

    def counted() -> int:
        with reading(store) as connection:
            return versions(connection)["reconciliation"]

    seen = [counted()]
    with writing(store) as connection:
        number = reruns.ask(connection, MATCH, NOW.date(), "sun.yi", "why", NOW)
    seen.append(counted())
    with writing(store) as connection:
        reruns.take(connection, NOW)
    seen.append(counted())
    with writing(store) as connection:
        reruns.fail(connection, number, "No.", NOW)
    seen.append(counted())
    assert seen == sorted(set(seen))
