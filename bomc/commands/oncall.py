"""`bomc oncall`: who answers now and next, where nobody does, and the changes that people make; calendars out and in."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bomc.commands.common import HomeOption, carry_out, engine_of, estate_of, fail, home_of, in_known_years, out
from bomc.commands.people import who as terminal

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from alerts.oncall.config import OnCallFile, Schedule
    from alerts.oncall.roster import Roster

oncall_app = typer.Typer(help="Who is on call.", no_args_is_help=True)
Answer = TypeVar("Answer")
AHEAD = timedelta(days=60)
NOBODY = 3
TIME = 'A local time of the schedule, like "2026-12-01 09:00", or one with its offset.'
NameArgument = Annotated[str, typer.Argument(metavar="SCHEDULE", help="Name of a schedule in oncall.yaml.")]
SomeArgument = Annotated[str | None, typer.Argument(metavar="[SCHEDULE]", help="One schedule; all if not given.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why.")]
DaysOption = Annotated[int, typer.Option("--days", min=1, max=366, help="How far ahead.")]


@oncall_app.command("who")
def who(
    schedule: SomeArgument = None,
    at: Annotated[str | None, typer.Option("--at", help=f"At that time instead of now. {TIME}")] = None,
    home: HomeOption = None,
) -> None:
    """Who is on call, and why. Exit status 3 when nobody is."""
    from alerts.oncall.shifts import on_call

    file, roster, now = _read(home)
    empty = False
    for one in _chosen(file, schedule):
        found = on_call(one, roster.overrides, roster.absences, now if at is None else _time(at, _zone(one)))
        empty = empty or found.person is None
        out.print(f"{one.name}: {found.person or 'nobody'} ({found.reason})", highlight=False, soft_wrap=True)
    if empty:
        raise typer.Exit(NOBODY)


@oncall_app.command("next")
def next_(schedule: SomeArgument = None, home: HomeOption = None) -> None:
    """Who takes over next, and when."""
    from alerts.oncall.faults import local
    from alerts.oncall.shifts import next_shift, shifts

    file, roster, now = _read(home)
    for one in _chosen(file, schedule):
        found = next_shift(shifts(one, roster.overrides, roster.absences, now, now + AHEAD).final, now)
        zone = _zone(one)
        said = (
            f"{found.person} from {local(found.start, zone)} to {local(found.end, zone)} ({one.timezone}; {found.reason})"
            if found
            else f"nobody else within {AHEAD.days} days"
        )
        out.print(f"{one.name}: {said}", highlight=False, soft_wrap=True)


@oncall_app.command("gaps")
def gaps(schedule: SomeArgument = None, days: DaysOption = 30, home: HomeOption = None) -> None:
    """When nobody will be on call. Exit status 3 when there is such a time."""
    from alerts.oncall.faults import coming_gaps, local

    file, roster, now = _read(home)
    empty = False
    for one in _chosen(file, schedule):
        found = coming_gaps(one, roster.overrides, roster.absences, now, timedelta(days=days))
        empty = empty or bool(found)
        if not found:
            out.print(f"{one.name}: somebody is on call throughout the next {days} days.", highlight=False)
        for gap in found:
            zone = _zone(one)
            period = f"{local(gap.start, zone)} to {local(gap.end, zone)} ({one.timezone})"
            out.print(f"{one.name}: nobody from {period}: {gap.reason}", highlight=False, soft_wrap=True)
    if empty:
        raise typer.Exit(NOBODY)


@oncall_app.command("export")
def export(
    schedule: SomeArgument = None,
    person: Annotated[str | None, typer.Option("--person", help="The shifts of one person instead.")] = None,
    days: DaysOption = 90,
    to: Annotated[Path | None, typer.Option("--out", help="The file to write; standard output if not given.")] = None,
    home: HomeOption = None,
) -> None:
    """Write shifts as an iCalendar file."""
    from alerts.oncall import calendar

    file, roster, now = _read(home)
    end = now + timedelta(days=days)
    if (schedule is None) == (person is None):
        fail("Name a schedule, or a person with --person; exactly one of them.")
    if person is not None:
        if person not in file.person:
            fail(f"There is no person {person!r} in oncall.yaml.")
        content = calendar.of_person(file, person, roster, now, end, now)
    else:
        content = calendar.of_schedule(_chosen(file, schedule)[0], roster, now, end, now)
    if to is None:
        typer.echo(content.decode(), nl=False)
        return
    try:
        to.write_bytes(content)
    except OSError as error:
        fail(f"{to} cannot be written: {error.strerror}.")
    out.print(f"wrote {to}", highlight=False, soft_wrap=True)


@oncall_app.command("import")
def import_(
    calendar_file: Annotated[Path, typer.Argument(metavar="FILE.ics", help="A calendar; - reads standard input.")],
    schedule: Annotated[str | None, typer.Option("--schedule", help="As overrides of it; else as absences.")] = None,
    person: Annotated[str | None, typer.Option("--person", help="Whose entries all of them are.")] = None,
    days: DaysOption = 90,
    home: HomeOption = None,
) -> None:
    """Take a calendar's entries as absences, or as overrides of a schedule; all of them or none."""
    from alerts.oncall.bringing import bring
    from alerts.oncall.calendar import LARGEST_BYTES, read

    def act(connection: Connection, file: OnCallFile, now: datetime) -> tuple[int, int]:
        zone = _zone(_chosen(file, schedule)[0]) if file.schedules else _utc()
        entries = read(content, zone, now, now + timedelta(days=days))
        return bring(connection, file, entries, schedule=schedule, person=person, who=terminal(), now=now)

    try:
        if str(calendar_file) == "-":
            content = sys.stdin.buffer.read(LARGEST_BYTES + 1)
        else:
            with calendar_file.open("rb") as stream:
                content = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        fail(f"{calendar_file} cannot be read: {error.strerror}.")
    written, there = _do(home, act)
    what = "absences" if schedule is None else f"overrides of {schedule}"
    out.print(f"{written} {what} were written, {there} were there already.", highlight=False)


@oncall_app.command("override")
def override(
    schedule: NameArgument,
    person: Annotated[str, typer.Argument(help="Who takes it.")],
    start: Annotated[str, typer.Option("--from", help=TIME)],
    until: Annotated[str, typer.Option("--until", help=TIME)],
    reason: ReasonOption = "",
    home: HomeOption = None,
) -> None:
    """Put somebody on call for a time, whatever the layers say."""
    from alerts.oncall import commands

    def act(connection: Connection, file: OnCallFile, now: datetime) -> int:
        zone = _zone(_chosen(file, schedule)[0])
        period = _time(start, zone), _time(until, zone)
        return commands.override(connection, file, schedule, person, *period, reason, terminal(), now)

    number = _do(home, act)
    out.print(f"Override {number}: {person} has {schedule} from {start} to {until}.", highlight=False, soft_wrap=True)


@oncall_app.command("swap")
def swap(
    schedule: NameArgument,
    first: Annotated[str, typer.Option("--first", help=f"A time in the one shift. {TIME}")],
    second: Annotated[str, typer.Option("--second", help=f"A time in the other shift. {TIME}")],
    reason: ReasonOption = "",
    home: HomeOption = None,
) -> None:
    """Let two people change shifts: two overrides at once."""
    from alerts.oncall import commands

    def act(connection: Connection, file: OnCallFile, now: datetime) -> tuple[int, int]:
        zone = _zone(_chosen(file, schedule)[0])
        both = _time(first, zone), _time(second, zone)
        return commands.swap(connection, file, schedule, *both, reason, terminal(), now)

    one, other = _do(home, act)
    out.print(f"The two shifts of {schedule} are swapped: overrides {one} and {other}.", highlight=False)


@oncall_app.command("away")
def away(
    person: Annotated[str, typer.Argument(help="Who is not there.")],
    start: Annotated[str, typer.Option("--from", help=TIME)],
    until: Annotated[str, typer.Option("--until", help=TIME)],
    reason: ReasonOption = "",
    home: HomeOption = None,
) -> None:
    """Say that somebody is away: their shifts go to the next of the rotation. Times are of the first schedule's zone."""
    from alerts.oncall import commands

    def act(connection: Connection, file: OnCallFile, now: datetime) -> int:
        zone = _zone(file.schedules[0]) if file.schedules else _utc()
        return commands.away(connection, file, person, _time(start, zone), _time(until, zone), reason, terminal(), now)

    number = _do(home, act)
    out.print(f"Absence {number}: {person} is away from {start} to {until}.", highlight=False, soft_wrap=True)


@oncall_app.command("cancel")
def cancel(
    what: Annotated[str, typer.Argument(help="override or absence.")],
    number: Annotated[int, typer.Argument(help="Its number.")],
    home: HomeOption = None,
) -> None:
    """Take an override or an absence back; of a swap both halves."""
    from alerts.oncall import commands

    doings = {"override": commands.cancel_override, "absence": commands.cancel_away}
    if what not in doings:
        fail(f"{what!r} cannot be taken back; write override or absence.")
    _do(home, lambda connection, _file, now: doings[what](connection, number, terminal(), now))
    out.print(f"The {what} {number} is taken back.", highlight=False)


def _read(home: Path | None) -> tuple[OnCallFile, Roster, datetime]:
    """The file, what the store lays over it, and the time."""
    from alerts.oncall.roster import load
    from bomc.service import clock
    from core.store.open import reading

    place = home_of(home)
    estate = estate_of(place)
    now = clock()
    with reading(engine_of(place, estate)) as connection:
        return estate.routes.oncall, load(connection, now - AHEAD), now


def _do(home: Path | None, act: Callable[[Connection, OnCallFile, datetime], Answer]) -> Answer:
    return carry_out(home, lambda connection, estate, now: act(connection, estate.routes.oncall, now))


def _chosen(file: OnCallFile, name: str | None) -> list[Schedule]:
    if name is None:
        if not file.schedules:
            fail("oncall.yaml has no schedule.")
        return list(file.schedules)
    if name not in file.schedule:
        fail(f"There is no schedule {name!r}; the schedules are {', '.join(file.schedule) or 'none'}.")
    return [file.schedule[name]]


def _zone(schedule: Schedule) -> ZoneInfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(schedule.timezone)


def _utc() -> ZoneInfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo("UTC")


def _time(text: str, zone: ZoneInfo) -> datetime:
    from alerts.oncall.rotation import instant

    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        fail(f'{text!r} is no time; write it like "2026-12-01 09:00".')
    in_known_years(read, repr(text))
    return instant(read, zone) if read.tzinfo is None else read.astimezone(UTC)
