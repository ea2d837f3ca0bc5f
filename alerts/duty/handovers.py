"""Handovers from shift to shift: prepared by one person, checked and signed by another, and never lost in between.

One handover for each change of shifts: *draft* when the shifts change, *prepared* when the outgoing has frozen what is
open with its SHA-256, *accepted* by somebody else, or *refused* with a reason, after which it is prepared anew. What
changed between preparing and accepting is shown to the incoming and kept with the signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import Connection, insert, select, update

from alerts.duty import roster, watch
from alerts.duty.collect import Moment, collect, differences
from alerts.duty.config import Desk
from alerts.duty.errors import DutyError, written
from alerts.duty.shifts import Shift, before, named, shift_at, shifts
from alerts.occurrences import AnyRow
from core.people import audit
from core.people.identity import person_of, same_person
from core.store.tables import handover, handover_event
from core.store.upsert import upsert

WHO: Final = "duty"
MADE_UP_FOR: Final = timedelta(days=2)
"""Changes of shifts during a longer stop of the service are not asked for afterwards."""
AHEAD: Final = timedelta(hours=3)
"""How long before the shifts change a handover can be prepared."""
MOST_REMARK: Final = 1000


def begin_due(connection: Connection, desks: Iterable[Desk], now: datetime) -> int:
    """Store the handover of every change of shifts up to now that is not stored yet; returns how many were new.

    Of a desk that was never seen before nothing is owed but what comes from now on.
    """
    count = 0
    for desk in desks:
        seen = watch.seen_until(connection, "desk", desk.name)
        if seen is not None:
            start = max(seen, now - MADE_UP_FOR)
            for shift in shifts(desk, start, now + timedelta(milliseconds=1)):
                if start < shift.start <= now:
                    count += _begin(connection, desk, shift, now) is not None
        watch.see(connection, "desk", desk.name, now)
    return count


def begin_next(connection: Connection, desk: Desk, now: datetime) -> int:
    """The handover that a desk is to prepare or accept: the latest one that is not accepted, else the next one, which can be
    begun three hours ahead. Returns its number. Raises DutyError when it is too early."""
    waiting = select(handover.c.id).where(handover.c.desk == desk.name, handover.c.state != "accepted")
    number: int | None = connection.scalar(waiting.order_by(handover.c.changes_at.desc()).limit(1))
    if number is not None:
        return number
    coming = [shift for shift in shifts(desk, now, now + timedelta(days=8)) if shift.start > now]
    if not coming:
        raise DutyError(f"The desk {desk.name} has no shift within a week that could take over.")
    if coming[0].start - now > AHEAD:
        at = coming[0].start.astimezone(desk.zone)
        raise DutyError(f"The next shift begins at {at:%Y-%m-%d %H:%M}; its handover can be prepared 3 hours before.")
    made = _begin(connection, desk, coming[0], now)
    return made if made is not None else _number(connection, desk.name, coming[0].start)


def _begin(connection: Connection, desk: Desk, incoming: Shift, now: datetime) -> int | None:
    outgoing = shift_at(desk, incoming.start - timedelta(milliseconds=1)) or before(desk, incoming.start)
    row = {
        "desk": desk.name,
        "changes_at": incoming.start,
        "outgoing": outgoing.key if outgoing else "",
        "incoming": incoming.key,
        "state": "draft",
        "remarks": {},
        "to_do": "",
    }
    if outgoing is None:
        return None  # the very first shift takes over from nobody
    adding = upsert(connection, handover).values(row).on_conflict_do_nothing(index_elements=["desk", "changes_at"])
    number: int | None = connection.execute(adding.returning(handover.c.id)).scalar_one_or_none()
    if number is not None:
        _note(connection, number, now, "begun", WHO, f"{row['outgoing']} -> {row['incoming']}")
    return number


def prepare(
    connection: Connection,
    handover_id: int,
    who: str,
    remarks: Mapping[str, str],
    to_do: str,
    moment: Moment,
) -> str:
    """Freeze what is open, with remarks by item and what the next shift has to do; returns the SHA-256 of it all.

    A prepared one can be prepared anew by whoever prepared it, and a refused one by anybody. Raises DutyError when it is
    accepted, or with somebody else.
    """
    row = _found(connection, handover_id)
    if row.state == "prepared" and not same_person(connection, row.prepared_by, who):
        raise DutyError(f"Handover {handover_id} was prepared by {row.prepared_by} already; accept it or refuse it.")
    if row.state == "accepted":
        raise DutyError(f"Handover {handover_id} was accepted by {row.accepted_by} already.")
    sections = collect(connection, moment)
    said = {key: text.strip()[:MOST_REMARK] for key, text in remarks.items() if text.strip()}
    known = {item["key"] for items in sections.values() for item in items}
    gone = sorted(set(said) - known)
    content = {
        "desk": row.desk,
        "outgoing": row.outgoing,
        "incoming": row.incoming,
        "changes_at": row.changes_at.isoformat(),
        "prepared_by": who,
        "prepared_at": moment.now.isoformat(),
        "sections": sections,
        "remarks": said,
        "remarks_on_what_is_over": gone,
        "to_do": to_do.strip()[:4000],
    }
    digest = sha256_of(content)
    connection.execute(
        update(handover)
        .where(handover.c.id == handover_id)
        .values(
            state="prepared",
            remarks=said,
            to_do=content["to_do"],
            prepared_by=who,
            prepared_at=moment.now,
            content=content,
            sha256=digest,
            reason=None,
        )
    )
    counts = {name: len(items) for name, items in sections.items()}
    _write_down(connection, handover_id, who, "prepared", f"SHA-256 {digest}", moment.now, {"sha256": digest, **counts})
    return digest


def accept(connection: Connection, handover_id: int, who: str, sha256: str, desk: Desk | None, moment: Moment) -> None:
    """Sign for what was handed over: `sha256` is of the content that the incoming has seen.

    Raises DutyError when it is not prepared, was prepared by the same person, was prepared anew since it was looked at,
    or is not what was frozen.
    """
    row = _found(connection, handover_id)
    _require_prepared(row, "accept")
    if same_person(connection, row.prepared_by, who):
        raise DutyError(f"{who} prepared handover {handover_id}; another person must accept it.")
    if sha256 != row.sha256:
        raise DutyError(f"Handover {handover_id} was prepared anew since you looked at it; check it again.")
    if sha256_of(row.content) != row.sha256:
        raise DutyError(f"Handover {handover_id} is not what was prepared: its content was changed. Prepare it anew.")
    since = differences(row.content["sections"], collect(connection, moment))
    signing = update(handover).where(handover.c.id == handover_id, handover.c.state == "prepared")
    signing = signing.where(handover.c.sha256 == sha256)
    values = {"state": "accepted", "accepted_by": who, "accepted_at": moment.now, "since_prepared": since}
    if connection.execute(signing.values(values)).rowcount != 1:
        _require_prepared(_found(connection, handover_id), "accept")
    on_roster = desk is not None and person_of(connection, who) in people_of(connection, desk, row.incoming)
    detail = f"SHA-256 {sha256}" + ("" if on_roster else "; not on the roster of this shift")
    facts = {"sha256": sha256, "on_roster": on_roster, **{name: len(items) for name, items in since.items()}}
    _write_down(connection, handover_id, who, "accepted", detail, moment.now, facts)


def refuse(connection: Connection, handover_id: int, who: str, reason: str, now: datetime) -> None:
    """Give a handover back to be prepared anew. Raises DutyError without a reason, by the person who prepared it, or when it
    is not prepared."""
    reason = written(reason, "a reason", 1000)
    row = _found(connection, handover_id)
    _require_prepared(row, "refuse")
    if same_person(connection, row.prepared_by, who):
        raise DutyError(f"{who} prepared handover {handover_id}; prepare it anew instead of refusing it.")
    connection.execute(update(handover).where(handover.c.id == handover_id).values(state="refused", reason=reason))
    _write_down(connection, handover_id, who, "refused", reason, now, {"reason": reason, "sha256": row.sha256})


def sha256_of(content: Mapping[str, Any]) -> str:
    """The SHA-256 of a content: of its JSON with sorted names."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def people_of(connection: Connection, desk: Desk, shift: str) -> tuple[str, ...]:
    """Who has a shift, by its key."""
    by_hand = roster.changes_of(connection, desk.name)
    found = named(desk, shift, by_hand)
    return found.people if found else ()


def _require_prepared(row: AnyRow, doing: str) -> None:
    if row.state == "accepted":
        raise DutyError(f"Handover {row.id} was accepted by {row.accepted_by} already.")
    if row.state != "prepared":
        raise DutyError(f"Handover {row.id} is not prepared; there is nothing to {doing} yet.")


def _number(connection: Connection, desk: str, changes_at: datetime) -> int:
    query = select(handover.c.id).where(handover.c.desk == desk, handover.c.changes_at == changes_at)
    number: int | None = connection.scalar(query)
    if number is None:
        raise DutyError(f"The desk {desk} takes over from nobody at its first shift.")
    return number


def _found(connection: Connection, handover_id: int) -> AnyRow:
    row = connection.execute(select(handover).where(handover.c.id == handover_id).with_for_update()).one_or_none()
    if row is None:
        raise DutyError(f"There is no handover {handover_id}.")
    return row


def _write_down(
    connection: Connection, number: int, who: str, kind: str, text: str, now: datetime, detail: Mapping[str, Any]
) -> None:
    _note(connection, number, now, kind, who, text)
    action, what = f"handover_{kind}", f"handover/{number}"
    audit.record(connection, at=now, who=who, action=action, object=what, detail=detail)


def _note(connection: Connection, number: int, now: datetime, kind: str, who: str, detail: str) -> None:
    row = {"handover_id": number, "at": now, "kind": kind, "who": who, "detail": detail}
    connection.execute(insert(handover_event).values(row))
