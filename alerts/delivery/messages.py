"""What a receiver is told, as frozen data: the body of a version-4 webhook of Alertmanager, from which every channel renders.

Format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from alerts.severity import RANK

NOT_ENDED = "0001-01-01T00:00:00Z"
SENTENCES = frozenset({"summary", "reason", "impact", "escalation", "fallback"})
"""The annotations that are sentences, most of them written by checks and by bomc itself."""


@dataclass(frozen=True, slots=True)
class Told:
    """One alert as a message shows it. `ended_at` is none while it fires."""

    id: int
    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    severity: str
    started_at: datetime
    ended_at: datetime | None
    demo: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One message: the webhook body, the alerts that it tells of (cut ones too), and why it is sent."""

    body: Mapping[str, Any]
    firing: tuple[int, ...]
    resolved: tuple[int, ...]
    at: datetime
    demo: bool
    reason: str

    def as_row(self) -> dict[str, Any]:
        """What the outbox keeps."""
        return {
            "body": self.body,
            "firing": list(self.firing),
            "resolved": list(self.resolved),
            "at": self.at.isoformat(),
            "demo": self.demo,
            "reason": self.reason,
        }

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Message:
        """The message that the outbox kept."""
        return cls(
            body=row["body"],
            firing=tuple(row["firing"]),
            resolved=tuple(row["resolved"]),
            at=datetime.fromisoformat(row["at"]),
            demo=row["demo"],
            reason=row["reason"],
        )


def compose(
    group_key: str,
    receiver: str,
    group_labels: Mapping[str, str],
    alerts: Sequence[Told],
    *,
    external_url: str,
    now: datetime,
    reason: str,
    max_alerts: int = 0,
) -> Message:
    """The message of one group: firing before resolved, the worst first; at most `max_alerts` in full (0: all)."""
    ordered = sorted(alerts, key=_worst_first)
    shown = ordered[:max_alerts] if max_alerts else ordered
    firing = tuple(one.id for one in ordered if one.ended_at is None)
    body = {
        "version": "4",
        "groupKey": group_key,
        "truncatedAlerts": len(ordered) - len(shown),
        "status": "firing" if firing else "resolved",
        "receiver": receiver,
        "groupLabels": dict(group_labels),
        "commonLabels": common(one.labels for one in ordered),
        "commonAnnotations": common(one.annotations for one in ordered),
        "externalURL": external_url,
        "alerts": [_alert(one, external_url) for one in shown],
    }
    resolved = tuple(one.id for one in ordered if one.ended_at is not None)
    return Message(body, firing, resolved, now, any(one.demo for one in ordered), reason)


def translated(message: Message, translate: Callable[[str], str]) -> Message:
    """The message with what was written for readers in their language; labels and every other value stay as they are."""

    def notes(given: Mapping[str, str]) -> dict[str, str]:
        return {name: translate(text) if name in SENTENCES else text for name, text in given.items()}

    alerts = [{**one, "annotations": notes(one["annotations"])} for one in message.body["alerts"]]
    body = {**message.body, "alerts": alerts, "commonAnnotations": notes(message.body["commonAnnotations"])}
    if body.get("notice"):
        body["notice"] = translate(body["notice"])
    return replace(message, body=body)


def told_instead(message: Message, receiver: str, why: str) -> Message:
    """The message for a fall-back: it says at its head, and with every alert, which channel was not reached and why."""
    alerts = [{**one, "annotations": {**one["annotations"], "fallback": why}} for one in message.body["alerts"]]
    body = {**message.body, "receiver": receiver, "notice": why, "alerts": alerts}
    body["commonAnnotations"] = {**message.body["commonAnnotations"], "fallback": why}
    return Message(body, message.firing, message.resolved, message.at, message.demo, why)


def common(mappings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The pairs that all of the mappings have."""
    pairs: set[tuple[str, str]] | None = None
    for one in mappings:
        pairs = set(one.items()) if pairs is None else pairs & one.items()
    return dict(sorted(pairs or ()))


def rfc3339(at: datetime) -> str:
    """An instant as Alertmanager writes it, in UTC, to the millisecond."""
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _worst_first(one: Told) -> tuple[bool, int, datetime, int]:
    return (one.ended_at is not None, -RANK.get(one.severity, 0), one.started_at, one.id)


def _alert(one: Told, external_url: str) -> dict[str, Any]:
    return {
        "status": "firing" if one.ended_at is None else "resolved",
        "labels": dict(one.labels),
        "annotations": dict(one.annotations),
        "startsAt": rfc3339(one.started_at),
        "endsAt": NOT_ENDED if one.ended_at is None else rfc3339(one.ended_at),
        "generatorURL": f"{external_url.rstrip('/')}/alerts?alert={one.id}",
        "fingerprint": one.fingerprint,
    }
