"""Passes of matches with more than two parties: which keys they join, and how what they joined is judged."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciliation.outcome import Outcome
from reconciliation.passes import PAIRS, PROPOSALS, Batch, Fuzzy, Pass, Tolerance
from reconciliation.rules import rules_of
from reconciliation.verify import verify
from tests.reconciliation.days import Row, lines, record
from tests.reconciliation.test_general import asked, at, counts, settle

PARTIES = ("own", "platform", "bank")
LATE, LATER = "2026-11-01T23:45:00+08:00", "2026-11-01T23:50:00+08:00"
HOUR = timedelta(hours=1)
OWN_PLATFORM = Tolerance(2, HOUR, between=("own", "platform"))
OWN_BANK = Tolerance(2, HOUR, between=("own", "bank"))
PLATFORM_BANK = Tolerance(2, HOUR, between=("platform", "bank"))
BY = (("product", "channel"),)
BATCH = Batch(BY, between=("platform", "bank"))


def key(name: str, **changed: Any) -> Row:
    return record(name, **changed)


def sold(name: str, **changed: Any) -> Row:
    """A record of batch x on the side of the orders."""
    return record(name, product="x", **changed)


def paid(name: str, **changed: Any) -> Row:
    """A record of batch x on the side of the payments."""
    return record(name, channel="x", **changed)


def three(own: Sequence[Row] = (), platform: Sequence[Row] = (), bank: Sequence[Row] = ()) -> dict[str, list[Row]]:
    return {"own": list(own), "platform": list(platform), "bank": list(bank)}


@dataclass(frozen=True)
class Case:
    """What the parties bring, the passes, the classes found, and the money at risk in all of them."""

    rows: Mapping[str, list[Row]]
    passes: tuple[Pass, ...]
    found: Mapping[str, int]
    at_risk_minor: int = 0


CASES: dict[str, Case] = {
    "tolerance, second and third: the lone row comes to the key of the others": Case(
        three([key("k")], [key("k")], [key("b", amount_minor=1002)]), (PLATFORM_BANK,), {"matched_by_tolerance": 1}
    ),
    "tolerance, first and third": Case(
        three([key("k")], [key("k")], [key("b", amount_minor=1002)]), (OWN_BANK,), {"matched_by_tolerance": 1}
    ),
    "tolerance, first and second: the others share the second's key": Case(
        three([key("o", amount_minor=998)], [key("p")], [key("p")]), (OWN_PLATFORM,), {"matched_by_tolerance": 1}
    ),
    "named the other way round it is the same": Case(
        three([key("k")], [key("k")], [key("b", amount_minor=1002)]),
        (replace(PLATFORM_BANK, between=("bank", "platform")),),
        {"matched_by_tolerance": 1},
    ),
    "beyond the tolerance nothing is joined": Case(
        three([key("k")], [key("k")], [key("b", amount_minor=1003)]),
        (PLATFORM_BANK,),
        {"missing_in_bank": 1, "bank_only": 1},
        2003,
    ),
    "second and third, the first missing": Case(
        three([], [key("p")], [key("b", amount_minor=1001)]), (PLATFORM_BANK,), {"missing_in_own": 1}, 1000
    ),
    "first and third, the second missing": Case(
        three([key("o")], [], [key("b", amount_minor=1001)]), (OWN_BANK,), {"missing_in_platform": 1}, 1000
    ),
    "first and second, the third missing": Case(
        three([key("o")], [key("p", amount_minor=1001)]), (OWN_PLATFORM,), {"missing_in_bank": 1}, 1000
    ),
    "second and third, the first of another amount than its own key": Case(
        three([key("k", amount_minor=1005)], [key("k")], [key("b", amount_minor=1002)]),
        (PLATFORM_BANK,),
        {"amount_difference": 1},
        5,
    ),
    "first and third, the second of another amount": Case(
        three([key("k")], [key("k", amount_minor=1001)], [key("b", amount_minor=1002)]),
        (OWN_BANK,),
        {"amount_difference": 1},
        2,
    ),
    "first and second, the third of another amount": Case(
        three([key("o")], [key("p")], [key("p", amount_minor=900)]), (OWN_PLATFORM,), {"amount_difference": 1}, 100
    ),
    "the third says failed": Case(
        three([key("k", status="failed")], [key("k")], [key("b")]), (PLATFORM_BANK,), {"status_mismatch": 1}, 1000
    ),
    "the third is of another currency": Case(
        three([key("k", currency="USD")], [key("k")], [key("b")]), (PLATFORM_BANK,), {"currency_mismatch": 1}, 1000
    ),
    "the fees of the two differ": Case(
        three([key("k")], [key("k")], [key("b", fee_minor=9)]), (PLATFORM_BANK,), {"fee_mismatch": 1}, 3
    ),
    "a key in doubt is left alone": Case(
        three([key("k", status="pending")], [key("k")], [key("b")]),
        (PLATFORM_BANK,),
        {"in_doubt": 1, "bank_only": 1},
        2000,
    ),
    "a failed record is not looked at, though its key has a success": Case(
        three([key("k")], [key("k", status="failed")], [key("b")]),
        (PLATFORM_BANK,),
        {"missing_in_bank": 1, "bank_only": 1},
        2000,
    ),
    "a key without effect is left alone": Case(
        three([], [key("p", status="failed")], [key("b")]), (PLATFORM_BANK,), {"no_effect": 1, "bank_only": 1}, 1000
    ),
    "the third has a record of each key": Case(
        three([key("k"), key("b")], [key("k")], [key("b")]),
        (PLATFORM_BANK,),
        {"missing_in_bank": 1, "missing_in_platform": 1},
        2000,
    ),
    "the nearest would clash, the next one does not": Case(
        three([key("k"), key("b")], [key("k")], [key("b"), key("c", amount_minor=1001)]),
        (PLATFORM_BANK,),
        {"matched_by_tolerance": 1, "missing_in_platform": 1},
        1000,
    ),
    "two passes join three keys, each within the tolerance of its neighbour": Case(
        three([key("o")], [key("p", amount_minor=1002)], [key("b", amount_minor=1004)]),
        (OWN_PLATFORM, PLATFORM_BANK),
        {"matched_by_tolerance": 1},
    ),
    "two passes, the second towards what the first has moved": Case(
        three([key("o")], [key("p", amount_minor=1002)], [key("b", amount_minor=1003)]),
        (PLATFORM_BANK, OWN_PLATFORM),
        {"matched_by_tolerance": 1},
    ),
    "a payment does not meet a refund": Case(
        three([key("k")], [key("k")], [key("b", kind="refund")]),
        (PLATFORM_BANK,),
        {"missing_in_bank": 1, "bank_only": 1},
        2000,
    ),
    "a row too many stays a row too many": Case(
        three([key("k")], [key("k")], [key("b"), record("b", "further", amount_minor=7)]),
        (PLATFORM_BANK,),
        {"matched_by_tolerance": 1, "duplicate_in_bank": 1},
        7,
    ),
    "two that wait and lack a third go on waiting": Case(
        three([], [key("p", occurred_at=LATE)], [key("b", occurred_at=LATER)]),
        (PLATFORM_BANK,),
        {"awaiting_cutoff": 2},
        2000,
    ),
    "one that waits is not drawn into a break either": Case(
        three([], [key("p", occurred_at="2026-11-01T23:20:00+08:00")], [key("b", occurred_at=LATER)]),
        (PLATFORM_BANK,),
        {"platform_only": 1, "awaiting_cutoff": 1},
        2000,
    ),
    "two that wait and lack nobody are joined": Case(
        three([key("k", occurred_at=LATE)], [key("k", occurred_at=LATE)], [key("b", occurred_at=LATER)]),
        (PLATFORM_BANK,),
        {"matched_by_tolerance": 1},
    ),
    "batch, second and third: own has the same orders": Case(
        three([key("1"), key("2")], [sold("1"), sold("2")], [paid("b", amount_minor=2000)]),
        (BATCH,),
        {"matched_by_batch": 3},
    ),
    "batch, first and third": Case(
        three([sold("1"), sold("2")], [key("1"), key("2")], [paid("b", amount_minor=2000)]),
        (replace(BATCH, between=("own", "bank")),),
        {"matched_by_batch": 3},
    ),
    "batch, first and second: the third stands with the second": Case(
        three([sold("o", amount_minor=2000)], [paid("1"), paid("2")], [key("1"), key("2")]),
        (replace(BATCH, between=("own", "platform")),),
        {"matched_by_batch": 3},
    ),
    "batch, named the other way round": Case(
        three([key("1"), key("2")], [sold("1"), sold("2")], [paid("b", amount_minor=2000)]),
        (Batch((("channel", "product"),), between=("bank", "platform")),),
        {"matched_by_batch": 3},
    ),
    "batch many to many": Case(
        three(
            [key("1"), key("2")], [sold("1"), sold("2")], [paid("b", amount_minor=500), paid("c", amount_minor=1500)]
        ),
        (BATCH,),
        {"matched_by_batch": 4},
    ),
    "batch, one order is not in the first": Case(
        three([key("1")], [sold("1"), sold("2")], [paid("b", amount_minor=2000)]),
        (BATCH,),
        {"matched_by_batch": 2, "missing_in_own": 1},
        1000,
    ),
    "batch, the third has none of it: missed once": Case(
        three([], [sold("1"), sold("2")], [paid("b", amount_minor=2000)]),
        (BATCH,),
        {"missing_in_own": 2, "matched_by_batch": 1},
        2000,
    ),
    "batch, the third on the second's side lacks one": Case(
        three([sold("o", amount_minor=2000)], [paid("1"), paid("2")], [key("1")]),
        (replace(BATCH, between=("own", "platform")),),
        {"matched_by_batch": 2, "missing_in_bank": 1},
        1000,
    ),
    "batch, the third of another amount": Case(
        three([key("1", amount_minor=990), key("2")], [sold("1"), sold("2")], [paid("b", amount_minor=2000)]),
        (BATCH,),
        {"matched_by_batch": 2, "amount_difference": 1},
        10,
    ),
    "batch, the third says failed": Case(
        three([key("1", status="failed"), key("2")], [sold("1"), sold("2")], [paid("b", amount_minor=2000)]),
        (BATCH,),
        {"matched_by_batch": 2, "status_mismatch": 1},
        1000,
    ),
    "batch, a fen short": Case(
        three([key("1"), key("2")], [sold("1"), sold("2")], [paid("b", amount_minor=1999)]),
        (BATCH,),
        {"missing_in_bank": 2, "bank_only": 1},
        3999,
    ),
    "batch, the third on both sides": Case(
        three([key("1"), key("b")], [sold("1")], [paid("b")]),
        (BATCH,),
        {"missing_in_bank": 1, "missing_in_platform": 1},
        2000,
    ),
    "batch, one that waits for a third": Case(
        three([], [sold("1", occurred_at=LATE)], [paid("b")]),
        (BATCH,),
        {"awaiting_cutoff": 1, "bank_only": 1},
        2000,
    ),
    "batch, one that waits for nobody else": Case(
        three([key("1", occurred_at=LATE)], [sold("1", occurred_at=LATE)], [paid("b")]),
        (BATCH,),
        {"matched_by_batch": 2},
    ),
    "what a batch has settled no later pass moves": Case(
        three([key("o", amount_minor=1001)], [sold("1")], [paid("b")]),
        (BATCH, OWN_PLATFORM),
        {"missing_in_own": 1, "matched_by_batch": 1, "own_only": 1},
        2001,
    ),
    "a pair before the batch gives its key all parties": Case(
        three([key("o", amount_minor=1001)], [sold("1")], [paid("b")]),
        (OWN_PLATFORM, BATCH),
        {"matched_by_batch": 2},
    ),
    "fuzzy proposes and changes nothing": Case(
        three([key("ORDER-1")], [key("ORDER-1")], [key("ORDER-01")]),
        (Fuzzy(0, HOUR, 0.8, between=("platform", "bank")),),
        {"missing_in_bank": 1, "bank_only": 1},
        2000,
    ),
    "five parties, two keys have all of them": Case(
        {
            "a": [key("k")],
            "b": [key("k")],
            "c": [key("m")],
            "d": [key("m", amount_minor=1000)],
            "e": [key("m", amount_minor=1000)],
        },
        (Tolerance(0, HOUR, between=("b", "d")),),
        {"matched_by_tolerance": 1},
    ),
    "four parties, one is still missing": Case(
        {"a": [key("k")], "b": [key("k")], "c": [key("m")], "d": []},
        (Tolerance(0, HOUR, between=("a", "c")),),
        {"missing_in_d": 1},
        1000,
    ),
    "amounts at the end of 64 bits": Case(
        three(
            [key("k", amount_minor=2**63 - 1)], [key("k", amount_minor=2**63 - 1)], [key("b", amount_minor=2**63 - 2)]
        ),
        (PLATFORM_BANK,),
        {"matched_by_tolerance": 1},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_pass_joins_is_judged_with_the_records_of_all_parties(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    outcome = settle(tmp_path, case.rows, passes=case.passes)
    assert counts(outcome) == case.found
    assert sum(tally["at_risk_minor"] for tally in outcome.certificate["classes"].values()) == case.at_risk_minor


TIMES: dict[str, tuple[int, int, dict[str, int]]] = {
    "the two are farther apart than a key's instants may be, which the pass excuses": (
        0,
        50,
        {"matched_by_tolerance": 1},
    ),
    "the third is farther from its own key's than allowed": (10, 50, {"time_difference": 1}),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_pass_excuses_the_time_between_its_two_rows_alone(name: str, tmp_path: Path) -> None:
    own, bank, found = TIMES[name]
    rows = three([key("k", occurred_at=at(own))], [key("k")], [key("b", occurred_at=at(bank))])
    outcome = settle(tmp_path, rows, passes=(PLATFORM_BANK,), time_tolerance=timedelta(minutes=5))
    assert counts(outcome) == found


def test_a_joined_key_is_one_line_with_the_records_of_all(tmp_path: Path) -> None:
    """Under the key of the first of the parties that has one; the pairs have each record under its own, and are evidence."""
    rows = three([], [record("p", "p-1")], [record("b", "b-1", amount_minor=1001)])
    outcome = settle(tmp_path, rows, passes=(PLATFORM_BANK,))
    (line,) = lines(outcome)
    assert (line["business_key"], line["class"], line["own_record_id"]) == ("p", "missing_in_own", "")
    assert (line["platform_record_id"], line["bank_record_id"], line["bank_amount_minor"]) == ("p-1", "b-1", "1001")
    assert [(pair["party"], pair["business_key"], pair["record_id"]) for pair in lines(outcome, PAIRS)] == [
        ("bank", "b", "b-1"),
        ("platform", "p", "p-1"),
    ]
    assert outcome.certificate["passes"] == [
        {
            "pass": "tolerance",
            "amount_minor": 2,
            "time_s": 3600,
            "same": [],
            "between": ["platform", "bank"],
            "rows": {"platform": 1, "bank": 1},
        }
    ]
    assert verify(outcome.paths["breaks.csv"].parent).faults == ()


def test_a_key_left_by_a_batch_has_no_record_of_the_other_side_in_its_line(tmp_path: Path) -> None:
    rows = three([key("1", amount_minor=990)], [sold("1")], [paid("b")])
    (line,) = lines(settle(tmp_path, rows, passes=(BATCH,)))
    assert (line["class"], line["at_risk_minor"], line["bank_record_id"], line["bank_amount_minor"]) == (
        "amount_difference",
        "10",
        "",
        "",
    )


def test_a_fuzzy_pass_proposes_the_rows_of_its_two_parties(tmp_path: Path) -> None:
    case = CASES["fuzzy proposes and changes nothing"]
    outcome = settle(tmp_path, case.rows, passes=case.passes)
    assert {(line["party"], line["business_key"]) for line in lines(outcome, PROPOSALS)} == {
        ("platform", "ORDER-1"),
        ("bank", "ORDER-01"),
    }


def test_what_waited_is_joined_by_the_next_day_when_its_third_record_has_come(tmp_path: Path) -> None:
    """The platform's record waits for own's, which the next day's file brings; the bank's comes under another key."""
    first = settle(tmp_path / "1", three([], [key("k", occurred_at=LATE)]), passes=(PLATFORM_BANK,))
    assert counts(first) == {"awaiting_cutoff": 1}
    later = three([key("k", occurred_at=LATER)], [], [key("b", occurred_at=LATE, amount_minor=1001)])
    second = settle(tmp_path / "2", later, passes=(PLATFORM_BANK,), adjusted=first.paths["breaks.parquet"])
    assert counts(second) == {"matched_by_tolerance": 1}
    assert second.certificate["parties"]["platform"]["carried_in"] == 1


UNCLEAR: dict[str, tuple[tuple[str, str] | None, str]] = {
    "nobody named": (None, r"this match has 3, so name two of them, such as `between: \[own, bank\]`"),
    "somebody else": (("own", "moon"), "there is no party 'moon'; there are own, platform, bank"),
    "one twice": (("own", "own"), "'own' is named twice"),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_a_pass_that_does_not_say_where_it_looks_is_refused(name: str, tmp_path: Path) -> None:
    between, sentence = UNCLEAR[name]
    with pytest.raises(ValueError, match=sentence):
        rules_of(asked(tmp_path, three(), passes=(OWN_BANK, Tolerance(0, HOUR, between=between))))


def test_of_two_parties_a_pass_may_name_both(tmp_path: Path) -> None:
    rows = {"own": [key("o", amount_minor=999)], "bank": [key("b")]}
    named = settle(tmp_path / "named", rows, passes=(Tolerance(1, HOUR, between=("bank", "own")),))
    unnamed = settle(tmp_path / "unnamed", rows, passes=(Tolerance(1, HOUR),))
    assert counts(named) == counts(unnamed) == {"matched_by_tolerance": 2}
    assert "between" not in unnamed.certificate["passes"][0]


Joined = dict[str, Row]
"""The records of one key by party, as the walk below joins them."""


def _walk(keys: list[Joined], one: str, other: str, money: int, minutes: int) -> Iterator[tuple[Joined, Joined]]:
    """The pairs of keys that a plain walk through all pairs of rows joins, the nearest first."""
    found = []
    lone = [[key for key in keys if has in key and lacks not in key] for has, lacks in ((one, other), (other, one))]
    for first, second in itertools.product(*lone):
        apart = abs(int(str(first[one]["amount_minor"])) - int(str(second[other]["amount_minor"])))
        begin, end = (datetime.fromisoformat(str(row["occurred_at"])) for row in (first[one], second[other]))
        away = abs((begin - end).total_seconds())
        if apart <= money and away <= minutes * 60 and not first.keys() & second.keys():
            ids = str(first[one]["record_id"]), str(second[other]["record_id"])
            found.append((apart, away, *ids, first, second))
    used: set[str] = set()
    for _, _, one_id, other_id, first, second in sorted(found, key=lambda each: each[:4]):
        if not used & {one_id, other_id}:
            used |= {one_id, other_id}
            yield first, second


def _left_by_the_walk(rows: Mapping[str, list[Row]], passes: Sequence[Tolerance]) -> tuple[set[frozenset[str]], int]:
    """The records of each key that still lacks a party after the passes, and how many keys there are in all."""
    by_key: dict[str, Joined] = {}
    for party, records in rows.items():
        for row in records:
            by_key.setdefault(str(row["business_key"]), {})[party] = row
    keys = list(by_key.values())
    for each in passes:
        assert each.between is not None
        joined = list(_walk(keys, *each.between, each.amount_minor, int(each.time.total_seconds() // 60)))
        gone = {id(part) for pair in joined for part in pair}
        keys = [part for part in keys if id(part) not in gone] + [{**first, **second} for first, second in joined]
    lacking = [part for part in keys if len(part) < len(rows)]
    return {frozenset(str(row["record_id"]) for row in part.values()) for part in lacking}, len(keys)


def _without_lines(outcome: Outcome, name: str) -> list[dict[str, str]]:
    return [
        {column: cell for column, cell in line.items() if column != "line" and not column.endswith("_line")}
        for line in lines(outcome, name)
    ]


ROW = st.tuples(st.integers(0, 9), st.integers(0, 12), st.integers(-40, 40))  # key, amount, minute


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    noise=st.tuples(*(st.lists(ROW, max_size=12, unique_by=lambda row: row[0]) for _ in PARTIES)),
    planted=st.integers(0, 4),
    money=st.integers(0, 3),
    minutes=st.integers(1, 30),
    order=st.permutations([("own", "platform"), ("own", "bank"), ("platform", "bank")]),
    seed=st.integers(0, 9),
    batch=st.booleans(),
)
def test_any_three_parties_are_joined_as_by_a_plain_walk_and_lose_no_row_in_whatever_order(
    noise: tuple[list[tuple[int, int, int]], ...],
    planted: int,
    money: int,
    minutes: int,
    order: list[tuple[str, str]],
    seed: int,
    batch: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    rows = three()
    for party, own in zip(PARTIES, noise, strict=True):
        for number, amount, minute in own:
            name = f"n{number}"  # keys that parties may share by chance
            rows[party].append(
                record(
                    name, f"{party}-{number}", amount_minor=amount, occurred_at=at(minute), fee_minor=None, product="x"
                )
            )
    for number in range(planted):  # own and platform share a key, the bank has another, and nothing else is near
        for party, name, more in (("own", "k", 0), ("platform", "k", 0), ("bank", "b", money)):
            amount = 10_000 + number * 100 + more
            rows[party].append(
                record(f"{name}{number}", f"planted-{party}-{number}", amount_minor=amount, fee_minor=None)
            )
    passes: tuple[Pass, ...] = tuple(Tolerance(money, timedelta(minutes=minutes), between=pair) for pair in order)
    lacking, keys = _left_by_the_walk(rows, [each for each in passes if isinstance(each, Tolerance)])
    if batch:
        passes += (Batch((("product", "product"),), 5, between=order[0]),)
    folder = tmp_path_factory.mktemp("three")
    outcome = settle(folder / "1", rows, passes=passes)
    found = lines(outcome)
    listed = [line[f"{party}_record_id"] for line in found for party in PARTIES if line[f"{party}_record_id"]]
    assert len(listed) == len(set(listed))
    assert not any(name.startswith("planted") for name in listed)
    assert sum(counts(outcome).values()) == keys
    if not batch:
        one_sided = [
            line for line in found if line["class"].startswith("missing_in") or line["class"].endswith("_only")
        ]
        ids = {frozenset(filter(None, (line[f"{party}_record_id"] for party in PARTIES))) for line in one_sided}
        assert ids == lacking
        quiet = sum(counts(outcome).get(name, 0) for name in ("matched", "matched_by_tolerance"))
        for party in PARTIES:
            stands = [line[f"{party}_amount_minor"] for line in found if line[f"{party}_record_id"]]
            assert len(stands) + quiet == len(rows[party])
            assert outcome.certificate["parties"][party]["standing_amount_minor"] == sum(
                int(str(row["amount_minor"])) for row in rows[party]
            )
    for records in rows.values():
        random.Random(seed).shuffle(records)
    again = settle(folder / "2", rows, passes=passes)
    for name in ("breaks.csv", PAIRS):
        assert _without_lines(again, name) == _without_lines(outcome, name)
    assert again.certificate["classes"] == outcome.certificate["classes"]
