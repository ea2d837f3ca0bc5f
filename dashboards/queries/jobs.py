"""Jobs as the pages show them: what is open now, a month by plan and day, one with its checklist, and how many were in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select

from core.store.tables import job, job_event, job_evidence
from dashboards.queries.rows import Row, rows

MOST = 500
RECENT = timedelta(days=1)


def state_of(row: Row, now: datetime) -> str:
    """open, missed, done, late or dropped."""
    if row["state"] == "done":
        return "done" if row["done_at"] < row["missed_at"] else "late"
    return "missed" if row["state"] == "open" and row["missed_at"] <= now else str(row["state"])


def current(connection: Connection, now: datetime, desk: str = "") -> list[Row]:
    """Open jobs and those that ended within a day, the first due on top; each with its `shown` state."""
    statement = select(job).where((job.c.state == "open") | (job.c.done_at >= now - RECENT))
    if desk:
        statement = statement.where(job.c.desk == desk)
    found = rows(connection.execute(statement.order_by(job.c.due_at, job.c.id).limit(MOST)).mappings())
    return [{**row, "shown": state_of(row, now)} for row in found]


def between(
    connection: Connection, first: date, last: date, now: datetime, desk: str = ""
) -> dict[tuple[str, str], Row]:
    """The stored jobs of some days by plan and day."""
    statement = select(job).where(job.c.day.between(first.isoformat(), last.isoformat()))
    if desk:
        statement = statement.where(job.c.desk == desk)
    found = rows(connection.execute(statement).mappings())
    return {(row["plan"], row["day"]): {**row, "shown": state_of(row, now)} for row in found}


def one(connection: Connection, number: int, now: datetime) -> Row | None:
    """A job with its `shown` state, or None when there is no such job."""
    found = connection.execute(select(job).where(job.c.id == number)).mappings().first()
    return None if found is None else {**found, "shown": state_of(dict(found), now)}


def events(connection: Connection, number: int) -> list[Row]:
    """What happened to a job, newest first: at, kind, who, detail."""
    statement = select(job_event).where(job_event.c.job_id == number)
    return rows(connection.execute(statement.order_by(job_event.c.at.desc(), job_event.c.id.desc())).mappings())


def files(connection: Connection, number: int) -> list[Row]:
    """The evidence of a job, without its content."""
    columns = [column for column in job_evidence.c if column.name != "content"]
    statement = select(*columns).where(job_evidence.c.job_id == number).order_by(job_evidence.c.id)
    return rows(connection.execute(statement).mappings())


def in_time(connection: Connection, now: datetime, first: date, last: date, desk: str = "") -> list[Row]:
    """By plan and month (2026-03): how many jobs were `due`, `in_time`, `late` and `missed`; those still in time are none."""
    counts: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(lambda: {"in_time": 0, "late": 0, "missed": 0})
    for row in between(connection, first, last, now, desk).values():
        name = {"done": "in_time", "late": "late", "missed": "missed"}.get(row["shown"])
        if name is not None:
            counts[row["plan"], row["day"][:7]][name] += 1
    return [
        {"plan": plan, "month": month, "due": sum(found.values()), **found}
        for (plan, month), found in sorted(counts.items(), key=lambda each: (each[0][0], each[0][1]))
    ]


def load(found: Sequence[Row]) -> Row:
    """How many of the current jobs are open and missed."""
    shown = [row["shown"] for row in found]
    return {
        "open": shown.count("open"),
        "missed": shown.count("missed"),
        "done": shown.count("done") + shown.count("late"),
    }
