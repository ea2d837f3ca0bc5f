"""The way in: findings become alerts, tickets, groups and rows of the outbox, all in the caller's one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from alerts import dispatch, fallback, groups, lifecycle
from alerts.config import RoutesFile, TicketPolicy
from alerts.lifecycle import Changes
from alerts.routing import Node, route
from alerts.tickets import automatic
from core.model import Finding
from core.store.tables import notify_group


@dataclass(frozen=True, slots=True)
class Handled:
    """What came of a call: ids of the alerts that changed, rows that the outbox got, when to call `tick` next."""

    changed: tuple[int, ...]
    deliveries: int
    next_due: datetime | None


def handle(
    connection: Connection, findings: Sequence[Finding], routes: RoutesFile, now: datetime, external_url: str = ""
) -> Handled:
    """Take findings all the way to the outbox, and flush whatever groups are due besides."""
    changes = lifecycle.apply(connection, findings, now)
    if changes.changed:
        _tickets(connection, routes, changes, now)
        dispatch.plan(connection, routes, changes.changed, now, changes.moved)
    made = dispatch.flush_due(connection, routes, now, external_url)
    return Handled(changes.changed, made, next_due(connection))


def tick(connection: Connection, routes: RoutesFile, now: datetime, external_url: str = "") -> Handled:
    """Flush the groups whose timers have run out."""
    made = dispatch.flush_due(connection, routes, now, external_url)
    return Handled((), made, next_due(connection))


def resume(connection: Connection, routes: RoutesFile, now: datetime, external_url: str = "") -> Handled:
    """Call once at the start and after routes.yaml changed: open alerts find their groups under the new tree."""
    dispatch.replan(connection, routes, now)
    fallback.forget_gone(connection, routes)
    return tick(connection, routes, now, external_url)


def next_due(connection: Connection) -> datetime | None:
    """When the next group is to be flushed; none when no group waits."""
    found: datetime | None = connection.scalar(select(func.min(notify_group.c.next_flush_at)))
    return found


def _tickets(connection: Connection, routes: RoutesFile, changes: Changes, now: datetime) -> None:
    if _opens_tickets(routes.tree):
        rows = groups.alerts_by_id(connection, dict.fromkeys((*changes.opened, *changes.moved)))
        wanted = [(row, _policy(routes, row.labels)) for row in rows.values() if row.resolved_at is None]
        automatic.open_for(connection, [(row, policy) for row, policy in wanted if policy is not None], now)
    automatic.clear(connection, changes.resolved, now)


def _policy(routes: RoutesFile, labels: dict[str, str]) -> TicketPolicy | None:
    return next((decision.ticket for decision in route(routes.tree, labels) if decision.ticket), None)


def _opens_tickets(node: Node) -> bool:
    return node.ticket is not None or any(_opens_tickets(child) for child in node.children)
