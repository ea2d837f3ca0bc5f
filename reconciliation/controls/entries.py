"""What may stand in a control's file, as frozen models; `definition` reads the files and finds what is wrong in them."""

from __future__ import annotations

import calendar
import hashlib
import json
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from core.duration import Duration
from core.fields import LabelName, LocalTime, Part, TimeZone
from reconciliation.controls.fields import DatedPath, Exact, FileName, Identifier, Minor
from reconciliation.controls.quantity_entries import QuantityEntry

Loser = Literal["customer", "operator", "partner", "none"]


def _pair(value: Any) -> Any:
    return (value, value) if isinstance(value, str) else value


ColumnPair = Annotated[tuple[str, str], BeforeValidator(_pair)]
"""The same thing in the records of two parties; a bare name stands for both."""


def _two(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("name the two parties that the pass looks between, such as [platform, bank]")
    return value


PartyPair = Annotated[tuple[Identifier, Identifier], BeforeValidator(_two)]
OUT_OF_BALANCE = "out_of_balance"
"""The one class of break that an equation has."""


class Title(Part):
    """What people see, in both languages."""

    en: str = Field(min_length=1, max_length=200, description="In English.")
    zh: str = Field(min_length=1, max_length=200, description="In Chinese.")


class Schedule(Part):
    """Which business days are reconciled, and when: at the local time `at` of the day after."""

    at: LocalTime = Field(description="Local time, on the day after the business day; in quotes.")
    days: Literal["daily", "weekdays"] | None = Field(default=None, description="daily (if nothing is said), weekdays.")
    month_day: int | None = Field(
        default=None, ge=1, le=31, description="Only this day of each month; a shorter month's last day stands for it."
    )
    cycles: tuple[Annotated[int, Field(ge=1, le=28)], ...] | None = Field(
        default=None, min_length=1, description="Only the days of these bill cycles, such as [1, 5, 10, 15, 20, 25]."
    )

    @model_validator(mode="after")
    def _one(self) -> Schedule:
        if sum(choice is not None for choice in (self.days, self.month_day, self.cycles)) > 1:
            raise ValueError("give one of days, month_day and cycles, not several")
        return self

    def covers(self, business_day: date) -> bool:
        """Whether the control has a run for this business day."""
        if self.cycles is not None:
            return business_day.day in self.cycles
        if self.month_day is not None:
            last = calendar.monthrange(business_day.year, business_day.month)[1]
            return business_day.day == min(self.month_day, last)
        return self.days != "weekdays" or business_day.weekday() < 5


class Calendar(Part):
    """When a business day begins and ends."""

    timezone: TimeZone | None = Field(default=None, description="The operator's, if nothing is said.")
    cutoff_window: Duration = Field(
        default=timedelta(minutes=30), description="How near the day's end may explain a one-sided record."
    )
    cutoff: LocalTime = Field(default=time(0), description="Local time at which a business day ends; in quotes.")

    @model_validator(mode="after")
    def _short(self) -> Calendar:
        if self.cutoff_window > timedelta(hours=12):
            raise ValueError("cutoff_window must be at most 12h, or every record is near the day's end")
        return self


class PartyEntry(Part):
    """One party's file of a business day."""

    path: DatedPath = Field(description="Relative to the home folder; {day} stands for 2026-11-01.")
    source: str = Field(default="standard", description="Its format.")
    due: LocalTime | None = Field(default=None, description="Local time, on the day after, by which it has arrived.")
    settings: dict[str, Any] = Field(default={}, alias="with", description="The format's own settings.")
    fetch: dict[str, Any] | None = Field(default=None, description="What brings the file: sftp or sql_query.")


class Tolerance(Part):
    """Differences of one key that are none."""

    amount_minor: Minor = Field(default=0, description="Of the amounts, in minor units.")
    fee_minor: Minor = Field(default=0, description="Of the fees, in minor units.")
    time: Duration | None = Field(default=None, description="How far apart its instants may be; general rules only.")


class TolerancePass(Part):
    """One row of each of two parties: amounts and instants nearly the same, the columns `same` equal."""

    amount_minor: Minor = Field(default=0, description="How far apart the amounts may be, in minor units.")
    time: Duration = Field(default=timedelta(), description="How far apart the instants may be.")
    same: tuple[str, ...] = Field(default=(), description="Columns that must be equal.")


class BatchPass(Part):
    """One to many and many to many: what adds up to the same total within these columns."""

    by: tuple[ColumnPair, ...] = Field(min_length=1, description="A column, or [the first's of the two, the second's].")
    amount_minor: Minor = Field(default=0, description="How far apart the two totals may be, in minor units.")


class FuzzyPass(Part):
    """Keys that look alike; proposed to people, never matched."""

    amount_minor: Minor = Field(default=0, description="How far apart the amounts may be, in minor units.")
    time: Duration = Field(default=timedelta(), description="How far apart the instants may be.")
    likeness: float = Field(default=0.8, gt=0, le=1, description="Least likeness of two keys, 1 being the same.")


class Pass(Part):
    """One pass over what the passes before it left; exactly one of tolerance, batch and fuzzy."""

    between: PartyPair | None = Field(
        default=None, description="The two parties it looks between; needed where the match has more than two."
    )
    tolerance: TolerancePass | None = Field(default=None, description="Pairs of one row each, the nearest first.")
    batch: BatchPass | None = Field(default=None, description="Many rows by their total.")
    fuzzy: FuzzyPass | None = Field(default=None, description="Pairs whose keys look alike; only proposed.")

    @model_validator(mode="after")
    def _one(self) -> Pass:
        if sum(kind is not None for kind in (self.tolerance, self.batch, self.fuzzy)) != 1:
            raise ValueError("a pass is one of tolerance, batch and fuzzy")
        return self


class Limit(Part):
    """The values from which a figure is a warning and critical; either may be left out."""

    warning: Exact | None = None
    critical: Exact | None = None

    @model_validator(mode="after")
    def _any(self) -> Limit:
        if self.warning is None and self.critical is None:
            raise ValueError("give warning, critical or both")
        return self


class Limits(Part):
    """When a run is more than a matter for its desk."""

    storm: int = Field(default=200, ge=1, description="Breaks of a run above which it is one alert for the run.")
    breaks: Limit | None = Field(default=None, description="Breaks of a run.")
    at_risk_minor: Limit | None = Field(default=None, description="Money at risk in a run's breaks, in minor units.")
    match_ratio: Limit | None = Field(default=None, description="Matched keys of all; a warning or critical below it.")
    classes: dict[str, Limit] = Field(default={}, description="Breaks of one class.")


class Balance(Part):
    """When the equation is in balance; exactly one of the four."""

    tolerance: Exact | None = Field(default=None, ge=0, description="The formula is 0, give or take this much.")
    at_least: Exact | None = Field(default=None, description="The formula is this or more.")
    at_most: Exact | None = Field(default=None, description="The formula is this or less.")
    between: tuple[Exact, Exact] | None = Field(
        default=None, description="The formula is one of these or between them."
    )

    @model_validator(mode="after")
    def _one(self) -> Balance:
        given = (self.tolerance, self.at_least, self.at_most, self.between)
        if sum(choice is not None for choice in given) != 1:
            raise ValueError("balanced is one of tolerance, at_least, at_most and between")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError("between: the lower bound comes first")
        return self

    @property
    def bounds(self) -> tuple[Exact | None, Exact | None]:
        """The least and the largest result that is in balance; None where there is no bound."""
        if self.tolerance is not None:
            return -self.tolerance, self.tolerance
        return self.between if self.between is not None else (self.at_least, self.at_most)


class Common(Part):
    """What every control has."""

    name: FileName = Field(description="Unique; the file is called NAME.yaml.")
    title: Title = Field(description="What people see, as `en` and `zh`.")
    number: int | None = Field(default=None, ge=1, le=999, description="Its number in the reference list of controls.")
    owner: str = Field(default="revenue assurance", min_length=1, max_length=120, description="Who answers for it.")
    schedule: Schedule = Field(description="Which business days, and when.")
    deadline: LocalTime | None = Field(
        default=None, description="Local time, on the day after, from which a run that did not happen is a fault."
    )
    calendar: Calendar = Field(default=Calendar(), description="When a business day begins and ends.")
    catch_up_days: int = Field(default=3, ge=0, le=92, description="Days back that are run at start if missed.")
    limits: Limits = Field(default=Limits(), description="When a run is more than a matter for its desk.")
    runbook: str = Field(default="", max_length=4000, description="What to do first.")
    labels: dict[LabelName, str] = Field(default={}, description="Labels of its target, for routes and checks.")
    system: str = Field(default="", description="The application system that it belongs to.")
    demo: bool = Field(default=False, description="Its records are made up, and every page says so.")

    @field_validator("deadline")
    @classmethod
    def _in_time(cls, deadline: time | None, known: ValidationInfo) -> time | None:
        schedule = known.data.get("schedule")
        if deadline is not None and schedule is not None and deadline < schedule.at:
            raise ValueError(f"the deadline {deadline:%H:%M} is before the run itself, at {schedule.at:%H:%M}")
        return deadline


class MatchControl(Common):
    """Records of two or more parties that must agree key by key."""

    kind: Literal["match"] = Field(description="match or equation.")
    parties: dict[Identifier, PartyEntry] = Field(description="Two or more, in the order of the columns of a break.")
    rules: Literal["three_way", "general"] = Field(
        default="three_way", description="three_way: billing, platform and payment; general: any parties."
    )
    key: tuple[str, ...] = Field(default=("business_key", "kind"), min_length=1, description="What makes two rows one.")
    losers: dict[str, Loser] = Field(default={}, description="Who loses by a class; general rules only.")
    tolerance: Tolerance = Field(default=Tolerance(), description="Differences of one key that are none.")
    passes: tuple[Pass, ...] = Field(default=(), description="After the exact key, in this order; general rules only.")
    dimensions: tuple[str, ...] = Field(default=(), description="Columns by which causes are looked for.")


class EquationControl(Common):
    """Quantities of a business day that must add up, or a ratio that must hold."""

    kind: Literal["equation"] = Field(description="match or equation.")
    quantities: dict[Identifier, QuantityEntry] = Field(min_length=1, description="The numbers, by name.")
    formula: str = Field(min_length=1, description="Of the quantities: + - * / ( ) abs min max.")
    unit: str = Field(min_length=1, max_length=60, description="Of the formula's result.")
    balanced: Balance = Field(description="What the result must be.")
    at_risk: str | None = Field(
        default=None, description="A formula in fen for the money at risk; the difference itself if its unit is fen."
    )
    loser: Loser = Field(
        default="operator", description="Who loses when it is out of balance: customer, operator, partner, none."
    )


Control = Annotated[MatchControl | EquationControl, Field(discriminator="kind")]
KINDS: Mapping[str, type[MatchControl] | type[EquationControl]] = {"match": MatchControl, "equation": EquationControl}

_JUDGING = frozenset(
    [
        "name",
        "kind",
        "calendar",
        "parties",
        "rules",
        "key",
        "losers",
        "tolerance",
        "passes",
        "quantities",
        "formula",
        "unit",
        "balanced",
        "at_risk",
        "loser",
    ]
)


def version(control: Common) -> str:
    """Sixteen hexadecimal digits that change with whatever of the control can change a result, and with nothing else.

    Schedules, limits, owners and words are no part of it, so that editing them makes no evidence of old days different.
    """
    document = control.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=set(_JUDGING))
    for party in document.get("parties", {}).values():
        party.pop("due", None)
        party.pop("fetch", None)
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
