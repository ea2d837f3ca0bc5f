"""Several messages that wait for one receiver become one that says the same: every alert once, as it was told last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alerts.delivery.messages import Message, common
from alerts.delivery.posting import key_of
from alerts.severity import RANK


def merge(messages: Sequence[Message], reason: str, max_alerts: int = 0) -> Message:
    """One message of several, in the order of their making; at most `max_alerts` in full (0: all).

    What a later message says of an alert takes the place of what an earlier one said. What a group's messages had no room for
    stays counted as cut, the most that one of them cut. The messages must be all of the
    demonstration or none. Raises ValueError for none.
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
    cuts: dict[str, int] = {}
    for message in messages:
        group = message.body["groupKey"]
        cuts[group] = max(cuts.get(group, 0), message.body["truncatedAlerts"])
    first, last = messages[0].body, messages[-1].body
    groups = [message.body["groupKey"] for message in messages]
    firing = tuple(number for number, fires in states.items() if fires)
    body = {
        **last,
        "groupKey": first["groupKey"] if len(set(groups)) == 1 else f"merged:{key_of(groups)[:16]}",
        "truncatedAlerts": sum(cuts.values()) + len(alerts) - len(shown),
        "status": "firing" if firing else "resolved",
        "groupLabels": common(message.body["groupLabels"] for message in messages),
        "commonLabels": common(one["labels"] for one in alerts),
        "commonAnnotations": common(one["annotations"] for one in alerts),
        "alerts": shown,
    }
    if not all(message.body.get("test") for message in messages):
        body.pop("test", None)
    resolved = tuple(number for number, fires in states.items() if not fires)
    return Message(body, firing, resolved, messages[-1].at, messages[0].demo, reason)


def _worst_first(one: Mapping[str, Any]) -> tuple[bool, int, str, str]:
    severity = one["labels"].get("severity", "")
    return one["status"] != "firing", -RANK.get(severity, 0), one["startsAt"], one["fingerprint"]
