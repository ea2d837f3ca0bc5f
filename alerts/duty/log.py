"""The duty log: what happened on duty, only ever added to. A correction is an entry of its own that names the one it corrects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from alerts.duty.errors import DutyError, written
from core.people import audit
from core.store.tables import alert, break_case, duty_entry, planned_change, ticket

KINDS: Final = ("event", "visit", "phone", "work", "other")
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {"visit": ("visitor", "company", "room", "purpose", "escort", "left_at")}
"""What an entry of a kind tells besides its text; a visit is the register of who entered a machine room."""
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {"visit": ("visitor", "room")}
LINKED: Final[Mapping[str, Any]] = {"alert": alert, "ticket": ticket, "change": planned_change, "break": break_case}
_LINK: Final = re.compile(r"(alert|ticket|change|break)/([0-9]{1,18})", re.ASCII)
AHEAD: Final = timedelta(minutes=1)


def write(
    connection: Connection,
    desk: str,
    who: str,
    kind: str,
    text: str,
    now: datetime,
    *,
    at: datetime | None = None,
    fields: Mapping[str, str] | None = None,
    link: str = "",
    corrects: int | None = None,
) -> int:
    """Add an entry and return its number; `at` is when it happened (now if not given), `link` is like ticket/12.

    Raises DutyError for an unknown kind, without a text, for a time to come, a field that the kind has not or needs, a
    link that leads nowhere, and a correction of what is not there or was corrected already.
    """
    if kind not in KINDS:
        raise DutyError(f"There is no kind of entry {kind!r}; choose one of {', '.join(KINDS)}.")
    text = written(text, "a text")
    happened = at or now
    if happened > now + AHEAD:
        raise DutyError("An entry tells what has happened; its time is still to come.")
    told = _fields(kind, fields or {})
    link = link.strip().lower()
    if link:
        _require_there(connection, link)
    if corrects is not None:
        _require_uncorrected(connection, corrects, desk)
    number: int = connection.execute(
        insert(duty_entry)
        .values(
            desk=desk,
            at=happened,
            written_at=now,
            who=who,
            kind=kind,
            text=text,
            fields=told,
            link=link or None,
            corrects=corrects,
        )
        .returning(duty_entry.c.id)
    ).scalar_one()
    detail = {"kind": kind, "text": text, "fields": told, "link": link, "corrects": corrects}
    audit.record(connection, at=now, who=who, action="duty_logged", object=f"duty_entry/{number}", detail=detail)
    return number


def _fields(kind: str, fields: Mapping[str, str]) -> dict[str, str]:
    told = {name: value.strip()[:200] for name, value in fields.items() if value and value.strip()}
    strange = sorted(set(told) - set(FIELDS.get(kind, ())))
    if strange:
        raise DutyError(f"An entry of the kind {kind} has no field {strange[0]}.")
    missing = [name for name in NEEDED.get(kind, ()) if name not in told]
    if missing:
        raise DutyError(f"An entry of the kind {kind} needs the field {missing[0]}; nothing was written.")
    return told


def _require_there(connection: Connection, link: str) -> None:
    found = _LINK.fullmatch(link)
    if found is None:
        raise DutyError(
            f"{link[:40]!r} is no link; write alert, ticket, change or break, a slash and a number: ticket/12."
        )
    table, number = LINKED[found[1]], int(found[2])
    if number >= 2**63 or connection.execute(select(table.c.id).where(table.c.id == number)).first() is None:
        raise DutyError(f"There is no {link}.")


def _require_uncorrected(connection: Connection, number: int, desk: str) -> None:
    query = select(duty_entry.c.desk).where(duty_entry.c.id == number)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None or row.desk != desk:
        raise DutyError(f"There is no entry {number} of this desk that could be corrected.")
    later = connection.scalar(select(duty_entry.c.id).where(duty_entry.c.corrects == number))
    if later is not None:
        raise DutyError(f"Entry {number} was corrected by entry {later} already; correct that one.")
