"""The models of `job_plans.yaml`: routine jobs (作业计划), on which days they are due, and their checklists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from alerts.duty.config import FaultAt, Name, Title
from core.duration import Duration
from core.fields import LocalTime, Part

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
BILLING_CYCLE_DAYS = (1, 5, 10, 15, 20, 25)
Kind = Literal["yes_no", "number", "text", "evidence"]


class Item(Part):
    """One line of a checklist."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)] = Field(description="Unique in its plan.")
    title: Title = Field(description="What is to be looked at or done.")
    kind: Kind = Field("yes_no", description="What it takes: a tick, a number, words, or a file as evidence.")
    unit: str = Field("", max_length=20, description="Of a number.")
    least: float | None = Field(None, allow_inf_nan=False, description="A smaller number is out of range.")
    most: float | None = Field(None, allow_inf_nan=False, description="A larger number is out of range.")
    needed: bool = Field(True, description="Whether the job can be finished only with it.")

    @model_validator(mode="after")
    def _range(self) -> Item:
        if self.kind != "number" and (self.least is not None or self.most is not None or self.unit):
            raise ValueError("only a number has a unit and a range")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"least {self.least:g} is more than most {self.most:g}; no number could be in range")
        return self


class When(Part):
    """On which days a job is due; exactly one of its fields."""

    daily: Literal["every", "working"] | None = Field(None, description="Every day, or every working day.")
    weekly: list[Literal[WEEKDAYS]] | None = Field(None, min_length=1, max_length=7, description="Days of the week.")  # type: ignore[valid-type]
    monthly: list[Annotated[int, Field(ge=1, le=31)]] | None = Field(
        None, min_length=1, max_length=31, description="Days of the month; where a month is shorter, its last day."
    )
    calendar: Literal["first_working_day", "last_working_day", "last_day", "billing_cycle"] | None = Field(
        None, description="By the calendar; billing_cycle: the 1st, 5th, 10th, 15th, 20th and 25th."
    )
    on_day_off: Literal["stay", "before", "after", "skip"] = Field(
        "stay",
        description="When a due day is no working day: stay there, move to the working day before or after, or skip.",
    )

    @model_validator(mode="after")
    def _one(self) -> When:
        given = [name for name in ("daily", "weekly", "monthly", "calendar") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of daily, weekly, monthly and calendar")
        if self.on_day_off in ("before", "after") and given[0] == "daily":
            raise ValueError("a daily job cannot move to another day; write `daily: working`, or on_day_off: skip")
        return self


class Plan(Part):
    """One routine job."""

    name: Name = Field(description="Unique; it is never given to another job.")
    title: Title = Field(description="What people call it.")
    desk: Name = Field(description="The desk of duty.yaml that does it; its time zone and working days hold.")
    when: When = Field(description="On which days it is due.")
    due: LocalTime = Field(description='Local time by which it is to be done: "09:30".')
    grace: Duration = Field(timedelta(minutes=30), description="Time after `due` from which it is missed.")
    opens: Duration = Field(timedelta(hours=12), description="How long before `due` it can be begun.")
    since: date | None = Field(None, description="The first day on which it can be due.")
    runbook: str = Field("", max_length=2000, description="How it is done.")
    items: list[Item] = Field(min_length=1, max_length=60, description="The checklist.")


class PlansFile(Part):
    """job_plans.yaml: the routine jobs."""

    plans: list[Plan] = Field(default=[], max_length=500)


def faults(file: PlansFile, desks: Collection[str]) -> list[FaultAt]:
    """Every fault of the file, in its order; `desks` are the names that duty.yaml has."""
    found: list[FaultAt] = []
    seen: set[str] = set()
    for number, plan in enumerate(file.plans):
        if plan.name in seen:
            found.append((("plans", number, "name"), f"the plan {plan.name!r} is there already; names are unique"))
        seen.add(plan.name)
        found += [(("plans", number, *place), f"{plan.name}: {sentence}") for place, sentence in _of_plan(plan, desks)]
    return found


def _of_plan(plan: Plan, desks: Collection[str]) -> Iterator[FaultAt]:
    if plan.desk not in desks:
        known = f"the desks are {', '.join(sorted(desks))}" if desks else "duty.yaml has none"
        yield ("desk",), f"there is no desk {plan.desk!r}; {known}"
    for code, count in Counter(item.code for item in plan.items).items():
        if count > 1:
            yield ("items",), f"{count} items have the code {code!r}; codes are unique in a plan"
    if not any(item.needed for item in plan.items):
        yield ("items",), "no item is needed, so the job could be finished without doing anything; make one needed"
