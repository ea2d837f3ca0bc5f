"""Alerts as people filter and read them, each with its ticket and its history."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from core.store.tables import alert, alert_event, indicator, series, target, ticket
from dashboards.queries.alert_filters import narrowed
from dashboards.queries.changes import with_changes
from dashboards.queries.rows import Row, rows

LIMIT = 1000
FLOOD = 10
"""More alerts than this opened within ten minutes are a flood."""


def alerts(
    connection: Connection, now: datetime, filters: Mapping[str, str], among: Collection[int] | None = None
) -> list[Row]:
    """At most 1000 alerts, worst and newest first; `changes` are the numbers of the changes that explain each.

    Filters: state (open, firing, unknown, resolved, all; resolved ones of the last 7 days), severity, kind (of the
    target), system, target, acknowledged (yes, no), q (a part of name, target or reason), and those of `narrowed`.
    `among` are the ids that come into question, none: all.
    """
    statement = (
        select(
            alert,
            target.c.kind,
            target.c.system,
            ticket.c.id.label("ticket_id"),
            ticket.c.assignee,
            ticket.c.state.label("ticket_state"),
        )
        .join(target, target.c.name == alert.c.target, isouter=True)
        .join(
            ticket,
            ticket.c.id
            == select(func.max(ticket.c.id)).where(ticket.c.alert_id == alert.c.id).correlate(alert).scalar_subquery(),
            isouter=True,
        )
        .order_by(alert.c.opened_at.desc())
        .limit(LIMIT)
    )
    state = filters.get("state", "open")
    if state == "open":
        statement = statement.where(alert.c.resolved_at.is_(None))
    elif state in ("firing", "unknown"):
        statement = statement.where(alert.c.resolved_at.is_(None), alert.c.state == state)
    elif state == "resolved":
        statement = statement.where(alert.c.resolved_at >= now - timedelta(days=7))
    else:
        statement = statement.where(or_(alert.c.resolved_at.is_(None), alert.c.resolved_at >= now - timedelta(days=7)))
    for name, column in (
        ("severity", alert.c.severity),
        ("target", alert.c.target),
        ("kind", target.c.kind),
        ("system", target.c.system),
    ):
        if filters.get(name):
            statement = statement.where(column == filters[name])
    if filters.get("acknowledged") in ("yes", "no"):
        column = alert.c.acknowledged_at
        statement = statement.where(column.is_not(None) if filters["acknowledged"] == "yes" else column.is_(None))
    if filters.get("q"):
        part = "%" + filters["q"].replace("%", r"\%").replace("_", r"\_") + "%"
        statement = statement.where(
            or_(*(column.ilike(part, escape="\\") for column in (alert.c.check_name, alert.c.target, alert.c.labels)))
        )
    statement = narrowed(statement, now, filters, among)
    order = {"critical": 0, "warning": 1, "unknown": 2}
    found = with_changes(connection, rows(connection.execute(statement).mappings()))
    return sorted(found, key=lambda row: (row["resolved_at"] is not None, order.get(row["severity"], 3)))


def one(connection: Connection, alert_id: int) -> Row | None:
    """An alert with its target's kind and the changes that explain it, or None when there is no such alert."""
    statement = (
        select(alert, target.c.kind, target.c.system)
        .join(target, target.c.name == alert.c.target, isouter=True)
        .where(alert.c.id == alert_id)
    )
    found = connection.execute(statement).mappings().first()
    return None if found is None else with_changes(connection, [dict(found)])[0]


def events(connection: Connection, alert_id: int) -> list[Row]:
    """What happened to an alert, newest first: at, kind, who, detail."""
    return rows(
        connection.execute(
            select(alert_event)
            .where(alert_event.c.alert_id == alert_id)
            .order_by(alert_event.c.at.desc(), alert_event.c.id.desc())
        ).mappings()
    )


def tickets_of(connection: Connection, alert_id: int) -> list[Row]:
    """The tickets that were opened for an alert."""
    return rows(
        connection.execute(select(ticket).where(ticket.c.alert_id == alert_id).order_by(ticket.c.id)).mappings()
    )


def occurrences(connection: Connection, fingerprint: str, limit: int = 20) -> list[Row]:
    """The latest occurrences of one fingerprint, newest first: id, opened_at, resolved_at, severity."""
    statement = (
        select(alert.c.id, alert.c.opened_at, alert.c.resolved_at, alert.c.severity, alert.c.acknowledged_by)
        .where(alert.c.fingerprint == fingerprint)
        .order_by(alert.c.opened_at.desc())
        .limit(limit)
    )
    return rows(connection.execute(statement).mappings())


def subject(connection: Connection, series_id: int | None) -> Row | None:
    """The series that an alert judges: id, indicator, labels, unit, kind; None for an alert that was pushed from outside."""
    if series_id is None:
        return None
    statement = (
        select(series.c.id, series.c.indicator, series.c.labels, indicator.c.unit, indicator.c.kind)
        .join(indicator, indicator.c.name == series.c.indicator, isouter=True)
        .where(series.c.id == series_id)
    )
    found = connection.execute(statement).mappings().first()
    return None if found is None else dict(found)


def load(connection: Connection, now: datetime) -> Row:
    """The console's own alarm load.

    Open alerts by severity, not acknowledged ones, opened in the last 10 minutes and 24 hours, and the worst sources.
    """
    still = alert.c.resolved_at.is_(None)
    by_severity: dict[str, int] = {}
    for name, n in connection.execute(select(alert.c.severity, func.count()).where(still).group_by(alert.c.severity)):
        by_severity[name] = n
    counted = connection.execute(
        select(
            func.count().filter(and_(still, alert.c.acknowledged_at.is_(None))),
            func.count().filter(alert.c.opened_at >= now - timedelta(minutes=10)),
            func.count().filter(alert.c.opened_at >= now - timedelta(hours=24)),
        )
    ).one()
    sources = connection.execute(
        select(alert.c.target, func.count().label("n"))
        .where(alert.c.opened_at >= now - timedelta(hours=24))
        .group_by(alert.c.target)
        .order_by(func.count().desc(), alert.c.target)
        .limit(10)
    ).all()
    return {
        "by_severity": by_severity,
        "open": sum(by_severity.values()),
        "waiting": counted[0],
        "ten_minutes": counted[1],
        "day": counted[2],
        "flood": counted[1] > FLOOD,
        "sources": [(name, n) for name, n in sources],
    }
