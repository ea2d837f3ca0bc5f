"""Calendars taken in: each entry an absence or an override of its person, all of them or none; what is there already is
counted and left as it is, so that the same calendar may be brought again and again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from alerts.oncall import commands
from alerts.oncall.calendar import Entry, person_of
from alerts.oncall.config import OnCallFile
from alerts.oncall.roster import load


def bring(
    connection: Connection,
    file: OnCallFile,
    entries: Sequence[Entry],
    *,
    schedule: str | None,
    person: str | None,
    who: str,
    now: datetime,
) -> tuple[int, int]:
    """Write the entries as overrides of the schedule, or as absences without one; `person` is whose they all are, else
    each entry says so. Returns how many were written and how many were there already.

    Raises OnCallError with the command's own sentence for the first entry that will not do.
    """
    roster = load(connection, now)
    known = (
        {(one.person, one.start, one.end) for one in roster.absences}
        if schedule is None
        else {(one.person, one.start, one.end) for one in roster.overrides if one.schedule == schedule}
    )
    written = there = 0
    for entry in entries:
        if entry.end <= now:
            continue
        name = person or person_of(file, entry)
        if (name, max(entry.start, now), entry.end) in known or (name, entry.start, entry.end) in known:
            there += 1
            continue
        if any(other == name and start < entry.end and end == entry.end for other, start, end in known):
            there += 1  # it had begun when it was brought the first time
            continue
        reason = entry.summary or "from a calendar"
        if schedule is None:
            commands.away(connection, file, name, entry.start, entry.end, reason, who, now)
        else:
            commands.override(connection, file, schedule, name, entry.start, entry.end, reason, who, now)
        known.add((name, entry.start, entry.end))
        written += 1
    return written, there
