"""Jobs: what plans owe, stored when it can be begun, and what people do with it.

A job is *open* until a person finishes it with everything its checklist needs; open past its grace it is missed, and
finishing it late ends that. A job whose plan was taken out of the configuration is *dropped*. A number out of its range
needs a remark and opens a ticket, once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from sqlalchemy import Connection, insert, select, update

from alerts.duty import watch
from alerts.duty.config import Desk
from alerts.duty.errors import DutyError, written
from alerts.duty.plan_config import Plan
from alerts.duty.plan_days import Due, dues
from alerts.files import taken
from alerts.occurrences import AnyRow, chunks
from alerts.tickets.book import Book
from alerts.tickets.commands import open_ticket
from core.people import audit
from core.store.tables import job, job_event, job_evidence
from core.store.upsert import upsert

WHO: Final = "duty"
KEPT: Final = timedelta(days=400)
"""Jobs of a longer stop than this are not made up for."""
LARGEST_EVIDENCE_BYTES: Final = 2 * 1024 * 1024
MOST_EVIDENCE: Final = 20
"""Files that one job takes."""


def store_due(connection: Connection, plans: Iterable[Plan], desks: Mapping[str, Desk], now: datetime) -> int:
    """Store every job that can be begun by now and is not stored yet; returns how many were new.

    Of a plan that was never seen before, only what is not due yet is owed.
    """
    count = 0
    known = []
    for plan in plans:
        known.append(plan.name)
        desk = desks[plan.desk]
        seen = watch.seen_until(connection, "plan", plan.name)
        if seen is None:
            owed = [due for due in dues(plan, desk, now - plan.opens, now) if due.due_at > now]
        else:
            owed = dues(plan, desk, max(seen, now - KEPT), now)
        for due in owed:
            count += _store(connection, plan, due, now)
        watch.see(connection, "plan", plan.name, now)
    _drop(connection, set(known), now)
    return count


def _store(connection: Connection, plan: Plan, due: Due, now: datetime) -> int:
    row = {
        "plan": plan.name,
        "day": due.day.isoformat(),
        "desk": plan.desk,
        "due_at": due.due_at,
        "missed_at": due.missed_at,
        "items": [item.model_dump(mode="json") for item in plan.items],
        "results": {},
        "state": "open",
    }
    adding = upsert(connection, job).values(row).on_conflict_do_nothing(index_elements=["plan", "day"])
    number = connection.execute(adding.returning(job.c.id)).scalar_one_or_none()
    if number is None:
        return 0
    _note(connection, number, now, "opened", WHO, "")
    return 1


def _drop(connection: Connection, known: set[str], now: datetime) -> None:
    """Close the open jobs of plans that are no longer there."""
    query = select(job.c.id, job.c.plan).where(job.c.state == "open").with_for_update()
    gone = [row for row in connection.execute(query) if row.plan not in known]
    for chunk in chunks(row.id for row in gone):
        connection.execute(update(job).where(job.c.id.in_(chunk)).values(state="dropped", done_at=now))
    for row in gone:
        _note(connection, row.id, now, "dropped", WHO, f"the plan {row.plan} is no longer in the configuration")


def fill(
    connection: Connection,
    job_id: int,
    who: str,
    code: str,
    value: str,
    remark: str,
    now: datetime,
    book: Book | None = None,
) -> None:
    """Write the result of one item of a job's checklist; writing it again replaces it, and both are in the history.

    `value` is yes or no, a number, or words, as the item wants. Raises DutyError for anything else, for an item that
    takes a file, for a number out of range or a no without a remark, and when the job is no longer open.
    """
    row, item = _open(connection, job_id, code)
    remark = remark.strip()[:2000]
    kept = _value(item, value)
    in_range = _in_range(item, kept)
    if not in_range and not remark:
        _ask_for_remark(item, kept)
    result = {"value": kept, "remark": remark, "who": who, "at": now.isoformat(), "in_range": in_range}
    earlier = row.results.get(code, {})
    result["ticket"] = earlier.get("ticket")
    if not in_range and isinstance(kept, float) and result["ticket"] is None:
        result["ticket"] = _ticket(connection, row, item, kept, remark, who, now, book)
    _keep(connection, row, code, result)
    detail = f"{code}: {kept}" + (f"; {remark}" if remark else "")
    _write_down(connection, job_id, who, "filled", detail, now, {"item": code, "value": kept, "remark": remark})


def attach(connection: Connection, job_id: int, who: str, code: str, name: str, content: bytes, now: datetime) -> str:
    """Keep a file as the evidence of one item and return its SHA-256; earlier files of the item stay.

    Raises DutyError for an empty file, one above 2 MiB or of an unknown type, an item that takes no file, and a job that is
    no longer open.
    """
    row, item = _open(connection, job_id, code)
    if item["kind"] != "evidence":
        raise DutyError(f"{called(item)} takes no file; write its result.")
    facts, _media_type = taken(name, content, LARGEST_EVIDENCE_BYTES, DutyError)
    known = connection.execute(select(job_evidence.c.id).where(job_evidence.c.job_id == job_id)).all()
    if len(known) >= MOST_EVIDENCE:
        raise DutyError(f"Job {job_id} has {len(known)} files already; it takes no more.")
    number = connection.execute(
        insert(job_evidence)
        .values(
            job_id=job_id,
            item=code,
            **facts,
            content=content,
            who=who,
            at=now,
        )
        .returning(job_evidence.c.id)
    ).scalar_one()
    name, digest = str(facts["name"]), str(facts["sha256"])
    result = {"value": name, "remark": "", "who": who, "at": now.isoformat(), "in_range": True, "ticket": None}
    _keep(connection, row, code, {**result, "evidence": number, "sha256": digest})
    _write_down(connection, job_id, who, "evidence", f"{code}: {name}, SHA-256 {digest}", now, {"item": code, **facts})
    return digest


def finish(connection: Connection, job_id: int, who: str, now: datetime) -> None:
    """Say that a job is done. Raises DutyError when it lacks a needed item, or is no longer open."""
    row = _found(connection, job_id)
    _require_open(row)
    missing = [called(item) for item in row.items if item["needed"] and item["code"] not in row.results]
    if missing:
        raise DutyError(f"Job {job_id} is not done yet; it lacks: {', '.join(missing)}.")
    ending = update(job).where(job.c.id == job_id, job.c.state == "open")
    if connection.execute(ending.values(state="done", done_by=who, done_at=now)).rowcount != 1:
        _require_open(_found(connection, job_id))
    late = "in time" if now < row.missed_at else "late"
    _write_down(connection, job_id, who, "done", late, now, {"plan": row.plan, "day": row.day, "late": late == "late"})


def evidence(connection: Connection, evidence_id: int) -> AnyRow | None:
    """A kept file: name, content, sha256, job_id."""
    return connection.execute(select(job_evidence).where(job_evidence.c.id == evidence_id)).one_or_none()


def called(item: Mapping[str, Any]) -> str:
    """An item in both languages: sentences about it are kept, and read by people of either."""
    return f"{item['title']['en']} ({item['title']['zh']})"


def _value(item: Mapping[str, Any], text: str) -> str | float:
    kind, title = item["kind"], called(item)
    text = text.strip()
    if kind == "evidence":
        raise DutyError(f"{title} takes a file; attach it.")
    if not text:
        raise DutyError(f"{title} has no result yet; nothing was written.")
    if kind == "yes_no":
        if text not in ("yes", "no"):
            raise DutyError(f"{title}: {text[:40]!r} is neither yes nor no.")
        return text
    if kind == "text":
        return written(text, "a result", 2000)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DutyError(f"{title}: {text[:40]!r} is no number; write digits and a point, such as 12.5.")
    return number


def _in_range(item: Mapping[str, Any], value: str | float) -> bool:
    if item["kind"] == "yes_no":
        return value == "yes"
    if not isinstance(value, float):
        return True
    least, most = item["least"], item["most"]
    return (least is None or value >= least) and (most is None or value <= most)


def _ask_for_remark(item: Mapping[str, Any], value: str | float) -> NoReturn:
    """Raises DutyError that says what is out of range."""
    if not isinstance(value, float):
        raise DutyError(f"{called(item)}: the answer is no; add a remark that says why.")
    if item["least"] is not None and value < item["least"]:
        raise DutyError(f"{called(item)}: {value:g} is less than {item['least']:g}; add a remark that says why.")
    raise DutyError(f"{called(item)}: {value:g} is more than {item['most']:g}; add a remark that says why.")


def _ticket(
    connection: Connection,
    row: AnyRow,
    item: Mapping[str, Any],
    value: float,
    remark: str,
    who: str,
    now: datetime,
    book: Book | None,
) -> int:
    low = item["least"] is not None and float(value) < item["least"]
    bound = f"less than {item['least']:g}" if low else f"more than {item['most']:g}"
    title = f"{row.plan}, {row.day}: {called(item)} {value:g} is {bound}"
    description = f"{called(item)}: {value} {item['unit']}\n{remark}\njob {row.id}, {row.desk}"
    return open_ticket(
        connection, who, "maintenance", title, now, description=description, about=("job", row.id), book=book
    )


def _keep(connection: Connection, row: AnyRow, code: str, result: Mapping[str, Any]) -> None:
    connection.execute(update(job).where(job.c.id == row.id).values(results={**row.results, code: dict(result)}))


def _open(connection: Connection, job_id: int, code: str) -> tuple[AnyRow, Mapping[str, Any]]:
    row = _found(connection, job_id)
    _require_open(row)
    item = next((one for one in row.items if one["code"] == code), None)
    if item is None:
        raise DutyError(f"Job {job_id} has no item {code!r}.")
    return row, item


def _require_open(row: AnyRow) -> None:
    if row.state == "dropped":
        raise DutyError(f"Job {row.id} was dropped: its plan is no longer in the configuration.")
    if row.state != "open":
        raise DutyError(f"Job {row.id} was done by {row.done_by} already.")


def _found(connection: Connection, job_id: int) -> AnyRow:
    row = connection.execute(select(job).where(job.c.id == job_id).with_for_update()).one_or_none()
    if row is None:
        raise DutyError(f"There is no job {job_id}.")
    return row


def _write_down(
    connection: Connection, job_id: int, who: str, kind: str, text: str, now: datetime, detail: Mapping[str, Any]
) -> None:
    _note(connection, job_id, now, kind, who, text)
    audit.record(connection, at=now, who=who, action=f"job_{kind}", object=f"job/{job_id}", detail=detail)


def _note(connection: Connection, job_id: int, now: datetime, kind: str, who: str, detail: str) -> None:
    connection.execute(insert(job_event).values(job_id=job_id, at=now, kind=kind, who=who, detail=detail))
