"""A channel that keeps failing: since when, and the receiver that is told instead, with the reason.

When a channel has failed for its receiver's `fallback_after`, or refuses a message for good, what waits for it is told to
the receiver's `fallback` in one message that names the failure; the waiting messages are then dead, so that nothing is sent
twice when the channel comes back. A message that was made after the last failed try is tried first, which is how a recovery
is noticed; the end of what the fall-back was told it is then told as well (`ends`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, func, select, update

from alerts.delivery import ends
from alerts.delivery.merging import merge
from alerts.delivery.messages import Message, told_instead
from alerts.delivery.posting import key_of, row_of
from alerts.delivery.sending import Destination
from alerts.occurrences import AnyRow, record
from core.store.tables import channel_trouble, delivery
from core.store.upsert import upsert

if TYPE_CHECKING:
    from alerts.config import ReceiverConfig, RoutesFile

WHO = "outbox"


def note_failure(connection: Connection, place: Destination, began: datetime, now: datetime, error: str) -> None:
    """A try that began then failed: the channel is in trouble since its first failure."""
    receiver, channel, settings = place
    row = {"receiver": receiver, "channel": channel, "settings": settings}
    row |= {"failing_since": began, "tried_at": now, "tries": 1, "error": error}
    statement = upsert(connection, channel_trouble)
    again: dict[str, Any] = {"tried_at": statement.excluded.tried_at, "error": statement.excluded.error}
    again["tries"] = channel_trouble.c.tries + 1
    statement = statement.on_conflict_do_update(index_elements=["receiver", "channel", "settings"], set_=again)
    connection.execute(statement, [row])


def note_success(connection: Connection, place: Destination) -> None:
    """The channel took a message: its trouble is over."""
    connection.execute(delete(channel_trouble).where(*_at(channel_trouble, place)))


def forget_gone(connection: Connection, routes: RoutesFile) -> None:
    """Channels that are not in routes.yaml any more are in no trouble."""
    for trouble in connection.execute(select(channel_trouble)).all():
        place = (trouble.receiver, trouble.channel, trouble.settings)
        if routes.channel_of(*place) is None:
            note_success(connection, place)


def fall_back_due(connection: Connection, routes: RoutesFile, now: datetime) -> int:
    """Pass on what waits for channels that have failed for too long; returns how many messages were passed on."""
    count = 0
    for trouble in connection.execute(select(channel_trouble)).all():
        receiver = routes.by_name.get(trouble.receiver)
        if receiver is None or not receiver.fallback or now < trouble.failing_since + receiver.fallback_after:
            continue
        place = (trouble.receiver, trouble.channel, trouble.settings)
        count += pass_on(connection, routes, waiting(connection, place, trouble.tried_at), trouble.error, now)
    return count


def next_fall_back(connection: Connection, routes: RoutesFile) -> datetime | None:
    """When the next waiting message is to be passed on; none when there is none."""
    found = []
    for trouble in connection.execute(select(channel_trouble)).all():
        receiver = routes.by_name.get(trouble.receiver)
        place = (trouble.receiver, trouble.channel, trouble.settings)
        if receiver is not None and receiver.fallback and waiting(connection, place, trouble.tried_at):
            found.append(trouble.failing_since + receiver.fallback_after)
    return min(found, default=None)


def waiting(connection: Connection, place: Destination, tried_at: datetime) -> Sequence[AnyRow]:
    """The messages that wait for a channel since before its last try, oldest first."""
    since = func.coalesce(delivery.c.resent_at, delivery.c.created_at)
    query = select(delivery).where(*_at(delivery, place), delivery.c.state == "pending", since <= tried_at)
    return connection.execute(query.order_by(delivery.c.id)).all()


def pass_on(connection: Connection, routes: RoutesFile, rows: Sequence[AnyRow], why: str, now: datetime) -> int:
    """Tell the fall-back of these messages' receiver, and mark them dead; returns how many were passed on (0: no fall-back)."""
    receiver = routes.by_name.get(rows[0].receiver) if rows else None
    other = routes.by_name.get(receiver.fallback or "") if receiver is not None else None
    if receiver is None or other is None:
        return 0
    for demo in (False, True):
        mine = [row for row in rows if bool(row.message["demo"]) is demo]
        if mine:
            _tell(connection, other, mine, f"receiver {receiver.name} was not reached: {why}", now)
    for row in rows:
        note = f"receiver {other.name} is told instead"
        mine_only = update(delivery).where(delivery.c.id == row.id, delivery.c.state.in_(("pending", "dead")))
        connection.execute(mine_only.values(state="dead", done_at=now, last_error=why, note=note))
        _event(connection, row, now, f"{why}; {note}")
        ends.note_end(connection, row)
    return len(rows)


def _tell(connection: Connection, other: ReceiverConfig, rows: Sequence[AnyRow], why: str, now: datetime) -> None:
    messages = [told_instead(Message.of_row(row.message), other.name, why) for row in rows]
    first: Destination = (rows[0].receiver, rows[0].channel, rows[0].settings)
    made = []
    for channel, number, config in other.channels():
        wanted = [one for one in messages if one.firing or config.send_resolved]
        if wanted:
            key = key_of(["fallback", *(f"{row.key} {row.resent_at}" for row in rows), other.name, channel, number])
            message = merge(wanted, why, config.max_alerts)
            made.append(row_of(message, key, (other.name, channel, number), now, note=message.reason))
            if config.send_resolved:
                ends.owe(connection, (other.name, channel, number), first, message, key)
    if made:
        statement = upsert(connection, delivery).on_conflict_do_nothing(index_elements=["key"])
        connection.execute(statement, made)


def _event(connection: Connection, row: AnyRow, now: datetime, detail: str) -> None:
    message = Message.of_row(row.message)
    told = [(number, "firing") for number in message.firing] + [(number, "resolved") for number in message.resolved]
    record(
        connection,
        [(number, now, "not_delivered", WHO, f"receiver {row.receiver}, {kind}: {detail}") for number, kind in told],
    )


def _at(table: Any, place: Destination) -> tuple[Any, ...]:
    receiver, channel, settings = place
    return table.c.receiver == receiver, table.c.channel == channel, table.c.settings == settings
