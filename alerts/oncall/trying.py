"""Test messages: whether somebody would be reached, tried through the same outbox as everything else.

A test says in its title that it is one, is about no alert and opens none. What came of it stands on its row of the outbox:
delivered, waiting with the reason, or given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, func, insert, select

from alerts.config import RoutesFile
from alerts.delivery.messages import Told, compose
from alerts.delivery.posting import row_of
from alerts.occurrences import AnyRow
from alerts.oncall.commands import OnCallError
from alerts.oncall.config import PERSON
from alerts.oncall.destinations import file_of
from core.people import audit
from core.store.tables import delivery

KEY = "test-"
"""How the keys of test messages begin."""
PAUSE = timedelta(minutes=1)
"""One receiver is tested at most so often, so that nobody's phone is a toy."""
NAME = "test-message"


def receivers_of(routes: RoutesFile) -> list[str]:
    """Everybody who can be tested: people of oncall.yaml and receivers of routes.yaml that have a channel."""
    names = [f"{PERSON}{person.name}" for person in routes.oncall.people] + list(routes.by_name)
    return [name for name in names if (found := routes.receiver(name)) is not None and found.channels()]


def send_test(
    connection: Connection, routes: RoutesFile, receiver: str, who: str, now: datetime, external_url: str
) -> list[str]:
    """Put one test message for each channel of a receiver into the outbox; returns their keys.

    Raises OnCallError when there is no such receiver, when it has no channel, or when it was tested just now.
    """
    config = routes.receiver(receiver)
    if config is None:
        raise OnCallError(f"There is no receiver {receiver} in {file_of(receiver)}.")
    if not config.channels():
        raise OnCallError(
            f"The receiver {receiver} has no channel in {file_of(receiver)}; nobody can be reached by it."
        )
    latest = select(func.max(delivery.c.created_at)).where(
        delivery.c.key.startswith(KEY), delivery.c.receiver == receiver
    )
    before = connection.scalar(latest)
    if before is not None and now - before < PAUSE:
        raise OnCallError(f"The receiver {receiver} was tested less than a minute ago; see what came of it first.")
    told = Told(
        id=0,
        fingerprint=uuid4().hex[:16],
        labels={"alertname": NAME, "severity": "unknown"},
        annotations={
            "summary": "TEST 测试",
            "reason": f"This is a test of the way to you, sent by {who}. Nothing is wrong. "
            f"这是由 {who} 发出的通知测试，没有任何故障。",
        },
        severity="unknown",
        started_at=now,
        ended_at=None,
        demo=False,
    )
    rows = []
    for channel, number, _settings in config.channels():
        message = compose(
            f"test:{receiver}",
            receiver,
            {"alertname": NAME},
            [told],
            external_url=external_url,
            now=now,
            reason="a test",
        )
        body = {
            **message.body,
            "test": True,
            "alerts": [{**message.body["alerts"][0], "generatorURL": f"{external_url}/on-call"}],
        }
        about_nothing = replace(message, body=body, firing=(), resolved=())
        rows.append(row_of(about_nothing, f"{KEY}{uuid4().hex}", (receiver, channel, number), now))
    connection.execute(insert(delivery), rows)
    audit.record(connection, at=now, who=who, action="oncall.test", object=f"receiver/{receiver}", detail={})
    return [row["key"] for row in rows]


def latest_tests(connection: Connection, since: datetime, most: int = 10) -> Sequence[AnyRow]:
    """The latest test messages: receiver, channel, created_at, state, attempts, last_error, done_at, due_at."""
    query = select(delivery).where(delivery.c.key.startswith(KEY), delivery.c.created_at >= since)
    return connection.execute(query.order_by(delivery.c.id.desc()).limit(most)).all()
