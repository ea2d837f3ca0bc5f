"""What is told of a desk, as one outcome for the writer: its missed jobs and the handovers that nobody accepted.

Each job and each change of shifts is a series of its own, told while it is missed, and as over for as long as an alert of it
is open; so a stop at any moment neither doubles an alert nor leaves one behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from alerts.duty.config import Desk
from core.model import Indicator, Kind, Outcome, Sample, instant_ms, labels_of
from core.store.tables import alert, handover, job

PROBE = "duty"
_OWNER = "duty desk"
INDICATORS: tuple[Indicator, ...] = (
    Indicator("duty.open_jobs", "1", Kind.GAUGE, "duty", "Jobs of the desk that can be begun and are not done", _OWNER),
    Indicator("duty.job_missed", "1", Kind.GAUGE, "duty", "1 while a job is not done though its grace is over", _OWNER),
    Indicator(
        "duty.handover_overdue",
        "1",
        Kind.GAUGE,
        "duty",
        "1 while a handover is not accepted though it should be",
        _OWNER,
    ),
)
Key = tuple[str, str]


def of_desk(connection: Connection, desk: Desk, now: datetime) -> Outcome:
    """The state of a desk by now."""
    at_ms = instant_ms(now)
    samples = [Sample("duty.open_jobs", float(_open_jobs(connection, desk)), at_ms)]
    missed = set(_missed(connection, desk, now))
    for plan, day in sorted(missed | set(_alerted(connection, desk, "job-plan-missed", "plan", "day"))):
        value = float((plan, day) in missed)
        samples.append(Sample("duty.job_missed", value, at_ms, labels_of({"plan": plan, "day": day})))
    overdue = set(_overdue(connection, desk, now))
    for shift, _none in sorted(overdue | set(_alerted(connection, desk, "handover-not-accepted", "shift", ""))):
        value = float((shift, "") in overdue)
        samples.append(Sample("duty.handover_overdue", value, at_ms, labels_of({"shift": shift})))
    return Outcome(f"{desk.name}/{PROBE}", desk.name, at_ms, 0.0, samples, restates=True)


def _open_jobs(connection: Connection, desk: Desk) -> int:
    query = select(func.count()).select_from(job).where(job.c.desk == desk.name, job.c.state == "open")
    return int(connection.execute(query).scalar_one())


def _missed(connection: Connection, desk: Desk, now: datetime) -> Iterable[Key]:
    query = select(job.c.plan, job.c.day)
    query = query.where(job.c.desk == desk.name, job.c.state == "open", job.c.missed_at <= now)
    return ((row.plan, row.day) for row in connection.execute(query))


def _overdue(connection: Connection, desk: Desk, now: datetime) -> Iterable[Key]:
    query = select(handover.c.incoming).where(
        handover.c.desk == desk.name,
        handover.c.state != "accepted",
        handover.c.changes_at <= now - desk.accept_within,
    )
    return ((row.incoming, "") for row in connection.execute(query))


def _alerted(connection: Connection, desk: Desk, check: str, first: str, second: str) -> Iterable[Key]:
    """The labels of the alerts that are open about the desk."""
    query = select(alert.c.labels).where(
        alert.c.target == desk.name, alert.c.check_name == check, alert.c.resolved_at.is_(None)
    )
    found: Iterable[Any] = connection.execute(query).scalars().all()
    return [(labels.get(first, ""), labels.get(second, "") if second else "") for labels in found if labels.get(first)]
