"""From alerts to messages: groups whose time has come become rows of the outbox, or stay quiet for a reason.

Semantics of Alertmanager's dispatcher: first message after `group_wait`, further ones at least `group_interval` apart,
unchanged ones every `repeat_interval`; a resolve is told only to who was told of the alert. All state is rows, so
nothing is forgotten when the process ends.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, insert

from alerts import groups
from alerts.config import ReceiverConfig, RoutesFile
from alerts.groups import Group
from alerts.messages import Message, Told, compose
from alerts.notification import Entry, decide_notify
from alerts.occurrences import AnyRow, record
from alerts.planning import plan, replan
from alerts.routing import Decision, route
from core.model import instant_ms
from core.store.tables import delivery

__all__ = ["Entry", "decide_notify", "flush_due", "plan", "replan"]

WHO = "alerts"
KEY_DIGITS = 32


@dataclass(slots=True)
class _Flush:
    """What one flush gathers, to be written in a few statements."""

    routes: RoutesFile
    now: datetime
    external_url: str
    firing: dict[str, list[AnyRow]]  # open alerts by group key
    decisions: dict[str, Decision]  # one decision of each group that has alerts
    gone: Mapping[int, AnyRow]  # alerts that were told and are no longer in their group
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    quiet: list[tuple[int, datetime, str, str, str]] = field(default_factory=list)

    def keep_quiet(self, alert_id: int, reason: str) -> None:
        self.quiet.append((alert_id, self.now, "kept_quiet", WHO, reason))


def flush_due(connection: Connection, routes: RoutesFile, now: datetime, external_url: str = "") -> int:
    """Decide for every group that is due whether to tell its receiver; return how many rows the outbox got."""
    due = groups.due(connection, now)
    if not due:
        return 0
    keys = {group.key for group in due}
    firing: dict[str, list[AnyRow]] = defaultdict(list)
    decisions: dict[str, Decision] = {}
    for row in groups.open_alerts(connection, due):
        for decision in route(routes.tree, row.labels):
            if decision.key in keys:
                firing[decision.key].append(row)
                decisions[decision.key] = decision
    present = {key: {row.id for row in rows} for key, rows in firing.items()}
    gone = {number for group in due for number in group.told if number not in present.get(group.key, ())}
    flush = _Flush(routes, now, external_url, firing, decisions, groups.alerts_by_id(connection, gone))
    groups.save(connection, [_flush_group(flush, group) for group in due])
    if flush.deliveries:
        connection.execute(insert(delivery), flush.deliveries)
    record(connection, flush.quiet)
    return len(flush.deliveries)


def _flush_group(flush: _Flush, group: Group) -> Group:
    """Tell the receiver of one group, or not; the group as it is afterwards."""
    rows = flush.firing.get(group.key, [])
    decision = flush.decisions.get(group.key)
    ended = _ended(flush, group, rows)
    receiver = flush.routes.by_name.get(group.receiver)
    if receiver is None:
        for one in ended:
            flush.keep_quiet(one.id, f"receiver {group.receiver}, who was told of it, is no longer in routes.yaml")
        return group.ended()
    if decision is None:
        _tell(flush, group, receiver, [], ended, None)
        return group.ended()
    told = _tell(flush, group, receiver, rows, ended, decision)
    notified_at = flush.now if told or group.notified_at is None else group.notified_at
    repeat_at = notified_at + decision.repeat_interval
    return replace(
        group,
        next_flush_at=repeat_at if repeat_at > flush.now else flush.now + decision.group_interval,
        notified_at=notified_at,
        firing={row.id: row.severity for row in rows},
        resolved=tuple(one.id for one in ended) if told else group.resolved,
    )


def _tell(
    flush: _Flush,
    group: Group,
    receiver: ReceiverConfig,
    rows: list[AnyRow],
    ended: list[Told],
    decision: Decision | None,
) -> bool:
    """Add a delivery for every channel of the receiver that is to be told; whether any was, or would be if it had one."""
    firing = {row.id: row.severity for row in rows}
    acknowledged = {row.id for row in rows if row.acknowledged_by is not None}
    repeat = decision.repeat_interval if decision else flush.now - flush.now
    verdicts = {
        send_resolved: decide_notify(
            group.entry,
            firing,
            [one.id for one in ended],
            repeat,
            flush.now,
            acknowledged=acknowledged,
            send_resolved=send_resolved,
        )
        for send_resolved in (True, False)
    }
    channels = receiver.channels()
    if not channels:
        if verdicts[True][0]:
            for number in firing.keys() - group.told.keys():
                flush.keep_quiet(number, f"receiver {receiver.name} has no channel; it shows in the console only")
        return verdicts[True][0]
    alerts = [_firing(row) for row in rows]
    told = False
    for channel, number, config in channels:
        send, reason = verdicts[config.send_resolved]
        if not send:
            continue
        told = True
        message = compose(
            group.key,
            receiver.name,
            group.labels,
            alerts + (ended if config.send_resolved else []),
            external_url=flush.external_url,
            now=flush.now,
            reason=f"{reason}; {decision.reason}" if decision else reason,
            max_alerts=config.max_alerts,
        )
        flush.deliveries.append(_delivery(group, channel, number, message))
    if not told and ended:
        for one in ended:
            flush.keep_quiet(one.id, f"receiver {receiver.name}: {verdicts[False][1]}")
    return told


def _ended(flush: _Flush, group: Group, rows: list[AnyRow]) -> list[Told]:
    """The alerts that the receiver believes to be firing and that are over for it."""
    firing_again = {row.fingerprint: row.id for row in rows}
    present = {row.id for row in rows}
    found = []
    for number in group.told:
        row = flush.gone.get(number)
        if number in present or row is None:
            continue
        if row.fingerprint in firing_again:
            flush.keep_quiet(number, f"it fires again as alert {firing_again[row.fingerprint]}, which is told instead")
        elif row.resolved_at is not None:
            found.append(_told(row, row.resolved_at, row.labels, row.annotations))
        else:
            moved = _moved(flush, group, row)
            found += [moved] if moved else []
    return found


def _moved(flush: _Flush, group: Group, row: AnyRow) -> Told | None:
    """An open alert that another route has now: over for this receiver, unless that route tells the same one."""
    receivers = [decision.receiver for decision in route(flush.routes.tree, row.labels)]
    if group.receiver in receivers:
        flush.keep_quiet(row.id, f"another route to {group.receiver} has it now, as {row.severity}")
        return None
    reason = f"it is {row.severity} now, and {', '.join(receivers)} has it"
    return _told(row, flush.now, {**row.labels, **group.labels}, {**row.annotations, "reason": reason})


def _firing(row: AnyRow) -> Told:
    annotations = dict(row.annotations)
    if row.acknowledged_by is not None:
        annotations["acknowledged_by"] = row.acknowledged_by
    return _told(row, None, row.labels, annotations)


def _told(row: AnyRow, ended_at: datetime | None, labels: dict[str, str], annotations: dict[str, str]) -> Told:
    return Told(row.id, row.fingerprint, labels, annotations, row.severity, row.opened_at, ended_at, row.demo)


def _delivery(group: Group, channel: str, number: int, message: Message) -> dict[str, Any]:
    identity = [group.key, channel, number, instant_ms(message.at), message.firing, message.resolved]
    return {
        "key": hashlib.sha256(orjson.dumps(identity)).hexdigest()[:KEY_DIGITS],
        "group_id": group.id,
        "receiver": group.receiver,
        "channel": channel,
        "settings": number,
        "message": message.as_row(),
        "created_at": message.at,
        "due_at": message.at,
        "attempts": 0,
        "state": "pending",
        "last_error": None,
        "done_at": None,
    }
