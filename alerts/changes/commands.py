"""What people do with planned changes and releases.

planned -> approved (by somebody else) -> running -> done, backed out or failed; a planned or approved one can be cancelled.
Each doing moves a change only from a state that allows it, and is an event of the change and a row of the audit trail.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final, NoReturn
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, update

from alerts.occurrences import AnyRow
from core.people import audit
from core.people.identity import same_person
from core.refused import RefusedError
from core.store.tables import change_event, planned_change, target

KINDS: Final = ("change", "release")
RISKS: Final = ("low", "medium", "high")
STATES: Final = ("planned", "approved", "running", "done", "backed_out", "failed", "cancelled")
OPEN: Final = ("planned", "approved", "running")
RESULTS: Final = ("done", "backed_out", "failed")
LONGEST: Final = timedelta(days=31)
MOST_NEAR: Final = 5
MOST_TARGETS: Final = 200
EARLY: Final = timedelta(minutes=30)
"""How long before its window a change may begin."""


class ChangeError(RefusedError):
    """The doing is refused; the sentence says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planned."""

    requirement: str
    title: str
    targets: Sequence[str]
    starts_at: datetime  # aware
    ends_at: datetime
    back_out: str
    contact: str
    kind: str = "change"
    risk: str = "medium"
    timezone: str = "UTC"  # in which the window was written
    demo: bool = False


def plan(connection: Connection, wanted: Plan, who: str, now: datetime) -> int:
    """Plan a change and return its number.

    Raises ChangeError when something needed is missing, a target is unknown, or the window is empty, over or too long.
    """
    texts = {
        "requirement": _written(wanted.requirement, "a requirement number", 60),
        "title": _written(wanted.title, "a title", 200),
        "back_out": _written(wanted.back_out, "a back-out plan", 4000),
        "contact": _written(wanted.contact, "a contact", 200),
    }
    if wanted.kind not in KINDS:
        raise ChangeError(f"There is no kind of change {wanted.kind!r}; choose one of {', '.join(KINDS)}.")
    if wanted.risk not in RISKS:
        raise ChangeError(f"There is no risk {wanted.risk!r}; choose one of {', '.join(RISKS)}.")
    _require_window(wanted, now)
    names = _targets(connection, wanted.targets)
    number: int = connection.execute(
        insert(planned_change)
        .values(
            **texts,
            kind=wanted.kind,
            targets=names,
            starts_at=wanted.starts_at,
            ends_at=wanted.ends_at,
            timezone=wanted.timezone,
            risk=wanted.risk,
            state="planned",
            requested_by=who,
            requested_at=now,
            demo=wanted.demo,
        )
        .returning(planned_change.c.id)
    ).scalar_one()
    facts = {**texts, "targets": names, "starts_at": wanted.starts_at, "ends_at": wanted.ends_at, "risk": wanted.risk}
    _write_down(connection, number, who, "planned", f"{texts['requirement']} {texts['title']}", now, facts)
    return number


def overlaps(connection: Connection, wanted: Plan, leaving_out: int | None = None) -> list[AnyRow]:
    """Other changes, neither ended nor cancelled, whose windows touch the same targets at the same time."""
    query = select(planned_change).where(
        planned_change.c.state.in_(OPEN),
        planned_change.c.starts_at < wanted.ends_at,
        planned_change.c.ends_at > wanted.starts_at,
    )
    found = connection.execute(query.order_by(planned_change.c.starts_at, planned_change.c.id)).all()
    return [row for row in found if row.id != leaving_out and set(row.targets) & set(wanted.targets)]


def approve(connection: Connection, change_id: int, who: str, now: datetime) -> None:
    """Approve a planned change. Raises ChangeError by whoever planned it, or when its window is over."""
    row = _found(connection, change_id)
    if same_person(connection, row.requested_by, who):
        raise ChangeError(f"{who} planned change {change_id}; another person must approve it.")
    if row.state == "planned" and row.ends_at <= now:
        raise ChangeError(f"The window of change {change_id} is over; cancel it and plan another.")
    _move(connection, row, ("planned",), "approve", state="approved", approved_by=who, approved_at=now)
    _write_down(connection, change_id, who, "approved", "", now, {})


def begin(connection: Connection, change_id: int, who: str, now: datetime) -> None:
    """Say that an approved change begins. Raises ChangeError long before its window, or after it."""
    row = _found(connection, change_id)
    if row.state == "approved" and now < row.starts_at - EARLY:
        raise ChangeError(
            f"The window of change {change_id} has not come yet; cancel it and plan another, or keep to it."
        )
    if row.state == "approved" and now >= row.ends_at:
        raise ChangeError(f"The window of change {change_id} is over; cancel it and plan another.")
    _move(connection, row, ("approved",), "begin", state="running", began_at=now)
    _write_down(connection, change_id, who, "running", "", now, {})


def end(connection: Connection, change_id: int, who: str, result: str, text: str, now: datetime) -> None:
    """Say how a running change ended: done, backed_out or failed, and in words. Raises ChangeError without words."""
    if result not in RESULTS:
        raise ChangeError(f"There is no result {result!r}; choose one of {', '.join(RESULTS)}.")
    text = _written(text, "a result in words", 4000)
    row = _found(connection, change_id)
    _move(connection, row, ("running",), "end", state=result, ended_at=now, result=text)
    _write_down(connection, change_id, who, result, text, now, {"result": text})


def cancel(connection: Connection, change_id: int, who: str, reason: str, now: datetime) -> None:
    """Give up a change that has not begun. Raises ChangeError without a reason."""
    reason = _written(reason, "a reason", 1000)
    row = _found(connection, change_id)
    _move(connection, row, ("planned", "approved"), "cancel", state="cancelled", ended_at=now, result=reason)
    _write_down(connection, change_id, who, "cancelled", reason, now, {"reason": reason})


def local(text: str, zone: ZoneInfo) -> datetime:
    """The instant that a person writes as a local time: 2026-11-30 22:00, or with T, or with a zone of its own.

    Raises ChangeError for what is no time, and for one that the clocks skip or show twice.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ChangeError(f"{text[:40]!r} is no time; write it like 2026-11-30 22:00.") from error
    if at.tzinfo is not None:
        return at
    early, late = at.replace(tzinfo=zone, fold=0), at.replace(tzinfo=zone, fold=1)
    if early.utcoffset() != late.utcoffset():
        raise ChangeError(
            f"{text.strip()} is a time that the clocks of {zone.key} skip or show twice; add its offset, such as +01:00."
        )
    return early


def _require_window(wanted: Plan, now: datetime) -> None:
    if wanted.starts_at.tzinfo is None or wanted.ends_at.tzinfo is None:
        raise ChangeError("The window's times have no time zone; add an offset, such as +08:00.")
    if wanted.ends_at <= wanted.starts_at:
        raise ChangeError("The window ends before it begins; turn its times round.")
    if wanted.ends_at <= now:
        raise ChangeError("The window is over already; plan one that is to come.")
    if wanted.ends_at - wanted.starts_at > LONGEST:
        raise ChangeError(f"The window is longer than {LONGEST.days} days; split the change.")


def _targets(connection: Connection, wanted: Sequence[str]) -> list[str]:
    names = sorted({name.strip() for name in wanted if name.strip()})
    if not names:
        raise ChangeError("This needs at least one target; nothing was written.")
    if len(names) > MOST_TARGETS:
        raise ChangeError(f"A change has at most {MOST_TARGETS} targets; {len(names)} were given. Split it.")
    known = set(connection.scalars(select(target.c.name).where(target.c.name.in_(names))))
    unknown = [name for name in names if name not in known]
    if unknown:
        _raise_unknown(connection, unknown[0])
    return names


def _raise_unknown(connection: Connection, name: str) -> NoReturn:
    """Raise ChangeError: there is no such target, and which ones may have been meant."""
    known = {one.lower(): one for one in connection.scalars(select(target.c.name).order_by(target.c.name))}
    if not known:
        raise ChangeError(f"There is no target {name}: none is known in this home until bomc has run in it.")
    asked = name.lower()
    near = [one for one in known if asked in one or one in asked] + get_close_matches(asked, known, MOST_NEAR, 0.5)
    if near:
        names = ", ".join(sorted(known[one] for one in list(dict.fromkeys(near))[:MOST_NEAR]))
        raise ChangeError(f"There is no target {name}; names like it are: {names}.")
    raise ChangeError(f"There is no target {name}, and none with a name like it; take one of targets.yaml.")


def _move(connection: Connection, row: AnyRow, allowed: Collection[str], doing: str, **values: Any) -> None:
    moving = update(planned_change).where(planned_change.c.id == row.id, planned_change.c.state.in_(allowed))
    if connection.execute(moving.values(values)).rowcount != 1:
        state = _found(connection, row.id).state
        raise ChangeError(f"Change {row.id} is {state}; to {doing} it, it must be {' or '.join(allowed)}.")


def _found(connection: Connection, change_id: int) -> AnyRow:
    query = select(planned_change).where(planned_change.c.id == change_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise ChangeError(f"There is no change {change_id}.")
    return row


def _written(text: str, what: str, most: int) -> str:
    text = text.strip()
    if not text:
        raise ChangeError(f"This needs {what}; nothing was written.")
    if len(text) > most:
        raise ChangeError(f"This text has {len(text)} characters; at most {most} are kept. Shorten it.")
    return text


def _write_down(
    connection: Connection, number: int, who: str, kind: str, text: str, now: datetime, detail: Mapping[str, Any]
) -> None:
    note(connection, number, now, kind, who, text)
    audit.record(connection, at=now, who=who, action=f"change_{kind}", object=f"change/{number}", detail=detail)


def note(connection: Connection, number: int, now: datetime, kind: str, who: str, detail: str) -> None:
    """Append an event to the history of a change."""
    row = {"change_id": number, "at": now, "kind": kind, "who": who, "detail": detail}
    connection.execute(insert(change_event).values(row))
