"""Which groups a changed alert belongs to, and when each of them is to be looked at next.

A new group waits `group_wait` for company; a group that was told something waits out its `group_interval`, so that
two messages of one group are never closer than that unless nothing was told yet. An idle group costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from alerts import groups
from alerts.config import RoutesFile
from alerts.groups import Group
from alerts.occurrences import AnyRow, record
from alerts.routes.routing import Decision, route
from alerts.severity import RANK
from core.store.tables import alert, notify_group

WHO = "alerts"


def plan(
    connection: Connection,
    routes: RoutesFile,
    changed_alert_ids: Collection[int],
    now: datetime,
    moved: Collection[int] = (),
) -> None:
    """Create or reschedule the groups of alerts that changed; `moved` are those whose severity did."""
    if not changed_alert_ids:
        return
    rows = groups.alerts_by_id(connection, changed_alert_ids)
    moved = set(moved)
    visits = [
        (row, decision, left)
        for row in rows.values()
        for decision, left in _visits(routes, row.labels, row.id in moved)
    ]
    known = groups.by_key(connection, dict.fromkeys(decision.key for _, decision, _ in visits))
    changed: dict[str, Group] = {}
    quiet = []
    for row, decision, left in visits:
        before = changed.get(decision.key) or known.get(decision.key)
        after = scheduled(before, decision, row, now, left)
        if after is not before and after is not None:
            changed[decision.key] = after
        if row.resolved_at is not None and (before is None or row.id not in before.told):
            reason = f"resolved before {decision.receiver} was told of it, so there is nothing to tell"
            quiet.append((row.id, now, "kept_quiet", WHO, reason))
    groups.save(connection, changed.values())
    record(connection, quiet)


def scheduled(before: Group | None, decision: Decision, row: AnyRow, now: datetime, left: bool) -> Group | None:
    """The group after one alert of it changed; the same object when that makes no difference to its time. Pure."""
    is_open = row.resolved_at is None and not left
    if before is None or before.next_flush_at is None:
        if not is_open:
            return before
        waited_long_enough = row.opened_at + decision.group_wait <= now
        first = now if waited_long_enough else now + decision.group_wait
        if before is not None:
            return replace(before, created_at=now, next_flush_at=first)
        return Group(None, decision.key, decision.receiver, dict(decision.group_labels), now, first)
    told = before.told.get(row.id)
    differs = told != row.severity if is_open else told is not None
    if not differs:
        return before
    earliest = now + decision.group_wait
    if before.notified_at is not None:
        earliest = max(earliest, before.notified_at + decision.group_interval)
    return replace(before, next_flush_at=earliest) if earliest < before.next_flush_at else before


def replan(connection: Connection, routes: RoutesFile, now: datetime) -> None:
    """Fit the groups to another routes.yaml: open alerts get their new groups, groups that lost theirs are looked at.

    Under the same routes.yaml it changes nothing: what a group knows of already keeps the time that it has.
    """
    rows = connection.execute(select(alert).where(alert.c.resolved_at.is_(None))).all()
    known = adopt(connection, routes, rows, now)
    active = connection.scalars(select(notify_group.c.key).where(notify_group.c.next_flush_at.is_not(None)))
    idle = groups.by_key(connection, [key for key in active if key not in known])
    told = groups.alerts_by_id(connection, {number for group in idle.values() for number in group.told})
    orphans = [group for group in idle.values() if group.told and not _leads_to(routes, group, told)]
    groups.save(connection, [replace(group, next_flush_at=now) for group in orphans])


def adopt(connection: Connection, routes: RoutesFile, rows: Collection[AnyRow], now: datetime) -> Mapping[str, Group]:
    """Have these open alerts in the groups that the routes.yaml leads to; those that were there already, by key."""
    visits = [(row, decision) for row in rows for decision in route(routes.tree, row.labels)]
    known = groups.by_key(connection, dict.fromkeys(decision.key for _, decision in visits))
    new = [row.id for row, decision in visits if not _looked_at(known.get(decision.key), row)]
    plan(connection, routes, dict.fromkeys(new), now)
    return known


def _looked_at(group: Group | None, row: AnyRow) -> bool:
    """Whether the group kept this open alert quiet at its latest flush, and has a time for looking again. Pure."""
    return group is not None and group.next_flush_at is not None and row.id in group.muted


def _leads_to(routes: RoutesFile, group: Group, told: Mapping[int, AnyRow]) -> bool:
    """Whether an alert that the group told of belongs to it under the severity that it was told with. Pure."""
    for number, severity in group.told.items():
        row = told.get(number)
        if row is not None:
            labels = row.labels if row.severity == severity else {**row.labels, "severity": severity}
            if any(decision.key == group.key for decision in route(routes.tree, labels)):
                return True
    return False


def _visits(routes: RoutesFile, labels: dict[str, str], moved: bool) -> Iterator[tuple[Decision, bool]]:
    """The groups that have the alert now, then (True) those that had it under another severity."""
    here = route(routes.tree, labels)
    yield from ((decision, False) for decision in here)
    if moved:
        keys = {decision.key for decision in here}
        for severity in RANK:
            for decision in route(routes.tree, {**labels, "severity": severity}):
                if decision.key not in keys:
                    keys.add(decision.key)
                    yield decision, True
