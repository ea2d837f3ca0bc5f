"""A test message goes the way of every message, says that it is one, and is about no alert."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts.config import RoutesFile
from alerts.delivery import texts
from alerts.delivery.merging import merge
from alerts.delivery.messages import Message
from alerts.delivery.outbox import deliver_due
from alerts.delivery.sending import Io
from alerts.oncall import trying
from alerts.oncall.commands import OnCallError
from alerts.oncall.config import OnCallFile
from core.store.open import reading, writing
from core.store.tables import alert, alert_event, audit, delivery
from tests.alerts.receivers import hook
from tests.alerts.world import NOON, after, routes

URL = "https://console.example.org"


def _routes(url: str) -> RoutesFile:
    people = [{"name": "li.wei", "webhook_configs": [{"url": url}]}, {"name": "zhang.min"}]
    receivers: list[dict[str, Any]] = [{"name": "ops", "webhook_configs": [{"url": url}]}, {"name": "console"}]
    return routes(receivers=receivers).beside(OnCallFile.model_validate({"people": people}))


def _send(store: Engine, file: RoutesFile, receiver: str, now: datetime = NOON) -> None:
    with writing(store) as connection:
        trying.send_test(connection, file, receiver, "zhao.lei", now, URL)


@pytest.mark.parametrize("receiver", ["person/li.wei", "ops"])
def test_a_test_arrives_and_is_seen_to_have(store: Engine, receiver: str) -> None:
    """To a person or a receiver: one message, marked; no alert, no event; delivered, and on record."""
    with hook() as there:
        file = _routes(there.url)
        _send(store, file, receiver)
        assert deliver_due(store, file, lambda: after(seconds=2), Io()).sent == 1
    (got,) = there.got
    assert got.body["test"] is True
    assert got.body["alerts"][0]["annotations"]["summary"] == "TEST 测试"
    assert got.body["alerts"][0]["generatorURL"] == f"{URL}/on-call"
    assert got.key.startswith(trying.KEY)
    with reading(store) as connection:
        (row,) = trying.latest_tests(connection, NOON)
        assert (row.receiver, row.state, row.last_error) == (receiver, "sent", None)
        assert connection.execute(select(alert)).all() == []
        assert connection.execute(select(alert_event)).all() == []
        trail = connection.execute(select(audit.c.who, audit.c.action, audit.c.object)).all()
    assert [tuple(one) for one in trail] == [("zhao.lei", "oncall.test", f"receiver/{receiver}")]


def test_a_channel_that_fails_is_seen_as_well(store: Engine) -> None:
    with hook(500) as there:
        file = _routes(there.url)
        _send(store, file, "ops")
        deliver_due(store, file, lambda: after(seconds=2), Io())
    with reading(store) as connection:
        (row,) = trying.latest_tests(connection, NOON)
    assert (row.state, row.attempts) == ("pending", 1)
    assert "500" in row.last_error


REFUSED = {
    "nobody": ("person/nobody", NOON, "There is no receiver person/nobody in oncall.yaml"),
    "no channel": ("console", NOON, "The receiver console has no channel in routes.yaml"),
    "a person without one": ("person/zhang.min", NOON, "has no channel in oncall.yaml"),
    "again at once": ("ops", after(seconds=59), "tested less than a minute ago"),
}


@pytest.mark.parametrize(("receiver", "at", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_sends_nothing(store: Engine, receiver: str, at: datetime, sentence: str) -> None:
    file = _routes("http://127.0.0.1:9/hook")
    _send(store, file, "ops", NOON)
    with pytest.raises(OnCallError, match=sentence):
        _send(store, file, receiver, at)
    _send(store, file, "ops", NOON + timedelta(minutes=1))
    with reading(store) as connection:
        assert len(connection.execute(select(delivery)).all()) == 2
        assert trying.receivers_of(file) == ["person/li.wei", "ops"]


def test_it_reads_as_a_test_and_never_makes_real_messages_one(store: Engine) -> None:
    """In both languages; merged with a real message, what comes out is no test."""
    _send(store, _routes("http://127.0.0.1:9/hook"), "ops")
    with reading(store) as connection:
        message = Message.of_row(connection.execute(select(delivery.c.message)).scalar_one())
    assert texts.message_title(message, "en").startswith("[TEST] ")
    assert texts.message_title(message, "zh_CN").startswith("[测试] ")
    assert "[TEST] TEST 测试" in texts.message_text(message, "en")
    assert "FIRING" not in texts.message_text(message, "en")
    real = Message({**message.body, "test": False}, (7,), (), NOON, False, "real")
    assert "test" not in merge([real, message], "together").body
    assert merge([message, message], "together").body["test"] is True
