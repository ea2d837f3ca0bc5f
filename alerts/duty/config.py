"""The models of `duty.yaml`: the desks, the shifts of their days, and who is on duty by rotation.

`faults` says what is wrong beyond the shape of the file. Names of people are names of the console's users.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, time, timedelta
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from core.duration import Duration
from core.fields import LocalTime, Part, TimeZone
from core.workdays import CHINA, Workdays, WorkdaysError

FaultAt = tuple[tuple[str | int, ...], str]
Name = Annotated[str, Field(pattern=r"^\w[\w.@-]*$", max_length=60)]
DAY_MINUTES = 24 * 60


def _country(value: str | None) -> str | None:
    try:
        Workdays(value)
    except WorkdaysError as error:
        raise ValueError(str(error)) from error
    return value


class Title(Part):
    """A name in both languages of the console."""

    en: str = Field(min_length=1, max_length=200, description="In English.")
    zh: str = Field(min_length=1, max_length=200, description="In Chinese.")

    def called(self, language: str) -> str:
        """The name in that language."""
        return self.zh if language.startswith("zh") else self.en


class ShiftEntry(Part):
    """One shift of the day."""

    name: Name = Field(description="Unique in its desk.")
    title: Title = Field(description="What people call it.")
    start: LocalTime = Field(description='When it begins, local time: "08:00".')
    end: LocalTime = Field(description="When it ends; at or before `start` it is a time of the next day.")
    days: Literal["every", "working", "off"] = Field(
        "every", description="On which days it begins: every day, working days, or days off."
    )


class Roster(Part):
    """Who is on duty: groups of people who take turns."""

    since: date = Field(description="The day whose first shift the first group has; before it nobody is on duty.")
    groups: list[Annotated[list[Name], Field(min_length=1, max_length=20)]] = Field(
        min_length=1, max_length=100, description="The groups in their order, each a list of users' names."
    )
    turns: Literal["shift", "day", "week"] = Field(
        "shift",
        description="When the turn passes on: with each shift; or with each day or week, shifts of a day having "
        "groups that follow each other.",
    )


class Desk(Part):
    """One duty desk."""

    name: Name = Field(description="Unique; alerts about the desk have it as their target.")
    title: Title = Field(description="What people call it.")
    timezone: TimeZone = Field("Asia/Shanghai", description="Its local time.")
    country: Annotated[str | None, AfterValidator(_country)] = Field(
        CHINA, description="Whose public holidays it has (two letters); null: Monday to Friday are working days."
    )
    exceptions: dict[date, bool] = Field(
        default={}, description="Days that are working days (true) or not (false), whatever the calendar says."
    )
    around_the_clock: bool = Field(True, description="Whether the shifts must leave no minute of the day uncovered.")
    accept_within: Duration = Field(
        timedelta(minutes=30), description="Time from the start of a shift until its handover must be accepted."
    )
    shifts: list[ShiftEntry] = Field(min_length=1, max_length=12, description="The shifts of a day, in their order.")
    roster: Roster = Field(description="Who is on duty.")
    demo: bool = Field(False, description="The desk is made up, and its alerts say so.")

    @cached_property
    def zone(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.timezone)

    @cached_property
    def workdays(self) -> Workdays:
        """Its working days."""
        return Workdays(self.country, self.exceptions)


class DutyFile(Part):
    """duty.yaml: the duty desks."""

    desks: list[Desk] = Field(default=[], max_length=50)

    @cached_property
    def by_name(self) -> dict[str, Desk]:
        """Desks by their names."""
        return {desk.name: desk for desk in self.desks}


def faults(file: DutyFile) -> list[FaultAt]:
    """Every fault of the file, in its order; none when it can be used."""
    found: list[FaultAt] = []
    seen: dict[str, int] = {}
    for number, desk in enumerate(file.desks):
        if desk.name in seen:
            sentence = f"the desk {desk.name!r} is there already, as number {seen[desk.name] + 1}; names are unique"
            found.append((("desks", number, "name"), sentence))
        seen.setdefault(desk.name, number)
        found += [(("desks", number, *place), f"{desk.name}: {sentence}") for place, sentence in _of_desk(desk)]
    return found


def _of_desk(desk: Desk) -> Iterator[FaultAt]:
    for name, count in Counter(shift.name for shift in desk.shifts).items():
        if count > 1:
            yield ("shifts",), f"{count} shifts have the name {name!r}; names are unique in a desk"
    starts = [shift.start for shift in desk.shifts]
    if starts != sorted(starts):
        yield ("shifts",), "the shifts are not in the order in which they begin; sort them"
    if desk.roster.turns == "shift" and len(desk.roster.groups) == 1 and len(desk.shifts) > 1:
        people = set(desk.roster.groups[0])
        if len(people) == 1:
            yield (
                ("roster", "groups"),
                f"{people.pop()} would hand every shift over to themselves; add another person or group",
            )
    for number, group in enumerate(desk.roster.groups):
        for name, count in Counter(group).items():
            if count > 1:
                yield ("roster", "groups", number), f"{name!r} is {count} times in one group; once is enough"
    yield from _of_cover(desk)


def _of_cover(desk: Desk) -> Iterator[FaultAt]:
    """Minutes of a wall-clock day that two shifts have, or none."""
    for kind in ("working", "off"):
        held = [0] * DAY_MINUTES
        for shift in desk.shifts:
            if shift.days in ("every", kind):
                start, length = minutes(shift.start), span_minutes(shift)
                for minute in range(start, start + length):
                    held[minute % DAY_MINUTES] += 1
        if any(count > 1 for count in held):
            at = next(minute for minute, count in enumerate(held) if count > 1)
            yield ("shifts",), f"two shifts of a day hold {_clock(at)}; let the one end when the other begins"
            return
        if desk.around_the_clock and 0 in held:
            at = held.index(0)
            yield (
                ("shifts",),
                f"nobody is on duty at {_clock(at)} on {'working days' if kind == 'working' else 'days off'}; "
                "add a shift, or set around_the_clock: false",
            )
            return


def minutes(at: time) -> int:
    """Minutes since midnight of a local time."""
    return at.hour * 60 + at.minute


def span_minutes(shift: ShiftEntry) -> int:
    """Length of a shift by the clock on the wall, in minutes; a day when it ends as it begins."""
    return (minutes(shift.end) - minutes(shift.start) - 1) % DAY_MINUTES + 1


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
