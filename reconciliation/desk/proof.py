"""What a later day's run must find for an approved adjustment to be proven, brought into that run as carried lines.

A back-fill of a record that is lacking (`missing_in_*`, `*_only`), that failed (`status_*`) or that has another currency
brings the successful records of the other parties as they were delivered: the late record completes the key. A back-fill
of a difference (`amount_shortfall`, `under_credited`) brings an expected record of the difference for each other party,
of the same kind. A reversal (`duplicate_*`, `missing_in_billing`, `payment_only`, `amount_surplus`, `over_credited`, ...)
brings an expected record for each other party of the opposite kind: a refund for a payment. These parties deliver none
of their own for a record that was one too many.

An adjustment is proven when everything that was brought for it is in no line of the result: a key at rest has none.
What does not come is found as a break again, stays with the case of its adjustment, and is expected the next day too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from core.store.tables import break_adjustment, break_case, control_run
from reconciliation.breaks import OF_PARTY
from reconciliation.desk.adjustments import others, parties_of, prove, takes_whole
from reconciliation.desk.identity import Line, Record, as_line, records
from reconciliation.matching import EXPECTED_FILE

OPPOSITE: Final = {"payment": "refund", "refund": "payment"}
Place = tuple[str, str, str, str]
"""Where a record stands: business key, kind, party, record id."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What one adjustment brings into a later day's run."""

    adjustment_id: int
    line: dict[str, Any]

    @property
    def places(self) -> frozenset[Place]:
        """The records that must have found their match."""
        return frozenset(_places(self.line))


def awaiting_proof(connection: Connection, control: str, before_business_day: date) -> Sequence[Row[Any]]:
    """The approved, unproven adjustments of the breaks of earlier days, oldest first, with what their cases say."""
    unproven = break_adjustment.c.proven_at.is_(None) & (break_case.c.state == "approved") & _is_latest()
    return connection.execute(_adjustments(control, before_business_day).where(unproven)).all()


def expected(connection: Connection, control: str, business_day: date, parties: Sequence[str] = ()) -> list[Expected]:
    """What is brought into the run of that day: of adjustments that wait, and of those proven by that day or a later one.

    So a day that is run again after the proof brings the same. Where two adjustments would bring different records of
    one party for one key and kind, only the older is brought; the other's turn comes when that one is proven. `parties`
    are those of the day's run in their order; without them, those of the run that found the break, in any order.
    """
    unproven = break_adjustment.c.proven_at.is_(None) & (break_case.c.state == "approved") & _is_latest()
    proven_since = control_run.c.business_day >= business_day.isoformat()
    rows = connection.execute(_adjustments(control, business_day).where(unproven | proven_since)).all()
    names = {run_id: parties or parties_of(connection, run_id) for run_id in {row.run_id for row in rows}}
    taken: dict[tuple[str, str, str], str] = {}
    brought = []
    for row in rows:
        one = _expected(row, names[row.run_id])
        wanted = {(key, kind, party): record_id for key, kind, party, record_id in one.places}
        if all(taken.get(place, record_id) == record_id for place, record_id in wanted.items()):
            taken |= wanted
            brought.append(one)
    return brought


def expected_lines(
    connection: Connection, control: str, business_day: date, parties: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The lines of `expected`, one for each key and kind, in the shape of `breaks.parquet` and marked as carried.

    Instants are aware, nulls are None, and the columns stand in the order of `parties`.
    """
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for one in expected(connection, control, business_day, parties):
        line = lines.setdefault((one.line["business_key"], one.line["kind"]), dict(one.line))
        for party in records(one.line):
            line |= {f"{party}_{name}": one.line[f"{party}_{name}"] for name in OF_PARTY}
    return list(lines.values())


def settled(waiting: Iterable[Expected], brought: Iterable[Line], found: Iterable[Line]) -> list[int]:
    """The adjustments of which every record was brought into a run, and none is in a line that the run found."""
    entered = {place for line in brought for place in _places(line)}
    left = {place for line in found for place in _places(line)}
    return [one.adjustment_id for one in waiting if one.places and one.places <= entered and not one.places & left]


def prove_settled(
    connection: Connection, run: Row[Any], brought: Iterable[Line], found: Iterable[Line], now: datetime
) -> list[int]:
    """Prove what a run (a row of control_run) settled, and return the adjustments; doing it again proves no more.

    `brought` are the lines that the run was given, as the run read them; `found` all lines of its result.
    """
    if run.outcome == "refused":
        return []
    day = date.fromisoformat(run.business_day)
    open_ones = {row.id for row in awaiting_proof(connection, run.control, day)}
    waiting = [one for one in expected(connection, run.control, day) if one.adjustment_id in open_ones]
    proven = settled(waiting, brought, found)
    for number in proven:
        prove(connection, number, run.id, now)
    return proven


def _adjustments(control: str, before: date) -> Select[Any]:
    """Adjustments approved for breaks of days before that one, with their cases and, if any, the runs that proved them."""
    case, run = break_case, control_run
    columns = (case.c[name] for name in ("business_key", "class", "loser", "at_risk_minor", "records", "run_id"))
    return (
        select(
            *break_adjustment.c,
            *columns,
            case.c.kind.label("case_kind"),
            case.c.business_day,
        )
        .select_from(break_adjustment.join(case).outerjoin(run, run.c.id == break_adjustment.c.proven_by_run))
        .where(
            case.c.control == control,
            case.c.business_day < before.isoformat(),
            break_adjustment.c.decision == "approved",
            break_adjustment.c.kind != "write_off",
        )
        .order_by(break_adjustment.c.id)
    )


def _is_latest() -> Any:
    """Whether the adjustment is the last of its case: one that was approved, reopened and followed by another is not."""
    again = break_adjustment.alias("again")
    last = select(func.max(again.c.id)).where(again.c.case_id == break_adjustment.c.case_id)
    return break_adjustment.c.id == last.scalar_subquery()


def _expected(row: Row[Any], parties: Iterable[str]) -> Expected:
    names = tuple(parties)
    by_party: Mapping[str, Record]
    if row.kind == "back_fill" and takes_whole(row.records, row.party):
        by_party = others(row.records, row.party)
    else:
        by_party = {party: _synthetic(row) for party in names if party != row.party}
    leading = {
        "business_key": row.business_key,
        "kind": OPPOSITE[row.case_kind] if row.kind == "reversal" else row.case_kind,
        "class": row._mapping["class"],
        "loser": row.loser,
        "at_risk_minor": row.amount_minor,
        "currency": row.currency,
        "carried": True,
    }
    return Expected(row.id, as_line(leading, by_party, names))


def _synthetic(row: Row[Any]) -> dict[str, Any]:
    """The record that a party would have if it knew of the adjustment; as of the approval, so that it never changes."""
    return {
        "record_id": f"adjustment-{row.id}",
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "status": "success",
        "occurred_at": row.decided_at,
        "file": EXPECTED_FILE,
        "line": row.id,
    }


def _places(line: Line) -> Iterable[Place]:
    return [(line["business_key"], line["kind"], party, record["record_id"]) for party, record in records(line).items()]
