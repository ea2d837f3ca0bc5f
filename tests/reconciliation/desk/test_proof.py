"""What a later run must find, and that the match itself proves what came and finds again what did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select

from core.store.open import writing
from core.store.tables import break_case
from reconciliation.breaks import columns, read_breaks
from reconciliation.desk import adjustments, cases, proof
from reconciliation.desk.cases import open_cases
from reconciliation.match import run
from reconciliation.standard_record import PARTIES
from tests.reconciliation.days import Row, deliver, record
from tests.reconciliation.desk.world import (
    CONTROL,
    DAY,
    DEADLINE,
    NEXT,
    NOON,
    THIRD,
    case_of,
    line,
    run_of,
    the_case,
    told,
)

FIRST, SECOND, LAST = (date.fromisoformat(day) for day in (DAY, NEXT, THIRD))


def _approved(connection: Connection, number: int, kind: str, party: str, amount: int) -> int:
    proposed = adjustments.propose(connection, number, "li", kind, party, amount, "so it was", NOON)
    adjustments.approve(connection, proposed, "boss", "", NOON)
    return proposed


def _brought(line: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    return {
        party: (line[f"{party}_record_id"], line[f"{party}_amount_minor"])
        for party in PARTIES
        if line[f"{party}_record_id"] is not None
    }


FAILED = {"amount_minor": 500, "status": "failed"}
DOLLARS = {"amount_minor": 80, "currency": "USD"}
OF_CASES: dict[str, tuple[dict[str, Any], tuple[str, str, int], str, dict[str, tuple[str, int]]]] = {
    "a lacking record: the others as they were": (
        line("T1"),
        ("back_fill", "billing", 5000),
        "payment",
        {"platform": ("platform-T1", 5000), "payment": ("payment-T1", 5000)},
    ),
    "a failed record made good: the successful ones as they were": (
        line("T1", "status_book_failed", billing=FAILED, platform=500, payment=500),
        ("back_fill", "billing", 500),
        "payment",
        {"platform": ("platform-T1", 500), "payment": ("payment-T1", 500)},
    ),
    "another currency: the others as they were": (
        line("T1", "currency_mismatch", billing=500, platform=500, payment=DOLLARS),
        ("back_fill", "payment", 500),
        "payment",
        {"billing": ("billing-T1", 500), "platform": ("platform-T1", 500)},
    ),
    "a difference: the difference": (
        line("T1", "amount_shortfall", billing=500, platform=500, payment=400, at_risk_minor=100),
        ("back_fill", "payment", 100),
        "payment",
        {"billing": ("adjustment-1", 100), "platform": ("adjustment-1", 100)},
    ),
    "a second charge: a refund": (
        line("T1", "duplicate_charge", payment=700),
        ("reversal", "payment", 700),
        "refund",
        {"billing": ("adjustment-1", 700), "platform": ("adjustment-1", 700)},
    ),
    "a charge that nobody booked: a refund": (
        line("T1"),
        ("reversal", "payment", 5000),
        "refund",
        {"billing": ("adjustment-1", 5000), "platform": ("adjustment-1", 5000)},
    ),
    "a second refund: a payment": (
        line("T1", "duplicate_charge", payment=700, kind="refund"),
        ("reversal", "payment", 700),
        "payment",
        {"billing": ("adjustment-1", 700), "platform": ("adjustment-1", 700)},
    ),
}


@pytest.mark.parametrize("name", OF_CASES)
def test_what_is_brought_for_each_kind_of_break(store: Engine, name: str) -> None:
    """A line of breaks.parquet, marked as carried, with what the party's record will be matched with."""
    made, (kind, party, amount), expected_kind, expected = OF_CASES[name]
    with writing(store) as connection:
        number = case_of(connection, made)
        assert _approved(connection, number, kind, party, amount) == 1
        (brought,) = proof.expected_lines(connection, CONTROL, SECOND, PARTIES)
    assert tuple(brought) == columns(PARTIES)
    assert (brought["business_key"], brought["kind"], brought["carried"]) == ("T1", expected_kind, True)
    assert _brought(brought) == expected
    for one in expected:
        assert brought[f"{one}_occurred_at"].tzinfo is not None
        assert brought[f"{one}_status"] == "success"
        if expected[one][0] == "adjustment-1":
            assert (brought[f"{one}_file"], brought[f"{one}_line"]) == ("adjustments", 1)


def test_only_approved_and_unproven_adjustments_of_earlier_days_wait(store: Engine) -> None:
    """Not a proposal, not a write-off, not one of the day itself, of another control, or of a reopened case."""
    with writing(store) as connection:
        first = _approved(connection, case_of(connection, line("T1")), "back_fill", "billing", 5000)
        adjustments.propose(connection, case_of(connection, line("T2")), "li", "back_fill", "billing", 5000, "r", NOON)
        written = adjustments.propose(
            connection, case_of(connection, line("T3")), "li", "write_off", None, 9, "r", NOON
        )
        adjustments.approve(connection, written, "boss", "", NOON)
        _approved(connection, case_of(connection, line("T4"), NEXT), "back_fill", "billing", 5000)
        reopened = case_of(connection, line("T5"))
        _approved(connection, reopened, "back_fill", "billing", 5000)
        cases.reopen(connection, [reopened], "boss", "will not come", NOON)
        assert [row.id for row in proof.awaiting_proof(connection, CONTROL, SECOND)] == [first]
        assert [one.adjustment_id for one in proof.expected(connection, CONTROL, SECOND)] == [first]
        assert proof.awaiting_proof(connection, CONTROL, FIRST) == []
        assert proof.expected_lines(connection, CONTROL, FIRST) == []
        assert proof.expected_lines(connection, "another", SECOND) == []
        assert len(proof.awaiting_proof(connection, CONTROL, LAST)) == 2
        _approved(connection, reopened, "reversal", "payment", 5000)
        assert len(proof.awaiting_proof(connection, CONTROL, LAST)) == 3


def test_two_adjustments_of_one_key_bring_each_record_once(store: Engine) -> None:
    """Different records of one party would be surplus of each other: the older comes first."""
    with writing(store) as connection:
        only = case_of(connection, line("T1", "billing_only", billing=500))
        both = case_of(connection, line("T1", "missing_in_platform", billing=500, payment=500))
        _approved(connection, only, "back_fill", "payment", 500)
        _approved(connection, both, "back_fill", "platform", 500)
        (merged,) = proof.expected_lines(connection, CONTROL, SECOND, PARTIES)
        assert _brought(merged) == {"billing": ("billing-T1", 500), "payment": ("payment-T1", 500)}
        for record_id in ("p2", "p3"):
            made = line("T2", "duplicate_charge", payment={"record_id": record_id, "amount_minor": 700})
            _approved(connection, case_of(connection, made), "reversal", "payment", 700)
        assert [one.adjustment_id for one in proof.expected(connection, CONTROL, SECOND)] == [1, 2, 3]


def test_nothing_is_settled_that_was_not_brought() -> None:
    """An adjustment approved while the run was on its way is not proven by the silence of its result."""
    one = proof.Expected(1, line("T1"))
    assert proof.settled([one], [line("T1")], []) == [1]
    assert proof.settled([one], [], []) == []
    assert proof.settled([one], [line("T1") | {"platform_record_id": None}], []) == []
    assert proof.settled([one], [line("T1")], [line("T1", "in_doubt", carried=True)]) == []
    assert proof.settled([one], [line("T1")], [line("T1", kind="refund"), line("T2")]) == [1]


@dataclass(frozen=True)
class Days:
    """Business days of one control, delivered, matched and brought to the desk as the pipeline does it."""

    connection: Connection
    folder: Path

    def run(self, day: date, mark: str = "", **rows: Sequence[Row]) -> tuple[list[dict[str, Any]], list[int]]:
        """Match the day with what adjustments let expect: the lines found, and the adjustments proven."""
        brought = proof.expected_lines(self.connection, CONTROL, day, PARTIES)
        place = self.folder / f"{day}{mark}"
        dated = {party: [one | {"business_day": day.isoformat()} for one in given] for party, given in rows.items()}
        request = replace(deliver(place, dated, day), control=CONTROL, adjusted=_parquet(place, brought))
        outcome = run(request)
        assert not outcome.refused
        found = read_breaks(place / "out")
        kept = run_of(self.connection, day.isoformat(), found, mark=mark, certificate=dict(outcome.certificate))
        open_cases(self.connection, kept, found, NOON, DEADLINE)
        return found, proof.prove_settled(self.connection, kept, brought, found, NOON)


def _parquet(folder: Path, lines: Sequence[Mapping[str, Any]]) -> Path | None:
    """The lines as a file, with the types of breaks.parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    if not lines:
        return None
    whole, instant = pa.int64(), pa.timestamp("us", "UTC")
    types = {"amount_minor": whole, "fee_minor": whole, "occurred_at": instant, "line": whole}
    fields = [("at_risk_minor", whole) if name == "at_risk_minor" else (name, _type(name, types)) for name in lines[0]]
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(
        pa.Table.from_pylist([dict(one) for one in lines], pa.schema(fields)), folder / "adjusted.parquet"
    )
    return folder / "adjusted.parquet"


def _type(name: str, types: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    if name == "carried":
        return pa.bool_()
    return next((kind for suffix, kind in types.items() if name.endswith(f"_{suffix}")), pa.string())


def _at(key: str, day: date, record_id: str | None = None, **changed: object) -> Row:
    return record(key, record_id, **{"occurred_at": f"{day}T12:00:00+08:00", **changed})


def test_a_late_booking_is_proven_by_the_day_that_brings_it(store: Engine, tmp_path: Path) -> None:
    """Until then the break is found again by each day, and stays the one case that it is."""
    with writing(store) as connection:
        days = Days(connection, tmp_path)
        missing, _ = days.run(FIRST, platform=[_at("T1", FIRST)], payment=[_at("T1", FIRST)])
        assert [one["class"] for one in missing] == ["missing_in_billing"]
        number = connection.scalars(select(break_case.c.id)).one()
        adjustment = _approved(connection, number, "back_fill", "billing", 1000)
        again, proven = days.run(SECOND)
        assert ([one["class"] for one in again], proven) == (["missing_in_billing"], [])
        assert told(connection, number)[-1] == ("found_again", "reconciliation")
        late = _at("T1", LAST, "late")
        found, proven = days.run(LAST, billing=[late])
        assert (found, proven) == ([], [adjustment])
        assert the_case(connection, number).state == "proven"
        found, proven = days.run(LAST, "again", billing=[late])
        assert (found, proven) == ([], [])  # the day run again brings the same, and proves no more
        assert days.run(LAST + timedelta(days=1)) == ([], [])
        assert connection.scalars(select(break_case.c.id)).all() == [number]


def test_a_refund_of_a_second_charge_is_proven_by_the_day_that_brings_it(store: Engine, tmp_path: Path) -> None:
    """Nobody else delivers it; until it comes, what is expected stays the case of the adjustment."""
    with writing(store) as connection:
        days = Days(connection, tmp_path)
        one = _at("T1", FIRST)
        surplus, _ = days.run(FIRST, billing=[one], platform=[one], payment=[one, _at("T1", FIRST, "twice")])
        assert [each["class"] for each in surplus] == ["duplicate_charge"]
        number = connection.scalars(select(break_case.c.id)).one()
        adjustment = _approved(connection, number, "reversal", "payment", 1000)
        waiting, proven = days.run(SECOND)
        assert ([each["class"] for each in waiting], proven) == (["missing_in_payment"], [])
        assert connection.scalars(select(break_case.c.id)).all() == [number]
        found, proven = days.run(LAST, payment=[_at("T1", LAST, "back", kind="refund")])
        assert (found, proven) == ([], [adjustment])
        assert connection.scalars(select(break_case.c.id)).all() == [number]


def test_a_proof_is_withdrawn_when_its_day_is_run_again_without_the_record(store: Engine, tmp_path: Path) -> None:
    """The case waits anew and nobody signs over it unseen; running the break's own first day again withdraws nothing."""
    with writing(store) as connection:
        days = Days(connection, tmp_path)
        one = [_at("T1", FIRST)]
        days.run(FIRST, platform=one, payment=one)
        number = connection.scalars(select(break_case.c.id)).one()
        adjustment = _approved(connection, number, "back_fill", "billing", 1000)
        assert days.run(SECOND, billing=[_at("T1", SECOND, "late")]) == ([], [adjustment])
        days.run(FIRST, "again", platform=one, payment=one)
        assert the_case(connection, number).state == "proven"
        found, proven = days.run(SECOND, "corrected")
        assert ([each["class"] for each in found], proven) == (["missing_in_billing"], [])
        case = the_case(connection, number)
        assert (case.state, case.closed_at) == ("approved", None)
        assert told(connection, number)[-2:] == [("found_again", "reconciliation"), ("disproven", "reconciliation")]
        assert [row.id for row in proof.awaiting_proof(connection, CONTROL, SECOND)] == [adjustment]
        assert days.run(LAST, billing=[_at("T1", LAST, "later")]) == ([], [adjustment])


def test_a_refund_of_another_amount_proves_nothing(store: Engine, tmp_path: Path) -> None:
    """It is a break of its own, with its own case."""
    with writing(store) as connection:
        days = Days(connection, tmp_path)
        one = _at("T1", FIRST)
        days.run(FIRST, billing=[one], platform=[one], payment=[one, _at("T1", FIRST, "twice")])
        number = connection.scalars(select(break_case.c.id)).one()
        _approved(connection, number, "reversal", "payment", 1000)
        less = _at("T1", SECOND, "back", kind="refund", amount_minor=900)
        found, proven = days.run(SECOND, payment=[less])
        assert ([each["class"] for each in found], proven) == (["amount_shortfall"], [])
        assert the_case(connection, number).state == "approved"
        assert len(connection.scalars(select(break_case.c.id)).all()) == 2


def test_a_refused_run_proves_nothing(store: Engine) -> None:
    """It has no result that could be silent."""
    with writing(store) as connection:
        _approved(connection, case_of(connection), "back_fill", "billing", 5000)
        brought = proof.expected_lines(connection, CONTROL, SECOND)
        refused = run_of(connection, NEXT, outcome="refused", certificate=None)
        assert proof.prove_settled(connection, refused, brought, [], NOON) == []
