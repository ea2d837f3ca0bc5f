"""Escalations in the store: begun when an alert opens, gone through by every tick, in the pipeline's one transaction.

A step is rows of the outbox with a key made of alert, policy, step and round, written together with the new standing:
a process that dies in between has done neither. What is due for one receiver at one time is one message, and one
receiver gets escalations at most every FOLD, so that a storm is few messages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from alerts.config import RoutesFile
from alerts.occurrences import AnyRow, chunks, record
from alerts.oncall import telling
from alerts.oncall.config import PERSON, Escalation, Step
from alerts.oncall.escalation import ENDED, HELD, RUNNING, SPENT, Facts, Sent, Standing, advanced, begun, decide, steps
from alerts.oncall.roster import Roster, load
from alerts.oncall.shifts import MOMENT, on_call
from alerts.routes.routing import Node, route
from core.store.tables import alert, delivery, escalation

WHO = "escalation"
FOLD = timedelta(seconds=30)
"""One receiver is told of escalations at most so often."""
Muted = Callable[[Connection, Sequence[AnyRow]], Mapping[int, str]]
"""Which of these alerts nobody is to be told of at the moment, with the reason."""


def begin(connection: Connection, routes: RoutesFile, alert_ids: Collection[int] | None, now: datetime) -> None:
    """Begin what the routes of these alerts (of all open ones: None) name and what does not run yet."""
    if not _any(routes.tree):
        return
    query = select(alert.c.id, alert.c.labels, alert.c.opened_at).where(alert.c.resolved_at.is_(None))
    parts = [query] if alert_ids is None else [query.where(alert.c.id.in_(ids)) for ids in chunks(alert_ids)]
    rows = [row for part in parts for row in connection.execute(part)]
    wanted = [(row, policy) for row in rows for policy in policies(routes, row.labels)]
    known: dict[tuple[int, str], AnyRow] = {}
    for chunk in chunks(dict.fromkeys(row.id for row, _ in wanted)):
        for row in connection.execute(select(escalation).where(escalation.c.alert_id.in_(chunk))):
            known[row.alert_id, row.policy] = row
    new, again, events = [], [], []
    for row, policy in wanted:
        before = known.get((row.id, policy.name))
        if before is not None and before.state != ENDED:
            continue
        standing = begun(policy, now, row.opened_at, -1 if before is None else before.round)
        note = f"{policy.name} begins; its first step comes {standing.next_at:%Y-%m-%d %H:%M:%S} UTC"
        events.append((row.id, now, "escalation", WHO, note))
        columns = {**_columns(standing), "look_at": standing.next_at, "reached": [], "keys": [], "note": note}
        if before is None:
            new.append({"alert_id": row.id, "policy": policy.name, "begun_at": now, **columns})
        else:
            again.append((before.id, columns))
    if new:
        connection.execute(insert(escalation), new)
    _update(connection, again)
    record(connection, events)


def nudge(connection: Connection, alert_ids: Collection[int], now: datetime) -> None:
    """Have the escalations of these alerts looked at now: something happened to them."""
    for chunk in chunks(alert_ids):
        mine = escalation.c.alert_id.in_(chunk) & (escalation.c.state == RUNNING) & (escalation.c.look_at > now)
        connection.execute(update(escalation).where(mine).values(look_at=now))


def run(
    connection: Connection, routes: RoutesFile, now: datetime, external_url: str = "", muted: Muted | None = None
) -> int:
    """Look at every escalation whose time has come; returns how many rows the outbox got."""
    rows = _to_look_at(connection, now)
    if not rows:
        return 0
    work = _Work(
        routes,
        now,
        load(connection, now, now + MOMENT),
        _messages(connection, rows),
        _told_lately(connection, now),
        {} if muted is None else muted(connection, rows),
    )
    for row in rows:
        work.look(row)
    made = telling.deliveries(work.tell, work.over, routes, now, external_url)
    if made:
        connection.execute(insert(delivery), made)
    for number, receiver in work.keys_for.items():
        work.changes[number]["keys"] = telling.keys_of(made, receiver)
    _update(connection, list(work.changes.items()))
    record(connection, work.events)
    return len(made)


def next_due(connection: Connection) -> datetime | None:
    """When the next escalation is to be looked at."""
    mine = escalation.c.state == RUNNING
    found: datetime | None = connection.scalar(select(func.min(escalation.c.look_at)).where(mine))
    return found


def go_on(connection: Connection, alert_id: int, now: datetime) -> int:
    """Somebody who was told cannot take it: the next step comes at once. Returns how many escalations went on."""
    mine = (escalation.c.alert_id == alert_id) & escalation.c.state.in_((RUNNING, HELD))
    return connection.execute(update(escalation).where(mine).values(next_at=now, look_at=now)).rowcount


def policies(routes: RoutesFile, labels: Mapping[str, str]) -> list[Escalation]:
    """The policies that the routes of an alert name, each once; those that oncall.yaml has."""
    names = dict.fromkeys(decision.escalation for decision in route(routes.tree, labels))
    return [routes.oncall.escalation[name] for name in names if name is not None and name in routes.oncall.escalation]


def _any(node: Node) -> bool:
    return node.escalation is not None or any(_any(child) for child in node.children)


def _to_look_at(connection: Connection, now: datetime) -> list[AnyRow]:
    """Escalations with their alerts: due ones, and those whose alert was acknowledged or given back."""
    mine, it = escalation.c, alert.c
    over = it.resolved_at.is_not(None)
    taken = it.acknowledged_by.is_not(None)
    query = select(
        escalation,
        *(it[name] for name in ("fingerprint", "labels", "annotations", "severity", "opened_at", "demo")),
        it.resolved_at,
        it.acknowledged_by,
    ).join(alert, it.id == mine.alert_id)
    query = query.where(mine.state != ENDED).where(
        or_(
            (mine.look_at <= now) & ((mine.state == RUNNING) | over),
            mine.state.in_((RUNNING, SPENT)) & taken & ~over,
            (mine.state == HELD) & ~taken & ~over,
        )
    )
    return list(connection.execute(query.order_by(mine.id).with_for_update(of=escalation)))


def _messages(connection: Connection, rows: Sequence[AnyRow]) -> dict[str, Sent]:
    found: dict[str, Sent] = {}
    columns = (delivery.c.key, delivery.c.state, delivery.c.last_error)
    for chunk in chunks(dict.fromkeys(key for row in rows for key in row.keys)):
        for key, state, error in connection.execute(select(*columns).where(delivery.c.key.in_(chunk))):
            found[key] = Sent(state, error or "")
    return found


def _told_lately(connection: Connection, now: datetime) -> dict[str, datetime]:
    """When receivers got the latest message of an escalation, those that got one lately."""
    lately = delivery.c.group_id.is_(None) & (delivery.c.created_at > now - FOLD)
    query = select(delivery.c.receiver, func.max(delivery.c.created_at)).where(lately).group_by(delivery.c.receiver)
    return {row[0]: row[1] for row in connection.execute(query)}


def _columns(standing: Standing) -> dict[str, Any]:
    return {name: getattr(standing, name) for name in Standing.__dataclass_fields__}


def _update(connection: Connection, changes: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Write changed standings; one statement for each set of columns."""
    by_names: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for number, columns in changes:
        values = {f"new_{name}": value for name, value in columns.items()}
        by_names[tuple(sorted(columns))].append({"number": number, **values})
    for names, values_of in by_names.items():
        statement = update(escalation).where(escalation.c.id == bindparam("number"))
        connection.execute(statement.values({name: bindparam(f"new_{name}") for name in names}), values_of)


@dataclass(slots=True)
class _Work:
    """What one round gathers, to be written in a few statements."""

    routes: RoutesFile
    now: datetime
    roster: Roster
    messages: Mapping[str, Sent]
    lately: dict[str, datetime]
    muted: Mapping[int, str]
    destinations: dict[Step, tuple[str | None, str]] = field(default_factory=dict)  # the same for all alerts of a round
    tell: dict[str, list[telling.Asked]] = field(default_factory=lambda: defaultdict(list))
    over: dict[str, list[telling.Asked]] = field(default_factory=lambda: defaultdict(list))
    keys_for: dict[int, str] = field(default_factory=dict)
    changes: dict[int, dict[str, Any]] = field(default_factory=dict)
    events: list[tuple[int, datetime, str, str, str]] = field(default_factory=list)

    def look(self, row: AnyRow) -> None:
        """Decide for one escalation, and gather what follows."""
        policy = self.routes.oncall.escalation.get(row.policy)
        facts = self._facts(row, policy)
        standing = Standing(**{name: getattr(row, name) for name in Standing.__dataclass_fields__})
        unreachable = policy.unreachable if policy else timedelta()
        verdict = decide(standing, facts, unreachable, self.now)
        if verdict.act == "end":
            self._end(row, standing, verdict.reason)
        elif verdict.act == "hold":
            note = f"{row.policy} stops: {verdict.reason}"
            self._change(row, replace(standing, state=HELD), self.now, note)
        elif verdict.act == "wait" or policy is None:
            self._wait(row, standing, verdict.reason, verdict.look_at or self.now + FOLD)
        else:
            again = standing.state == HELD
            if again and standing.step >= len(steps(self.routes.oncall, policy)):
                standing = begun(policy, self.now, row.opened_at, standing.round)
            self._climb(row, policy, replace(standing, state=RUNNING), verdict.reason)

    def _facts(self, row: AnyRow, policy: Escalation | None) -> Facts:
        wanted = policy is not None and any(one.name == row.policy for one in policies(self.routes, row.labels))
        person = str(row.told or "").removeprefix(PERSON) if str(row.told or "").startswith(PERSON) else None
        away = self.roster.away(person, self.now) if person else None
        return Facts(
            resolved=row.resolved_at is not None,
            acknowledged_by=row.acknowledged_by,
            wanted=wanted,
            muted=self.muted.get(row.alert_id),
            away=None if away is None else away.reason or "no reason is given",
            messages=tuple(self.messages[key] for key in row.keys if key in self.messages),
        )

    def _climb(self, row: AnyRow, policy: Escalation, standing: Standing, why: str) -> None:
        """Go to the next step that has somebody to tell; the catch-all is the last."""
        chain = steps(self.routes.oncall, policy)
        while True:
            last = standing.step >= len(chain)
            step = Step(receiver=policy.catch_all) if last else chain[standing.step]
            name = "the catch-all" if last else f"step {standing.step + 1} of {len(chain)}"
            if step not in self.destinations:
                self.destinations[step] = self._destination(step)
            receiver, who = self.destinations[step]
            if receiver is None:
                self._say(row, f"{policy.name}, {name}: {who}; the next step comes at once" if not last else who)
                if last:
                    note = f"{policy.name} is at its end: the alert shows in the console only"
                    self._change(row, replace(standing, state=SPENT), self.now, note)
                    return
                standing = advanced(standing, chain)
                continue
            free_at = self.lately.get(receiver, self.now - FOLD) + FOLD
            if free_at > self.now and receiver not in self.tell:
                note = f"{policy.name}, {name}: {receiver} was told of others just now; this one is told with the next"
                self._change(row, replace(standing, next_at=free_at, told_at=None), free_at, note, say=False)
                return
            self._tell(row, policy, standing, chain, receiver, f"{policy.name}, {name}: {who} ({why})")
            return

    def _tell(
        self, row: AnyRow, policy: Escalation, standing: Standing, chain: Sequence[Step], receiver: str, reason: str
    ) -> None:
        last = standing.step >= len(chain)
        turn = (row.alert_id, policy.name, standing.step, standing.round)
        self.tell[receiver].append(telling.Asked(row, turn, reason))
        self.keys_for[row.id] = receiver
        self.lately[receiver] = self.now
        wait = timedelta() if last else chain[standing.step].wait
        after = replace(standing if last else advanced(standing, chain), told=receiver, told_at=self.now)
        after = replace(after, next_at=self.now + wait, state=SPENT if last else RUNNING)
        self._change(row, after, self.now, reason)
        self.changes[row.id]["reached"] = list(dict.fromkeys((*row.reached, receiver)))

    def _destination(self, step: Step) -> tuple[str | None, str]:
        """The receiver of a step, or none; and who that is, or why there is nobody."""
        if step.receiver is not None:
            found = self.routes.receiver(step.receiver)
            if found is None or not found.channels():
                return None, f"the receiver {step.receiver} has no channel"
            return step.receiver, f"the receiver {step.receiver} is told"
        if step.person is not None:
            name, why = step.person, f"{step.person} is told"
        else:
            schedule = self.routes.oncall.schedule.get(str(step.schedule))
            if schedule is None:
                return None, f"oncall.yaml has no schedule {step.schedule}"
            shift = on_call(schedule, self.roster.overrides, self.roster.absences, self.now)
            if shift.person is None:
                return None, f"nobody is on call in {schedule.name}: {shift.reason}"
            name, why = shift.person, f"{shift.person} is on call in {schedule.name}: {shift.reason}"
        away = self.roster.away(name, self.now)
        if away is not None:
            return None, f"{name} is away: {away.reason}"
        found = self.routes.receiver(PERSON + name)
        if found is None or not found.channels():
            return None, f"{name} has no channel in oncall.yaml"
        return PERSON + name, why

    def _end(self, row: AnyRow, standing: Standing, reason: str) -> None:
        """The escalation is over; who was told of the alert is told of its end."""
        if row.resolved_at is not None:
            merged = {*self.over, *self.tell}
            busy = [at + FOLD for name in row.reached if (at := self.lately.get(name)) and name not in merged]
            if busy and max(busy) > self.now:
                self.changes[row.id] = {"look_at": max(busy)}
                return
            turn = (row.alert_id, row.policy, standing.step, standing.round)
            for receiver in row.reached:
                self.over[receiver].append(telling.Asked(row, turn, f"{row.policy}: {reason}"))
        self._change(row, replace(standing, state=ENDED), self.now, f"{row.policy} ends: {reason}")

    def _wait(self, row: AnyRow, standing: Standing, reason: str, look_at: datetime) -> None:
        muted = row.alert_id in self.muted
        note = f"{row.policy} waits: {reason}"
        self._change(row, standing, look_at, note, say=muted and note != row.note)

    def _change(self, row: AnyRow, standing: Standing, look_at: datetime, note: str, *, say: bool = True) -> None:
        self.changes[row.id] = {**_columns(standing), "look_at": look_at, "note": note, "reached": row.reached}
        self.changes[row.id]["keys"] = row.keys
        if say:
            self._say(row, note)

    def _say(self, row: AnyRow, sentence: str) -> None:
        self.events.append((row.alert_id, self.now, "escalation", WHO, sentence))
