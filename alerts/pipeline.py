"""The way in: findings become alerts, tickets, groups and rows of the outbox, all in the caller's one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, func, select, text

from alerts import dispatch, groups, lifecycle, pushes
from alerts.changes import marking
from alerts.config import RoutesFile
from alerts.delivery import fallback
from alerts.lifecycle import Changes
from alerts.muting import muting
from alerts.occurrences import AnyRow
from alerts.oncall import escalating
from alerts.pushed import Pushed
from alerts.routes.routing import Node, route
from alerts.tickets import automatic, holding
from alerts.tickets.book import Book
from core.model import Finding
from core.store.tables import notify_group

LOCK_KEY = 0x626F6D63_616C6572
"""Number of PostgreSQL's advisory lock under which alerts are written: the letters `bomcaler`."""
ABOUT_TICKETS = ("ticket-answer", "ticket-resolve")
"""Checks whose alerts are about a ticket; they open no other one."""


@dataclass(frozen=True, slots=True)
class Handled:
    """What came of a call: ids of the alerts that changed, rows that the outbox got, when to call `tick` next."""

    changed: tuple[int, ...]
    deliveries: int
    next_due: datetime | None


def handle(
    connection: Connection,
    findings: Sequence[Finding],
    routes: RoutesFile,
    now: datetime,
    external_url: str = "",
    book: Book | None = None,
) -> Handled:
    """Take findings all the way to the outbox, and flush whatever groups are due besides. `book`: what tickets are."""
    _alone(connection)
    changes = lifecycle.apply(connection, marking.marked(connection, findings, now), now) + pushes.lapse(
        connection, now
    )
    active = muting.read_once(connection, now)
    _follow(connection, routes, changes, now, book, active)
    made = _tell(connection, routes, now, external_url, book, active)
    return Handled(changes.changed, made, next_due(connection))


def tick(
    connection: Connection, routes: RoutesFile, now: datetime, external_url: str = "", book: Book | None = None
) -> Handled:
    """Resolve pushed alerts that nobody pushed again in time, flush the groups whose timers have run out, and go on
    with the escalations whose time has come."""
    return handle(connection, (), routes, now, external_url, book)


def push(
    connection: Connection,
    pushed: Sequence[Pushed],
    who: str,
    routes: RoutesFile,
    now: datetime,
    book: Book | None = None,
) -> pushes.Taken:
    """Take a push as far as the groups, whoever serves it. Messages are made by the pipeline that leads, at its next
    tick: it wakes the workers that send them, and the one who pushes does not wait for that."""
    _alone(connection)
    taken = pushes.take(connection, pushed, who, now, marking.pushed_mark(connection, now))
    _follow(connection, routes, taken.changes, now, book, muting.read_once(connection, now))
    return taken


def resume(
    connection: Connection, routes: RoutesFile, now: datetime, external_url: str = "", book: Book | None = None
) -> Handled:
    """Call once at the start and after routes.yaml changed: open alerts find groups and escalations under the new tree."""
    _alone(connection)
    dispatch.replan(connection, routes, now)
    escalating.begin(connection, routes, None, now)
    fallback.forget_gone(connection, routes)
    return tick(connection, routes, now, external_url, book)


def next_due(connection: Connection) -> datetime | None:
    """When the next group is to be flushed or the next escalation looked at; none when nothing waits."""
    flush: datetime | None = connection.scalar(select(func.min(notify_group.c.next_flush_at)))
    return min((at for at in (flush, escalating.next_due(connection)) if at is not None), default=None)


def _tell(
    connection: Connection,
    routes: RoutesFile,
    now: datetime,
    external_url: str,
    book: Book | None,
    active: muting.Active,
) -> int:
    """How many rows the outbox got from groups and escalations; tickets that waited for the end of a mute are opened."""
    made, unmuted = dispatch.flush_due(connection, routes, now, external_url, active)
    holding.release(connection, routes, unmuted, now, book)
    return made + escalating.run(connection, routes, now, external_url, partial(_kept_quiet, routes, now, active))


def _kept_quiet(
    routes: RoutesFile, now: datetime, active: muting.Active, connection: Connection, rows: Sequence[AnyRow]
) -> dict[int, str]:
    """Which alerts of these escalations nobody is to be told of now, and why: what mutes their messages mutes these, too."""
    mutes = _mutes(connection, routes, rows, now, active)
    found = {}
    for row in rows:
        decisions = [one for one in route(routes.tree, row.labels) if one.escalation == row.policy]
        reasons = [mutes.of(row.labels, one, row.fingerprint) for one in decisions or (None,)]
        if all(reasons):
            found[row.alert_id] = muting.shown(reasons[0])
    return found


def _mutes(
    connection: Connection,
    routes: RoutesFile,
    rows: Sequence[AnyRow],
    now: datetime,
    active: muting.Active,
) -> muting.Mutes:
    asked = [row.labels for row in rows], [row.fingerprint for row in rows]
    return muting.load(connection, routes, now, *asked, active)


def _alone(connection: Connection) -> None:
    """Let nobody else write alerts until the transaction ends: on SQLite every writer is alone anyhow."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})


def _follow(
    connection: Connection,
    routes: RoutesFile,
    changes: Changes,
    now: datetime,
    book: Book | None,
    active: muting.Active,
) -> None:
    """Tickets, groups and escalations of alerts that changed."""
    if changes.changed:
        _tickets(connection, routes, changes, now, book, active)
        dispatch.plan(connection, routes, changes.changed, now, changes.moved)
        groups.nudge(connection, _over(connection, routes, changes, now))
        escalating.begin(connection, routes, dict.fromkeys((*changes.opened, *changes.moved)), now)
        escalating.nudge(connection, dict.fromkeys((*changes.resolved, *changes.moved)), now)


def _over(connection: Connection, routes: RoutesFile, changes: Changes, now: datetime) -> dict[str, datetime]:
    """When what these alerts muted is to be looked at again, by the keys of mutes: inhibited ones at once, those below
    a parent when it has settled."""
    numbers = dict.fromkeys((*changes.resolved, *changes.moved))
    if not numbers or not (routes.inhibit_rules or routes.dependencies):
        return {}
    settle = routes.dependencies.settle if routes.dependencies else timedelta()
    ends: dict[str, datetime] = {}
    for row in groups.alerts_by_id(connection, numbers).values():
        ends[f"{muting.INHIBITION}:{row.fingerprint}"] = now
        up_at = now if row.resolved_at is None else max(now, row.resolved_at + settle)
        ends[f"{muting.DEPENDENCY}:{row.labels.get('target') or row.target}"] = up_at
    return ends


def _tickets(
    connection: Connection,
    routes: RoutesFile,
    changes: Changes,
    now: datetime,
    book: Book | None,
    active: muting.Active,
) -> None:
    if _opens_tickets(routes.tree):
        rows = groups.alerts_by_id(connection, dict.fromkeys((*changes.opened, *changes.moved)))
        open_rows = [row for row in rows.values() if row.resolved_at is None and row.check_name not in ABOUT_TICKETS]
        if open_rows:
            mutes = _mutes(connection, routes, open_rows, now, active)
            holding.open_or_hold(connection, routes, open_rows, mutes, now, book)
    holding.drop(connection, changes.resolved, now)
    automatic.clear(connection, changes.resolved, now)


def _opens_tickets(node: Node) -> bool:
    return node.ticket is not None or any(_opens_tickets(child) for child in node.children)
