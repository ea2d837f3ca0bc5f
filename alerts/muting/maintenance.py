"""Maintenance windows of maintenance.yaml: planned work, once, again and again, or from a calendar file, of which nobody
is told while it lasts.

A window begins by the clocks of its zone, also over a change to or from summer time, and lasts as long as it says. The
rules of repetition are those of iCalendar (RFC 5545).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.routes.breadth import mutes_everything
from alerts.routes.matchers import Matcher, MatcherError, parse_all, parse_matchers
from core.duration import Duration
from core.fields import TimeZone

LONGEST = timedelta(days=31)
LARGEST_CALENDAR_BYTES = 1024 * 1024
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
MOST_EVENTS = 2_000  # of one calendar
CANCELLED = "CANCELLED"
"""The STATUS of an event that does not take place."""
HORIZON = timedelta(days=800)  # how far a repetition is tried out when it is read
PROBED_FROM = datetime(2026, 1, 1, tzinfo=UTC)

Place = tuple[str | int, ...]


class WindowConfig(BaseModel):
    """One window: what it is about, and when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=120, description="What is done")
    matchers: list[str] = Field(min_length=1, description="Conditions on labels, all of which must hold")
    start: datetime | None = Field(None, description='When it begins, by the clocks of its zone: "2026-11-01 22:00"')
    duration: Duration | None = Field(None, description="How long it lasts, at most 31d")
    rrule: str = Field(
        "", description="When it comes again, as iCalendar writes it: FREQ=WEEKLY;BYDAY=SU. Without: once"
    )
    calendar: str | None = Field(
        None, description="A file of iCalendar in the home folder whose events are the windows, instead of `start`"
    )
    location: TimeZone = Field("UTC", description="Zone whose clocks are meant, such as Asia/Shanghai")

    @model_validator(mode="after")
    def _when(self) -> WindowConfig:
        if self.calendar is not None:
            if self.start is not None or self.duration is not None or self.rrule:
                raise ValueError("the calendar says when; take out start, duration and rrule")
            return self
        if self.start is None or self.duration is None:
            raise ValueError("a window needs start and duration, or a calendar")
        if self.start.tzinfo is not None:
            raise ValueError("start is by the clocks of `location`; write it without a zone")
        if not timedelta() < self.duration <= LONGEST:
            raise ValueError("duration must be longer than nothing and at most 31d")
        if self.rrule:
            _rule(self.rrule)
            _between(_event(self), self.start.replace(tzinfo=UTC), HORIZON)
        return self


class MaintenanceFile(BaseModel):
    """maintenance.yaml: planned work of which nobody is told while it lasts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    windows: list[WindowConfig] = Field(default_factory=list, description="The windows")


@dataclass(frozen=True, slots=True)
class Window:
    """A window ready to be asked. `duration` is none where the calendar's events have their own ends."""

    name: str
    matchers: tuple[Matcher, ...]
    location: str
    duration: timedelta | None
    calendar: str  # as iCalendar writes it

    def end(self, now: datetime) -> datetime | None:
        """When the window ends that lasts now; none when none does. Pure."""
        day = now.astimezone(UTC).date()
        spans = _spans(self.calendar, self.location, self.duration, day)
        return max((end for start, end in spans if start <= now < end), default=None)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the window is about an alert with these labels."""
        return all(one.matches(labels) for one in self.matchers)


def windows_of(file: MaintenanceFile, calendars: Mapping[str, str]) -> tuple[Window, ...]:
    """The windows of a file without faults; `calendars` holds the texts of the files that it names."""
    return tuple(
        Window(
            one.name,
            parse_all(one.matchers),
            one.location,
            one.duration,
            _event(one) if one.calendar is None else calendars[one.calendar],
        )
        for one in file.windows
    )


def in_force(windows: Iterable[Window], now: datetime) -> tuple[tuple[Window, datetime], ...]:
    """The windows that last now, with their ends. Pure."""
    return tuple((one, end) for one in windows if (end := one.end(now)) is not None)


def faults(file: MaintenanceFile, calendars: Mapping[str, str]) -> Iterator[tuple[Place, str]]:
    """What is wrong beyond the shape of the file; `calendars` holds what of the files that it names could be read."""
    seen: dict[str, int] = {}
    for number, one in enumerate(file.windows):
        place: Place = ("windows", number)
        if one.name in seen:
            yield (*place, "name"), f"window {one.name!r} is there already, as number {seen[one.name] + 1}"
        seen.setdefault(one.name, number)
        yield from _of_matchers(one.matchers, (*place, "matchers"))
        text = calendars.get(one.calendar or "")
        if text is not None:
            try:
                _require_bounded(text)
                _between(text, PROBED_FROM, HORIZON)
            except ValueError as error:
                yield (*place, "calendar"), f"{one.calendar} is no calendar that can be read: {error}"


def _of_matchers(texts: Iterable[str], place: Place) -> Iterator[tuple[Place, str]]:
    read: list[Matcher] = []
    for number, text in enumerate(texts):
        try:
            read += parse_matchers(text)
        except MatcherError as error:
            yield (*place, number), str(error)
            return
    if mutes_everything(read):
        yield place, "the window would mute every alert there can be; name what is worked on: targets, a site, a system"


def _rule(text: str) -> icalendar.vRecur:
    """The rule. Raises ValueError with a sentence."""
    try:
        found = icalendar.vRecur.from_ical(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{text!r} is no rule of repetition; write one like FREQ=WEEKLY;BYDAY=SU") from error
    if [str(one).upper() for one in found.get("FREQ", [])] not in [[one] for one in FREQUENCIES]:
        raise ValueError(f"{text!r} must say how often: FREQ of {', '.join(FREQUENCIES)}")
    if _times(found):
        raise ValueError(f"{text!r} names hours, minutes or seconds; `start` says when, so take {_times(found)} out")
    return found


def _times(rule: Iterable[str]) -> str:
    """The parts of a rule by which it comes several times a day; a line of text can stand for millions of events."""
    return ", ".join(sorted({str(part).upper() for part in rule} & {"BYHOUR", "BYMINUTE", "BYSECOND"}))


def _event(one: WindowConfig) -> str:
    """A calendar with the window as its only event."""
    calendar, event = icalendar.Calendar(), icalendar.Event()
    event.add("uid", one.name)
    if one.start is not None:
        event.add("dtstart", one.start.replace(tzinfo=ZoneInfo(one.location)))
    event.add("duration", one.duration)
    if one.rrule:
        event.add("rrule", _rule(one.rrule))
    calendar.add_component(event)
    return str(calendar.to_ical().decode())


@lru_cache(maxsize=4096)
def _spans(
    calendar: str, location: str, duration: timedelta | None, day: date
) -> tuple[tuple[datetime, datetime], ...]:
    """Every window that can last at some time of that day (UTC), as instants. Kept, since a flush asks again and again."""
    zone = ZoneInfo(location)
    start = datetime.combine(day, time(), UTC) - LONGEST - timedelta(days=1)
    found = []
    for first, last in _between(calendar, start, LONGEST + timedelta(days=3)):
        begun = _instant(first, zone)
        found.append((begun, _instant(last, zone) if duration is None else begun + duration))
    return tuple(sorted(found))


def _between(calendar: str, start: datetime, length: timedelta) -> list[tuple[date, date]]:
    """Start and end of the events that last at some time of a span, without those that were cancelled. Raises ValueError for
    what cannot be read or followed."""
    try:
        found = recurring_ical_events.of(icalendar.Calendar.from_ical(calendar)).between(start, start + length)
        return [(one.start, one.end) for one in found if str(one.get("STATUS", "")).upper() != CANCELLED]
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise ValueError(f"its repetition cannot be followed: {error}") from error


def _require_bounded(calendar: str) -> None:
    """Raises ValueError for a calendar of more events, or of an event that comes more often, than can be followed at each
    look, and for an event without a start or with an end that is none."""
    try:
        events = list(icalendar.Calendar.from_ical(calendar).walk("VEVENT"))
        if len(events) > MOST_EVENTS:
            raise ValueError(f"it has {len(events)} events, at most {MOST_EVENTS} are read; export a shorter time")
        for event in events:
            name = str(event.get("SUMMARY", "an event"))
            rules = event.get("RRULE", [])
            for rule in rules if isinstance(rules, list) else [rules]:
                often = {str(one).upper() for one in rule.get("FREQ", [])} - {*FREQUENCIES}
                if often or _times(rule):
                    raise ValueError(f"{name!r} comes more often than daily")
            if event.end < event.start:
                raise ValueError(f"{name!r} ends before it starts")
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise ValueError(f"an event of it cannot be read: {error}") from error


def _instant(at: date, zone: ZoneInfo) -> datetime:
    """An instant, in UTC, of a calendar: days begin at midnight, and what has no zone is by the window's clocks."""
    whole = at if isinstance(at, datetime) else datetime.combine(at, time())
    return (whole if whole.tzinfo is not None else whole.replace(tzinfo=zone)).astimezone(UTC)
