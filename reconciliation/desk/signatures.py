"""The signatures under a run: one person prepares it, another reviews it, and somebody may reopen it with a reason.

A run is signed only when it ties out and none of its breaks is left to nobody. A signature is of one certificate, by its
hash: the day run again with other files is another run, which is unsigned. A run without signatures is unsigned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select

from core.people import audit
from core.people.identity import same_person
from core.store.tables import break_case, control_break, control_run, run_signature
from reconciliation.desk.cases import cases_of_adjustments
from reconciliation.desk.identity import awaited_by
from reconciliation.desk.journal import DeskError, chunks, written

AFTER: Final = {"prepared": "prepared", "reviewed": "signed", "reopened": "reopened"}
"""The state of a run after each act; before any, it is `unsigned`."""
SETTLED: Final = ("approved", "proven", "written_off", "explained")


def state(signatures: Iterable[Row[Any]], certificate_hash: str | None = None) -> str:
    """unsigned, prepared, signed or reopened, from a run's signatures in their order.

    Given the run's present hash, signatures under another certificate do not count.
    """
    now = "unsigned"
    for signature in signatures:
        if certificate_hash is None or signature.certificate_hash == certificate_hash:
            now = AFTER[signature.act]
    return now


def of_run(connection: Connection, run_id: int) -> Sequence[Row[Any]]:
    """The signatures of a run in their order."""
    query = select(run_signature).where(run_signature.c.run_id == run_id).order_by(run_signature.c.id)
    return connection.execute(query).all()


def prepare(connection: Connection, run_id: int, who: str, comment: str, now: datetime) -> None:
    """Sign a run as its preparer.

    Raises DeskError when it is prepared or signed already, does not tie out, was replaced by a later run of its day, or
    has breaks that are neither settled nor somebody's with a reason code.
    """
    run = _found(connection, run_id)
    signed = _certificate_hash(run)
    given = of_run(connection, run_id)
    reached = state(given, signed)
    if reached in ("prepared", "signed"):
        raise DeskError(f"Run {run_id} is {reached} already, by {given[-1].who}; reopen it to sign it anew.")
    _ready(connection, run)
    _sign(connection, run, "prepared", who, comment.strip(), signed, now)


def review(connection: Connection, run_id: int, who: str, comment: str, now: datetime) -> None:
    """Sign a prepared run as its reviewer, who is another person than its preparer.

    Raises DeskError when it is not prepared, when the preparer asks, or for what `prepare` refuses.
    """
    run = _found(connection, run_id)
    signed = _certificate_hash(run)
    given = [one for one in of_run(connection, run_id) if one.certificate_hash == signed]
    reached = state(given)
    if reached != "prepared":
        raise DeskError(f"Run {run_id} is {reached}; to be reviewed, it must be prepared.")
    if same_person(connection, given[-1].who, who):
        raise DeskError(f"{who} prepared run {run_id}; another person must review it.")
    _ready(connection, run)
    _sign(connection, run, "reviewed", who, comment.strip(), signed, now)


def reopen(connection: Connection, run_id: int, who: str, reason: str, now: datetime) -> None:
    """Take the signatures off a prepared or signed run. Raises DeskError without a reason or without signatures."""
    reason = written(reason, "a reason")
    run = _found(connection, run_id)
    signed = _certificate_hash(run)
    reached = state(of_run(connection, run_id), signed)
    if reached not in ("prepared", "signed"):
        raise DeskError(f"Run {run_id} is {reached}; there is no signature to take off.")
    _sign(connection, run, "reopened", who, reason, signed, now)


def lacking(connection: Connection, run: Row[Any]) -> int:
    """How many breaks of a run are neither settled nor somebody's with a reason code; unsigned until it is 0.

    Breaks that the store does not hold, because there were too many, have no case and count as lacking.
    """
    case = break_case.c
    mine = (case.control == run.control) & (case.fingerprint == control_break.c.fingerprint)
    cared = case.state.in_(SETTLED) | (case.owner.is_not(None) & case.reason_code.is_not(None))
    breaks = (control_break.c.run_id == run.id) & control_break.c.carried.is_(False)
    joined = control_break.outerjoin(break_case, mine)
    query = select(func.count(), func.count(case.id).filter(cared)).select_from(joined).where(breaks)
    stored, cared_for = connection.execute(query).one()
    without = connection.scalars(select(control_break.c.records).select_from(joined).where(breaks, case.id.is_(None)))
    awaited = [number for one in without if (number := awaited_by({"records": one})) is not None]
    of_adjustments = cases_of_adjustments(connection, run.control, set(awaited))
    fine: set[int] = set()
    for part in chunks(set(of_adjustments.values())):
        fine |= set(connection.scalars(select(case.id).where(case.id.in_(part), cared)))
    cared_for += sum(of_adjustments.get(number) in fine for number in awaited)
    return int(max(stored, run.breaks) - cared_for)


def _found(connection: Connection, run_id: int) -> Row[Any]:
    """The run, held until the end of the transaction so that two people do not sign at once."""
    run = connection.execute(select(control_run).where(control_run.c.id == run_id).with_for_update()).one_or_none()
    if run is None:
        raise DeskError(f"There is no run {run_id}.")
    return run


def _certificate_hash(run: Row[Any]) -> str:
    """The hash of the run's certificate. Raises DeskError when the run has none."""
    if run.outcome == "refused" or not run.certificate:
        raise DeskError(f"Run {run.id} was refused; there is no result to sign. Mend its files and run the day again.")
    if not run.certificate.get("hash"):
        raise DeskError(f"The certificate of run {run.id} has no hash, so it proves nothing; run the day again.")
    return str(run.certificate["hash"])


def _ready(connection: Connection, run: Row[Any]) -> None:
    """Raises DeskError unless the run ties out, is the latest result of its day, and its breaks are cared for."""
    _ties_out(run)
    later = select(func.max(control_run.c.id)).where(
        control_run.c.control == run.control,
        control_run.c.business_day == run.business_day,
        control_run.c.outcome != "refused",
    )
    latest = connection.scalar(later)
    if latest != run.id:
        raise DeskError(f"Run {run.id} was replaced by run {latest} of the same day; sign that one.")
    left = lacking(connection, run)
    if left:
        raise DeskError(
            f"{left} of the {run.breaks} breaks of run {run.id} are neither settled nor have an owner and a reason code; "
            "give them both."
        )


def _ties_out(run: Row[Any]) -> None:
    certificate = run.certificate
    if certificate.get("kind", run.kind) == "equation":
        if certificate.get("result") is None:
            raise DeskError(
                f"Run {run.id} has no result: a quantity of its equation is unknown. Bring it and run again."
            )
        return
    for name, what in (("rows_tie", "row"), ("amounts_tie", "amount")):
        if certificate.get(name) is not True:
            raise DeskError(
                f"Run {run.id} does not tie out: not every {what} of its files is accounted for. Keep its files and report it."
            )


def _sign(
    connection: Connection, run: Row[Any], act: str, who: str, comment: str, certificate_hash: str, now: datetime
) -> None:
    signature = {"run_id": run.id, "act": act, "who": who, "at": now, "comment": comment}
    connection.execute(insert(run_signature).values(**signature, certificate_hash=certificate_hash))
    facts = {
        "control": run.control,
        "business_day": run.business_day,
        "comment": comment,
        "certificate_hash": certificate_hash,
    }
    audit.record(connection, at=now, who=who, action=f"run_{act}", object=f"run/{run.id}", detail=facts)
