"""Several messages that wait for one receiver become one that says the same: every alert once, as it was told last."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts.messages import Message, common
from alerts.severity import RANK

KEY_DIGITS = 32


def merge(messages: Sequence[Message], reason: str, max_alerts: int = 0) -> Message:
    """One message of several, in the order of their making; at most `max_alerts` in full (0: all).

    What a later message says of an alert takes the place of what an earlier one said. An alert that an earlier message had
    no room for stays counted as cut. The messages must be all of the demonstration or none. Raises ValueError for none.
    """
    if not messages:
        raise ValueError("there is nothing to merge")
    if len({one.demo for one in messages}) > 1:
        raise ValueError("demo data and real data are not told in one message")
    latest: dict[str, dict[str, Any]] = {}
    states: dict[int, bool] = {}
    for message in messages:
        for one in message.body["alerts"]:
            latest.pop(one["fingerprint"], None)
            latest[one["fingerprint"]] = dict(one)
        states |= dict.fromkeys(message.firing, True) | dict.fromkeys(message.resolved, False)
    alerts = sorted(latest.values(), key=_worst_first)
    shown = alerts[:max_alerts] if max_alerts else alerts
    cut = max(message.body["truncatedAlerts"] for message in messages)
    first, last = messages[0].body, messages[-1].body
    groups = [message.body["groupKey"] for message in messages]
    firing = tuple(number for number, fires in states.items() if fires)
    body = {
        **last,
        "groupKey": first["groupKey"] if len(set(groups)) == 1 else f"merged:{digest(groups)[:16]}",
        "truncatedAlerts": cut + len(alerts) - len(shown),
        "status": "firing" if firing else "resolved",
        "groupLabels": common(message.body["groupLabels"] for message in messages),
        "commonLabels": common(one["labels"] for one in alerts),
        "commonAnnotations": common(one["annotations"] for one in alerts),
        "alerts": shown,
    }
    resolved = tuple(number for number, fires in states.items() if not fires)
    return Message(body, firing, resolved, messages[-1].at, messages[0].demo, reason)


def digest(parts: Sequence[object]) -> str:
    """A key that is the same whenever the parts are."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:KEY_DIGITS]


def row_of(
    message: Message, key: str, destination: tuple[str, str, int], now: datetime, group_id: int | None = None
) -> dict[str, Any]:
    """A row of the outbox for a message that comes of others."""
    receiver, channel, settings = destination
    return {
        "key": key,
        "group_id": group_id,
        "receiver": receiver,
        "channel": channel,
        "settings": settings,
        "message": message.as_row(),
        "created_at": now,
        "due_at": now,
        "attempts": 0,
        "state": "pending",
        "last_error": None,
        "done_at": None,
        "note": message.reason,
    }


def _worst_first(one: Mapping[str, Any]) -> tuple[bool, int, str, str]:
    severity = one["labels"].get("severity", "")
    return one["status"] != "firing", -RANK.get(severity, 0), one["startsAt"], one["fingerprint"]
