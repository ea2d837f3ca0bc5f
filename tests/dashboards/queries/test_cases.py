"""What the queries about runs, cases, files and leakage find, on every database that the store runs on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, insert

from core.people import users
from core.store.open import reading, writing
from core.store.tables import control_run
from dashboards.queries import arrivals, cases, reconciliation
from tests.dashboards import seeded
from tests.dashboards.desk import EQUATION, MATCH, RUN, expectations, furnish

NOW = datetime(2026, 3, 12, 6, 30, 15, tzinfo=UTC)
TODAY = date(2026, 3, 12)
FIRST = TODAY - timedelta(days=14)


@pytest.fixture
def desk(store: Engine, tmp_path: Path) -> Iterator[Connection]:
    """The runs of the seeded store with what people and files added, on SQLite and on PostgreSQL."""
    with writing(store) as connection:
        seeded._runs(connection, NOW)
    furnish(store, NOW, tmp_path)
    with reading(store) as connection:
        yield connection


def test_the_run_that_counts_comes_with_its_match_rate_and_its_signature(desk: Connection) -> None:
    """One row a control and day; keys and matched from the certificate, the latest act of the signatures."""
    rows = {(row["control"], row["business_day"]): row for row in reconciliation.latest(desk, FIRST, TODAY)}
    assert len(rows) == 21
    latest = rows[(MATCH, "2026-03-11")]
    assert (latest["id"], latest["matched"], latest["keys"], latest["act"]) == (RUN, 4171, 4188, None)
    assert rows[(MATCH, "2026-03-08")]["keys"] is None  # refused
    assert (rows[(MATCH, "2026-03-09")]["act"], rows[(MATCH, "2026-03-09")]["signer"]) == ("reviewed", "zhao.lei")
    assert rows[(MATCH, "2026-03-10")]["act"] == "prepared"


def test_a_run_made_again_takes_the_place_of_the_first(desk: Connection) -> None:
    """Of two runs of a day only the later one counts."""
    run = reconciliation.run(desk, 3)
    assert run is not None
    again = {name: value for name, value in run.items() if name != "id"}
    again |= {"fingerprint": "again", "finished_at": run["finished_at"] + timedelta(hours=1), "breaks": 99}
    number = desk.execute(insert(control_run).values(again).returning(control_run.c.id)).scalar_one()
    found = [row for row in reconciliation.latest(desk, FIRST, TODAY) if row["business_day"] == run["business_day"]]
    assert [row["id"] for row in found if row["control"] == MATCH] == [number]


@pytest.mark.parametrize(
    ("filters", "n"),
    [
        ({}, 22),  # twenty-six, of which four are settled
        ({"state": "all"}, 26),
        ({"state": "untouched"}, 21),
        ({"state": "approved"}, 1),
        ({"state": "proven"}, 2),
        ({"state": "written_off"}, 1),
        ({"state": "explained"}, 1),
        ({"owner": "none"}, 20),
        ({"owner": "wang.fang"}, 2),
        ({"class": "payment_only", "state": "all"}, 4),
        ({"loser": "customer", "state": "all"}, 18),
        ({"age": "d1"}, 13),
        ({"age": "d7"}, 9),
        ({"age": "d30"}, 0),
        ({"late": "yes"}, 9),
        ({"late": "yes", "state": "all"}, 9),
        ({"control": EQUATION}, 0),
        ({"q": "MP20260311"}, 13),
        ({"q": "%"}, 0),
        ({"class": "'; drop table break_case; --"}, 0),
    ],
)
def test_cases_are_filtered_as_the_address_says(desk: Connection, filters: dict[str, str], n: int) -> None:
    """The list and the totals agree, whatever the filter."""
    rows = cases.cases(desk, NOW, TODAY, filters)
    sums = cases.totals(desk, NOW, TODAY, filters)
    assert (len(rows), sum(one["n"] for one in sums)) == (n, n)
    assert sum(row["at_risk_minor"] for row in rows) == sum(one["at_risk_minor"] for one in sums)


def test_the_nearest_deadline_comes_first_and_late_ones_are_counted(desk: Connection) -> None:
    rows = cases.cases(desk, NOW, TODAY, {})
    deadlines = [row["deadline"] for row in rows]
    assert deadlines == sorted(deadlines)
    (sums,) = cases.totals(desk, NOW, TODAY, {})
    assert (sums["currency"], sums["late"], sums["nobody"]) == ("CNY", 9, 20)


def test_open_cases_by_control_age_by_business_day(desk: Connection) -> None:
    (row,) = cases.open_by_control(desk, NOW, TODAY)
    assert (row["control"], row["n"], row["late"], row["oldest"]) == (MATCH, 22, 9, "2026-03-05")
    assert [row[code] for code in cases.AGES] == [13, 0, 9, 0, 0]


def test_a_case_has_its_parties_its_history_and_its_adjustments(desk: Connection) -> None:
    row = cases.one(desk, 1)
    assert row is not None
    assert set(row["parties"]) == {"billing", "platform", "payment"}
    assert [one["kind"] for one in cases.events(desk, 1)] == ["proven", "approved", "proposed", "found"]
    (adjustment,) = cases.adjustments(desk, 1)
    assert (adjustment["decision"], adjustment["decided_by"], adjustment["proven_by_run"]) == (
        "approved",
        "zhao.lei",
        9,
    )
    assert cases.one(desk, 999) is None


def test_a_runs_breaks_lead_to_their_cases_and_name_the_parties_that_have_a_record(desk: Connection) -> None:
    run = reconciliation.run(desk, RUN)
    assert run is not None
    assert len(reconciliation.cases_of(desk, run)) == 13  # a carried item has no case
    found = {(row["class"], row["party"]): row["n"] for row in reconciliation.presence(desk, RUN)}
    assert found[("missing_in_billing", "payment")] == 5
    assert ("missing_in_billing", "billing") not in found


def test_leakage_keeps_what_became_of_the_money_apart(desk: Connection) -> None:
    """Identified is what the cases put at risk; recovered only what the match proved; a write-off from its approval."""
    rows = cases.leakage(desk, FIRST, TODAY, seeded.ZONE, {})
    opened = cases.cases(desk, NOW, TODAY, {"state": "all"})
    by_state = {row["id"]: row for row in opened}
    sums = {
        what: sum(row["amount_minor"] for row in rows if row["what"] == what) for what in ("identified", "recovered")
    }
    assert sums["identified"] == sum(row["at_risk_minor"] for row in opened)
    assert sums["recovered"] == sum(row["at_risk_minor"] for row in by_state.values() if row["state"] == "proven")
    assert [row["amount_minor"] for row in rows if row["what"] == "written_off"] == [500]
    explained = [row for row in rows if row["what"] == "explained"]
    assert [(row["day"], row["n"]) for row in explained] == [("2026-03-08", 1)]
    narrowed = cases.leakage(desk, FIRST, TODAY, seeded.ZONE, {"class": "payment_only"})
    assert {row["class"] for row in narrowed} == {"payment_only"}
    assert cases.leakage(desk, date(2020, 1, 1), date(2020, 1, 2), seeded.ZONE, {}) == []


def test_files_come_with_their_state_and_one_that_nobody_expected_has_just_arrived(desk: Connection) -> None:
    rows = arrivals.arrivals(desk, expectations(NOW), FIRST, TODAY - timedelta(days=1), NOW)
    counts = {state: sum(row["state"] == state for row in rows) for state in arrivals.WORST_FIRST}
    assert counts == {
        "missing": 1, "changed": 1, "twice": 1, "late": 1, "expected": 0, "on_time": 26, "arrived": 1,
    }  # fmt: skip
    assert [row["state"] for row in rows][:4] == ["missing", "changed", "twice", "late"]
    assert rows[-1]["control"] == "agent-accounts"
    without = arrivals.arrivals(desk, (), FIRST, TODAY, NOW)
    assert {row["state"] for row in without} == {"arrived", "changed", "twice"}


def test_a_case_can_be_given_to_those_who_work_on_breaks(desk: Connection) -> None:
    for name, role in (("li.wei", "operator"), ("guest", "viewer"), ("sun.yi", "auditor")):
        users.add(desk, name=name, role=role, password="seven brown otters", by="test", now=NOW, language="en")
    assert cases.people(desk) == ["li.wei", "sun.yi"]
