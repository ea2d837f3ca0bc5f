"""What is open at one moment, as a handover lists it: one function a section, and the list of them.

An item is what somebody must know of: its key (which names it for good), its title, who has it, since when, whether it
is late, and where it is shown. Each open thing is in exactly one section: tickets stand for themselves, whatever alert
opened them. A new section is one function and one line in SECTIONS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, func, select

from alerts.muting import silences
from alerts.occurrences import AnyRow
from alerts.tickets.kinds import AT_WORK, OVER
from core.store.tables import alert, control_run, job, planned_change, run_signature, ticket

RUN_DAYS: Final = timedelta(days=31)
"""Runs that are older are no longer anybody's to sign on duty."""


@dataclass(frozen=True, slots=True)
class Item:
    """One open thing."""

    key: str  # alert/12, ticket/3, ...
    title: str
    since: str  # ISO 8601, UTC
    who: str = ""  # who has it; empty: nobody
    state: str = ""
    late: bool = False
    href: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """Of which desk and when it is collected, and the files that are late, which only the console can tell."""

    desk: str
    now: datetime
    files: Sequence[Item] = ()


Collector = Callable[[Connection, Moment], list[Item]]


def open_alerts(connection: Connection, moment: Moment) -> list[Item]:
    """Open alerts, worst first; those of the desk's own handover and jobs are told by their own sections."""
    query = select(alert).where(alert.c.resolved_at.is_(None)).order_by(alert.c.opened_at)
    order = {"critical": 0, "warning": 1}
    rows = sorted(connection.execute(query), key=lambda row: order.get(row.severity, 2))
    return [
        Item(
            f"alert/{row.id}",
            str(row.annotations.get("summary") or f"{row.target}: {row.check_name}"),
            row.opened_at.isoformat(),
            row.acknowledged_by or "",
            row.severity,
            False,
            f"/alerts?alert={row.id}",
        )
        for row in rows
    ]


def open_tickets(connection: Connection, moment: Moment) -> list[Item]:
    """Tickets that are not closed, the next to be late first."""
    query = select(ticket).where(ticket.c.state.not_in(OVER)).order_by(ticket.c.id)
    rows = sorted(connection.execute(query), key=lambda row: (row.due_at is None, row.due_at or row.opened_at))
    return [
        Item(
            f"ticket/{row.id}",
            f"#{row.id} {row.title}",
            row.opened_at.isoformat(),
            row.assignee or "",
            row.state,
            row.state in AT_WORK and _late(row, moment.now),
            f"/tickets?ticket={row.id}",
        )
        for row in rows
    ]


def _late(row: AnyRow, now: datetime) -> bool:
    """Whether a ticket at work is late with its answer or its remedy."""
    unanswered = row.responded_at is None and row.respond_due_at is not None and row.respond_due_at < now
    return unanswered or (row.due_at is not None and row.due_at < now)


def late_files(connection: Connection, moment: Moment) -> list[Item]:
    """Files that parties owe and that are late or missing, as the caller found them."""
    return list(moment.files)


def unsigned_runs(connection: Connection, moment: Moment) -> list[Item]:
    """The latest run with a result of each control and day of a month, as long as its last signature is not the review."""
    latest = (
        select(func.max(control_run.c.id))
        .where(control_run.c.finished_at >= moment.now - RUN_DAYS, control_run.c.outcome != "refused")
        .group_by(control_run.c.control, control_run.c.business_day)
    )
    runs = select(control_run.c.id, control_run.c.control, control_run.c.business_day, control_run.c.finished_at)
    runs = runs.where(control_run.c.id.in_(latest)).order_by(control_run.c.id)
    found = connection.execute(runs).all()
    acts: dict[int, Any] = {}
    signed = select(run_signature).where(run_signature.c.run_id.in_(latest)).order_by(run_signature.c.id)
    for row in connection.execute(signed):
        acts[row.run_id] = row
    return [
        Item(
            f"run/{row.id}",
            f"{row.control} {row.business_day}",
            row.finished_at.isoformat(),
            acts[row.id].who if row.id in acts else "",
            acts[row.id].act if row.id in acts else "unsigned",
            False,
            f"/reconciliation/{row.id}",
        )
        for row in found
        if row.id not in acts or acts[row.id].act != "reviewed"
    ]


def running_changes(connection: Connection, moment: Moment) -> list[Item]:
    """Changes that run, that are approved and begin within a day, or whose window is over without a result."""
    soon = moment.now + timedelta(days=1)
    query = select(planned_change).where(
        (planned_change.c.state == "running")
        | (planned_change.c.state.in_(("planned", "approved")) & (planned_change.c.starts_at <= soon))
    )
    return [
        Item(
            f"change/{row.id}",
            f"{row.requirement} {row.title}",
            row.starts_at.isoformat(),
            row.contact,
            row.state,
            row.ends_at < moment.now,
            f"/changes?change={row.id}",
        )
        for row in connection.execute(query.order_by(planned_change.c.starts_at, planned_change.c.id))
    ]


def open_jobs(connection: Connection, moment: Moment) -> list[Item]:
    """Jobs of the desk that are not done, the first due on top."""
    query = select(job).where(job.c.state == "open", job.c.desk == moment.desk).order_by(job.c.due_at, job.c.id)
    return [
        Item(
            f"job/{row.id}",
            f"{row.plan} {row.day}",
            row.due_at.isoformat(),
            "",
            "missed" if row.missed_at <= moment.now else "open",
            row.missed_at <= moment.now,
            f"/job-plans?job={row.id}",
        )
        for row in connection.execute(query)
    ]


def standing_silences(connection: Connection, moment: Moment) -> list[Item]:
    """Silences that hold, the next to end first, and those that are still to begin."""
    found = silences.listed(connection, moment.now, (silences.State.ACTIVE, silences.State.PENDING))
    return [
        Item(
            f"silence/{one.id}",
            f"{', '.join(str(matcher) for matcher in one.matchers)}: {one.comment}",
            one.starts_at.isoformat(),
            one.created_by,
            str(one.state(moment.now)),
            False,
            f"/silences?silence={one.id}",
        )
        for one in found
    ]


SECTIONS: Final[Mapping[str, Collector]] = MappingProxyType(
    {
        "alerts": open_alerts,
        "silences": standing_silences,
        "tickets": open_tickets,
        "files": late_files,
        "runs": unsigned_runs,
        "changes": running_changes,
        "jobs": open_jobs,
    }
)
Collected = dict[str, list[dict[str, Any]]]
"""By section, items as plain dictionaries."""


def collect(connection: Connection, moment: Moment) -> Collected:
    """Everything that is open, by section."""
    return {name: [asdict(item) for item in section(connection, moment)] for name, section in SECTIONS.items()}


def differences(before: Collected, after: Collected) -> dict[str, list[dict[str, Any]]]:
    """What changed between two collections: `new`, `gone` and `changed` items, each with its section."""
    old = {item["key"]: {**item, "section": name} for name, items in before.items() for item in items}
    new = {item["key"]: {**item, "section": name} for name, items in after.items() for item in items}
    compared = ("title", "who", "state", "late")
    return {
        "new": [item for key, item in new.items() if key not in old],
        "gone": [item for key, item in old.items() if key not in new],
        "changed": [
            item for key, item in new.items() if key in old and any(item[name] != old[key][name] for name in compared)
        ],
    }
