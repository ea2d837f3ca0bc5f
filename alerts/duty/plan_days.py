"""On which days a job is due, as a pure function of its plan and the desk's working days; and at which instants."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alerts.duty.config import Desk
from alerts.duty.plan_config import BILLING_CYCLE_DAYS, WEEKDAYS, Plan
from alerts.duty.wall import days_between, instant_of
from core.workdays import Workdays

FARTHEST = 20
"""Days within which a working day is looked for; the longest row of days off is shorter."""


@dataclass(frozen=True, slots=True)
class Due:
    """One job that a plan owes: its day, and the instants (UTC) from which it can be begun, is due, and is missed."""

    plan: str
    day: date
    opens_at: datetime
    due_at: datetime
    missed_at: datetime


def due_days(plan: Plan, workdays: Workdays, first: date, last: date) -> list[date]:
    """The days from `first` to `last` on which the job is due, each once, in their order."""
    margin = timedelta(days=FARTHEST)
    start = max(first, plan.since) if plan.since else first
    moved = {
        found
        for day in days_between(first - margin, last + margin)
        if _falls_on(plan, workdays, day)
        for found in _moved(plan, workdays, day)
    }
    return sorted(day for day in moved if start <= day <= last)


def dues(plan: Plan, desk: Desk, after: datetime, until: datetime) -> list[Due]:
    """The jobs that can be begun after `after` and at `until` at the latest, in their order."""
    first = (after + plan.opens).astimezone(desk.zone).date() - timedelta(days=2)
    last = (until + plan.opens).astimezone(desk.zone).date() + timedelta(days=2)
    found = [due_of(plan, desk, day) for day in due_days(plan, desk.workdays, first, last)]
    return [due for due in found if after < due.opens_at <= until]


def due_of(plan: Plan, desk: Desk, day: date) -> Due:
    """The job of one due day."""
    due_at = instant_of(day, plan.due, desk.zone)
    return Due(plan.name, day, due_at - plan.opens, due_at, due_at + plan.grace)


def _falls_on(plan: Plan, workdays: Workdays, day: date) -> bool:
    when = plan.when
    if when.daily is not None:
        return when.daily == "every" or workdays.works(day)
    if when.weekly is not None:
        return WEEKDAYS[day.weekday()] in when.weekly
    length = calendar.monthrange(day.year, day.month)[1]
    if when.monthly is not None:
        return day.day in when.monthly or (day.day == length and any(wanted > length for wanted in when.monthly))
    if when.calendar == "billing_cycle":
        return day.day in BILLING_CYCLE_DAYS
    if when.calendar == "last_day":
        return day.day == length
    if not workdays.works(day):
        return False
    others = range(1, day.day) if when.calendar == "first_working_day" else range(length, day.day, -1)
    return not any(workdays.works(day.replace(day=number)) for number in others)


def _moved(plan: Plan, workdays: Workdays, day: date) -> list[date]:
    """Where a due day ends up: itself, a working day near it, or nowhere."""
    rule = plan.when.on_day_off
    if rule == "stay" or workdays.works(day):
        return [day]
    if rule == "skip":
        return []
    step = -1 if rule == "before" else 1
    near = (day + timedelta(days=step * number) for number in range(1, FARTHEST + 1))
    return [found] if (found := next((one for one in near if workdays.works(one)), None)) else [day]
