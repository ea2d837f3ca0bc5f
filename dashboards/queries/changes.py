"""Planned changes as the pages show them, and the changes that explain alerts and that charts mark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from alerts.changes import marking
from core.model import instant_ms
from core.store.tables import change_event, planned_change, target
from dashboards.queries.rows import Row, rows

MOST = 500
OPEN = ("planned", "approved", "running")


def changes(connection: Connection, first: datetime, last: datetime, filters: Mapping[str, str]) -> list[Row]:
    """Changes whose window touches that time, by its begin; and those that are open and past it.

    Filters: state (a state, or `open`), kind, risk, target, words (a part of title or requirement).
    """
    touches = (planned_change.c.starts_at < last) & (planned_change.c.ends_at > first)
    left_over = planned_change.c.state.in_(OPEN) & (planned_change.c.ends_at <= first)
    statement = select(planned_change).where(touches | left_over)
    if filters.get("state") == "open":
        statement = statement.where(planned_change.c.state.in_(OPEN))
    elif filters.get("state"):
        statement = statement.where(planned_change.c.state == filters["state"])
    for name in ("kind", "risk"):
        if filters.get(name):
            statement = statement.where(planned_change.c[name] == filters[name])
    if filters.get("words"):
        part = "%" + filters["words"].replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        columns = (planned_change.c.title, planned_change.c.requirement)
        statement = statement.where(columns[0].ilike(part, escape="\\") | columns[1].ilike(part, escape="\\"))
    order = (planned_change.c.starts_at, planned_change.c.id)
    found = rows(connection.execute(statement.order_by(*order).limit(MOST)).mappings())
    return [row for row in found if filters.get("target") in (None, "", *row["targets"])]


def one(connection: Connection, number: int) -> Row | None:
    """A change, or None when there is no such one."""
    found = connection.execute(select(planned_change).where(planned_change.c.id == number)).mappings().first()
    return None if found is None else dict(found)


def events(connection: Connection, number: int) -> list[Row]:
    """What happened to a change, newest first: at, kind, who, detail."""
    statement = select(change_event).where(change_event.c.change_id == number)
    order = (change_event.c.at.desc(), change_event.c.id.desc())
    return rows(connection.execute(statement.order_by(*order)).mappings())


def target_names(connection: Connection) -> list[str]:
    """Everything that a change can be planned on."""
    statement = select(target.c.name).where(target.c.retired_at.is_(None)).order_by(target.c.name)
    return list(connection.scalars(statement))


def load(found: Sequence[Row], now: datetime) -> Row:
    """How many of the changes are under way, wait for approval, and are over without a result."""
    states = [row["state"] for row in found]
    over = sum(row["state"] in OPEN and row["ends_at"] <= now for row in found)
    return {"running": states.count("running"), "planned": states.count("planned"), "over": over}


def with_changes(connection: Connection, found: Iterable[Row]) -> list[Row]:
    """Rows of alerts, each with the numbers of the changes that explain it in `changes`."""
    listed = list(found)
    if not listed:
        return listed
    opened = [row["opened_at"] for row in listed]
    windows = marking.windows(connection, min(opened), max(opened) + timedelta(milliseconds=1))
    return [{**row, "changes": marking.explained_by(row["target"], row["opened_at"], windows)} for row in listed]


def bands(connection: Connection, name: str, start_ms: int, end_ms: int) -> list[Row]:
    """The windows on a target, or on what it stands on, within a chart: change, title, start_ms, end_ms."""
    first, last = (datetime.fromtimestamp(at / 1000, UTC) for at in (start_ms, end_ms))
    return [
        {
            "change": window.change,
            "title": window.title,
            "start_ms": max(start_ms, instant_ms(window.starts_at)),
            "end_ms": min(end_ms, instant_ms(window.ends_at)),
        }
        for window in marking.windows(connection, first, last)
        if name in window.targets
    ]
