"""Requests to run a day of a control again: people ask, the pipeline takes them in their order and says what came of it.

waiting -> running -> done, with its run, or failed, with a sentence. There is one open request for each control and day.
One that was begun and not ended is taken up again, first of all: its pipeline was killed, and a run does no harm twice.

A request asks for a run and touches no signature. A signature is of one certificate: the same files give the same run,
which stays signed; other files give another run, which nobody has signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from core.people import audit
from core.store.tables import run_request
from core.store.upsert import upsert
from reconciliation.desk.journal import WHO, DeskError, written

STATES: Final = ("waiting", "running", "done", "failed")


def state(request: Row[Any]) -> str:
    """waiting, running, done or failed."""
    if request.ended_at is None:
        return "waiting" if request.begun_at is None else "running"
    return "done" if request.run_id is not None else "failed"


def ask(connection: Connection, control: str, business_day: date, who: str, reason: str, now: datetime) -> int:
    """Ask for a day of a control to be run again; returns the request's number.

    Raises DeskError without a reason, and while a request for that day is open.
    """
    reason = written(reason, "a reason")
    day = business_day.isoformat()
    asked = {"control": control, "business_day": day, "reason": reason, "asked_by": who, "asked_at": now}
    asking = upsert(connection, run_request).values(asked)
    asking = asking.on_conflict_do_nothing(
        index_elements=["control", "business_day"], index_where=run_request.c.ended_at.is_(None)
    )
    number = connection.scalar(asking.returning(run_request.c.id))
    if number is None:
        other = connection.execute(_of_day(control, day).order_by(run_request.c.id.desc()).limit(1)).one()
        raise DeskError(f"A run of {control} for {day} was asked for by {other.asked_by} already; wait for its end.")
    _trail(connection, "rerun_asked", int(number), control, day, who, now, {"reason": reason})
    return int(number)


def take(connection: Connection, now: datetime) -> Row[Any] | None:
    """The open request whose turn it is, marked as begun; None when there is none.

    Those that were begun come first, then the oldest.
    """
    waits = run_request.c.ended_at.is_(None)
    turn = select(run_request).where(waits).order_by(run_request.c.begun_at.is_(None), run_request.c.id).limit(1)
    found = connection.execute(turn.with_for_update()).one_or_none()
    if found is None:
        return None
    begun = update(run_request).where(run_request.c.id == found.id).values(begun_at=found.begun_at or now)
    return connection.execute(begun.returning(run_request)).one()


def finish(connection: Connection, request_id: int, run_id: int, now: datetime) -> None:
    """Say that a run came of a request. Raises DeskError when the request has ended, or when there is none."""
    _end(connection, request_id, "rerun_done", now, run_id=run_id)


def fail(connection: Connection, request_id: int, sentence: str, now: datetime) -> None:
    """Say why no run came of a request. Raises DeskError when the request has ended, or when there is none."""
    _end(connection, request_id, "rerun_failed", now, fault=sentence)


def of_day(connection: Connection, control: str, business_day: str, limit: int) -> Sequence[Row[Any]]:
    """The requests for a day of a control, the newest first, at most so many."""
    newest = _of_day(control, business_day).order_by(run_request.c.id.desc())
    return connection.execute(newest.limit(limit)).all()


def _of_day(control: str, business_day: str) -> Any:
    return select(run_request).where(run_request.c.control == control, run_request.c.business_day == business_day)


def _end(connection: Connection, request_id: int, action: str, now: datetime, **came: Any) -> None:
    is_open = (run_request.c.id == request_id) & run_request.c.ended_at.is_(None)
    ending = update(run_request).where(is_open).values(ended_at=now, **came).returning(run_request)
    found = connection.execute(ending).one_or_none()
    if found is None:
        raise DeskError(f"There is no open request {request_id} for a run.")
    _trail(connection, action, request_id, found.control, found.business_day, WHO, now, came)


def _trail(
    connection: Connection,
    action: str,
    request_id: int,
    control: str,
    day: str,
    who: str,
    now: datetime,
    facts: dict[str, Any],
) -> None:
    detail = {"control": control, "business_day": day, **facts}
    audit.record(connection, at=now, who=who, action=action, object=f"run_request/{request_id}", detail=detail)
