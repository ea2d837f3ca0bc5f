"""Matches of any parties: the general rules, the passes after the exact key, and what is brought in by adjustments."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciliation.match import run
from reconciliation.outcome import Outcome
from reconciliation.passes import PAIRS, PROPOSALS, Batch, Fuzzy, Tolerance
from reconciliation.request import SHANGHAI, PartyFile, Request
from reconciliation.rules import QUIET, rules_of
from reconciliation.rules.general import classes
from reconciliation.standard_record import write
from reconciliation.validation import day_of
from tests.reconciliation.days import DAY, Row, lines, record

NOON = datetime.fromisoformat("2026-11-01T12:00:00+08:00")


def asked(folder: Path, rows: Mapping[str, Iterable[Row]], **changed: Any) -> Request:
    """Deliver the parties' files and return a request with the general rules."""
    folder.mkdir(parents=True, exist_ok=True)
    for party, records in rows.items():
        write(folder / f"{party}.csv", party, DAY, records)
    files = tuple(PartyFile(party, folder / f"{party}.csv") for party in rows)
    base = Request(DAY, files, folder / "out", rules="general", control="two", memory_limit_bytes=256 << 20)
    return replace(base, **changed)


def settle(folder: Path, rows: Mapping[str, Iterable[Row]], **changed: Any) -> Outcome:
    """Deliver and run."""
    outcome = run(asked(folder, rows, **changed))
    assert not outcome.refused, outcome.refused
    assert outcome.certificate["rows_tie"]
    assert outcome.certificate["amounts_tie"]
    return outcome


def at(minutes: int) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def counts(outcome: Outcome) -> dict[str, int]:
    return {name: tally["count"] for name, tally in outcome.certificate["classes"].items()}


CASES: dict[str, tuple[dict[str, list[Row]], dict[str, int], int]] = {
    "both agree": ({"own": [record("a")], "bank": [record("a")]}, {"matched": 1}, 0),
    "the bank lacks it": ({"own": [record("a")], "bank": []}, {"missing_in_bank": 1}, 1000),
    "we lack it": ({"own": [], "bank": [record("a", amount_minor=7)]}, {"missing_in_own": 1}, 7),
    "one says failed": (
        {"own": [record("a")], "bank": [record("a", status="failed")]},
        {"status_mismatch": 1},
        1000,
    ),
    "both say failed": (
        {"own": [record("a", status="failed")], "bank": [record("a", status="failed")]},
        {"no_effect": 1},
        0,
    ),
    "one is pending": ({"own": [record("a")], "bank": [record("a", status="pending")]}, {"in_doubt": 1}, 1000),
    "amounts differ": (
        {"own": [record("a")], "bank": [record("a", amount_minor=990)]},
        {"amount_difference": 1},
        10,
    ),
    "currencies differ": (
        {"own": [record("a")], "bank": [record("a", currency="USD", amount_minor=2000)]},
        {"currency_mismatch": 1},
        2000,
    ),
    "fees differ": ({"own": [record("a")], "bank": [record("a", fee_minor=9)]}, {"fee_mismatch": 1}, 3),
    "a row too many": (
        {"own": [record("a"), record("a", "a2", amount_minor=5)], "bank": [record("a")]},
        {"matched": 1, "duplicate_in_own": 1},
        5,
    ),
    "three parties, one lacks it": (
        {"a": [record("k")], "b": [record("k")], "c": []},
        {"missing_in_c": 1},
        1000,
    ),
    "three parties, one alone": ({"a": [], "b": [record("k")], "c": []}, {"b_only": 1}, 1000),
    "four parties, two lack it": (
        {"a": [record("k")], "b": [], "c": [record("k")], "d": []},
        {"missing_in_b_and_d": 1},
        1000,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_key_has_the_class_that_its_records_give_it(name: str, tmp_path: Path) -> None:
    rows, found, at_risk = CASES[name]
    outcome = settle(tmp_path, rows)
    assert counts(outcome) == found
    assert sum(tally["at_risk_minor"] for tally in outcome.certificate["classes"].values()) == at_risk


def test_who_loses_is_what_the_control_says_and_changes_places_for_a_refund(tmp_path: Path) -> None:
    rows = {"own": [record("a"), record("a", "r", kind="refund")], "bank": []}
    outcome = settle(tmp_path, rows, losers={"missing_in_bank": "operator"})
    assert {line["kind"]: line["loser"] for line in lines(outcome)} == {"payment": "operator", "refund": "customer"}


def test_instants_farther_apart_than_allowed_are_a_difference_without_money(tmp_path: Path) -> None:
    rows = {
        "own": [record("near"), record("far")],
        "bank": [record("near", occurred_at=at(5)), record("far", occurred_at=at(6))],
    }
    outcome = settle(tmp_path, rows, time_tolerance=timedelta(minutes=5))
    assert counts(outcome) == {"matched": 1, "time_difference": 1}
    assert outcome.certificate["classes"]["time_difference"]["at_risk_minor"] == 0


def test_what_does_not_fit_together_is_said_before_anything_is_read(tmp_path: Path) -> None:
    two = asked(tmp_path, {"own": [], "bank": []})
    with pytest.raises(ValueError, match="no class 'missing_in_moon'"):
        rules_of(replace(two, losers={"missing_in_moon": "operator"}))
    with pytest.raises(ValueError, match="two to 5 parties; this one has 1"):
        rules_of(replace(two, parties=two.parties[:1]))
    with pytest.raises(ValueError, match="not told apart"):
        rules_of(replace(two, parties=(two.parties[0], two.parties[0])))
    with pytest.raises(ValueError, match="three-way rules are for billing, platform, payment"):
        rules_of(replace(two, rules="three_way"))
    with pytest.raises(ValueError, match="there are no rules 'odd'"):
        rules_of(replace(two, rules="odd"))
    three = asked(tmp_path / "three", {"a": [], "b": [], "c": []}, passes=(Tolerance(1, timedelta(hours=1)),))
    with pytest.raises(ValueError, match="rows of two parties together; this match has 3"):
        rules_of(three)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_every_set_of_parties_has_a_name_of_its_own(count: int) -> None:
    names = classes([f"party{number}" for number in range(count)])
    assert len(names) == len(set(names))
    assert len(names) <= 127  # a class is stored as a number of eight bits


def test_rows_without_a_common_key_are_paired_by_money_and_time_the_nearest_first(tmp_path: Path) -> None:
    rows = {
        "own": [record("o1", amount_minor=1000), record("o2", amount_minor=1000, occurred_at=at(10)), record("o3")],
        "bank": [
            record("b1", amount_minor=1000, occurred_at=at(9)),  # a minute from o2, nine from o1
            record("b2", amount_minor=1002, occurred_at=at(1)),  # two fen off: after the exact ones
            record("b3", amount_minor=1000, occurred_at=at(600)),  # too far
        ],
    }
    rows["own"][2]["amount_minor"] = 5000
    outcome = settle(tmp_path, rows, passes=(Tolerance(2, timedelta(hours=1)),))
    assert counts(outcome) == {"matched_by_tolerance": 4, "missing_in_bank": 1, "missing_in_own": 1}
    groups: dict[str, set[str]] = {}
    for line in lines(outcome, PAIRS):
        groups.setdefault(line["group"], set()).add(line["record_id"])
    assert sorted(map(sorted, groups.values())) == [["b1", "o2"], ["b2", "o1"]]
    assert outcome.certificate["passes"] == [
        {"pass": "tolerance", "amount_minor": 2, "time_s": 3600, "same": [], "rows": {"own": 2, "bank": 2}}
    ]


def test_a_tolerance_pass_can_ask_for_columns_to_be_the_same(tmp_path: Path) -> None:
    rows = {"own": [record("o1", channel="7")], "bank": [record("b1", channel="8"), record("b2", channel="7")]}
    outcome = settle(tmp_path, rows, passes=(Tolerance(0, timedelta(hours=1), ("channel",)),))
    assert {line["record_id"] for line in lines(outcome, PAIRS)} == {"o1", "b2"}


def test_many_to_one_and_many_to_many_meet_by_the_total_of_their_batch(tmp_path: Path) -> None:
    """One bank entry pays three orders of batch 1; two entries pay two orders of batch 2; batch 3 is a fen short."""
    rows = {
        "own": [
            *(record(f"o{n}", amount_minor=amount, product="batch 1") for n, amount in enumerate((100, 200, 300))),
            record("o3", amount_minor=10, product="batch 2"),
            record("o4", amount_minor=20, product="batch 2"),
            record("o5", amount_minor=70, product="batch 3"),
        ],
        "bank": [
            record("b0", amount_minor=600, channel="batch 1"),
            record("b1", amount_minor=15, channel="batch 2"),
            record("b2", amount_minor=15, channel="batch 2"),
            record("b3", amount_minor=69, channel="batch 3"),
        ],
    }
    outcome = settle(tmp_path, rows, passes=(Batch((("product", "channel"),)),))
    assert counts(outcome) == {"matched_by_batch": 8, "missing_in_bank": 1, "missing_in_own": 1}
    assert {line["business_key"] for line in lines(outcome)} == {"o5", "b3"}
    within = settle(tmp_path / "within", rows, passes=(Batch((("product", "channel"),), amount_minor=1),))
    assert counts(within) == {"matched_by_batch": 10}


def test_the_fuzzy_pass_proposes_and_settles_nothing(tmp_path: Path) -> None:
    rows = {
        "own": [record("ORDER-2026-0001"), record("ORDER-2026-0002")],
        "bank": [record("ORDER-2026-001"), record("entirely else")],
    }
    outcome = settle(tmp_path, rows, passes=(Fuzzy(0, timedelta(hours=1), 0.9),))
    assert counts(outcome) == {"missing_in_bank": 2, "missing_in_own": 2}
    assert {line["business_key"] for line in lines(outcome, PROPOSALS)} == {"ORDER-2026-0001", "ORDER-2026-001"}
    assert lines(outcome, PAIRS) == []


def test_each_pass_takes_what_the_ones_before_left_over(tmp_path: Path) -> None:
    rows = {
        "own": [record("o1", amount_minor=5, product="x"), record("o2", amount_minor=6, product="x")],
        "bank": [record("b1", amount_minor=5, product="x"), record("b2", amount_minor=6, product="x")],
    }
    by_pair = Tolerance(0, timedelta(hours=1))
    by_batch = Batch((("product", "product"),))
    assert counts(settle(tmp_path / "1", rows, passes=(by_pair, by_batch))) == {"matched_by_tolerance": 4}
    assert counts(settle(tmp_path / "2", rows, passes=(by_batch, by_pair))) == {"matched_by_batch": 4}


def _greedy(own: list[Row], bank: list[Row], money: int, minutes: int) -> set[tuple[str, str]]:
    """The pairs by a plain walk over all candidates."""
    found: list[tuple[int, float, str, str]] = []
    for one, other in itertools.product(own, bank):
        apart = abs(int(str(one["amount_minor"])) - int(str(other["amount_minor"])))
        times = (datetime.fromisoformat(str(row["occurred_at"])) for row in (one, other))
        away = abs((next(times) - next(times)).total_seconds())
        if apart <= money and away <= minutes * 60:
            found.append((apart, away, str(one["record_id"]), str(other["record_id"])))
    used: set[str] = set()
    pairs = set()
    for _, _, one_id, other_id in sorted(found):
        if not used & {one_id, other_id}:
            used |= {one_id, other_id}
            pairs.add((one_id, other_id))
    return pairs


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    own=st.lists(st.tuples(st.integers(0, 12), st.integers(-60, 60)), max_size=25),
    bank=st.lists(st.tuples(st.integers(0, 12), st.integers(-60, 60)), max_size=25),
    money=st.integers(0, 4),
    minutes=st.integers(1, 40),
    seed=st.integers(0, 9),
)
def test_pairs_are_those_of_a_walk_through_all_candidates_whatever_the_order_of_rows(
    own: list[tuple[int, int]],
    bank: list[tuple[int, int]],
    money: int,
    minutes: int,
    seed: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    rows = {
        party: [
            record(f"{party[0]}{n:02}", amount_minor=amount, occurred_at=at(minute), fee_minor=None)
            for n, (amount, minute) in enumerate(given_rows)
        ]
        for party, given_rows in (("own", own), ("bank", bank))
    }
    wanted = _greedy(rows["own"], rows["bank"], money, minutes)
    for records in rows.values():
        random.Random(seed).shuffle(records)
    outcome = settle(tmp_path_factory.mktemp("pairs"), rows, passes=(Tolerance(money, timedelta(minutes=minutes)),))
    groups: dict[str, dict[str, str]] = {}
    for line in lines(outcome, PAIRS):
        groups.setdefault(line["group"], {})[line["party"]] = line["record_id"]
    assert {(pair["own"], pair["bank"]) for pair in groups.values()} == wanted
    left = sum(count for name, count in counts(outcome).items() if name not in QUIET)
    assert left == len(own) + len(bank) - 2 * len(wanted)


@pytest.mark.parametrize("rounds", [1, 12])
def test_a_long_chain_of_near_neighbours_ends_as_the_walk_does(
    rounds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row is nearest to a row that is still nearer to another; what the engine's rounds leave is walked through."""
    monkeypatch.setattr("reconciliation.passes.pairing._ROUNDS", rounds)
    own = [record(f"o{n:02}", amount_minor=1000 + n * n, fee_minor=None) for n in range(40)]
    bank = [record(f"b{n:02}", amount_minor=1000 + n * n + n, fee_minor=None) for n in range(40)]
    outcome = settle(tmp_path, {"own": own, "bank": bank}, passes=(Tolerance(100, timedelta(hours=1)),))
    groups: dict[str, dict[str, str]] = {}
    for line in lines(outcome, PAIRS):
        groups.setdefault(line["group"], {})[line["party"]] = line["record_id"]
    assert {(pair["own"], pair["bank"]) for pair in groups.values()} == _greedy(own, bank, 100, 60)


def test_the_record_that_an_adjustment_lets_expect_completes_its_key(tmp_path: Path) -> None:
    """A record of yesterday, brought in by an approved back-fill, meets the late record of the party that lacked it."""
    import pyarrow as pa
    from pyarrow import parquet

    first = settle(tmp_path / "first", {"own": [record("late")], "bank": []})
    brought = parquet.read_table(first.paths["breaks.parquet"])
    assert brought.num_rows == 1
    adjusted = tmp_path / "adjusted.parquet"
    parquet.write_table(brought.set_column(6, "carried", pa.array([True])), adjusted)
    second = settle(tmp_path / "second", {"own": [], "bank": [record("late", "b-late")]}, adjusted=adjusted)
    assert counts(second) == {"matched": 1}
    assert second.certificate["cleared_by_cutoff"] == 1
    assert second.certificate["adjusted"] is not None
    still = settle(tmp_path / "still", {"own": [], "bank": []}, adjusted=adjusted)
    assert counts(still) == {"missing_in_bank": 1}


CUTS = {
    "midnight": ("00:00", "2026-11-01T00:00:00+08:00", "2026-11-02T00:00:00+08:00"),
    "two in the night: the day goes on after midnight": (
        "02:00",
        "2026-11-01T02:00:00+08:00",
        "2026-11-02T02:00:00+08:00",
    ),
    "eleven in the evening: the rest belongs to the next day": (
        "23:00",
        "2026-10-31T23:00:00+08:00",
        "2026-11-01T23:00:00+08:00",
    ),
}


@pytest.mark.parametrize("name", CUTS)
def test_a_business_day_goes_from_cut_off_to_cut_off(name: str) -> None:
    cutoff, start, end = CUTS[name]
    day = day_of(DAY, SHANGHAI, timedelta(minutes=30), time.fromisoformat(cutoff))
    assert (day.start.isoformat(), day.end.isoformat()) == (start, end)


@pytest.mark.parametrize(("cutoff", "found"), [("00:00", "missing_in_bank"), ("23:00", "awaiting_cutoff")])
def test_a_record_near_the_cut_off_waits_for_the_next_day(cutoff: str, found: str, tmp_path: Path) -> None:
    rows = {"own": [record("a", occurred_at="2026-11-01T22:50:00+08:00")], "bank": []}
    assert counts(settle(tmp_path, rows, cutoff=time.fromisoformat(cutoff))) == {found: 1}
