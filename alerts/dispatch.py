"""From alerts to messages: groups whose time has come become rows of the outbox, or stay quiet for a reason.

Semantics of Alertmanager's dispatcher: first message after `group_wait`, further ones at least `group_interval` apart,
unchanged ones every `repeat_interval`; a resolve is told only to who was told of the alert. What is muted (`muting`) is
left out, stays due, and is told when nothing mutes it any more. All state is rows, so nothing is forgotten when the
process ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from alerts import groups
from alerts.commands import lapse
from alerts.config import ReceiverConfig, RoutesFile
from alerts.delivery.messages import Message, Told, compose
from alerts.delivery.posting import key_of, row_of
from alerts.groups import Group
from alerts.muting import muting
from alerts.muting.muting import Mute, Mutes
from alerts.notification import Entry, decide_notify
from alerts.occurrences import AnyRow, record
from alerts.planning import adopt, plan, replan
from alerts.routes.routing import Decision, route
from core.model import instant_ms
from core.store.tables import delivery

__all__ = ["Entry", "decide_notify", "flush_due", "plan", "replan"]

WHO = "alerts"


@dataclass(slots=True)
class _Flush:
    """What one flush gathers, to be written in a few statements."""

    routes: RoutesFile
    now: datetime
    external_url: str
    firing: dict[str, list[AnyRow]]  # open alerts by group key
    decisions: dict[str, Decision]  # one decision of each group that has alerts
    gone: Mapping[int, AnyRow]  # alerts that were told and are no longer in their group
    mutes: Mutes
    unmuted: dict[int, AnyRow] = field(default_factory=dict)  # open alerts that at most hours of a route keep quiet
    always: dict[int, tuple[Mute, ...]] = field(default_factory=dict)  # by alert: what mutes it whatever its route
    keys: dict[int, tuple[tuple[Mute, ...], str]] = field(default_factory=dict)  # of these, by their identity
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[int, datetime, str, str, str]] = field(default_factory=list)

    def mutes_of(self, row: AnyRow, decision: Decision) -> tuple[Mute, ...]:
        """What mutes an alert on one of its routes; most of it is the same on all of them, and asked for once."""
        if decision.mute_time_intervals or decision.active_time_intervals:
            return self.mutes.of(row.labels, decision, row.fingerprint)
        if row.id not in self.always:
            self.always[row.id] = self.mutes.of(row.labels, None, row.fingerprint)
        return self.always[row.id]

    def key_of(self, mutes: tuple[Mute, ...]) -> str:
        """What keeps an alert quiet, in short; written once for each alert that has the same on all its routes."""
        kept = self.keys.get(id(mutes))
        if kept is None or kept[0] is not mutes:
            kept = self.keys[id(mutes)] = (mutes, muting.key_of(mutes))
        return kept[1]

    def keep_quiet(self, alert_id: int, reason: str) -> None:
        self.events.append((alert_id, self.now, "kept_quiet", WHO, reason))


def flush_due(
    connection: Connection,
    routes: RoutesFile,
    now: datetime,
    external_url: str = "",
    active: muting.Active | None = None,
) -> tuple[int, Mapping[int, AnyRow]]:
    """Decide for every group that is due whether to tell its receiver; return how many rows the outbox got, and by their
    ids the open alerts of these groups that nothing mutes, but perhaps the hours of a route."""
    due = groups.due(connection, now)
    if not due:
        return 0, {}
    keys = {group.key for group in due}
    firing: dict[str, list[AnyRow]] = defaultdict(list)
    decisions: dict[str, Decision] = {}
    rows = groups.open_alerts(connection, due)
    for row in rows:
        for decision in route(routes.tree, row.labels):
            if decision.key in keys:
                firing[decision.key].append(row)
                decisions[decision.key] = decision
    present = {key: {row.id for row in rows} for key, rows in firing.items()}
    gone = {number for group in due for number in group.told if number not in present.get(group.key, ())}
    inside = list({row.id: row for rows in firing.values() for row in rows}.values())
    asked = [row.labels for row in inside], [row.fingerprint for row in inside]
    mutes = muting.load(connection, routes, now, *asked, active)
    flush = _Flush(routes, now, external_url, firing, decisions, groups.alerts_by_id(connection, gone), mutes)
    groups.save(connection, [_flush_group(flush, group) for group in due])
    adopt(connection, routes, _strays(due, decisions, rows), now)
    lapse(connection, [row for row in inside if _lapsed(row, now)], now)
    if flush.deliveries:
        connection.execute(insert(delivery), flush.deliveries)
    record(connection, flush.events)
    return len(flush.deliveries), flush.unmuted


def _strays(due: Collection[Group], decisions: Collection[str], rows: Collection[AnyRow]) -> list[AnyRow]:
    """Open alerts that a group may have been made for which this routes.yaml does not lead to: whoever took them reads
    another one, or read it before it changed. Their groups are looked for anew, so that nobody is missed. Pure."""
    wanted: dict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
    for group in due:
        if group.notified_at is None and group.key not in decisions:
            names = tuple(sorted(group.labels))
            wanted[names].add(tuple(group.labels[name] for name in names))
    return [
        row
        for row in (rows if wanted else ())
        if any(tuple(row.labels.get(name) for name in names) in values for names, values in wanted.items())
    ]


def _flush_group(flush: _Flush, group: Group) -> Group:
    """Tell the receiver of one group, or not; the group as it is afterwards."""
    rows = flush.firing.get(group.key, [])
    decision = flush.decisions.get(group.key)
    muted = {} if decision is None else _muted(flush, group, rows, decision)
    keys = {number: flush.key_of(mutes) for number, mutes in muted.items()}
    if (
        decision is not None
        and group.notified_at is not None
        and flush.now < group.notified_at + decision.group_interval
    ):
        return replace(group, muted=keys, next_flush_at=group.notified_at + decision.group_interval)
    loud = [row for row in rows if row.id not in muted]
    ended = _ended(flush, group, rows, loud)
    receiver = flush.routes.by_name.get(group.receiver)
    if receiver is None:
        for one in ended:
            flush.keep_quiet(one.id, f"receiver {group.receiver}, who was told of it, is no longer in routes.yaml")
        return group.ended()
    if decision is None:
        _tell(flush, group, receiver, [], ended, None)
        return group.ended()
    told = _tell(flush, group, receiver, loud, ended, decision, muted)
    still_told = {number: severity for number, severity in group.told.items() if number in muted}
    after = replace(
        group,
        notified_at=flush.now if told else group.notified_at,
        firing={row.id: row.severity for row in loud} | still_told,
        resolved=tuple(one.id for one in ended) if told else group.resolved,
        muted=keys,
    )
    lapses = [row.acknowledged_until for row in rows if row.acknowledged_until is not None]
    return replace(after, next_flush_at=_next_flush(flush.now, after, decision, muted, lapses))


def _muted(flush: _Flush, group: Group, rows: list[AnyRow], decision: Decision) -> dict[int, tuple[Mute, ...]]:
    """The alerts of the group that something keeps quiet, with all reasons; what changed since the latest flush is told
    to the history of the alert, once."""
    found = {}
    for row in rows:
        mutes = flush.mutes_of(row, decision)
        before = group.muted.get(row.id)
        if all(one.kind == muting.INTERVAL for one in mutes):
            flush.unmuted[row.id] = row
        if mutes:
            found[row.id] = mutes
            if flush.key_of(mutes) != before:
                flush.keep_quiet(row.id, f"receiver {group.receiver}: {muting.shown(mutes)}")
        elif before is not None:
            detail = f"receiver {group.receiver}: {muting.lifted(before)}"
            flush.events.append((row.id, flush.now, "let_through", WHO, detail))
    return found


def _lapsed(row: AnyRow, now: datetime) -> bool:
    """Whether somebody had the alert for a time that is over."""
    return row.acknowledged_until is not None and row.acknowledged_until <= now


def _next_flush(
    now: datetime,
    after: Group,
    decision: Decision,
    muted: Mapping[int, tuple[Mute, ...]],
    lapses: Collection[datetime] = (),
) -> datetime:
    """When to look at the group again: for its repeat, when an acknowledgement ends, and while something is muted at
    least every group_interval, or when the first mute is known to end; never sooner than group_interval after a message.
    Pure."""
    interval_over = now + decision.group_interval
    repeat_at = interval_over if after.notified_at is None else after.notified_at + decision.repeat_interval
    at = repeat_at if repeat_at > now else interval_over
    ends = [one.until for mutes in muted.values() for one in mutes if one.until is not None]
    sooner = [one for one in (*ends, *lapses) if one > now] + ([interval_over] if muted else [])
    if not sooner:
        return at
    at = min(at, *sooner)
    return at if after.notified_at is None else max(at, after.notified_at + decision.group_interval)


def _tell(
    flush: _Flush,
    group: Group,
    receiver: ReceiverConfig,
    rows: list[AnyRow],
    ended: list[Told],
    decision: Decision | None,
    muted: Collection[int] = (),
) -> bool:
    """Add a delivery for every channel of the receiver that is to be told; whether any was, or would be if it had one."""
    firing = {row.id: row.severity for row in rows}
    acknowledged = {row.id for row in rows if row.acknowledged_by is not None and not _lapsed(row, flush.now)}
    repeat = decision.repeat_interval if decision else flush.now - flush.now
    verdicts = {
        send_resolved: decide_notify(
            group.entry,
            firing,
            [one.id for one in ended],
            repeat,
            flush.now,
            acknowledged=acknowledged,
            muted=muted,
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
    wanted = [(channel, number, config) for channel, number, config in channels if verdicts[config.send_resolved][0]]
    alerts = [_firing(row, flush.now) for row in rows] if wanted else []
    messages: dict[tuple[bool, int], Message] = {}  # channels that want the same get the same
    for channel, number, config in wanted:
        reason = verdicts[config.send_resolved][1]
        kind = config.send_resolved, config.max_alerts
        if kind not in messages:
            messages[kind] = compose(
                group.key,
                receiver.name,
                group.labels,
                alerts + (ended if config.send_resolved else []),
                external_url=flush.external_url,
                now=flush.now,
                reason=f"{reason}; {decision.reason}" if decision else reason,
                max_alerts=config.max_alerts,
            )
        flush.deliveries.append(_delivery(group, channel, number, messages[kind]))
    if not wanted and ended:
        for one in ended:
            flush.keep_quiet(one.id, f"receiver {receiver.name}: {verdicts[False][1]}")
    return bool(wanted)


def _ended(flush: _Flush, group: Group, rows: list[AnyRow], loud: list[AnyRow]) -> list[Told]:
    """The alerts that the receiver believes to be firing and that are over for it."""
    firing_again = {row.fingerprint: row.id for row in loud}
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


def _firing(row: AnyRow, now: datetime) -> Told:
    annotations = dict(row.annotations)
    if row.acknowledged_by is not None and not _lapsed(row, now):
        annotations["acknowledged_by"] = row.acknowledged_by
    return _told(row, None, row.labels, annotations)


def _told(row: AnyRow, ended_at: datetime | None, labels: dict[str, str], annotations: dict[str, str]) -> Told:
    return Told(row.id, row.fingerprint, labels, annotations, row.severity, row.opened_at, ended_at, row.demo)


def _delivery(group: Group, channel: str, number: int, message: Message) -> dict[str, Any]:
    identity = [group.key, channel, number, instant_ms(message.at), message.firing, message.resolved]
    return row_of(message, key_of(identity), (group.receiver, channel, number), message.at, group.id)
