"""Whose turn it is at a channel with a rate limit, or in a storm: what may leave now, what is told together, and until when
the rest waits.

When more waits than may leave now, all of it is told in one message, so that a storm costs one message and leaves room for
what comes next (`storms` says when there is one). Demo data and real data are never told together. A message that may have
left already, before a process died, say, is never told within another one: it goes first and keeps its key, by which the
other side knows it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from alerts.config import RoutesFile
from alerts.delivery import pace as paces
from alerts.delivery import storms
from alerts.delivery.merging import merge
from alerts.delivery.messages import Message
from alerts.delivery.pace import Pace
from alerts.delivery.posting import key_of, row_of
from alerts.delivery.sending import Destination
from alerts.occurrences import AnyRow
from core.store.tables import delivery

Until = tuple[Destination, datetime]


def take_turn(
    connection: Connection, rows: Sequence[AnyRow], pace: Pace | None, folds: bool, routes: RoutesFile, now: datetime
) -> tuple[list[AnyRow], Until | None]:
    """The messages of one destination that leave now, counted as used already, and until when the others wait.

    `rows` are those that are due, oldest first, at least one; others that wait for the destination are looked up. `pace`:
    its rate limit, if it has one; `folds`: whether it is told together of a storm.
    """
    place: Destination = (rows[0].receiver, rows[0].channel, rows[0].settings)
    all_waiting = waiting(connection, place)
    if not all_waiting:
        return [], None
    uses = paces.uses_of(connection, place, max(storms.SPAN, pace.span if pace else storms.SPAN), now)
    free, next_at = (len(all_waiting), now) if pace is None else paces.left(pace, uses, now)
    ahead = [row for row in all_waiting if row.group_id is None or _may_be_there(row)]
    if free and ahead and ahead[0].due_at > now:
        return [], (place, ahead[0].due_at)  # newer messages do not overtake the one that tells of what was before
    if not free:
        _note(connection, rows, f"waits: receiver {place[0]} is told at most {pace} through {place[1]}")
        return [], (place, next_at)
    leaving = ahead[:1] or list(rows)
    if not ahead and folds:
        critical = storms.critical_waits(connection, place, all_waiting, now)
        until = storms.holds_until(uses, len(all_waiting), critical, now)
        if until is not None and until > now:
            every_s = round(storms.EVERY.total_seconds())
            _note(connection, rows, f"waits: a storm, of which receiver {place[0]} is told together every {every_s} s")
            return [], (place, until)
        if until is not None:
            why = f"a storm, of which receiver {place[0]} is told together"
            leaving = _together(connection, all_waiting, place, why, routes, now)
    if len(all_waiting) > free and len(leaving) > 1 and not ahead:
        why = f"receiver {place[0]} is told at most {pace}"
        leaving = _together(connection, all_waiting, place, why, routes, now)
    leaving = leaving[:free]
    for _ in leaving:
        paces.use(connection, place, now)
    return leaving, None


def leave(connection: Connection, row: AnyRow) -> None:
    """Note that a message is about to leave: until an answer is written down, the other side may have it."""
    tried = {"attempts": row.attempts + 1, "last_error": None}
    connection.execute(update(delivery).where(delivery.c.id == row.id, delivery.c.state == "pending").values(tried))


def _note(connection: Connection, rows: Sequence[AnyRow], note: str) -> None:
    connection.execute(update(delivery).where(delivery.c.id.in_([row.id for row in rows])).values(note=note))


def _may_be_there(row: AnyRow) -> bool:
    """Whether a message was tried and nobody wrote down what came of it. Pure."""
    return bool(row.attempts) and row.last_error is None


def waiting(connection: Connection, place: Destination) -> Sequence[AnyRow]:
    """All messages that wait for a destination, oldest first, due or not."""
    receiver, channel, settings = place
    query = select(delivery).where(delivery.c.state == "pending", delivery.c.receiver == receiver)
    query = query.where(delivery.c.channel == channel, delivery.c.settings == settings)
    return connection.execute(query.order_by(delivery.c.id)).all()


def _together(
    connection: Connection,
    rows: Sequence[AnyRow],
    place: Destination,
    why: str,
    routes: RoutesFile,
    now: datetime,
) -> list[AnyRow]:
    """The waiting messages as one: a row of its own, which is pending in the same transaction that closes the others."""
    demo = bool(rows[0].message["demo"])
    mine = [row for row in rows if bool(row.message["demo"]) is demo]
    if len(mine) == 1:
        return mine
    config = routes.channel_of(*place)
    reason = f"{len(mine)} messages in one: {why}"
    message = merge([Message.of_row(row.message) for row in mine], reason, config.max_alerts if config else 0)
    made = row_of(message, key_of(["merged", *(row.key for row in mine)]), place, now, note=message.reason)
    number = connection.scalar(insert(delivery).values(made).returning(delivery.c.id))
    closing = update(delivery).where(delivery.c.id.in_([row.id for row in mine]))
    connection.execute(closing.values(state="merged", done_at=now, note=f"told in message {number}"))
    return list(connection.execute(select(delivery).where(delivery.c.id == number)))
