"""Which shift it is, and who has it: pure functions of a desk and an instant, with changes made by hand on top.

A shift belongs to the day on which it begins. Where the clocks change, a shift is an hour longer or shorter by the clock
that ticks, so that shifts that touch on the wall touch at every instant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from alerts.duty.config import Desk, ShiftEntry, minutes
from alerts.duty.wall import days_between, instant_of

WEEK = 7


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift of one day: from `start` to just before `end`, both UTC."""

    desk: str
    name: str
    day: date
    start: datetime
    end: datetime
    people: tuple[str, ...]
    changed: bool = False  # the people were set by hand

    @property
    def key(self) -> str:
        """Its name among all shifts of the desk: day and name."""
        return f"{self.day.isoformat()} {self.name}"


Changes = Mapping[str, Sequence[str]]
"""People set by hand, by the key of the shift."""


def shifts(desk: Desk, start: datetime, end: datetime, changes: Changes | None = None) -> list[Shift]:
    """The shifts of a desk that touch the time from `start` to just before `end`, in their order."""
    first = start.astimezone(desk.zone).date() - timedelta(days=2)
    last = end.astimezone(desk.zone).date() + timedelta(days=1)
    found = []
    for day in days_between(max(first, desk.roster.since), last):
        for number, entry in enumerate(desk.shifts):
            shift = _shift(desk, entry, number, day) if _falls_on(desk, entry, day) else None
            if shift is not None and shift.start < end and shift.end > start:
                found.append(shift)
    by_hand = changes or {}
    found = [replace(one, people=tuple(by_hand[one.key]), changed=True) if one.key in by_hand else one for one in found]
    return sorted(found, key=lambda shift: shift.start)


def shift_at(desk: Desk, at: datetime, changes: Changes | None = None) -> Shift | None:
    """The shift that is on duty at an instant; None when there is none."""
    return next(iter(shifts(desk, at, at + timedelta(milliseconds=1), changes)), None)


def before(desk: Desk, at: datetime, changes: Changes | None = None) -> Shift | None:
    """The latest shift that has ended by an instant, within the week before it."""
    found = [shift for shift in shifts(desk, at - timedelta(days=WEEK), at, changes) if shift.end <= at]
    return found[-1] if found else None


def named(desk: Desk, key: str, changes: Changes | None = None) -> Shift | None:
    """The shift of that key; None when the desk has none."""
    day_text, _, name = key.partition(" ")
    try:
        day = date.fromisoformat(day_text)
    except ValueError:
        return None
    if not desk.roster.since <= day <= desk.roster.since + timedelta(days=36_500):
        return None
    noon = instant_of(day, desk.shifts[0].start, desk.zone)
    near = shifts(desk, noon - timedelta(days=1), noon + timedelta(days=2), changes)
    return next((shift for shift in near if shift.day == day and shift.name == name), None)


def _falls_on(desk: Desk, entry: ShiftEntry, day: date) -> bool:
    return entry.days == "every" or desk.workdays.works(day) == (entry.days == "working")


def _shift(desk: Desk, entry: ShiftEntry, number: int, day: date) -> Shift | None:
    """The shift that begins on that day; None when the clocks leave nothing of it."""
    ends_on = day if minutes(entry.end) > minutes(entry.start) else day + timedelta(days=1)
    start, end = instant_of(day, entry.start, desk.zone), instant_of(ends_on, entry.end, desk.zone)
    if start >= end:
        return None
    group = desk.roster.groups[turn(desk, day, number) % len(desk.roster.groups)]
    return Shift(desk.name, entry.name, day, start, end, tuple(group))


def turn(desk: Desk, day: date, number: int) -> int:
    """Which turn of the rotation shift `number` (from 0) of a day is, counted from the roster's first day."""
    days = (day - desk.roster.since).days
    if desk.roster.turns == "shift":
        return days * len(desk.shifts) + number
    return (days if desk.roster.turns == "day" else days // WEEK) + number
