"""Time intervals of routes.yaml, in Alertmanager's notation: when a route is mute, or the only times when it is not.

Everything is read in the interval's own zone (`location`, UTC if not given) as clocks there show it, so an hour that a
change to summer time leaves out never comes, and one that comes twice counts twice. Ranges include both ends, but a
range of times leaves out its end. Source: https://prometheus.io/docs/alerting/latest/configuration/#time_interval
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from core.fields import TimeZone

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
CLOCK = re.compile(r"((?:[01]\d|2[0-3]):[0-5]\d|24:00)", re.ASCII)
WHOLE = re.compile(r"-?\d{1,4}", re.ASCII)
MINUTE = timedelta(minutes=1)
LONGEST_MONTH = 31

Range = tuple[int, int]
"""First and last, both included."""


def _weekday(text: str) -> int:
    if text.lower() not in WEEKDAYS:
        raise ValueError(f"{text!r} is no day of the week; write {', '.join(WEEKDAYS[1:])} or sunday")
    return WEEKDAYS.index(text.lower())


def _month(text: str) -> int:
    if text.lower() in MONTHS:
        return MONTHS.index(text.lower()) + 1
    return _whole(text, 1, 12, "month; write january to december or 1 to 12")


def _year(text: str) -> int:
    return _whole(text, 1, 9999, "year")


def _day(text: str) -> int:
    day = _whole(text, -31, 31, "day of a month; write 1 to 31, or -1 for the last one to -31")
    if day == 0:
        raise ValueError("there is no day 0 of a month; write 1 to 31, or -1 for the last one to -31")
    return day


def _whole(text: str, least: int, most: int, what: str) -> int:
    if not WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise ValueError(f"{text!r} is no {what}")
    return int(text)


def _range(text: str, read: Callable[[str], int]) -> Range:
    """`monday`, `monday:friday`. Raises ValueError."""
    first, _, last = (part.strip() for part in text.partition(":"))
    begin = read(first)
    end = read(last) if last else begin
    if begin < 0 < end:
        raise ValueError(f"{text!r} counts from the end of the month and then from its start; write it as two ranges")
    longest = [value if value >= 0 else LONGEST_MONTH + value + 1 for value in (begin, end)]
    if longest[0] > longest[1]:
        raise ValueError(f"{text!r} ends before it starts (weeks start on sunday); write it as two ranges")
    return begin, end


def _ranges(read: Callable[[str], int]) -> AfterValidator:
    def readable(values: list[str]) -> list[str]:
        for value in values:
            _range(value, read)
        return values

    return AfterValidator(readable)


def _texts(value: Any) -> Any:
    plain = isinstance(value, list)
    return (
        [str(one) if isinstance(one, int) and not isinstance(one, bool) else one for one in value] if plain else value
    )


def _clock(value: Any) -> Any:
    if isinstance(value, int | float):
        raise ValueError('put the time in quotes, like "09:30"; without them YAML reads a number')
    if isinstance(value, str) and not CLOCK.fullmatch(value):
        raise ValueError(f"{value!r} is no time; write it like 09:30, up to 24:00")
    return value


Texts = BeforeValidator(_texts, json_schema_input_type=list[str])
ClockText = Annotated[str, BeforeValidator(_clock, json_schema_input_type=str)]


class TimesConfig(BaseModel):
    """A stretch of a day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start_time: ClockText = Field(description='From this time on, like "09:00"')
    end_time: ClockText = Field(description='Until just before this time, like "17:30" or "24:00"')

    @model_validator(mode="after")
    def _forward(self) -> TimesConfig:
        if self.start_time >= self.end_time:
            raise ValueError(
                f"{self.start_time} to {self.end_time} ends before it starts; for a night write two: to 24:00 and from 00:00"
            )
        return self

    @property
    def minutes(self) -> Range:
        """First minute of the day and the one after the last."""
        return _minute(self.start_time), _minute(self.end_time)


class IntervalConfig(BaseModel):
    """One interval: what is given must all hold; what is left out always holds."""

    model_config = ConfigDict(extra="forbid")

    times: list[TimesConfig] = Field(default_factory=list, description="Stretches of the day")
    weekdays: Annotated[list[str], Texts, _ranges(_weekday)] = Field(
        default_factory=list, description="Days of the week or ranges: monday:friday, sunday"
    )
    days_of_month: Annotated[list[str], Texts, _ranges(_day)] = Field(
        default_factory=list, description="Days or ranges, from the end when negative: 1:5, -3:-1"
    )
    months: Annotated[list[str], Texts, _ranges(_month)] = Field(
        default_factory=list, description="Months or ranges, by name or number: may:august, 12"
    )
    years: Annotated[list[str], Texts, _ranges(_year)] = Field(
        default_factory=list, description="Years or ranges: 2026, 2026:2028"
    )
    location: TimeZone = Field("UTC", description="Zone whose clocks are meant, such as Asia/Shanghai")

    @cached_property
    def interval(self) -> Interval:
        """The same, ready to be asked."""
        return Interval(
            zone=ZoneInfo(self.location),
            minutes=tuple(one.minutes for one in self.times),
            weekdays=tuple(_range(one, _weekday) for one in self.weekdays),
            days=tuple(_range(one, _day) for one in self.days_of_month),
            months=tuple(_range(one, _month) for one in self.months),
            years=tuple(_range(one, _year) for one in self.years),
        )


class NamedIntervals(BaseModel):
    """Intervals under one name, for routes; any of them is enough."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, description="Name that routes use")
    time_intervals: list[IntervalConfig] = Field(default_factory=list, description="The intervals; one is enough")


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval as ranges of numbers; an empty tuple always holds."""

    zone: ZoneInfo
    minutes: tuple[Range, ...] = ()  # of the day; the end is left out
    weekdays: tuple[Range, ...] = ()  # sunday is 0
    days: tuple[Range, ...] = ()  # of the month; negative from its end
    months: tuple[Range, ...] = ()
    years: tuple[Range, ...] = ()

    def contains(self, at: datetime) -> bool:
        """Whether the clocks of the zone show a time within at that instant. Pure."""
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return (
            (not self.minutes or any(first <= minute < end for first, end in self.minutes))
            and _within(self.weekdays, local.isoweekday() % 7)
            and _within(self.months, local.month)
            and _within(self.years, local.year)
            and (not self.days or any(_day_within(one, local) for one in self.days))
        )


@dataclass(frozen=True, slots=True)
class Intervals:
    """All named intervals of a routes.yaml."""

    by_name: Mapping[str, tuple[Interval, ...]]

    @classmethod
    def of(cls, named: Iterable[NamedIntervals]) -> Intervals:
        """Those of the file."""
        return cls({one.name: tuple(each.interval for each in one.time_intervals) for one in named})

    def muted(self, mute: Sequence[str], active: Sequence[str], at: datetime) -> tuple[str, str] | None:
        """Name and reason why a route with these intervals is mute at that instant; none when it is not. Pure."""
        for name in mute:
            if self._contains(name, at):
                return name, f"the route is mute during the interval {name}"
        if active and not any(self._contains(name, at) for name in active):
            names = ", ".join(active)
            return names, f"the route is active only during {names}"
        return None

    def muted_until(self, mute: Sequence[str], active: Sequence[str], at: datetime, horizon: timedelta) -> datetime:
        """The first whole minute after `at` when the route is not mute, the end of the horizon if it is until then."""
        end = at + horizon
        minute = at.replace(second=0, microsecond=0) + MINUTE
        while minute < end:
            if self.muted(mute, active, minute) is None:
                return minute
            minute += MINUTE
        return end

    def _contains(self, name: str, at: datetime) -> bool:
        return any(one.contains(at) for one in self.by_name.get(name, ()))


def _within(ranges: tuple[Range, ...], value: int) -> bool:
    return not ranges or any(first <= value <= last for first, last in ranges)


def _day_within(days: Range, local: datetime) -> bool:
    """Whether the day of the month lies in the range; ends beyond the month stop at its edge."""
    length = monthrange(local.year, local.month)[1]
    first, last = (day if day > 0 else length + day + 1 for day in days)
    return first <= local.day <= last


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)
