"""The models of `heartbeats.yaml`: which jobs are to be heard of, how often, and whose they are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal

from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from pydantic import AfterValidator, Field, model_validator

from core.duration import Duration
from core.fields import LabelName, Part, TimeZone

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
SHORTEST = timedelta(seconds=10)
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""From which on a cron line must have an instant."""
PART = re.compile(r"(\*|[a-z]+|\d+)(?:-([a-z]+|\d+))?(?:/(\d+))?")


def weekdays(text: str) -> str:
    """The fifth field of a cron line as names of days, where 0 and 7 are Sunday as cron has it. Raises ValueError."""
    if text in ("*", "?"):
        return "*"
    found: set[int] = set()
    for part in text.lower().split(","):
        match = PART.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no day of the week; write 0 to 7 or sun to sat")
        first, last = (0, 6) if match[1] == "*" else (_day(match[1]), _day(match[2] or match[1]))
        if last == 0 and first > 0 and match[2]:
            last = 7
        if last < first:
            raise ValueError(f"{part!r} ends before it begins; write it as two parts with a comma")
        found |= {day % 7 for day in range(first, last + 1, int(match[3] or 1) or 1)}
    return ",".join(DAYS[day] for day in sorted(found))


def _day(text: str) -> int:
    if text.isdigit() and int(text) <= 7:
        return int(text) % 7
    if text[:3] in DAYS and text.isalpha():
        return DAYS.index(text[:3])
    raise ValueError(f"{text!r} is no day of the week; write 0 to 7 or sun to sat")


def trigger(cron: str, zone: str) -> CronTrigger | OrTrigger:
    """The cron line's instants in that time zone. Raises ValueError with a sentence when it is no cron line.

    Where day of the month and day of the week are both given, either of them is enough, as crontab(5) has it.
    """
    fields = cron.split()
    if len(fields) != 5:
        raise ValueError(f"{cron!r} is no cron line; it has five fields: minute, hour, day, month, day of the week")
    minute, hour, day, month, week = fields
    both = not day.startswith(("*", "?")) and not week.startswith(("*", "?"))
    try:
        choices = [
            CronTrigger(minute=minute, hour=hour, day=one, month=month, day_of_week=other, timezone=zone, second=0)
            for one, other in ([(day, "*"), ("*", weekdays(week))] if both else [(day, weekdays(week))])
        ]
    except ValueError as error:
        raise ValueError(f"{cron!r} is no cron line: {error}") from None
    return OrTrigger(choices) if both else choices[0]


def _cron(text: str) -> str:
    if trigger(text, "UTC").get_next_fire_time(None, SOME_DAY) is None:
        raise ValueError(f"{text!r} names a day that never comes, so nobody would notice that the job is silent")
    return text


class Heartbeat(Part):
    """One job that is to be heard of."""

    name: str = Field(pattern=r"^\w[\w.:@-]*$", max_length=120, description="Its name; letters, digits, _ . : @ -")
    cron: Annotated[str, AfterValidator(_cron)] | None = Field(
        default=None,
        description="When it runs, as cron writes it: minute, hour, day, month, day of the week; of two "
        "kinds of day, either.",
    )
    every: Duration | None = Field(default=None, description="Or: the longest time between two of its runs.")
    grace: Duration = Field(default=timedelta(minutes=5), description="How late it may be before an alert opens.")
    timezone: TimeZone = Field(default="Asia/Shanghai", description="The zone of `cron`.")
    severity: Literal["critical", "warning"] = Field(default="critical", description="Of its alerts.")
    labels: dict[LabelName, str] = Field(default={}, description="Labels of its alerts, for routes.")
    owner: str = Field(default="", description="Whose job it is.")
    runbook: str = Field(default="", description="What to do first when it is late or failed.")
    demo: bool = Field(default=False, description="The job is made up, and its alerts say so.")

    @model_validator(mode="after")
    def _one_rhythm(self) -> Heartbeat:
        if (self.cron is None) == (self.every is None):
            raise ValueError("give either cron or every")
        if self.every is not None and self.every < SHORTEST:
            raise ValueError("every: a job is heard of every 10s at most")
        return self

    @cached_property
    def trigger(self) -> CronTrigger | OrTrigger | None:
        """The instants of `cron`; none where `every` is given."""
        return trigger(self.cron, self.timezone) if self.cron is not None else None

    def expected_after(self, since: datetime) -> datetime | None:
        """When it is to be heard of next after `since`; none when its cron line has no further instant."""
        if self.every is not None:
            return since + self.every
        if self.trigger is None:
            return None
        following: datetime | None = self.trigger.get_next_fire_time(None, since + timedelta(milliseconds=1))
        return following


class HeartbeatsFile(Part):
    """heartbeats.yaml: jobs that tell the console that they ran."""

    heartbeats: list[Heartbeat] = Field(default=[])


def faults(file: HeartbeatsFile) -> list[tuple[tuple[str | int, ...], str]]:
    """What is wrong beyond the shape: a name given twice."""
    seen: dict[str, int] = {}
    found: list[tuple[tuple[str | int, ...], str]] = []
    for number, one in enumerate(file.heartbeats):
        if one.name in seen:
            sentence = f"the heartbeat {one.name!r} is there already, as number {seen[one.name] + 1}; names are unique"
            found.append((("heartbeats", number, "name"), sentence))
        seen.setdefault(one.name, number)
    return found
