"""Adjustments of breaks: proposed by one person, decided by another, and proven by the match of a later day.

- `back_fill`: a party brings the record that it lacks, or the difference that its record lacks.
- `reversal`: a party takes back what it has too much: a refund, or for a break of a refund, a payment.
- `write_off`: nothing comes; the loss is accepted, and the case is closed by the approval.

The first two leave the case `approved` until a later run proves them, see `proof`; a run after that may disprove them.
An approval that is never proven shows as an overdue case. There is one open proposal a case at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from core.people.identity import same_person
from core.store.tables import break_adjustment, break_case, control_run
from reconciliation.desk.identity import Record
from reconciliation.desk.journal import WHO, DeskError, chunks, write_down, written

KINDS: Final = ("back_fill", "reversal", "write_off")
BY_INVOICE: Final = ("fee_mismatch",)  # settled with a provider's next invoice; no record of the key will tell of it


def propose(
    connection: Connection,
    case_id: int,
    who: str,
    kind: str,
    party: str | None,
    amount_minor: int,
    reason: str,
    now: datetime,
) -> int:
    """Propose to correct `amount_minor` of an open case at one party, none for a write-off; returns its number.

    Raises DeskError when the kind, the party or the amount does not fit the break, without a reason, or when the case is
    not open.
    """
    reason = written(reason, "a reason")
    case = _case(connection, case_id)
    if case.state == "proposed":
        waiting = _waiting(connection, case_id)
        raise DeskError(f"Break {case_id} has a proposal by {waiting.proposed_by}; decide or withdraw that one first.")
    if case.state != "open":
        raise DeskError(f"Break {case_id} is {case.state}; to propose an adjustment, it must be open.")
    _fits(connection, case, kind, party, amount_minor)
    values = {
        "case_id": case_id,
        "kind": kind,
        "party": party,
        "amount_minor": amount_minor,
        "currency": _currency(case, kind, party),
        "reason": reason,
        "proposed_by": who,
        "proposed_at": now,
    }
    number = int(
        connection.execute(insert(break_adjustment).values(values).returning(break_adjustment.c.id)).scalar_one()
    )
    _set(connection, case_id, state="proposed")
    facts = {"adjustment": number, **{name: values[name] for name in ("kind", "party", "amount_minor", "currency")}}
    at = f" at {party}" if party else ""
    detail = f"{kind}{at}, {amount_minor} {values['currency']} in minor units: {reason}"
    write_down(connection, [case_id], who, "proposed", detail, now, {**facts, "reason": reason})
    return number


def withdraw(connection: Connection, adjustment_id: int, who: str, comment: str, now: datetime) -> None:
    """Take one's own proposal back; its case is open again. Raises DeskError for another's, or one that is decided."""
    found = _undecided(connection, adjustment_id)
    if not same_person(connection, found.proposed_by, who):
        raise DeskError(f"Adjustment {adjustment_id} was proposed by {found.proposed_by}; only they can withdraw it.")
    _decide(connection, found, "withdrawn", who, comment.strip(), now, state="open")


def approve(connection: Connection, adjustment_id: int, who: str, comment: str, now: datetime) -> None:
    """Approve another's proposal: a write-off closes its case, the others wait for their proof.

    Raises DeskError when its proposer asks, or when it is decided.
    """
    found = _undecided(connection, adjustment_id)
    _by_another(connection, found, who, "approve")
    if found.kind == "write_off":
        _decide(connection, found, "approved", who, comment.strip(), now, state="written_off", closed_at=now)
    else:
        _decide(connection, found, "approved", who, comment.strip(), now, state="approved")


def reject(connection: Connection, adjustment_id: int, who: str, comment: str, now: datetime) -> None:
    """Reject another's proposal, saying why; its case is open again.

    Raises DeskError without a comment, when its proposer asks, or when it is decided.
    """
    comment = written(comment, "a comment that says why")
    found = _undecided(connection, adjustment_id)
    _by_another(connection, found, who, "reject")
    _decide(connection, found, "rejected", who, comment, now, state="open")


def prove(connection: Connection, adjustment_id: int, run_id: int, now: datetime) -> None:
    """Close the case of an approved back-fill or reversal: that run, of a later day, found its records matched.

    Raises DeskError when the adjustment does not wait for a proof, or when that run cannot be one.
    """
    found = _held(connection, adjustment_id)
    case = _case(connection, found.case_id)
    if found.decision != "approved" or found.proven_at is not None or case.state != "approved":
        raise DeskError(f"Adjustment {adjustment_id} does not wait for a proof: its break is {case.state}.")
    if _latest(connection, case.id) != adjustment_id:
        raise DeskError(f"Adjustment {adjustment_id} was followed by another of break {case.id}; prove that one.")
    run = connection.execute(select(control_run).where(control_run.c.id == run_id)).one_or_none()
    if run is None:
        raise DeskError(f"There is no run {run_id}.")
    if run.outcome == "refused" or run.control != case.control or run.business_day <= case.business_day:
        raise DeskError(
            f"Run {run_id} proves nothing of break {case.id}: that takes a result of {case.control} "
            f"for a day after {case.business_day}."
        )
    proving = update(break_adjustment).where(break_adjustment.c.id == adjustment_id)
    connection.execute(proving.values(proven_at=now, proven_by_run=run_id))
    _set(connection, case.id, state="proven", closed_at=now)
    detail = f"{found.kind} at {found.party} is proven by the run of {run.business_day} (run {run_id})"
    write_down(connection, [case.id], WHO, "proven", detail, now, {"adjustment": adjustment_id, "run": run_id})


def disprove(connection: Connection, run: Row[Any], case_ids: Iterable[int], now: datetime) -> list[int]:
    """Withdraw the proofs that a later run, of the day of the proof or after, contradicts by finding the breaks again.

    These cases wait for their proof anew; their adjustments are returned.
    """
    found: list[tuple[int, int]] = []
    query = (
        select(break_case.c.id, break_adjustment.c.id)
        .select_from(break_case.join(break_adjustment))
        .join(control_run, control_run.c.id == break_adjustment.c.proven_by_run)
        .where(break_case.c.state == "proven", control_run.c.id < run.id)
        .where(control_run.c.business_day <= run.business_day)
    )
    for part in chunks(case_ids):
        found += [(case, number) for case, number in connection.execute(query.where(break_case.c.id.in_(part)))]
    for case, number in found:
        withdrawing = update(break_adjustment).where(break_adjustment.c.id == number)
        connection.execute(withdrawing.values(proven_at=None, proven_by_run=None))
        _set(connection, case, state="approved", closed_at=None)
        detail = f"the run of {run.business_day} (run {run.id}) found the break again; it waits for its proof anew"
        write_down(connection, [case], WHO, "disproven", detail, now, {"adjustment": number, "run": run.id})
    return [number for _, number in found]


def parties_of(connection: Connection, run_id: int) -> tuple[str, ...]:
    """The parties of a run in the order of its control; none for an equation."""
    certificate = connection.scalar(select(control_run.c.certificate).where(control_run.c.id == run_id))
    found = certificate or {}
    return tuple(found.get("party_order") or sorted(found.get("parties", ())))


def takes_whole(records: Mapping[str, Record], party: str) -> bool:
    """Whether a back-fill at that party brings the whole record, not only the difference to the one that it has.

    That is so when the party has no record, one that failed, or one in another currency than the rest.
    """
    own = records.get(party)
    if own is None or own.get("status") != "success":
        return True
    return any(own.get("currency") != other.get("currency") for other in others(records, party).values())


def others(records: Mapping[str, Record], party: str) -> dict[str, Record]:
    """The successful records that other parties have, by party."""
    return {name: one for name, one in records.items() if name != party and one.get("status") == "success"}


def _fits(connection: Connection, case: Row[Any], kind: str, party: str | None, amount_minor: int) -> None:
    """Raises DeskError unless an adjustment of that kind, party and amount can correct the break."""
    if kind not in KINDS:
        raise DeskError(f"There is no kind of adjustment {kind!r}; choose one of {', '.join(KINDS)}.")
    if not 0 < amount_minor <= case.at_risk_minor:
        raise DeskError(
            f"The amount {amount_minor} does not lie between 1 and {case.at_risk_minor}, "
            f"the money at risk of break {case.id} in minor units."
        )
    if kind == "write_off":
        if party is not None:
            raise DeskError("A write-off corrects no party's records; leave the party out.")
        return
    known = parties_of(connection, case.run_id)
    if party is None or party not in known:
        raise DeskError(f"{party!r} is no party of {case.control}; choose one of {', '.join(known)}.")
    if case._mapping["class"] in BY_INVOICE:
        raise DeskError(f"Break {case.id} is one of fees, which no record corrects; explain it or write it off.")
    if kind == "reversal":
        _reverses(case, party, amount_minor)
    else:
        _back_fills(case, party, amount_minor)


def _reverses(case: Row[Any], party: str, amount_minor: int) -> None:
    record = case.records.get(party, {})
    if record.get("status") != "success":
        raise DeskError(f"{party} has no successful record in break {case.id} that it could reverse; name who has.")
    if amount_minor > record["amount_minor"]:
        raise DeskError(
            f"{party}'s record in break {case.id} is of {record['amount_minor']}; reverse no more than that."
        )


def _back_fills(case: Row[Any], party: str, amount_minor: int) -> None:
    had = others(case.records, party)
    if not had:
        raise DeskError(
            f"No other party has a successful record in break {case.id}, so none of {party}'s can be lacking; "
            "reverse it or write it off."
        )
    amounts = sorted({record["amount_minor"] for record in had.values()})
    if takes_whole(case.records, party) and amount_minor not in amounts:
        whole = " or ".join(map(str, amounts))
        raise DeskError(f"A back-fill at {party} brings the whole record of break {case.id}; its amount is {whole}.")


def _currency(case: Row[Any], kind: str, party: str | None) -> str:
    """That of the record to be reversed, or of the records that a late one is to agree with; otherwise the case's."""
    told = None
    if party is not None and kind == "reversal":
        told = case.records[party].get("currency")
    elif party is not None:
        told = next(iter(others(case.records, party).values())).get("currency")
    return str(told or case.currency)


def _by_another(connection: Connection, adjustment: Row[Any], who: str, doing: str) -> None:
    if same_person(connection, adjustment.proposed_by, who):
        raise DeskError(f"{who} proposed adjustment {adjustment.id}; another person must {doing} it.")


def _decide(
    connection: Connection, adjustment: Row[Any], decision: str, who: str, comment: str, now: datetime, **case: Any
) -> None:
    deciding = update(break_adjustment).where(break_adjustment.c.id == adjustment.id)
    connection.execute(deciding.values(decision=decision, decided_by=who, decided_at=now, comment=comment))
    _set(connection, adjustment.case_id, **case)
    facts = {"adjustment": adjustment.id, "proposed_by": adjustment.proposed_by, "comment": comment}
    detail = f"{adjustment.kind} by {adjustment.proposed_by}" + (f": {comment}" if comment else "")
    write_down(connection, [adjustment.case_id], who, decision, detail, now, facts)


def _case(connection: Connection, case_id: int) -> Row[Any]:
    """The case, held until the end of the transaction."""
    row = connection.execute(select(break_case).where(break_case.c.id == case_id).with_for_update()).one_or_none()
    if row is None:
        raise DeskError(f"There is no break {case_id}.")
    return row


def _held(connection: Connection, adjustment_id: int) -> Row[Any]:
    query = select(break_adjustment).where(break_adjustment.c.id == adjustment_id)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise DeskError(f"There is no adjustment {adjustment_id}.")
    return row


def _undecided(connection: Connection, adjustment_id: int) -> Row[Any]:
    row = _held(connection, adjustment_id)
    if row.decision is not None:
        raise DeskError(f"Adjustment {adjustment_id} is {row.decision} by {row.decided_by} already.")
    return row


def _waiting(connection: Connection, case_id: int) -> Row[Any]:
    query = select(break_adjustment).where(break_adjustment.c.case_id == case_id, break_adjustment.c.decision.is_(None))
    return connection.execute(query).one()


def _latest(connection: Connection, case_id: int) -> int | None:
    query = select(break_adjustment.c.id).where(break_adjustment.c.case_id == case_id)
    return connection.scalar(query.order_by(break_adjustment.c.id.desc()).limit(1))


def _set(connection: Connection, case_id: int, **values: Any) -> None:
    connection.execute(update(break_case).where(break_case.c.id == case_id).values(values))
