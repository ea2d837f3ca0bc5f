"""Why somebody is, was or was not told: where labels lead and what mutes them, and what the store says of an alert.

`destinations` decides as a flush would, for any labels and any instant. `explain` replays the events of one condition
from the store and adds how it stands: what each receiver believes, what waits in the outbox, when its groups are due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from alerts import groups
from alerts.config import RoutesFile
from alerts.delivery.messages import Message
from alerts.muting import muting
from alerts.muting.muting import Mute, Mutes
from alerts.occurrences import AnyRow
from alerts.routes.routing import Decision, route
from core.store.tables import alert, alert_event, delivery

OCCURRENCES_SHOWN = 10
LATEST = 1_000  # messages of the outbox that are looked through


@dataclass(frozen=True, slots=True)
class Destination:
    """One route that has an alert: the decision, the channels of its receiver, and what keeps it quiet."""

    decision: Decision
    channels: tuple[str, ...]  # `email`, `webhook`, ... one for each; empty: the console only
    mutes: tuple[Mute, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How an open alert stands with one receiver, with the sentence that says so."""

    receiver: str
    group: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence of a condition: the alert, its history as (instant, kind, who, detail), and how it stands."""

    row: AnyRow
    history: tuple[tuple[datetime, str, str, str], ...]
    standing: tuple[Standing, ...]


def destinations(
    routes: RoutesFile, labels: Mapping[str, str], mutes: Mutes, fingerprint: str = ""
) -> list[Destination]:
    """Where an alert with these labels would go at the instant of `mutes`, and whether it would be told. Pure."""
    return [
        Destination(decision, _channels(routes, decision.receiver), mutes.of(labels, decision, fingerprint))
        for decision in route(routes.tree, labels)
    ]


def explain(
    connection: Connection, routes: RoutesFile, fingerprint: str, now: datetime, active: muting.Active | None = None
) -> list[Occurrence]:
    """The latest occurrences of a condition, oldest first; empty when there is none of that fingerprint. `active` brings
    the silences where somebody has asked for them in this transaction."""
    query = select(alert).where(alert.c.fingerprint == fingerprint).order_by(alert.c.id.desc())
    rows = list(connection.execute(query.limit(OCCURRENCES_SHOWN)))[::-1]
    histories: dict[int, list[tuple[datetime, str, str, str]]] = {row.id: [] for row in rows}
    events = select(alert_event).where(alert_event.c.alert_id.in_(list(histories))).order_by(alert_event.c.id)
    for event in connection.execute(events):
        histories[event.alert_id].append((event.at, event.kind, event.who, event.detail))
    waiting = _waiting(connection) if any(row.resolved_at is None for row in rows) else []
    return [
        Occurrence(
            row,
            tuple(histories[row.id]),
            tuple(_standing(connection, routes, row, histories[row.id], waiting, now, active))
            if row.resolved_at is None
            else (),
        )
        for row in rows
    ]


def _standing(
    connection: Connection,
    routes: RoutesFile,
    row: AnyRow,
    history: Sequence[tuple[datetime, str, str, str]],
    waiting: Sequence[tuple[str, Message, AnyRow]],
    now: datetime,
    active: muting.Active | None,
) -> list[Standing]:
    mutes = muting.load(connection, routes, now, [row.labels], [row.fingerprint], active)
    found = []
    known = groups.by_key(connection, [one.key for one in route(routes.tree, row.labels)])
    for one in destinations(routes, row.labels, mutes, row.fingerprint):
        group = known.get(one.decision.key)
        told = group is not None and row.id in group.told
        parts = [_how_far(one.decision.receiver, told, history)]
        if not one.channels:
            parts.append("the receiver has no channel, so it shows in the console only")
        if one.mutes:
            parts.append(muting.shown(one.mutes))
        if row.acknowledged_by is not None:
            parts.append(f"{row.acknowledged_by} has acknowledged it, so it is not repeated")
        for receiver, message, outgoing in waiting:
            if receiver == one.decision.receiver and row.id in message.firing:
                why = f", after {outgoing.attempts} tries: {outgoing.last_error}" if outgoing.last_error else ""
                state = "waits in the outbox" if outgoing.state == "pending" else "could not be delivered"
                parts.append(f"a message by {outgoing.channel} {state}{why}")
        if group is not None and group.next_flush_at is not None:
            parts.append(f"its group is looked at next at {group.next_flush_at:%Y-%m-%d %H:%M:%S} UTC")
        found.append(Standing(one.decision.receiver, one.decision.key, "; ".join(parts)))
    return found


def _how_far(receiver: str, told: bool, history: Sequence[tuple[datetime, str, str, str]]) -> str:
    """Whether a message to the receiver was made, and whether a channel of it has taken one."""
    if not told:
        return f"{receiver} was not told so far"
    taken = any(kind == "notified" and detail.startswith(f"receiver {receiver}, ") for _, kind, _, detail in history)
    return f"{receiver} was told" if taken else f"{receiver} was not reached so far"


def _waiting(connection: Connection) -> list[tuple[str, Message, AnyRow]]:
    rows = connection.execute(
        select(delivery).where(delivery.c.state != "sent").order_by(delivery.c.id.desc()).limit(LATEST)
    )
    return [(row.receiver, Message.of_row(row.message), row) for row in rows]


def _channels(routes: RoutesFile, receiver: str) -> tuple[str, ...]:
    known = routes.by_name.get(receiver)
    return () if known is None else tuple(name for name, _, _ in known.channels())
