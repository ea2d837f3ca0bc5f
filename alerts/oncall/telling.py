"""The messages of escalations: what is due for one receiver at one time is one message for each of its channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.config import RoutesFile
from alerts.delivery.messages import Told, compose
from alerts.delivery.posting import key_of, row_of
from alerts.occurrences import AnyRow

SHOWN = 20
"""Alerts that a message shows in full where its channel sets no limit."""
Turn = tuple[int, str, int, int]
"""Alert, policy, step and round: what a message is about, and never about twice."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One alert (its row beside that of its escalation) that a receiver is to be told of, and why."""

    row: AnyRow
    turn: Turn
    reason: str


def deliveries(
    tell: Mapping[str, Sequence[Asked]],
    over: Mapping[str, Sequence[Asked]],
    routes: RoutesFile,
    now: datetime,
    external_url: str,
) -> list[dict[str, Any]]:
    """Rows of the outbox: of what is to be told, and of what is over where a channel wants to know."""
    found = []
    for receiver in dict.fromkeys((*tell, *over)):
        config = routes.receiver(receiver)
        for channel, number, settings in config.channels() if config else ():
            asked = [*tell.get(receiver, ()), *(over.get(receiver, ()) if settings.send_resolved else ())]
            if not asked:
                continue
            names = ",".join(sorted({one.turn[1] for one in asked}))
            message = compose(
                f"escalation:{names}:{receiver}",
                receiver,
                {"escalation": names},
                [_told(one) for one in asked],
                external_url=external_url,
                now=now,
                reason="; ".join(dict.fromkeys(one.reason for one in asked[:SHOWN])),
                max_alerts=settings.max_alerts or SHOWN,
            )
            key = _key(receiver, channel, number, asked)
            found.append(row_of(message, key, (receiver, channel, number), now))
    return found


def keys_of(made: Sequence[Mapping[str, Any]], receiver: str) -> list[str]:
    """The keys of what a receiver gets."""
    return [row["key"] for row in made if row["receiver"] == receiver]


def _key(receiver: str, channel: str, number: int, asked: Sequence[Asked]) -> str:
    turns = sorted([*one.turn, one.row.resolved_at is not None] for one in asked)
    identity = ["escalation", receiver, channel, number, turns]
    return key_of(identity)


def _told(one: Asked) -> Told:
    row = one.row
    annotations = {**row.annotations, "escalation": one.reason}
    return Told(
        row.alert_id, row.fingerprint, row.labels, annotations, row.severity, row.opened_at, row.resolved_at, row.demo
    )
