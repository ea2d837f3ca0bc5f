"""Properties on generated days: the engine equals the slow oracle, every row lands once, and order never matters."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reconciliation.days import lines, reconcile, record
from tests.reconciliation.oracle import expected

PARTIES = ("billing", "platform", "payment")
INSTANTS = (
    "2026-11-01T12:00:00+08:00",
    "2026-11-01T12:00:00.000001+08:00",
    "2026-11-01T04:00:00Z",
    "2026-11-01T00:00:00+08:00",
    "2026-11-01T00:30:00+08:00",
    "2026-11-01T00:30:01+08:00",
    "2026-11-01T23:30:00+08:00",
    "2026-11-01T23:29:59+08:00",
    "2026-11-02T00:10:00+08:00",
)

one_row = st.fixed_dictionaries(
    {
        "amount_minor": st.sampled_from([1000, 1000, 1000, 1001, 999, 0, 2**62]),
        "status": st.sampled_from(["success", "success", "success", "failed", "pending"]),
        "currency": st.sampled_from(["CNY", "CNY", "CNY", "USD"]),
        "fee_minor": st.sampled_from([6, 6, 7, 0, -2, None]),
        "occurred_at": st.sampled_from(INSTANTS),
    }
)
keys = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["payment", "refund"]), **{name: st.lists(one_row, max_size=2) for name in PARTIES}}
    ),
    min_size=1,
    max_size=80,
)
RANDOMS = st.integers(0, 2**32)
REAL_ENGINE = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))


def _day(drawn: list[dict[str, Any]], seed: int) -> dict[str, list[dict[str, Any]]]:
    """The drawn keys as three files in a random order; ids are dealt at random, so that ties are decided by them."""
    shuffled = random.Random(seed)
    day: dict[str, list[dict[str, Any]]] = {}
    for party in PARTIES:
        rows = [
            record(f"k{place // 2}", kind=key["kind"], **row) for place, key in enumerate(drawn) for row in key[party]
        ]
        ids = [f"id-{number:04}" for number in range(len(rows))]
        shuffled.shuffle(ids)
        for row, record_id in zip(rows, ids, strict=True):
            row["record_id"] = record_id
        day[party] = rows
    return day


@REAL_ENGINE
@given(keys, RANDOMS, st.sampled_from([0, 1]), st.sampled_from([0, 1]))
def test_the_engine_gives_what_the_rules_say(
    drawn: list[dict[str, Any]], seed: int, tolerance: int, fee_tolerance: int
) -> None:
    day = _day(drawn, seed)
    with tempfile.TemporaryDirectory() as folder:
        outcome = reconcile(Path(folder), day, tolerance_minor=tolerance, fee_tolerance_minor=fee_tolerance)
        got = [
            (
                line["business_key"],
                line["kind"],
                line["class"],
                line["loser"],
                int(line["at_risk_minor"]),
                tuple(sorted(filter(None, (line[f"{party}_record_id"] for party in PARTIES)))),
            )
            for line in lines(outcome)
        ]
    wanted = expected(day, tolerance=tolerance, fee_tolerance=fee_tolerance)
    published = [line for line in wanted if line.name not in ("matched", "no_effect")]
    assert sorted(got) == sorted((*line[:5], tuple(sorted(filter(None, line.record_ids)))) for line in published)

    certificate = outcome.certificate
    for name, tally in certificate["classes"].items():
        of_class = [line.at_risk_minor for line in wanted if line.name == name]
        assert (tally["count"], tally["at_risk_minor"]) == (len(of_class), sum(of_class))
    assert sum(tally["count"] for tally in certificate["classes"].values()) == len(wanted)
    for party in PARTIES:
        account = certificate["parties"][party]
        assert account["rows"] == len(day[party]) == account["duplicates"] + account["standing"]
        assert account["amount_minor"] == sum(row["amount_minor"] for row in day[party])
    assert certificate["rows_tie"]
    assert certificate["amounts_tie"]


@REAL_ENGINE
@given(keys, RANDOMS)
def test_the_order_of_the_rows_changes_line_numbers_and_nothing_else(drawn: list[dict[str, Any]], seed: int) -> None:
    """Even with repeated record ids, of which the first by content stands."""
    day = _day(drawn, seed)
    for rows in day.values():
        for row in rows[: len(rows) // 4]:
            row["record_id"] = "id-0000"
    mixed = {party: random.Random(seed + 1).sample(rows, len(rows)) for party, rows in day.items()}
    results = []
    for rows in (day, mixed):
        with tempfile.TemporaryDirectory() as folder:
            outcome = reconcile(Path(folder), rows)
            found = lines(outcome)
            for line in found:
                for party in PARTIES:
                    del line[f"{party}_line"]
            results.append((found, outcome.certificate["classes"], outcome.rejected))
    assert results[0] == results[1]
