"""Alerts as people filter and read them, each with its ticket and its history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, case, func, or_, select

from alerts.occurrences import AnyRow
from core.store.tables import alert, alert_event, indicator, series, target, ticket
from dashboards.queries.alert_filters import narrowed
from dashboards.queries.changes import with_changes
from dashboards.queries.rows import Row, rows

LIMIT = 500
"""Alerts that one page shows; of more it says how many there are, and filters narrow them."""
FLOOD = 10
"""More alerts than this opened within ten minutes are a flood."""
_RANK = case({"critical": 0, "warning": 1, "unknown": 2}, value=alert.c.severity, else_=3)
_ORDER = (alert.c.resolved_at.is_not(None), _RANK, alert.c.opened_at.desc(), alert.c.id.desc())


def alerts(
    connection: Connection,
    now: datetime,
    filters: Mapping[str, str],
    among: Collection[int] | None = None,
    limit: int = LIMIT,
) -> list[Row]:
    """At most so many alerts, worst and newest first; `changes` are the numbers of the changes that explain each.

    Filters: state (open, firing, unknown, resolved, all; resolved ones of the last 7 days), severity, kind (of the
    target), system, target, acknowledged (yes, no), q (a part of name, target or reason), and those of `narrowed`.
    `among` are the ids that come into question, none: all. `count` says how many fit.
    """
    first = _fitting(select(alert.c.id), now, filters, among).order_by(*_ORDER).limit(limit).subquery()
    # What is read of a row, its ticket too, is read of those that are shown and not of everything that is open.
    latest = select(func.max(ticket.c.id)).where(ticket.c.alert_id == alert.c.id).correlate(alert).scalar_subquery()
    statement = (
        select(
            alert,
            target.c.kind,
            target.c.system,
            ticket.c.id.label("ticket_id"),
            ticket.c.assignee,
            ticket.c.state.label("ticket_state"),
        )
        .where(alert.c.id.in_(select(first.c.id)))
        .join(target, target.c.name == alert.c.target, isouter=True)
        .join(ticket, ticket.c.id == latest, isouter=True)
        .order_by(*_ORDER)
    )
    return with_changes(connection, rows(connection.execute(statement).mappings()))


def open_ones(connection: Connection, now: datetime, filters: Mapping[str, str]) -> Sequence[AnyRow]:
    """Every open alert that fits the filters, worst and newest first, with what decides whether it is kept quiet: id,
    fingerprint, labels."""
    statement = _fitting(select(alert.c.id, alert.c.fingerprint, alert.c.labels), now, filters, None)
    statement = statement.where(alert.c.resolved_at.is_(None))
    return connection.execute(statement.order_by(*_ORDER)).all()


def count(
    connection: Connection, now: datetime, filters: Mapping[str, str], among: Collection[int] | None = None
) -> int:
    """How many alerts fit the filters."""
    return int(connection.scalar(_fitting(select(func.count(alert.c.id)), now, filters, among)) or 0)


def _fitting(
    statement: Select[Any], now: datetime, filters: Mapping[str, str], among: Collection[int] | None
) -> Select[Any]:
    """The statement over those alerts that fit the filters."""
    open_ones = alert.c.resolved_at.is_(None)
    recent = alert.c.resolved_at >= now - timedelta(days=7)
    state = filters.get("state", "open")
    if state == "open":
        statement = statement.where(open_ones)
    elif state in ("firing", "unknown"):
        statement = statement.where(open_ones, alert.c.state == state)
    else:
        statement = statement.where(recent if state == "resolved" else or_(open_ones, recent))
    if filters.get("kind") or filters.get("system"):
        statement = statement.join(target, target.c.name == alert.c.target)
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
        columns = (alert.c.check_name, alert.c.target, alert.c.labels)
        statement = statement.where(or_(*(column.ilike(part, escape="\\") for column in columns)))
    return narrowed(statement, now, filters, among)


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
    waiting = connection.scalar(select(func.count()).where(still, alert.c.acknowledged_at.is_(None)))
    lately = alert.c.opened_at >= now - timedelta(hours=24)
    ten_minutes, day = connection.execute(
        select(func.count().filter(alert.c.opened_at >= now - timedelta(minutes=10)), func.count()).where(lately)
    ).one()
    source = func.coalesce(alert.c.target, "")  # so that SQLite reads the latest day and not every alert there ever was
    busiest = select(source, func.count()).where(lately).group_by(source).order_by(func.count().desc(), source)
    sources = connection.execute(busiest.limit(10)).all()
    return {
        "by_severity": by_severity,
        "open": sum(by_severity.values()),
        "waiting": waiting or 0,
        "ten_minutes": ten_minutes,
        "day": day,
        "flood": ten_minutes > FLOOD,
        "sources": [(name, n) for name, n in sources],
    }
