"""When a control is due: its business days, the moment of each run, the deadline after which a missing run is a fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dashboards.controls import ControlCard
from reconciliation.controls.entries import EquationControl, MatchControl
from reconciliation.controls.file_totals import filled
from reconciliation.deliveries import Expectation
from reconciliation.due import Due, due_at, due_calendar

Control = MatchControl | EquationControl
LOOK_BACK = 40
"""Days back in which the business day before another is looked for; a monthly control's is 31."""


def zone_of(control: Control, operator: ZoneInfo) -> ZoneInfo:
    """The zone of a control's business days."""
    return ZoneInfo(control.calendar.timezone) if control.calendar.timezone else operator


def due_days(control: Control, operator: ZoneInfo, now: datetime) -> list[date]:
    """Business days that should have been run by `now`, oldest first: yesterday once its hour has come, and those before.

    At least the latest one; as many calendar days back as the control catches up.
    """
    local = now.astimezone(zone_of(control, operator))
    latest = local.date() - timedelta(days=1)
    if local.time() < control.schedule.at:
        latest -= timedelta(days=1)
    back = range(max(1, control.catch_up_days))
    found = [day for day in (latest - timedelta(days=days) for days in reversed(back)) if control.schedule.covers(day)]
    if found:
        return found
    last = next((latest - timedelta(days=n) for n in range(LOOK_BACK) if _covers(control, latest, n)), None)
    return [] if last is None else [last]


def _covers(control: Control, latest: date, days: int) -> bool:
    return control.schedule.covers(latest - timedelta(days=days))


def ended_days(control: Control, operator: ZoneInfo, now: datetime) -> list[date]:
    """Business days that are over by `now`, oldest first: the latest one, as many before as the control catches up, and
    those that are due."""
    today = now.astimezone(zone_of(control, operator)).date()
    back = range(1, max(1, control.catch_up_days) + 2)
    days = {*(today - timedelta(days=number) for number in back), *due_days(control, operator, now)}

    return [day for day in sorted(days) if control.schedule.covers(day) and is_over(control, operator, day, now)]


def is_over(control: Control, operator: ZoneInfo, business_day: date, now: datetime) -> bool:
    """Whether a business day of that control has ended."""
    return now >= _on_the_day_after(control, operator, business_day, control.calendar.cutoff)


def day_before(control: Control, business_day: date) -> date | None:
    """The control's business day before that one; None when there is none in reach."""
    days = (business_day - timedelta(days=back) for back in range(1, LOOK_BACK))
    return next((day for day in days if control.schedule.covers(day)), None)


def deadline(control: Control, operator: ZoneInfo, business_day: date) -> datetime | None:
    """The instant from which the run of a business day is missing; None for a control without a deadline."""
    if control.deadline is None:
        return None
    return _on_the_day_after(control, operator, business_day, control.deadline)


def _on_the_day_after(control: Control, operator: ZoneInfo, business_day: date, at: time) -> datetime:
    zone = zone_of(control, operator)
    return due_at(business_day, Due(control.name, "", "", control.schedule, at, zone))


def expectations(
    controls: Iterable[Control],
    operator: ZoneInfo,
    now: datetime,
    days: int,
    since: Mapping[str, date] | None = None,
) -> list[Expectation]:
    """The files that the parties of these controls owe for the last `days` business days, as `due.due_calendar` says.

    `since` gives the first business day that a control answers for, where it has one.
    """
    first = since or {}
    dues = [due for control in controls for due in _dues(control, operator, first.get(control.name))]
    paths = {(due.control, due.party): due.path for due in dues}
    return [
        replace(owed, path=filled(paths[owed.control, owed.party], owed.business_day))
        for owed in due_calendar(dues, now, days)
    ]


def expectations_of(control: Control, operator: ZoneInfo, business_day: date) -> list[Expectation]:
    """The files that the parties of a control owe for one business day."""
    return [
        Expectation(due.control, due.party, business_day, filled(due.path, business_day), due_at(business_day, due))
        for due in _dues(control, operator)
    ]


def _dues(control: Control, operator: ZoneInfo, since: date | None = None) -> list[Due]:
    """What each party of a control owes every business day, those that are told when it is due."""
    if not isinstance(control, MatchControl):
        return []
    zone = zone_of(control, operator)
    return [
        Due(control.name, party, entry.path, control.schedule, entry.due, zone, since=since)
        for party, entry in control.parties.items()
        if entry.due is not None
    ]


def card(control: Control, operator: ZoneInfo) -> ControlCard:
    """The control as pages show it."""

    def scheduled(first: date, last: date) -> Sequence[date]:
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        return [day for day in days if control.schedule.covers(day)]

    def until(business_day: date) -> datetime:
        return _on_the_day_after(control, operator, business_day, control.deadline or control.schedule.at)

    return ControlCard(
        name=control.name,
        title={"en": control.title.en, "zh": control.title.zh},
        kind=control.kind,
        number=control.number,
        owner=control.owner,
        scheduled=scheduled,
        deadline=until,
        limits=control.limits.model_dump(mode="json", exclude_none=True),
        runbook=control.runbook,
        demo=control.demo,
    )
