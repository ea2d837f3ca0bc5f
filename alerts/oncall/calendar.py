"""iCalendar (RFC 5545) out and in: shifts as events, and somebody's calendar as absences or overrides.

What comes in is bounded: its size, its events, the time that is looked at, and repetitions more often than daily are
refused, since a line of text can stand for millions of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts.oncall.commands import OnCallError
from alerts.oncall.config import OnCallFile, Schedule
from alerts.oncall.roster import Roster
from alerts.oncall.rotation import Shift, instant
from alerts.oncall.shifts import shifts

LARGEST_BYTES = 1024 * 1024
MOST_EVENTS = 2_000
MOST_OCCURRENCES = 1_000
TOO_OFTEN = {"SECONDLY", "MINUTELY", "HOURLY"}
REFRESH = "PT1H"
LEAD = timedelta(days=60)
"""So long before a period the roster must reach."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One occurrence of somebody's calendar: aware UTC instants, the words on it, and the addresses of who takes part."""

    start: datetime
    end: datetime
    summary: str
    addresses: tuple[str, ...]


def of_schedule(schedule: Schedule, roster: Roster, start: datetime, end: datetime, now: datetime) -> bytes:
    """The final lane of a schedule as a calendar; hours without anybody are events as well."""
    events = [_event(schedule, one, one.person or "nobody on call", now) for one in _lane(schedule, roster, start, end)]
    return _calendar(schedule.shown, events)


def of_person(file: OnCallFile, person: str, roster: Roster, start: datetime, end: datetime, now: datetime) -> bytes:
    """All shifts of one person as a calendar."""
    events = []
    for schedule in file.schedules:
        mine = [one for one in _lane(schedule, roster, start, end) if one.person == person]
        events += [_event(schedule, one, f"On call: {schedule.shown}", now) for one in mine]
    known = file.person.get(person)
    return _calendar(known.shown if known else person, events)


def _lane(schedule: Schedule, roster: Roster, start: datetime, end: datetime) -> list[Shift]:
    """The shifts that touch the period, those at its start from their own beginnings: an event keeps its identity."""
    final = shifts(schedule, roster.overrides, roster.absences, start - LEAD, end).final
    return [one for one in joined(final) if one.end > start]


def joined(final: Sequence[Shift]) -> list[Shift]:
    """The lane with what one person has without a break as one shift."""
    found: list[Shift] = []
    for one in final:
        if found and found[-1].person == one.person:
            last = found[-1]
            found[-1] = Shift(last.start, one.end, last.person, last.layer, last.number, last.reason)
        else:
            found.append(one)
    return found


def read(content: bytes, zone: ZoneInfo, start: datetime, end: datetime) -> list[Entry]:
    """The occurrences of a calendar that touch the period, without cancelled ones, by start; whole days and times without a
    zone are of `zone`.

    Raises OnCallError when it is too large, no calendar, or repeats too often.
    """
    import icalendar
    import recurring_ical_events

    if len(content) > LARGEST_BYTES:
        raise OnCallError(f"The calendar is larger than {LARGEST_BYTES // 1024} KiB; export a shorter period.")
    try:
        calendar = icalendar.Calendar.from_ical(content)
        events = list(calendar.walk("VEVENT"))
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise OnCallError(f"This is no calendar that can be read: {error}. Export it as .ics again.") from error
    if len(events) > MOST_EVENTS:
        raise OnCallError(f"The calendar has {len(events)} events, at most {MOST_EVENTS} are read; export fewer.")
    for event in events:
        _require_bounded(event)
    try:
        found = recurring_ical_events.of(calendar, skip_bad_series=False).between(start, end)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise OnCallError(f"The calendar repeats something in a way that cannot be read: {error}.") from error
    if len(found) > MOST_OCCURRENCES:
        raise OnCallError(
            f"The calendar has {len(found)} occurrences in that time, at most {MOST_OCCURRENCES} are taken; "
            "choose a shorter time."
        )
    held = [event for event in found if str(event.get("STATUS", "")).upper() != "CANCELLED"]
    return sorted((_entry(event, zone) for event in held), key=lambda one: (one.start, one.end, one.summary))


def person_of(file: OnCallFile, entry: Entry) -> str:
    """Whose entry it is: by an address of theirs, else by name or title as its words. Raises OnCallError."""
    for person in file.people:
        own = {address.lower() for config in person.email_configs for address in _listed(config.to)}
        if own & set(entry.addresses):
            return person.name
    for person in file.people:
        if entry.summary.strip().casefold() in (person.name.casefold(), person.shown.casefold()):
            return person.name
    raise OnCallError(
        f"{entry.summary!r} at {entry.start:%Y-%m-%d %H:%M} UTC is of nobody in oncall.yaml; "
        "give the entry their name, or say whose calendar it is with --person."
    )


def _listed(value: Any) -> Iterable[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value]


def _require_bounded(event: Any) -> None:
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        often = {str(one).upper() for one in rule.get("FREQ", [])}
        parts = {"BYHOUR", "BYMINUTE", "BYSECOND"} & {str(name).upper() for name in rule}
        if often & TOO_OFTEN or parts:
            raise OnCallError(
                f"{str(event.get('SUMMARY', 'An event'))!r} repeats more often than daily; that is not read. "
                "Take it out of the calendar."
            )


def _entry(event: Any, zone: ZoneInfo) -> Entry:
    start = event["DTSTART"].dt
    if "DTEND" in event:
        end = event["DTEND"].dt
    elif "DURATION" in event:
        end = start + event["DURATION"].dt
    else:
        end = start if isinstance(start, datetime) else start + timedelta(days=1)
    people = [event.get("ATTENDEE", []), event.get("ORGANIZER", [])]
    flat = [one for part in people for one in (part if isinstance(part, list) else [part])]
    addresses = tuple(str(one).lower().removeprefix("mailto:") for one in flat)
    return Entry(_utc(start, zone), _utc(end, zone), str(event.get("SUMMARY", "")), addresses)


def _utc(value: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        return instant(datetime(value.year, value.month, value.day), zone)  # noqa: DTZ001  # `instant` gives it the zone
    return instant(value, zone) if value.tzinfo is None else value.astimezone(UTC)


def _event(schedule: Schedule, shift: Shift, summary: str, now: datetime) -> Any:
    import icalendar

    event = icalendar.Event()
    identity = f"{schedule.name}|{shift.start.isoformat()}|{shift.person}"
    event.add("uid", f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}@bomc")
    event.add("dtstamp", now.replace(microsecond=0))
    event.add("dtstart", shift.start.replace(microsecond=0))
    event.add("dtend", shift.end.replace(microsecond=0))
    event.add("summary", f"{schedule.shown}: {summary}" if shift.person is None else summary)
    event.add("description", shift.reason)
    event.add("transp", "TRANSPARENT")
    return event


def _calendar(name: str, events: Iterable[Any]) -> bytes:
    import icalendar

    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//bomc//on-call//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("x-published-ttl", REFRESH)
    for event in events:
        calendar.add_component(event)
    return bytes(calendar.to_ical())
