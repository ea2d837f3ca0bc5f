"""Tickets that wait: an alert that is muted when it opens gets its ticket when nothing mutes it any more, if it is open then.

What is silenced, in maintenance, inhibited, below a parent that is down, shelved or flapping has its cause elsewhere, or
somebody knows of it; the hours of a route say when people are told, and work does not wait for them. A ticket that was
opened before the mute stays. Which alerts wait is in rows, so a restart forgets none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, select

from alerts import occurrences
from alerts.muting.muting import INTERVAL, Mute, Mutes, shown
from alerts.occurrences import AnyRow, chunks
from alerts.routes.routing import route
from alerts.tickets import automatic
from core.store.tables import held_ticket

if TYPE_CHECKING:
    from alerts.config import RoutesFile, TicketPolicy
    from alerts.routes.routing import Decision
    from alerts.tickets.book import Book

WHO = "alerts"


def reason(mutes: Collection[Mute]) -> str | None:
    """Why the ticket of an alert waits under these mutes; none when it does not. Pure."""
    holding = [one for one in mutes if one.kind != INTERVAL]
    return shown(holding) if holding else None


def with_ticket(routes: RoutesFile, labels: Mapping[str, str]) -> tuple[Decision, TicketPolicy] | None:
    """The first route of an alert that opens a ticket, with which one."""
    found = ((decision, decision.ticket) for decision in route(routes.tree, labels))
    return next(((decision, policy) for decision, policy in found if policy is not None), None)


def open_or_hold(
    connection: Connection,
    routes: RoutesFile,
    rows: Sequence[AnyRow],
    mutes: Mutes,
    now: datetime,
    book: Book | None = None,
) -> None:
    """Tickets for these open alerts (rows of `alert`) as their routes say; those that are muted wait for theirs."""
    wanted, groups_of, held = [], {}, []
    for row in rows:
        found = with_ticket(routes, row.labels)
        if found is None:
            continue
        why = reason(mutes.of(row.labels, None, row.fingerprint))
        if why is not None:
            held.append((row.id, why))
            continue
        wanted.append((row, found[1]))
        groups_of[row.id] = found[0].key
    automatic.open_for(connection, wanted, now, book, groups_of)
    _hold(connection, held, now)


def release(
    connection: Connection,
    routes: RoutesFile,
    unmuted: Mapping[int, AnyRow],
    now: datetime,
    book: Book | None = None,
) -> None:
    """Open the tickets that waited for these open alerts, by id, which nothing mutes now."""
    waiting = [number for number in _waiting(connection) if number in unmuted] if unmuted else []
    if not waiting:
        return
    found = [(unmuted[number], with_ticket(routes, unmuted[number].labels)) for number in waiting]
    wanted = [(row, each[1]) for row, each in found if each is not None]
    groups_of = {row.id: each[0].key for row, each in found if each is not None}
    automatic.open_for(connection, wanted, now, book, groups_of)
    _forget(connection, waiting)


def drop(connection: Connection, resolved: Collection[int], now: datetime) -> None:
    """Alerts that were resolved while their tickets waited get none; their histories say so."""
    gone = set(_waiting(connection)).intersection(resolved) if resolved else set()
    _forget(connection, gone)
    detail = "no ticket was opened: it was muted until it was resolved"
    occurrences.record(connection, [(number, now, "ticket", WHO, detail) for number in sorted(gone)])


def _hold(connection: Connection, held: Sequence[tuple[int, str]], now: datetime) -> None:
    known = set(_waiting(connection)) if held else set()
    new = [(number, why) for number, why in held if number not in known]
    if new:
        connection.execute(insert(held_ticket), [{"alert_id": n, "held_at": now, "reason": why} for n, why in new])
    said = [(number, now, "ticket", WHO, f"its ticket waits until it is not muted: {why}") for number, why in new]
    occurrences.record(connection, said)


def _waiting(connection: Connection) -> list[int]:
    return list(connection.scalars(select(held_ticket.c.alert_id).order_by(held_ticket.c.alert_id)))


def _forget(connection: Connection, numbers: Collection[int]) -> None:
    for chunk in chunks(numbers):
        connection.execute(delete(held_ticket).where(held_ticket.c.alert_id.in_(chunk)))
