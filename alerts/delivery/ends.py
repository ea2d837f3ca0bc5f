"""The end of what a fall-back was told: whoever was told that an alert fires is told that it is over.

A fall-back that is told instead of another receiver is owed the end of each alert that it was told of as firing; what is owed
are rows, by the fingerprint, for an alert that fires again at once has one end. It is told by what is passed on, as long
as the first channel fails. Else it is told, in one message for all, as soon as the first channel was told; and where that wants
no ends or is gone, when the alert is over. A fall-back that wants no ends (`send_resolved: false`) is owed none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, delete, select, update

from alerts.delivery.merging import merge
from alerts.delivery.messages import Message, Told, compose, told_instead
from alerts.delivery.posting import key_of, row_of
from alerts.delivery.sending import Destination
from alerts.occurrences import AnyRow, chunks, record
from core.store.tables import alert, delivery, fallback_told
from core.store.upsert import upsert

if TYPE_CHECKING:
    from alerts.config import RoutesFile

WHO = "outbox"
_TABLE = fallback_told.c


def owe(connection: Connection, place: Destination, first: Destination, message: Message, key: str) -> None:
    """Note that `place` is told this instead of `first`: the end of what fires in it is owed, of what is over no more."""
    receiver, channel, settings = place
    made = {"receiver": receiver, "channel": channel, "settings": settings, "told_in": key, "ended_in": None}
    made |= {"first_receiver": first[0], "first_channel": first[1], "first_settings": first[2]}
    found = _fingerprints(connection, message.firing)
    if found:
        statement = upsert(connection, fallback_told)
        names = ("alert_id", "told_in", "ended_in", "first_receiver", "first_channel", "first_settings")
        statement = statement.on_conflict_do_update(
            index_elements=["fingerprint", "receiver", "channel", "settings"],
            set_={name: statement.excluded[name] for name in names},
        )
        connection.execute(statement, [made | {"fingerprint": mark, "alert_id": one} for mark, one in found.items()])
    over = _fingerprints(connection, message.resolved).keys() - found.keys()
    for chunk in chunks(over):
        connection.execute(delete(fallback_told).where(*_at(place), _TABLE.fingerprint.in_(chunk)))


def note_end(connection: Connection, row: AnyRow) -> None:
    """A message is done with, taken or given up: the fall-backs of its destination are to be told the ends in it."""
    message = Message.of_row(row.message)
    if not message.resolved:
        return
    first = (_TABLE.first_receiver == row.receiver, _TABLE.first_channel == row.channel)
    mine = (*first, _TABLE.first_settings == row.settings)
    owed = set(connection.scalars(select(_TABLE.fingerprint).where(*mine)))
    if not owed:
        return
    for mark, number in _fingerprints(connection, message.resolved).items():
        if mark in owed:
            ended = update(fallback_told).where(*mine, _TABLE.fingerprint == mark)
            connection.execute(ended.values(alert_id=number, ended_in=row.id))


def due(connection: Connection, routes: RoutesFile) -> list[AnyRow]:
    """What is owed and to be told now: its first channel was told, or wants no ends, or is gone, and the alert is over."""
    found = connection.execute(select(fallback_told).order_by(_TABLE.alert_id, _TABLE.fingerprint)).all()
    alone = [row for row in found if row.ended_in is None and not _waits_for_first(routes, row)]
    firing = _open(connection, {row.fingerprint for row in alone})
    over = {row for row in alone if row.fingerprint not in firing}
    return [row for row in found if row.ended_in is not None or row in over]


def tell_ends(connection: Connection, routes: RoutesFile, now: datetime) -> int:
    """Tell every fall-back the ends that are due, all of them in one message; returns how many messages were made."""
    owed: dict[Destination, list[AnyRow]] = defaultdict(list)
    for row in due(connection, routes):
        owed[row.receiver, row.channel, row.settings].append(row)
    made = []
    for place, rows in sorted(owed.items()):
        taken = _take(connection, place, rows)
        config = routes.channel_of(*place)
        if config is None or not config.send_resolved:
            _keep_quiet(connection, taken, f"receiver {place[0]}, who was told of it, is told of no ends any more", now)
            continue
        messages = _messages(connection, place[0], taken, now)
        for demo in (False, True):
            mine = [one for one in messages if one.demo is demo]
            if mine:
                key = key_of(["the end", *place, demo, *sorted(f"{row.fingerprint} {row.told_in}" for row in taken)])
                message = merge(mine, mine[-1].reason, config.max_alerts)
                made.append(row_of(message, key, place, now, note=message.reason))
    if made:
        statement = upsert(connection, delivery).on_conflict_do_nothing(index_elements=["key"])
        connection.execute(statement, made)
    return len(made)


def _waits_for_first(routes: RoutesFile, row: AnyRow) -> bool:
    """Whether the first channel will be told the end, so that the fall-back is told after it. Pure."""
    config = routes.channel_of(row.first_receiver, row.first_channel, row.first_settings)
    return config is not None and config.send_resolved


def _take(connection: Connection, place: Destination, rows: Sequence[AnyRow]) -> list[AnyRow]:
    """Strike what is owed; what another worker took meanwhile, or what was told anew, is not among what is returned."""
    found: list[AnyRow] = []
    for chunk in chunks([row.fingerprint for row in rows]):
        told_in = {row.told_in for row in rows if row.fingerprint in chunk}
        mine = delete(fallback_told).where(*_at(place), _TABLE.fingerprint.in_(chunk), _TABLE.told_in.in_(told_in))
        found += connection.execute(mine.returning(fallback_told)).all()
    return sorted(found, key=lambda row: (row.alert_id, row.fingerprint))


def _messages(connection: Connection, receiver: str, rows: Sequence[AnyRow], now: datetime) -> list[Message]:
    """What is told of these ends: one message for each that the first channel got, demo data and real data apart."""
    alerts = _alerts(connection, rows)
    before = _before(connection, rows)
    parts: dict[tuple[str, str, bool], list[AnyRow]] = defaultdict(list)
    for row in rows:
        parts[row.first_receiver, _source(row), alerts[row.alert_id].demo].append(row)
    found = []
    for (first, source, _), mine in parts.items():
        said = before.get(source)
        body: Mapping[str, Any] = said.body if said else {}
        why = f"receiver {first} was not reached when it began; the end is told here as well"
        made = compose(
            body.get("groupKey", ""),
            receiver,
            body.get("groupLabels", {}),
            [_told(alerts[row.alert_id], body, said.at if said else now) for row in mine],
            external_url=body.get("externalURL", ""),
            now=now,
            reason=why,
        )
        found.append(told_instead(made, receiver, why))
    return found


def _told(row: AnyRow, body: Mapping[str, Any], at: datetime) -> Told:
    """One alert that is over, as the first channel was told of it where that message had room for it. Pure."""
    shown = (one for one in body.get("alerts", ()) if one["fingerprint"] == row.fingerprint)
    said: Mapping[str, Any] = next((one for one in shown if one["status"] == "resolved"), {})
    labels, annotations = said.get("labels", row.labels), said.get("annotations", row.annotations)
    ended_at = row.resolved_at or at
    return Told(row.id, row.fingerprint, labels, annotations, row.severity, row.opened_at, ended_at, row.demo)


def _source(row: AnyRow) -> str:
    """Which message the end is worded after: the one that told the first channel, else the one that told of the begin."""
    return f"message {row.ended_in}" if row.ended_in is not None else f"key {row.told_in}"


def _before(connection: Connection, rows: Sequence[AnyRow]) -> dict[str, Message]:
    """The messages that ends are worded after, as far as the outbox still has them."""
    numbers = {row.ended_in for row in rows if row.ended_in is not None}
    keys = {row.told_in for row in rows if row.ended_in is None}
    found: dict[str, Message] = {}
    for chunk in chunks(numbers):
        query = select(delivery.c.id, delivery.c.message).where(delivery.c.id.in_(chunk))
        found.update((f"message {row.id}", Message.of_row(row.message)) for row in connection.execute(query))
    for chunk in chunks(keys):
        query = select(delivery.c.key, delivery.c.message).where(delivery.c.key.in_(chunk))
        found.update((f"key {row.key}", Message.of_row(row.message)) for row in connection.execute(query))
    return found


def _keep_quiet(connection: Connection, rows: Sequence[AnyRow], reason: str, now: datetime) -> None:
    record(connection, [(row.alert_id, now, "kept_quiet", WHO, reason) for row in rows])


def _fingerprints(connection: Connection, numbers: Collection[int]) -> dict[str, int]:
    """The conditions that these alerts are occurrences of, each with the newest of them."""
    found: dict[str, int] = {}
    for chunk in chunks(sorted(set(numbers))):
        query = select(alert.c.fingerprint, alert.c.id).where(alert.c.id.in_(chunk)).order_by(alert.c.id)
        found.update((row.fingerprint, row.id) for row in connection.execute(query))
    return found


def _alerts(connection: Connection, rows: Sequence[AnyRow]) -> dict[int, AnyRow]:
    found: dict[int, AnyRow] = {}
    for chunk in chunks({row.alert_id for row in rows}):
        found.update((row.id, row) for row in connection.execute(select(alert).where(alert.c.id.in_(chunk))))
    return found


def _open(connection: Connection, fingerprints: Collection[str]) -> set[str]:
    """Which of these conditions hold at the moment."""
    found: set[str] = set()
    for chunk in chunks(fingerprints):
        query = select(alert.c.fingerprint).where(alert.c.fingerprint.in_(chunk), alert.c.resolved_at.is_(None))
        found |= set(connection.scalars(query))
    return found


def _at(place: Destination) -> tuple[ColumnElement[bool], ...]:
    receiver, channel, settings = place
    return _TABLE.receiver == receiver, _TABLE.channel == channel, _TABLE.settings == settings
