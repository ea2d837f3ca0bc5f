"""Cases: one for each break, whatever run finds it, with an owner, a reason code, a deadline and a history.

open -> proposed -> approved -> proven, or written_off, or explained; `adjustments` moves a case along the first way. The
last three are closed, and only reopening moves them again. A case that nobody touches stays open and becomes overdue.
Commands on several cases do all of them or, when one does not allow it, none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, update

from core.people import audit
from core.store.tables import break_adjustment, break_case, break_event, control_run, ticket
from core.store.upsert import upsert
from reconciliation.desk.adjustments import disprove
from reconciliation.desk.identity import Line, awaited_by, fingerprint, records
from reconciliation.desk.journal import WHO, DeskError, chunks, events, write_down, written

REASONS: Final = (
    "timing",
    "missing_file_record",
    "duplicate_submission",
    "system_fault",
    "manual_error",
    "fraud_suspected",
    "rounding",
    "tariff_error",
    "late_settlement",
    "customer_dispute",
    "other",
)
STATES: Final = ("open", "proposed", "approved", "proven", "written_off", "explained")
CLOSED: Final = ("proven", "written_off", "explained")
AT_WORK: Final = tuple(state for state in STATES if state not in CLOSED)
BUCKETS: Final = (("0-1", 1), ("2-3", 3), ("4-7", 7), ("8-30", 30), (">30", None))
"""Ages in days: the name of each bucket and its last day."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a run's breaks came to: cases that are new, and cases that were there already."""

    new: int
    known: int


@dataclass(frozen=True, slots=True)
class Aged:
    """The cases at work of one age: how many, and the money at risk in minor units by currency."""

    bucket: str  # days since the business day
    cases: int
    at_risk_minor: dict[str, int]


def open_cases(
    connection: Connection,
    run: Row[Any],
    lines: Iterable[Line],
    now: datetime,
    deadline: datetime,
    identity: Callable[[str, Line], str] = fingerprint,
) -> Opened:
    """One case for each break among the lines of a run (a row of control_run), carried ones left out.

    Doing it again adds nothing. A case that another run opened gets one event for this run, and so does the case of an
    adjustment that a line still waits for; a proof that the run contradicts is withdrawn. A line is one of
    `breaks.parquet` or of control_break; of the latter, the currency is that of its first record, or of the run. Who has
    worked out the fingerprints of these lines already says so by `identity`.
    """
    broken = {identity(run.control, line): line for line in lines if not line["carried"]}
    awaited = {print_: number for print_, line in broken.items() if (number := awaited_by(line)) is not None}
    waiting = cases_of_adjustments(connection, run.control, set(awaited.values()))
    unforeseen = [print_ for print_ in broken if awaited.get(print_) not in waiting]
    connection.execute(select(control_run.c.id).where(control_run.c.id == run.id).with_for_update())
    known = _by_fingerprint(connection, run.control, unforeseen)
    missing = sorted(set(unforeseen).difference(known), key=lambda print_: _order(broken[print_], print_))
    if missing:
        rows = [{"fingerprint": print_, **_row(run, broken[print_], now, deadline)} for print_ in missing]
        connection.execute(upsert(connection, break_case).on_conflict_do_nothing(), rows)
    found = _by_fingerprint(connection, run.control, missing)
    fresh = [number for number, run_id in found.values() if run_id == run.id]
    others = [number for number, run_id in [*known.values(), *found.values()] if run_id != run.id]
    others += sorted(set(waiting.values()).difference(others))
    events(connection, fresh, WHO, "found", f"found by the run of {run.business_day} (run {run.id})", now)
    again = f"found again by the run of {run.business_day} (run {run.id})"
    told = _having_event(connection, others, "found_again", again)
    untold = [number for number in others if number not in told]
    events(connection, untold, WHO, "found_again", again, now)
    disprove(connection, run, untold, now)
    if fresh or untold:
        facts = {"control": run.control, "business_day": run.business_day, "new": len(fresh), "again": len(untold)}
        audit.record(connection, at=now, who=WHO, action="break_found", object=f"run/{run.id}", detail=facts)
    return Opened(len(fresh), len(broken) - len(fresh))


def assign(connection: Connection, case_ids: Collection[int], who: str, owner: str, now: datetime) -> None:
    """Give cases to somebody. Raises DeskError without a name, for a closed case, or when there is no such case."""
    owner = written(owner, "somebody to have it")
    ids = _change(connection, case_ids, AT_WORK, "assign", owner=owner)
    write_down(connection, ids, who, "assigned", f"to {owner}", now, {"owner": owner})


def set_reason(connection: Connection, case_ids: Collection[int], who: str, code: str, now: datetime) -> None:
    """Say what kind of cause it was. Raises DeskError for an unknown code, a closed case, or no such case."""
    code = _reason(code)
    ids = _change(connection, case_ids, AT_WORK, "give a reason code to", reason_code=code)
    write_down(connection, ids, who, "reason", code, now, {"reason_code": code})


def comment(connection: Connection, case_ids: Collection[int], who: str, text: str, now: datetime) -> None:
    """Write something on cases, in whatever state they are. Raises DeskError without text or case."""
    text = written(text, "a comment")
    ids = _change(connection, case_ids, STATES, "comment")
    write_down(connection, ids, who, "comment", text, now, {"text": text})


def explain(
    connection: Connection, case_ids: Collection[int], who: str, code: str, sentence: str, now: datetime
) -> None:
    """Close cases that need no adjustment, with the reason code and a sentence; money at risk is named in the trail.

    Raises DeskError without either, or when a case is not open: a proposal is decided or withdrawn first.
    """
    code, sentence = _reason(code), written(sentence, "a sentence that explains it")
    ids = _change(connection, case_ids, ("open",), "explain", state="explained", reason_code=code, closed_at=now)
    facts = {"reason_code": code, "sentence": sentence, "at_risk_minor": _at_risk(connection, ids)}
    write_down(connection, ids, who, "explained", f"{code}: {sentence}", now, facts)


def reopen(connection: Connection, case_ids: Collection[int], who: str, reason: str, now: datetime) -> None:
    """Take closed cases up again, or approved ones whose proof does not come; their owners stay.

    An approved adjustment is not looked for any more then; it stays in the history. Raises DeskError without a reason,
    or for a case that is at work.
    """
    reason = written(reason, "a reason")
    ids = _change(connection, case_ids, (*CLOSED, "approved"), "reopen", state="open", closed_at=None)
    write_down(connection, ids, who, "reopened", reason, now, {"reason": reason})


def link_ticket(connection: Connection, case_ids: Collection[int], ticket_id: int, who: str, now: datetime) -> None:
    """Tie cases, of a whole run if need be, to one ticket. Raises DeskError when there is no such ticket or case."""
    if connection.scalar(select(ticket.c.id).where(ticket.c.id == ticket_id)) is None:
        raise DeskError(f"There is no ticket {ticket_id}; open it first.")
    ids = _change(connection, case_ids, STATES, "tie a ticket to", ticket_id=ticket_id)
    write_down(connection, ids, who, "ticket", f"ticket {ticket_id}", now, {"ticket": ticket_id})


def overdue(connection: Connection, now: datetime, control: str = "") -> Sequence[Row[Any]]:
    """The rows of the cases at work whose deadline has passed, the oldest deadline first, of one control or of all."""
    late = select(break_case).where(break_case.c.closed_at.is_(None), break_case.c.deadline < now)
    if control:
        late = late.where(break_case.c.control == control)
    return connection.execute(late.order_by(break_case.c.deadline, break_case.c.id)).all()


def ageing(connection: Connection, today: date, control: str = "") -> list[Aged]:
    """The cases at work by days since their business day, every bucket in turn, of one control or of all."""
    by_day = select(
        break_case.c.business_day,
        break_case.c.currency,
        func.count().label("cases"),
        func.sum(break_case.c.at_risk_minor).label("at_risk_minor"),
    ).where(break_case.c.closed_at.is_(None))
    if control:
        by_day = by_day.where(break_case.c.control == control)
    cases = dict.fromkeys((name for name, _ in BUCKETS), 0)
    money: dict[str, dict[str, int]] = {name: {} for name in cases}
    for row in connection.execute(by_day.group_by(break_case.c.business_day, break_case.c.currency)):
        age = (today - date.fromisoformat(row.business_day)).days
        name = next(name for name, last in BUCKETS if last is None or age <= last)
        cases[name] += row.cases
        money[name][row.currency] = money[name].get(row.currency, 0) + int(row.at_risk_minor)
    return [Aged(name, cases[name], money[name]) for name in cases]


def cases_of_adjustments(connection: Connection, control: str, adjustments: Iterable[int]) -> dict[int, int]:
    """The cases of those adjustments, by adjustment; numbers that are of no adjustment of this control are left out."""
    query = select(break_adjustment.c.id, break_adjustment.c.case_id).join(break_case)
    found: dict[int, int] = {}
    for part in chunks(adjustments):
        rows = connection.execute(query.where(break_adjustment.c.id.in_(part), break_case.c.control == control))
        found |= {row.id: row.case_id for row in rows}
    return found


def _order(line: Line, fingerprint: str) -> tuple[str, ...]:
    """The order in which breaks are published; two runs that open the same cases at once do not block each other."""
    return line["business_key"], line["kind"], line["class"], fingerprint


def _row(run: Row[Any], line: Line, now: datetime, deadline: datetime) -> dict[str, Any]:
    of_parties = records(line)
    given = (record.get("currency") for record in of_parties.values())
    return {
        **{name: line[name] for name in ("business_key", "kind", "class", "loser", "at_risk_minor")},
        "control": run.control,
        "business_day": run.business_day,
        "run_id": run.id,
        "currency": line.get("currency") or next(filter(None, given), run.currency),
        "records": of_parties,
        "dimensions": line.get("dimensions"),
        "state": "open",
        "deadline": deadline,
        "opened_at": now,
        "demo": run.demo,
    }


def _by_fingerprint(connection: Connection, control: str, wanted: Iterable[str]) -> dict[str, tuple[int, int]]:
    """The case and the run that opened it, of those fingerprints that have one."""
    query = select(break_case.c.fingerprint, break_case.c.id, break_case.c.run_id)
    found: dict[str, tuple[int, int]] = {}
    for part in chunks(wanted):
        rows = connection.execute(query.where(break_case.c.control == control, break_case.c.fingerprint.in_(part)))
        found |= {row.fingerprint: (row.id, row.run_id) for row in rows}
    return found


def _having_event(connection: Connection, case_ids: Iterable[int], kind: str, detail: str) -> set[int]:
    query = select(break_event.c.case_id).where(break_event.c.kind == kind, break_event.c.detail == detail)
    return {
        number
        for part in chunks(case_ids)
        for number in connection.scalars(query.where(break_event.c.case_id.in_(part)))
    }


def _change(
    connection: Connection, case_ids: Collection[int], allowed: Collection[str], doing: str, **values: Any
) -> list[int]:
    """Set these values on all the cases, once each has a state that allows it; returns their numbers in order.

    Raises DeskError naming the first case that does not, before anything is written.
    """
    ids = sorted(set(case_ids))
    if not ids:
        raise DeskError(f"There is no break chosen to {doing}; choose one.")
    states: dict[int, str] = {}
    for part in chunks(ids):
        query = select(break_case.c.id, break_case.c.state).where(break_case.c.id.in_(part)).order_by(break_case.c.id)
        states |= {row.id: row.state for row in connection.execute(query.with_for_update())}
    for number in ids:
        if number not in states:
            raise DeskError(f"There is no break {number}.")
        if states[number] not in allowed:
            possible = " or ".join(state for state in STATES if state in allowed)
            raise DeskError(f"Break {number} is {states[number]}; to {doing} it, it must be {possible}.")
    if values:
        for part in chunks(ids):
            connection.execute(update(break_case).where(break_case.c.id.in_(part)).values(values))
    return ids


def _at_risk(connection: Connection, ids: Sequence[int]) -> dict[str, int]:
    """The money at risk in these cases by currency, in minor units."""
    query = select(break_case.c.currency, func.sum(break_case.c.at_risk_minor).label("minor"))
    total: dict[str, int] = {}
    for part in chunks(ids):
        for row in connection.execute(query.where(break_case.c.id.in_(part)).group_by(break_case.c.currency)):
            total[row.currency] = total.get(row.currency, 0) + int(row.minor)
    return total


def _reason(code: str) -> str:
    if code not in REASONS:
        raise DeskError(f"There is no reason code {code!r}; choose one of {', '.join(REASONS)}.")
    return code
