"""Cases and the tickets of their run's alerts: where a route opened a ticket, the breaks of that run hang on it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from core.store.tables import alert, break_case, ticket
from reconciliation.desk.cases import AT_WORK, link_ticket

WHO = "assurance"
_MOST = 50_000
_OF_NO_BREAK = ("reconciliation-refused", "reconciliation-run-missing")
"""Checks whose alerts are about a run that found nothing yet."""


def link_tickets(connection: Connection, now: datetime) -> int:
    """Tie cases at work that have no ticket to the one that an alert of their control and business day has.

    An alert that names a class takes the cases of that class; one for the whole run takes those that are left. Returns
    how many cases were tied.
    """
    waiting: defaultdict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    query = (
        select(break_case.c.id, break_case.c.control, break_case.c.business_day, break_case.c["class"])
        .where(break_case.c.ticket_id.is_(None), break_case.c.state.in_(AT_WORK))
        .order_by(break_case.c.id)
        .limit(_MOST)
    )
    for row in connection.execute(query).mappings():
        waiting[row["control"], row["business_day"]].append((row["id"], row["class"]))
    if not waiting:
        return 0
    known = _tickets(connection, {control for control, _ in waiting})
    tied = 0
    for (control, day), cases in waiting.items():
        by_ticket: defaultdict[int, list[int]] = defaultdict(list)
        for case_id, class_name in cases:
            number = known.get((control, day, class_name)) or known.get((control, day, ""))
            if number is not None:
                by_ticket[number].append(case_id)
        for number, ids in by_ticket.items():
            link_ticket(connection, ids, number, WHO, now)
            tied += len(ids)
    return tied


def _tickets(connection: Connection, controls: set[str]) -> dict[tuple[str, str, str], int]:
    """The newest ticket of each control's alerts by business day and class; the class is empty for a whole run."""
    query = (
        select(ticket.c.id, alert.c.target, alert.c.labels)
        .join(alert, alert.c.id == ticket.c.alert_id)
        .where(alert.c.target.in_(sorted(controls)), alert.c.check_name.not_in(_OF_NO_BREAK))
        .order_by(ticket.c.id)
    )
    found = {}
    for row in connection.execute(query):
        day = row.labels.get("business_day")
        if day and "party" not in row.labels:
            found[row.target, day, row.labels.get("class", "")] = row.id
    return found


def desk_figures(connection: Connection, now: datetime) -> dict[str, tuple[int, int]]:
    """By control: cases at work, and those of them past their deadline."""
    late = func.sum(case((break_case.c.deadline < now, 1), else_=0))
    query = (
        select(break_case.c.control, func.count(), late)
        .where(break_case.c.state.in_(AT_WORK))
        .group_by(break_case.c.control)
    )
    return {control: (int(cases), int(overdue or 0)) for control, cases, overdue in connection.execute(query)}
