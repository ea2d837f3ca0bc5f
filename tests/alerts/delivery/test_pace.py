"""Rate limits: how they are written, what may leave, over restarts, and that what waits is told in one message, whole."""

from __future__ import annotations

import os
import signal
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from alerts import pipeline
from alerts.config import RoutesFile
from alerts.delivery.merging import merge
from alerts.delivery.messages import Message
from alerts.delivery.outbox import Delivered, deliver_due
from alerts.delivery.pace import Pace, left, parse_pace
from alerts.delivery.sending import Io
from core.store.open import open_store, reading, writing
from core.store.tables import channel_use
from tests.alerts.delivery.test_outbox import _deliver_elsewhere
from tests.alerts.receivers import Hook, hook
from tests.alerts.world import NOON, after, deliveries, events, finding, routes, with_series


def _limited(receiver: Hook, limit: str, **settings: object) -> RoutesFile:
    channel = {"url": receiver.url, "rate_limit": limit, "timeout": "5s", **settings}
    return routes(
        receivers=[{"name": "ops", "webhook_configs": [channel]}],
        group_by=["target"],
        group_wait="0s",
        group_interval="1s",
    )


def _handle(store: Engine, file: RoutesFile, now: datetime, hosts: range, status: str = "critical") -> None:
    with writing(store) as connection:
        pipeline.handle(connection, [finding(status, host=f"a{n}") for n in hosts], file, now)


def _deliver(store: Engine, file: RoutesFile, now: datetime) -> Delivered:
    return deliver_due(store, file, lambda: now, Io(), rng=Random(7))


@pytest.mark.parametrize(
    ("text", "pace"), [("20/m", Pace(20, "m")), ("1/s", Pace(1, "s")), ("9999/h", Pace(9999, "h"))]
)
def test_how_a_limit_is_written(text: str, pace: Pace) -> None:
    """Messages per second, minute or hour."""
    assert parse_pace(text) == pace


@pytest.mark.parametrize("text", ["", "20", "0/m", "-1/m", "20/d", "20 / m", "1.5/m", 20, None, "20/m/h", "２/m"])
def test_what_is_no_limit_is_refused_in_words(text: object) -> None:
    """With a sentence that shows one."""
    with pytest.raises(ValueError, match=r"is no rate limit; write messages per s, m or h, such as 20/m"):
        parse_pace(text)


@given(
    st.lists(st.integers(0, 300), max_size=60),
    st.integers(1, 25),
    st.integers(0, 300),
)
def test_no_window_ever_holds_more_than_the_limit(offsets: list[int], count: int, start: int) -> None:
    """Whoever waits as long as told never has more than `count` uses in any minute."""
    pace = Pace(count, "m")
    uses: list[datetime] = []
    now = after(seconds=start)
    for offset in offsets:
        now += timedelta(seconds=offset)
        free, next_at = left(pace, uses, now)
        assert (free > 0) == (next_at == now)
        now = next_at
        assert left(pace, uses, now)[0] > 0
        uses.append(now)
    for at in uses:
        assert sum(1 for other in uses if at - pace.span < other <= at) <= count


def test_what_is_over_the_limit_is_told_in_one_message_and_nothing_is_lost(store: Engine) -> None:
    """Two a minute: of thirty waiting messages one goes out, with all thirty alerts; the rows say what became of them."""
    with_series(store)
    with hook() as receiver:
        file = _limited(receiver, "2/m")
        _handle(store, file, NOON, range(30))
        assert _deliver(store, file, NOON).sent == 1
        assert _deliver(store, file, NOON) == Delivered(0, 0, 0, None)
    (got,) = receiver.got
    assert {one["labels"]["target"] for one in got.body["alerts"]} == {f"a{n}" for n in range(30)}
    assert got.body["groupKey"].startswith("merged:")
    states = [row.state for row in deliveries(store)]
    assert (states.count("merged"), states.count("sent")) == (30, 1)
    assert deliveries(store)[0].note == "told in message 31"
    assert len(events(store, "notified")) == 30


def test_the_limit_holds_over_a_restart_and_the_rest_comes_later(store: Engine, store_url: str) -> None:
    """One a minute: used up by a process that is gone; the next one waits for the rest of that minute, then tells all."""
    with_series(store)
    with hook() as receiver:
        file = _limited(receiver, "1/m")
        _handle(store, file, NOON, range(1))
        assert _deliver(store, file, NOON).sent == 1
        _handle(store, file, after(seconds=10), range(1, 4))
        elsewhere = open_store(store_url)
        waits = _deliver(elsewhere, file, after(seconds=10))
        assert waits == Delivered(0, 0, 0, after(minutes=1))
        assert "at most 1/m through webhook" in deliveries(store)[1].note
        assert _deliver(elsewhere, file, after(seconds=59.9)).sent == 0
        assert _deliver(elsewhere, file, after(minutes=1)).sent == 1
        elsewhere.dispose()
    assert [len(got.body["alerts"]) for got in receiver.got] == [1, 3]


def test_a_use_is_counted_before_the_message_leaves(store: Engine) -> None:
    """A process that dies while it sends has used its turn: after the restart the robot is not asked too often."""
    with_series(store)
    with hook(500) as receiver:
        file = _limited(receiver, "1/m")
        _handle(store, file, NOON, range(1))
        assert _deliver(store, file, NOON).failed == 1
        with reading(store) as connection:
            assert list(connection.scalars(select(channel_use.c.at))) == [NOON]
        assert _deliver(store, file, after(seconds=5)).next_due == after(minutes=1)
    assert len(receiver.got) == 1


def test_what_is_merged_tells_of_each_alert_what_was_said_last(store: Engine) -> None:
    """An alert that opened and ended while it waited is told as ended, and newer messages do not overtake it."""
    with_series(store)
    with hook(500, 200) as receiver:
        file = _limited(receiver, "1/m")
        _handle(store, file, NOON, range(9, 10))
        assert _deliver(store, file, NOON).failed == 1
        _handle(store, file, after(seconds=1), range(2))
        _handle(store, file, after(seconds=3), range(1), "ok")
        _deliver(store, file, after(seconds=3))
        assert _deliver(store, file, after(minutes=1)).sent == 1
        assert _deliver(store, file, after(minutes=5)) == Delivered(0, 0, 0, None)
    said = {one["labels"]["target"]: one["status"] for one in receiver.got[1].body["alerts"]}
    assert said == {"a9": "firing", "a0": "resolved", "a1": "firing"}
    assert receiver.got[1].body["status"] == "firing"


def _message(number: int, status: str, demo: bool = False, cut: int = 0) -> Message:
    one = {
        "status": status,
        "labels": {"alertname": "x", "severity": "critical", "target": f"t{number}"},
        "annotations": {},
        "startsAt": "2026-03-02T12:00:00.000Z",
        "endsAt": "",
        "generatorURL": "",
        "fingerprint": f"f{number}",
    }
    body = {"groupKey": f"g{number}", "groupLabels": {}, "truncatedAlerts": cut, "externalURL": "", "alerts": [one]}
    fires = status == "firing"
    return Message(body, (number,) if fires else (), () if fires else (number,), NOON, demo, "")


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["firing", "resolved"])), min_size=1, max_size=12))
def test_merging_loses_no_alert_and_keeps_its_last_state(said: list[tuple[int, str]]) -> None:
    """Every alert of every message is in the merged one, once, in the state of the last message that has it."""
    merged = merge([_message(number, status) for number, status in said], "why")
    last = dict(said)
    shown = {one["fingerprint"]: one["status"] for one in merged.body["alerts"]}
    assert shown == {f"f{number}": status for number, status in last.items()}
    assert set(merged.firing) == {number for number, status in last.items() if status == "firing"}
    assert set(merged.resolved) == {number for number, status in last.items() if status == "resolved"}
    assert merged.body["status"] == ("firing" if merged.firing else "resolved")


def test_demo_data_is_never_told_together_with_real_data() -> None:
    """The mark of demo data is of the whole message."""
    with pytest.raises(ValueError, match="demo data"):
        merge([_message(1, "firing"), _message(2, "firing", demo=True)], "")


def test_what_does_not_fit_is_counted() -> None:
    """A merged message keeps to the channel's most alerts and says how many it left out."""
    merged = merge([_message(number, "firing") for number in range(5)], "", max_alerts=2)
    assert (len(merged.body["alerts"]), merged.body["truncatedAlerts"], len(merged.firing)) == (2, 3, 5)


def test_killed_while_a_merged_message_is_on_its_way_nothing_is_lost(store: Engine, store_url: str) -> None:
    """kill -9 the moment the receiver has it: the merged message stays due, and comes again with the same key."""
    with_series(store)
    with hook() as receiver:
        file = _limited(receiver, "2/m")
        _handle(store, file, NOON, range(5))
        running = _deliver_elsewhere(store_url, file, NOON)
        receiver.on_request = lambda: os.kill(running.pid, signal.SIGKILL)
        assert running.wait(60) == -signal.SIGKILL
        receiver.on_request = lambda: None
        assert sorted(row.state for row in deliveries(store)) == ["merged"] * 5 + ["pending"]
        assert _deliver(store, file, after(seconds=5)).sent == 1
    assert len({got.key for got in receiver.got}) == 1
    assert len(receiver.got[1].body["alerts"]) == 5


def test_a_message_that_was_on_its_way_when_the_process_died_keeps_its_key(store: Engine, store_url: str) -> None:
    """Though more waits by then than may leave: told within another message it would come again under a new key."""
    with_series(store)
    with hook() as receiver:
        file = _limited(receiver, "2/m")
        _handle(store, file, NOON, range(1))
        running = _deliver_elsewhere(store_url, file, NOON)
        receiver.on_request = lambda: os.kill(running.pid, signal.SIGKILL)
        assert running.wait(60) == -signal.SIGKILL
        receiver.on_request = lambda: None
        _handle(store, file, after(seconds=5), range(1, 4))
        assert _deliver(store, file, after(seconds=5)).sent == 1
        assert _deliver(store, file, after(minutes=1)).sent == 1
    first, again, rest = receiver.got
    assert first.key == again.key
    assert [one["labels"]["target"] for one in again.body["alerts"]] == ["a0"]
    assert {one["labels"]["target"] for one in rest.body["alerts"]} == {"a1", "a2", "a3"}
