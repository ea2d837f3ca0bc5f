"""What a telling came to, as rows that must be the same however often it was killed, and what must hold of what arrived.

Numbers of alerts and tickets are left out (a database does not give them out twice after a rollback; a ticket's stands in the
labels of the alerts about it, and so in their fingerprints), and so is how many samples a window held, which a board that
begins anew may see more of.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select
from sqlalchemy.sql import Select

from core.store.open import open_store, reading
from core.store.tables import (
    alert,
    alert_event,
    audit,
    channel_trouble,
    check_result,
    delivery,
    escalation,
    heartbeat,
    heartbeat_ping,
    notify_group,
    sample,
    series,
    shelf,
    silence,
    ticket,
    ticket_event,
    transition,
)
from tests.faults.alerting.estate import HOOKS, START
from tests.faults.alerting.scene import Scene
from tests.faults.alerting.story import STEP

NUMBERS = re.compile(
    r"(?i)\b(alert|tickets?|message|silence)[ /-]([0-9a-f-]{36}|\d+)|of the last \d+ samples|127\.0\.0\.1:\d+"
)
OF_TICKET = re.compile(r"'[0-9a-f]+', ('ticket-[a-z]+', .*\('ticket', )'\d+'\)")
"""An alert about a ticket as its row shows it: the fingerprint, and the label with the number that it is made of."""
PACED = "robot"
"""The receiver with a rate limit: a message that was counted and not sent may hold up the next, so what is told together
and when may differ, and an alert that waited until it was over is told as it was told last, that it is over. That each
alert is told, how it stood in the end, and that nothing leaves faster than the limit may not differ."""
PACE, SPAN = 2, timedelta(minutes=1)
Outcome = dict[str, list[str]]


def outcome(scene: Scene) -> Outcome:
    """Everything that must be the same, by what it is."""
    engine = open_store(scene.url)
    try:
        with reading(engine) as connection:
            found = {name: _rows(connection, query) for name, query in _QUERIES.items()}
            found["messages"] = sorted(_messages(connection))
            found["history of alerts"] = sorted(_history(connection))
    finally:
        engine.dispose()
    latest = {told[:-1]: told[-1] for one in scene.got(PACED) for told in _shown(one.body)}
    found[f"told to {PACED} at last"] = sorted(repr((*which, state)) for which, state in latest.items())
    return found


def faults(scene: Scene) -> list[str]:
    """Every broken promise about what arrived, as a sentence."""
    engine = open_store(scene.url)
    try:
        return [*_arrivals(scene, engine), *_too_fast(engine)]
    finally:
        engine.dispose()


def arrivals(scene: Scene, alertname: str) -> list[tuple[int, str, str]]:
    """When who was told of alerts of that name: step, receiver, and the alerts by `n` with their states, as in `1 firing`."""
    engine = open_store(scene.url)
    with reading(engine) as connection:
        rows = connection.execute(select(delivery).where(delivery.c.state == "sent").order_by(delivery.c.done_at)).all()
    engine.dispose()
    found = []
    for row in rows:
        mine = [one for one in row.message["body"]["alerts"] if one["labels"]["alertname"] == alertname]
        said = ", ".join(sorted(f"{one['labels'].get('n', '')} {one['status']}".strip() for one in mine))
        if mine:
            found.append(((row.done_at - START) // STEP, row.receiver.removeprefix("person/"), said))
    return sorted(found)


def doubles(scene: Scene) -> int:
    """How many messages arrived again, at all receivers."""
    return sum(_doubles(scene, name) for name in HOOKS)


def _doubles(scene: Scene, name: str) -> int:
    return sum(count - 1 for count in Counter(one.key for one in scene.got(name)).values())


def _arrivals(scene: Scene, engine: Engine) -> Iterator[str]:
    with reading(engine) as connection:
        rows = connection.execute(select(delivery.c.key, delivery.c.receiver, delivery.c.state)).all()
    for name in HOOKS:
        mine = {row.key: row.state for row in rows if row.receiver.removeprefix("person/") == name}
        taken = Counter(one.key for one in scene.got(name))
        yield from (f"message {key} to {name} is still pending" for key, state in mine.items() if state == "pending")
        yield from (
            f"message {key} never reached {name}" for key, state in mine.items() if state == "sent" and not taken[key]
        )
        yield from (f"message {key} reached {name} and is not in the outbox" for key in taken if key not in mine)
        yield from (
            f"message {key} reached {name} and is {mine[key]}" for key in taken if mine.get(key, "sent") != "sent"
        )
        if (again := _doubles(scene, name)) > scene.kills:
            yield f"{again} messages reached {name} again after {scene.kills} kills"


def _too_fast(engine: Engine) -> Iterator[str]:
    """Messages of the paced receiver that left within one span of each other, more than its limit."""
    query = select(delivery.c.done_at).where(delivery.c.receiver == PACED, delivery.c.state == "sent")
    with reading(engine) as connection:
        left: list[datetime] = sorted(connection.scalars(query.order_by(delivery.c.done_at)))
    for first, third in zip(left, left[PACE:], strict=False):
        if third - first < SPAN:
            yield f"{PACED} was told {PACE + 1} times within {SPAN}: {first:%H:%M:%S} to {third:%H:%M:%S}"


def _rows(connection: Connection, query: Select[Any]) -> list[str]:
    return sorted(_plain(tuple(row)) for row in connection.execute(query))


def _plain(row: Sequence[Any]) -> str:
    shown = NUMBERS.sub(r"\1 N", repr(tuple(sorted(v.items()) if isinstance(v, dict) else v for v in row)))
    return OF_TICKET.sub(r"'of N', \1'N')", shown)


def _alerts(body: dict[str, Any]) -> list[str]:
    return sorted(repr(one) for one in _shown(body))


def _shown(body: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """The alerts of a message: name, `n`, since when, and whether it fires."""
    return [
        (a["labels"].get("alertname", ""), a["labels"].get("n", ""), a["startsAt"], a["status"]) for a in body["alerts"]
    ]


def _messages(connection: Connection) -> Iterator[str]:
    """Every message of the outbox but the paced receiver's: to whom, when, of what, why, and how it ended."""
    for row in connection.execute(select(delivery).where(delivery.c.receiver != PACED)):
        body = row.message["body"]
        facts = (row.receiver, row.created_at, row.done_at, row.state, row.attempts, row.note, row.message["reason"])
        yield _plain((*facts, body["groupKey"], _alerts(body)))


def _history(connection: Connection) -> Iterator[str]:
    """Every event of every alert, but when the paced receiver was told."""
    query = select(alert.c.check_name, alert.c.labels, alert.c.opened_at, alert_event).join(alert)
    for row in connection.execute(query):
        if f"receiver {PACED}" not in row.detail:
            labels = row.labels.get("n", "")
            yield _plain((row.check_name, labels, row.opened_at, row.at, row.kind, row.who, row.detail))


_QUERIES: dict[str, Select[Any]] = {
    "alerts": select(
        *(alert.c[name] for name in ("fingerprint", "check_name", "labels", "annotations", "state", "severity")),
        *(
            alert.c[name]
            for name in ("opened_at", "resolved_at", "updated_at", "acknowledged_by", "acknowledged_until")
        ),
    ),
    "groups": select(
        *(notify_group.c[name] for name in ("key", "created_at", "next_flush_at", "notified_at", "muted")),
    ).where(notify_group.c.receiver != PACED),
    "escalations": select(
        alert.c.fingerprint,
        *(escalation.c[name] for name in ("policy", "state", "step", "round", "next_at", "told", "told_at", "reached")),
    ).join(alert),
    "tickets": select(
        *(ticket.c[name] for name in ("title", "state", "priority", "opened_at", "closed_at", "alert_cleared_at")),
        *(ticket.c[name] for name in ("respond_due_at", "responded_at", "respond_warned_at", "respond_late_at")),
        *(ticket.c[name] for name in ("due_at", "resolved_at", "resolve_warned_at", "resolve_late_at")),
    ),
    "history of tickets": select(
        *(ticket_event.c[name] for name in ("at", "kind", "who", "detail")), ticket.c.title
    ).join(ticket),
    "channels in trouble": select(channel_trouble.c.receiver, channel_trouble.c.failing_since, channel_trouble.c.tries),
    "heartbeats": select(heartbeat.c.name, heartbeat.c.told, heartbeat.c.created_at),
    "pings": select(heartbeat_ping.c.heartbeat, heartbeat_ping.c.at, heartbeat_ping.c.kind),
    "silences": select(silence.c.matchers, silence.c.starts_at, silence.c.ends_at),
    "shelf": select(shelf.c.fingerprint, shelf.c.since, shelf.c.until),
    "trail": select(*(audit.c[name] for name in ("at", "who", "action", "object"))),
    "samples": select(series.c.indicator, series.c.labels, sample.c.at_ms, sample.c.value).join(
        sample, sample.c.series_id == series.c.id
    ),
    "results": select(
        series.c.indicator,
        series.c.labels,
        *(check_result.c[name] for name in ("check_name", "status", "held", "value", "reason", "since_ms")),
    ).join(check_result, check_result.c.series_id == series.c.id),
    "transitions": select(
        series.c.indicator,
        series.c.labels,
        *(transition.c[name] for name in ("check_name", "old", "new", "value", "reason", "at_ms")),
    ).join(transition, transition.c.series_id == series.c.id),
}
