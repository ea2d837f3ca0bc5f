"""The load that alerts are to people: against the operators on duty, what nobody touches, and how grave they are.

Source of the figures: EEMUA 191 - about one alarm in ten minutes an operator can be handled, more than ten in ten minutes
are a flood; of all alarms 80 % should be of low, 15 % of medium and 5 % of high priority.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from alerts.duty.config import DutyFile
from alerts.duty.roster import changes_of
from alerts.duty.shifts import shift_at
from alerts.oncall import roster
from alerts.oncall.config import OnCallFile
from alerts.oncall.shifts import shifts
from core.store.tables import alert
from dashboards.queries.alert_filters import stale
from dashboards.queries.rows import Row

FINE, FLOOD = 1, 10
"""Alarms in ten minutes an operator: up to the first is fine, more than the second is a flood."""
MEANT = {"critical": 0.05, "warning": 0.15}
"""The share of all alarms that a severity should have at most; what is left is for those that can wait."""


def burden(connection: Connection, load: Row, operators: int, now: datetime) -> Row:
    """`load` (of `queries.alerts.load`) with: operators, each_now and each_mean (alarms in ten minutes an operator, in the
    last ten minutes and as the mean of 24 h), judgement (fine, busy, flood), stale (how many), spread {severity: how many
    opened in 24 h}."""
    people = max(operators, 1)
    opened = select(alert.c.severity, func.count()).where(alert.c.opened_at >= now - timedelta(hours=24))
    each_now = load["ten_minutes"] / people
    return load | {
        "operators": operators,
        "each_now": each_now,
        "each_mean": load["day"] / 144 / people,
        "judgement": "fine" if each_now <= FINE else "busy" if each_now <= FLOOD else "flood",
        "stale": connection.execute(select(func.count()).select_from(alert).where(stale(now))).scalar_one(),
        "spread": {row[0]: row[1] for row in connection.execute(opened.group_by(alert.c.severity))},
    }


def operators_on_duty(connection: Connection, duty: DutyFile, oncall: OnCallFile, now: datetime) -> int:
    """How many people have the shifts of the duty desks now; without a shift, how many are on call; 0: nobody is known."""
    people: set[str] = set()
    for desk in duty.desks:
        shift = shift_at(desk, now, changes_of(connection, desk.name))
        people |= set(shift.people) if shift is not None else set()
    if people or not oncall.schedules:
        return len(people)
    known = roster.load(connection, now)
    for schedule in oncall.schedules:
        final = shifts(schedule, known.overrides, known.absences, now, now + timedelta(minutes=1)).final
        people |= {one.person for one in final[:1] if one.person is not None}
    return len(people)
