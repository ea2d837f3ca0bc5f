"""Every rule at its boundaries, as a table of named cases; all of them are one day's files, reconciled once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciliation.outcome import Outcome
from tests.reconciliation.days import lines, reconcile, record

B, P, C = "billing", "platform", "payment"
Sides = dict[str, dict[str, object] | None]
ALL: Sides = {B: {}, P: {}, C: {}}
LATE = {"occurred_at": "2026-11-01T23:45:00+08:00"}
EARLY = {"occurred_at": "2026-11-01T00:15:00+08:00"}
FAILED = {"status": "failed"}
PENDING = {"status": "pending"}

# name: (what each party delivers, beyond a sound record; the class, the loser and the money at risk)
CASES: dict[str, tuple[Sides, str, str, int]] = {
    "all agree": (ALL, "matched", "", 0),
    "pending beats everything": ({B: PENDING, P: FAILED, C: {}}, "in_doubt", "none", 1000),
    "pending alone": ({C: PENDING}, "in_doubt", "none", 1000),
    "pending at the end of the day": ({C: PENDING | LATE}, "in_doubt", "none", 1000),
    "all failed": ({B: FAILED, P: FAILED, C: FAILED}, "no_effect", "", 0),
    "one failed, nobody else knows it": ({P: FAILED}, "no_effect", "", 0),
    "failed at the end of the day": ({P: FAILED | LATE}, "no_effect", "", 0),
    "late, payment absent": ({B: LATE, P: LATE}, "awaiting_cutoff", "none", 1000),
    "late, one failed, one absent": ({B: LATE, P: LATE | FAILED}, "awaiting_cutoff", "none", 1000),
    "exactly 30 minutes before the end": (
        {B: {"occurred_at": "2026-11-01T23:30:00+08:00"}},
        "awaiting_cutoff",
        "none",
        1000,
    ),
    "a microsecond earlier than the window": (
        {B: {"occurred_at": "2026-11-01T23:29:59.999999+08:00"}},
        "billing_only",
        "operator",
        1000,
    ),
    "30 minutes after the end": ({C: {"occurred_at": "2026-11-02T00:30:00+08:00"}}, "awaiting_cutoff", "none", 1000),
    "a second later than that": (
        {C: {"occurred_at": "2026-11-02T00:30:01+08:00"}},
        "payment_only",
        "customer",
        1000,
    ),
    "the end told in UTC": ({C: {"occurred_at": "2026-11-01T15:59:00Z"}}, "awaiting_cutoff", "none", 1000),
    "late for one, noon for the other": ({B: LATE, P: {}}, "missing_in_payment", "operator", 1000),
    "start of the day": ({C: EARLY}, "awaiting_cutoff", "none", 1000),
    "start of the day, of the day before": (
        {C: {"occurred_at": "2026-10-31T23:50:00+08:00", "business_day": "2026-10-31"}},
        "awaiting_cutoff",
        "none",
        1000,
    ),
    "one at the start, one at the end": ({B: EARLY, P: LATE}, "missing_in_payment", "operator", 1000),
    "late, and nobody absent": ({B: LATE, P: LATE, C: LATE | FAILED}, "status_payment_failed", "operator", 1000),
    "missing in payment": ({B: {}, P: {}}, "missing_in_payment", "operator", 1000),
    "missing in platform": ({B: {}, C: {}}, "missing_in_platform", "partner", 1000),
    "missing in billing": ({P: {}, C: {}}, "missing_in_billing", "customer", 1000),
    "billing only": ({B: {}}, "billing_only", "operator", 1000),
    "platform only": ({P: {}}, "platform_only", "operator", 1000),
    "payment only": ({C: {}}, "payment_only", "customer", 1000),
    "billing only, platform failed, payment absent": ({B: {}, P: FAILED}, "billing_only", "operator", 1000),
    "presence takes billing's amount": (
        {B: {"amount_minor": 3}, C: {"amount_minor": 5}},
        "missing_in_platform",
        "partner",
        3,
    ),
    "presence takes payment's before platform's": (
        {P: {"amount_minor": 3}, C: {"amount_minor": 5}},
        "missing_in_billing",
        "customer",
        5,
    ),
    "book failed": ({B: FAILED, P: {}, C: {}}, "status_book_failed", "customer", 1000),
    "book and platform failed": ({B: FAILED, P: FAILED, C: {}}, "status_book_failed", "customer", 1000),
    "payment failed": ({B: {}, P: {}, C: FAILED}, "status_payment_failed", "operator", 1000),
    "payment and platform failed": ({B: {}, P: FAILED, C: FAILED}, "status_payment_failed", "operator", 1000),
    "platform failed": ({B: {}, P: FAILED, C: {}}, "status_platform_failed", "partner", 1000),
    "only the platform succeeded": ({B: FAILED, P: {}, C: FAILED}, "status_platform_only", "operator", 1000),
    "two currencies": ({B: {}, P: {}, C: {"currency": "USD"}}, "currency_mismatch", "none", 1000),
    "currency comes before amount": (
        {B: {}, P: {"currency": "HKD", "amount_minor": 1900}, C: {"amount_minor": 5}},
        "currency_mismatch",
        "none",
        1900,
    ),
    "payment one fen more": ({B: {}, P: {}, C: {"amount_minor": 1001}}, "amount_surplus", "customer", 1),
    "payment one fen less": ({B: {}, P: {}, C: {"amount_minor": 999}}, "amount_shortfall", "operator", 1),
    "platform one fen more": ({B: {}, P: {"amount_minor": 1001}, C: {}}, "over_credited", "operator", 1),
    "platform one fen less": ({B: {}, P: {"amount_minor": 999}, C: {}}, "under_credited", "customer", 1),
    "payment differs before platform": (
        {B: {}, P: {"amount_minor": 7}, C: {"amount_minor": 2000}},
        "amount_surplus",
        "customer",
        1000,
    ),
    "nothing against the largest amount": (
        {B: {"amount_minor": 0}, P: {"amount_minor": 0}, C: {"amount_minor": 2**63 - 1}},
        "amount_surplus",
        "customer",
        2**63 - 1,
    ),
    "fees differ": ({B: {}, P: {}, C: {"fee_minor": 7}}, "fee_mismatch", "operator", 1),
    "fees differ where one gives none": ({B: {"fee_minor": None}, P: {}, C: {"fee_minor": 9}}, "fee_mismatch", "operator", 3),
    "one gives a fee": ({B: {"fee_minor": None}, P: {"fee_minor": None}, C: {}}, "matched", "", 0),
    "nobody gives a fee": (
        {B: {"fee_minor": None}, P: {"fee_minor": None}, C: {"fee_minor": None}},
        "matched",
        "",
        0,
    ),
    "amount comes before fee": ({B: {}, P: {}, C: {"amount_minor": 990, "fee_minor": 0}}, "amount_shortfall", "operator", 10),
}  # fmt: skip
OTHER_SIDE = {"customer": "operator", "operator": "customer"}
PLAIN_DUPLICATES = {
    B: ("duplicate_booking", "operator"),
    P: ("duplicate_booking", "operator"),
    C: ("duplicate_charge", "customer"),
}


def _rows(cases: Mapping[str, tuple[Sides, str, str, int]], kind: str) -> dict[str, list[dict[str, object]]]:
    return {
        party: [
            record(name, f"{kind} {name}", kind=kind, **changed)
            for name, (sides, *_) in cases.items()
            if (changed := sides.get(party)) is not None
        ]
        for party in (B, P, C)
    }


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    payments, refunds = _rows(CASES, "payment"), _rows(CASES, "refund")
    return reconcile(tmp_path_factory.mktemp("rules"), {party: payments[party] + refunds[party] for party in payments})


@pytest.fixture(scope="module")
def found(outcome: Outcome) -> dict[tuple[str, str], list[dict[str, str]]]:
    by_key: dict[tuple[str, str], list[dict[str, str]]] = {}
    for line in lines(outcome):
        by_key.setdefault((line["business_key"], line["kind"]), []).append(line)
    return by_key


@pytest.mark.parametrize("kind", ["payment", "refund"])
@pytest.mark.parametrize("name", CASES)
def test_a_key_gets_the_first_rule_that_fits(name: str, kind: str, found: dict[Any, list[dict[str, str]]]) -> None:
    sides, expected, loser, at_risk = CASES[name]
    got = found.get((name, kind), [])
    if expected in ("matched", "no_effect"):
        assert got == []
        return
    [line] = got
    wanted = OTHER_SIDE.get(loser, loser) if kind == "refund" else loser
    assert (line["class"], line["loser"], int(line["at_risk_minor"])) == (expected, wanted, at_risk)
    assert line["carried"] == ("true" if expected in ("in_doubt", "awaiting_cutoff") else "false")
    for party in (B, P, C):
        assert line[f"{party}_record_id"] == (f"{kind} {name}" if sides.get(party) is not None else "")


def test_the_certificate_counts_every_class_of_the_table(outcome: Outcome) -> None:
    counts: dict[str, int] = {}
    for _, expected, _, _ in CASES.values():
        counts[expected] = counts.get(expected, 0) + 2  # payments and refunds
    assert {name: tally["count"] for name, tally in outcome.certificate["classes"].items()} == counts
    assert outcome.certificate["rows_tie"]
    assert outcome.certificate["amounts_tie"]
    assert outcome.exit_status == 1
    assert outcome.breaks == sum(
        count for name, count in counts.items() if name not in ("matched", "no_effect", "in_doubt", "awaiting_cutoff")
    )


def test_tolerances_and_window_allow_what_they_say_and_no_more(tmp_path: Path) -> None:
    """A difference equal to the tolerance passes; one more does not; a window of zero knows no cut-off but midnight."""
    cases: dict[str, tuple[Sides, str, str, int]] = {
        "five more": ({B: {}, P: {}, C: {"amount_minor": 1005}}, "matched", "", 0),
        "six more": ({B: {}, P: {}, C: {"amount_minor": 1006}}, "amount_surplus", "customer", 6),
        "five less": ({B: {}, P: {}, C: {"amount_minor": 995}}, "matched", "", 0),
        "six less": ({B: {}, P: {}, C: {"amount_minor": 994}}, "amount_shortfall", "operator", 6),
        "platform five more": ({B: {}, P: {"amount_minor": 1005}, C: {}}, "matched", "", 0),
        "platform six less": ({B: {}, P: {"amount_minor": 994}, C: {}}, "under_credited", "customer", 6),
        "fee two more": ({B: {}, P: {}, C: {"fee_minor": 8}}, "matched", "", 0),
        "fee three more": ({B: {}, P: {}, C: {"fee_minor": 9}}, "fee_mismatch", "operator", 3),
        "late": ({B: LATE}, "billing_only", "operator", 1000),
    }
    outcome = reconcile(
        tmp_path, _rows(cases, "payment"), tolerance_minor=5, fee_tolerance_minor=2, cutoff_window=timedelta()
    )
    got = {line["business_key"]: (line["class"], line["loser"], int(line["at_risk_minor"])) for line in lines(outcome)}
    assert got == {name: tuple(rest) for name, (_, *rest) in cases.items() if rest[0] != "matched"}


@pytest.mark.parametrize("party", [B, P, C])
def test_duplicates_are_one_line_each_and_the_first_by_time_then_id_stands(party: str, tmp_path: Path) -> None:
    rows = {name: [record("k", "first"), record("r", "refund", kind="refund")] for name in (B, P, C)}
    rows[party] += [
        record("k", "third", amount_minor=70, occurred_at="2026-11-01T12:00:00Z"),
        record("k", "second", amount_minor=80),  # the same instant: the record_id decides
        record("r", "return", kind="refund", amount_minor=90),
    ]
    outcome = reconcile(tmp_path, rows)
    name, loser = PLAIN_DUPLICATES[party]
    got = [
        (line[f"{party}_record_id"], line["class"], line["loser"], int(line["at_risk_minor"]))
        for line in lines(outcome)
    ]
    assert sorted(got) == [
        ("return", name, OTHER_SIDE[loser], 90),
        ("second", name, loser, 80),
        ("third", name, loser, 70),
    ]
    assert outcome.certificate["classes"]["matched"]["count"] == 2
    assert outcome.certificate["parties"][party]["duplicates"] == 3


def test_a_duplicate_stands_beside_its_keys_own_break(tmp_path: Path) -> None:
    """The first row failed and stands, so the retry that succeeded is the duplicate, whatever the key's own class."""
    rows = {
        B: [record("k")],
        P: [record("k")],
        C: [record("k", "1", status="failed"), record("k", "2", occurred_at="2026-11-01T13:00:00+08:00")],
    }
    got = {line["class"]: line["payment_record_id"] for line in lines(reconcile(tmp_path, rows))}
    assert got == {"status_payment_failed": "1", "duplicate_charge": "2"}


def test_carried_items_alone_are_no_break(tmp_path: Path) -> None:
    outcome = reconcile(tmp_path, {B: [record("late", **LATE)], P: [record("doubt", status="pending")]})
    assert (outcome.exit_status, outcome.breaks, outcome.carried) == (0, 0, 2)


@pytest.mark.parametrize(
    ("amounts", "currency"),
    [((1000, 1000, 1500), "USD"), ((1500, 1000, 1000), "CNY"), ((1000, 1000, 1000), "CNY")],
    ids=["the larger in dollars", "the larger in yuan", "as large: the book's"],
)
def test_money_at_risk_where_currencies_differ_is_in_the_currency_of_the_larger_amount(
    amounts: tuple[int, int, int], currency: str, tmp_path: Path
) -> None:
    """15.00 dollars are not shown, and not added up, as 15.00 yuan."""
    billing, platform, payment = amounts
    cases = {
        "k": (
            {
                B: {"amount_minor": billing},
                P: {"amount_minor": platform},
                C: {"amount_minor": payment, "currency": "USD"},
            },
            "",
            "",
            0,
        )
    }
    outcome = reconcile(tmp_path, _rows(cases, "payment"))
    [line] = lines(outcome)
    assert (line["class"], int(line["at_risk_minor"]), line["currency"]) == (
        "currency_mismatch",
        max(amounts),
        currency,
    )
    assert outcome.certificate["currencies"] == [currency]
