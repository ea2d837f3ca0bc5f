"""What is wrong with an oncall.yaml whose shape is right: names that lead nowhere, cycles, hours without anybody.

A fault is the place in the file and a sentence; the front door turns the place into a line. `warnings` are what can be
lived with, and `coming_gaps` tells a gap before it bites.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.oncall.config import Escalation, OnCallFile, Schedule
from alerts.oncall.rotation import Absence, Shift, instant, workdays
from alerts.oncall.shifts import Override, gaps, shifts
from core.workdays import WorkdaysError

Place = tuple[str | int, ...]
FaultAt = tuple[Place, str]
SEARCHED = timedelta(days=400)
"""How far after the last layer's start a gap of the layers is sought: over a year with its holidays."""
SHOWN = 3


def faults(file: OnCallFile, receivers: Collection[str] | None) -> list[FaultAt]:
    """Every fault of the file, in its order; `receivers` are the names in routes.yaml, none when it cannot be read."""
    return [*_twice(file), *_of_schedules(file), *_of_escalations(file, receivers)]


def _twice(file: OnCallFile) -> Iterator[FaultAt]:
    for kind, entries in (("people", file.people), ("schedules", file.schedules), ("escalations", file.escalations)):
        seen: Counter[str] = Counter()
        for number, entry in enumerate(entries):
            name = str(getattr(entry, "name"))  # noqa: B009  # the three models share the field, not a class
            if seen[name]:
                yield (kind, number, "name"), f"{name!r} stands under `{kind}` already; names are unique"
            seen[name] += 1


def _of_schedules(file: OnCallFile) -> Iterator[FaultAt]:
    for number, schedule in enumerate(file.schedules):
        place: Place = ("schedules", number)
        unknown = False
        seen: set[str] = set()
        for order, layer in enumerate(schedule.layers):
            below = (*place, "layers", order)
            if layer.name in seen:
                yield (*below, "name"), f"{schedule.name}: there is a layer {layer.name!r} already; names are unique"
            seen.add(layer.name)
            for turn, name in enumerate(layer.people):
                if name not in file.person:
                    yield (*below, "people", turn), f"{schedule.name}: {_no_person(name, file)}"
        try:
            workdays(schedule.country)
        except WorkdaysError as error:
            unknown = True
            yield (*place, "country"), f"{schedule.name}: {error}"
        if not unknown and schedule.gaps == "refused":
            yield from _hole(schedule, place)


def _hole(schedule: Schedule, place: Place) -> Iterator[FaultAt]:
    """The first hours that the layers leave without anybody once all of them hold; the year after that is looked at."""
    zone = ZoneInfo(schedule.timezone)
    start = max(instant(datetime.combine(layer.start, layer.handoff), zone) for layer in schedule.layers)
    found = gaps(shifts(schedule, (), (), start, start + SEARCHED))
    if found:
        first = found[0]
        yield (
            (*place, "layers"),
            f"{schedule.name}: nobody is on call from {local(first.start, zone)} to {local(first.end, zone)}"
            f"{_more(found)}; let a layer cover it, or write `gaps: allowed`",
        )


def _more(found: Sequence[Shift]) -> str:
    return f", nor at {len(found) - 1} other times within a year of it" if len(found) > 1 else ""


def _of_escalations(file: OnCallFile, receivers: Collection[str] | None) -> Iterator[FaultAt]:
    listed = ", ".join(sorted(receivers or ()))
    for number, policy in enumerate(file.escalations):
        place: Place = ("escalations", number)
        for order, step in enumerate(policy.steps):
            below = (*place, "steps", order)
            if step.schedule is not None and step.schedule not in file.schedule:
                known = ", ".join(file.schedule) or "none"
                yield (
                    (*below, "schedule"),
                    f"{policy.name}: there is no schedule {step.schedule!r}; the schedules are {known}",
                )
            if step.person is not None and step.person not in file.person:
                yield (*below, "person"), f"{policy.name}: {_no_person(step.person, file)}"
            if step.receiver is not None and receivers is not None and step.receiver not in receivers:
                yield (
                    (*below, "receiver"),
                    f"{policy.name}: routes.yaml has no receiver {step.receiver!r}; it has {listed}",
                )
            if step.policy is not None and step.policy not in file.escalation:
                known = ", ".join(file.escalation)
                yield (
                    (*below, "policy"),
                    f"{policy.name}: there is no policy {step.policy!r}; the policies are {known}",
                )
            elif step.policy is not None and (way := _way_back(file, policy, step.policy)):
                yield (
                    (*below, "policy"),
                    f"{policy.name}: this goes round in a circle, {' -> '.join(way)}; take one of them out",
                )
        if receivers is not None and policy.catch_all not in receivers:
            yield (
                (*place, "catch_all"),
                f"{policy.name}: routes.yaml has no receiver {policy.catch_all!r}; it has {listed}",
            )


def _way_back(file: OnCallFile, policy: Escalation, first: str) -> list[str]:
    """The names from the policy back to itself through `first`; empty when there is no such way."""
    ways, seen = [[policy.name, first]], {first}
    for way in ways:
        if way[-1] == policy.name:
            return way
        after = file.escalation.get(way[-1])
        for step in after.steps if after else ():
            if step.policy is not None and (step.policy == policy.name or step.policy not in seen):
                seen.add(step.policy)
                ways.append([*way, step.policy])
    return []


def _no_person(name: str, file: OnCallFile) -> str:
    known = ", ".join(sorted(file.person)) or "nobody"
    return f"there is no person {name!r} under `people`, which has {known}"


def warnings(file: OnCallFile, silent: Collection[str], now: datetime, horizon: timedelta) -> list[FaultAt]:
    """What is allowed and still worth a look: people without a channel, a catch-all that shows in the console only
    (`silent` are the receivers without a channel), and gaps within the horizon."""
    found: list[FaultAt] = []
    for number, person in enumerate(file.people):
        if not (person.webhook_configs or person.email_configs or person.apprise_configs):
            found.append((("people", number), f"{person.name} has no channel, so an escalation passes them by"))
    for number, policy in enumerate(file.escalations):
        if policy.catch_all in silent:
            found.append(
                (
                    ("escalations", number, "catch_all"),
                    f"{policy.name}: the receiver {policy.catch_all!r} has no channel: when all steps were in vain, "
                    "the alert shows in the console only",
                )
            )
    for number, schedule in enumerate(file.schedules):
        for gap in coming_gaps(schedule, (), (), now, horizon)[:SHOWN]:
            zone = ZoneInfo(schedule.timezone)
            found.append(
                (
                    ("schedules", number),
                    f"{schedule.name}: nobody is on call from {local(gap.start, zone)} to {local(gap.end, zone)}: "
                    f"{gap.reason}",
                )
            )
    return found


def coming_gaps(
    schedule: Schedule,
    overrides: Sequence[Override],
    absences: Sequence[Absence],
    now: datetime,
    horizon: timedelta,
) -> list[Shift]:
    """When nobody will be on call between now and the horizon."""
    return gaps(shifts(schedule, overrides, absences, now, now + horizon))


def local(at: datetime, zone: ZoneInfo) -> str:
    """An instant as people of that zone read it."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
