"""Whether a group's receiver is told something now: a pure decision, with its reason both for telling and for not.

Source of the rules: notify/dedup_stage.go of Prometheus Alertmanager; acknowledgement is ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.severity import rises
from core.duration import show_duration


@dataclass(frozen=True, slots=True)
class Entry:
    """What the receiver was told last: the alerts shown as firing with their severities, those shown as resolved."""

    firing: Mapping[int, str]
    resolved: Collection[int]
    notified_at: datetime


def decide_notify(
    entry: Entry | None,
    firing: Mapping[int, str],
    resolved: Collection[int],
    repeat_interval: timedelta,
    now: datetime,
    *,
    acknowledged: Collection[int] = (),
    muted: Collection[int] = (),
    send_resolved: bool = True,
) -> tuple[bool, str]:
    """Whether to send, and why or why not.

    `firing` maps ids of alerts to their severities; `acknowledged` are those of them that somebody has taken:
    they are not repeated, but a new alert and a risen severity are always told. `muted` are open alerts of the group,
    none of them in `firing`, that something keeps quiet.
    """
    if entry is None or not (entry.firing or entry.resolved):
        if firing:
            return True, f"first message: {_count(firing)} firing"
        if muted:
            return False, f"{_count(muted)} firing, and kept quiet"
        return False, "everything was resolved before anybody was told"
    new = firing.keys() - entry.firing.keys()
    if new:
        return True, f"{_count(new)} firing that the last message did not have"
    risen = [number for number, severity in firing.items() if rises(entry.firing[number], severity)]
    if risen:
        return True, f"the severity of {_count(risen)} rose"
    newly_resolved = set(resolved) - set(entry.resolved)
    if not firing:
        if muted:
            return _only_muted(muted, newly_resolved, send_resolved)
        if not send_resolved:
            return False, "everything is resolved, and this channel wants no resolves"
        if not newly_resolved:
            return False, "nothing fires here any more, and there is no end to tell"
        return True, "everything is resolved"
    if newly_resolved and send_resolved:
        return True, f"{_count(newly_resolved)} resolved"
    if now - entry.notified_at < repeat_interval:
        return False, f"nothing new; the next repeat comes {show_duration(repeat_interval)} after the last message"
    if firing.keys() <= set(acknowledged):
        return False, f"a repeat is due, but {_count(firing)} still firing, all acknowledged"
    return True, f"repeat: {show_duration(repeat_interval)} have passed with {_count(firing)} still firing"


def _only_muted(muted: Collection[int], newly_resolved: Collection[int], send_resolved: bool) -> tuple[bool, str]:
    if newly_resolved and send_resolved:
        return True, f"{_count(newly_resolved)} resolved; {_count(muted)} still firing, and kept quiet"
    return False, f"{_count(muted)} still firing, and kept quiet"


def _count(alerts: Collection[object]) -> str:
    return f"{len(alerts)} alert{'' if len(alerts) == 1 else 's'}"
