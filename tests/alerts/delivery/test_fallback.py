"""A channel that keeps failing: the fall-back is told within two minutes and says why; nothing is lost, nothing storms."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts import pipeline
from alerts.config import RoutesFile
from alerts.delivery import letters
from alerts.delivery.letters import LetterError
from alerts.delivery.outbox import Delivered, deliver_due
from alerts.delivery.sending import Io
from alerts.routes.faults import faults
from core.store.open import reading, writing
from core.store.tables import audit, channel_trouble
from tests.alerts.receivers import Hook, hook
from tests.alerts.world import NOON, after, deliveries, events, finding, routes, with_series


def pair(first: Hook, second: Hook, group_interval: str = "1s", **more: Any) -> RoutesFile:
    """Receiver `ops`, and `second` that is told instead of it; a group for each target."""
    receivers = [
        {"name": "ops", "webhook_configs": [{"url": first.url, "timeout": "300ms"}], "fallback": "second", **more},
        {"name": "second", "webhook_configs": [{"url": second.url, "timeout": "300ms"}]},
    ]
    return routes(receivers=receivers, group_by=["target"], group_wait="0s", group_interval=group_interval)


def handle(store: Engine, file: RoutesFile, now: datetime, *hosts: str, status: str = "critical") -> None:
    """Findings of that status about these hosts."""
    with writing(store) as connection:
        pipeline.handle(connection, [finding(status, host=host) for host in hosts], file, now)


def run(store: Engine, file: RoutesFile, since: datetime, until: datetime) -> datetime:
    """Deliver as the workers do, asleep from one due instant to the next; returns when it stood still."""
    now, io = since, Io()
    for _ in range(60):
        done = deliver_due(store, file, lambda: now, io, rng=Random(3))  # noqa: B023
        if done.next_due is None or done.next_due > until:
            return now
        now = max(now + timedelta(milliseconds=10), done.next_due)
    raise AssertionError("it never came to rest")


MISBEHAVIOURS: dict[str, tuple[int | str, str]] = {
    "500": (500, "answered 500"),
    "429": (429, "answered 429"),
    "silence": ("hang", "did not answer within 0.3 s"),
    "garbage": ("garbage", "not HTTP"),
    "a lie about the length": ("lie", "not HTTP"),
    "gone for good": (410, "answered 410"),
}


@pytest.mark.parametrize(("answer", "why"), MISBEHAVIOURS.values(), ids=MISBEHAVIOURS.keys())
def test_the_fall_back_is_told_within_two_minutes_and_why(store: Engine, answer: int | str, why: str) -> None:
    """Retried, then the fall-back, then shown: the first channel's message is a dead letter with its reason."""
    with_series(store)
    with hook(answer) as first, hook() as second:
        file = pair(first, second)
        handle(store, file, NOON, "h")
        at = run(store, file, NOON, after(minutes=3))
        assert at - NOON <= timedelta(minutes=2)
        (got,) = second.got
    assert why in got.body["notice"]
    assert got.body["notice"].startswith("receiver ops was not reached: ")
    assert got.body["alerts"][0]["annotations"]["fallback"] == got.body["notice"]
    assert got.body["receiver"] == "second"
    rows = deliveries(store)
    assert [(row.receiver, row.state) for row in rows] == [("ops", "dead"), ("second", "sent")]
    assert rows[0].note == "receiver second is told instead"
    assert any("receiver second is told instead" in detail for _, _, detail in events(store, "not_delivered"))
    assert events(store, "notified")[0][2].startswith("receiver second, firing")


def test_a_long_retry_after_does_not_hold_the_fall_back_up(store: Engine) -> None:
    """The other side asks for an hour; somebody is told within two minutes all the same."""
    with_series(store)
    with hook(429) as first, hook() as second:
        first.headers["Retry-After"] = "3600"
        file = pair(first, second)
        handle(store, file, NOON, "h")
        assert run(store, file, NOON, after(minutes=3)) - NOON <= timedelta(minutes=2)
        assert len(second.got) == 1


def test_all_that_waits_is_passed_on_in_one_message(store: Engine) -> None:
    """Twenty groups wait behind a channel that is down: the fall-back gets one message with twenty alerts."""
    with_series(store)
    with hook(500) as first, hook() as second:
        file = pair(first, second)
        handle(store, file, NOON, *(f"h{n}" for n in range(20)))
        run(store, file, NOON, after(minutes=3))
        assert [len(got.body["alerts"]) for got in second.got] == [20]


def test_after_the_recovery_nothing_is_told_twice(store: Engine) -> None:
    """What was passed on stays with the fall-back; the first new message finds the channel well again."""
    with_series(store)
    with hook(500) as first, hook() as second:
        file = pair(first, second)
        handle(store, file, NOON, *(f"h{n}" for n in range(5)))
        run(store, file, NOON, after(minutes=3))
        tries = len(first.got)
        first.answer = 200
        assert deliver_due(store, file, lambda: after(minutes=10), Io()) == Delivered(0, 0, 0, None)
        assert len(first.got) == tries
        handle(store, file, after(minutes=11), "new")
        run(store, file, after(minutes=11), after(minutes=12))
        assert len(first.got) == tries + 1
        assert len(second.got) == 1
        with reading(store) as connection:
            assert connection.execute(select(channel_trouble)).all() == []


def test_a_new_message_to_a_channel_that_is_known_to_fail_is_tried_once(store: Engine) -> None:
    """It goes to the fall-back at once when that try fails, not two minutes later."""
    with_series(store)
    with hook(500) as first, hook() as second:
        file = pair(first, second)
        handle(store, file, NOON, "h")
        run(store, file, NOON, after(minutes=3))
        tries = len(first.got)
        handle(store, file, after(minutes=20), "new")
        assert run(store, file, after(minutes=20), after(minutes=21)) - after(minutes=20) < timedelta(seconds=1)
        assert (len(first.got), len(second.got)) == (tries + 1, 2)


def test_over_a_restart_the_fall_back_still_comes(store: Engine, store_url: str) -> None:
    """Since when a channel fails is a row: another process passes on at the same instant."""
    from core.store.open import open_store

    with_series(store)
    with hook(500) as first, hook() as second:
        file = pair(first, second)
        handle(store, file, NOON, "h")
        deliver_due(store, file, lambda: NOON, Io())
        elsewhere = open_store(store_url)
        assert deliver_due(elsewhere, file, lambda: after(seconds=89), Io(), rng=Random(1)).passed_on == 0
        assert deliver_due(elsewhere, file, lambda: after(seconds=90), Io(), rng=Random(1)).passed_on == 1
        elsewhere.dispose()
        assert len(second.got) == 1


def test_a_channel_that_is_taken_out_of_the_file_is_in_no_trouble(store: Engine) -> None:
    """At the next start nobody is told that it fails, and its messages are dead letters with that reason."""
    with_series(store)
    with hook(500) as first, hook() as second:
        file = pair(first, second)
        handle(store, file, NOON, "h")
        deliver_due(store, file, lambda: NOON, Io())
    smaller = routes(receivers=[{"name": "ops"}])
    with writing(store) as connection:
        assert connection.execute(select(channel_trouble)).all()
        pipeline.resume(connection, smaller, after(seconds=30))
    assert deliver_due(store, smaller, lambda: after(seconds=30), Io()).dead == 1
    with reading(store) as connection:
        assert connection.execute(select(channel_trouble)).all() == []


def test_a_fall_back_that_fails_too_is_retried_and_shown(store: Engine) -> None:
    """Nobody takes it: the second one's message is tried for a day, then both are dead letters."""
    with_series(store)
    with hook(500) as first, hook(404) as second:
        file = pair(first, second)
        handle(store, file, NOON, "h")
        run(store, file, NOON, after(minutes=3))
    with reading(store) as connection:
        found = letters.dead(connection)
    assert sorted((row.receiver, row.state) for row in found) == [("ops", "dead"), ("second", "dead")]


def test_without_a_fall_back_nothing_is_passed_on(store: Engine) -> None:
    """It is tried again and again, as before."""
    with_series(store)
    with hook(500) as first:
        file = routes(receivers=[{"name": "ops", "webhook_configs": [{"url": first.url}]}], group_wait="0s")
        handle(store, file, NOON, "h")
        run(store, file, NOON, after(minutes=4))
    assert [row.state for row in deliveries(store)] == ["pending"]


RINGS: dict[str, tuple[dict[str, str], str]] = {
    "to itself": ({"a": "a"}, "a -> a"),
    "two": ({"a": "b", "b": "a"}, "a -> b -> a"),
    "three": ({"a": "b", "b": "c", "c": "a"}, "a -> b -> c -> a"),
    "to nobody": ({"a": "x"}, "there is no receiver 'x' to fall back to"),
}


@pytest.mark.parametrize(("ways", "words"), RINGS.values(), ids=RINGS.keys())
def test_fall_backs_that_lead_nowhere_or_round_are_refused(ways: dict[str, str], words: str) -> None:
    """At reading, with the place; a chain that only leads into a ring is no fault of its own."""
    channel = [{"url": "http://127.0.0.1:9/"}]
    receivers = [
        {"name": name, "webhook_configs": channel, **({"fallback": ways[name]} if name in ways else {})}
        for name in ("a", "b", "c")
    ]
    file = RoutesFile.model_validate({"route": {"receiver": "a"}, "receivers": receivers})
    found = [(place, sentence) for place, sentence in faults(file) if "fallback" in place]
    assert words in found[0][1]
    assert found[0][0] == ("receivers", 0, "fallback")
    assert len(found) == len(ways)


def test_a_fall_back_without_a_channel_is_refused() -> None:
    """Nobody would be told."""
    made = [{"name": "a", "webhook_configs": [{"url": "http://127.0.0.1:9/"}], "fallback": "b"}, {"name": "b"}]
    file = RoutesFile.model_validate({"route": {"receiver": "a"}, "receivers": made})
    assert [sentence for _, sentence in faults(file)] == [
        "the fall-back 'b' has no channel, so nobody would be told; give it one"
    ]


def test_a_dead_letter_is_sent_again_once(store: Engine) -> None:
    """By a person, with an event and an audit row; two people who press at once send it once."""
    with_series(store)
    with hook(404, 200) as first:
        file = routes(receivers=[{"name": "ops", "webhook_configs": [{"url": first.url}]}], group_wait="0s")
        handle(store, file, NOON, "h")
        assert deliver_due(store, file, lambda: NOON, Io()).dead == 1
        with writing(store) as connection:
            letters.resend(connection, 1, "li.wei", after(hours=30))
        with pytest.raises(LetterError, match="Message 1 is pending, not dead"), writing(store) as connection:
            letters.resend(connection, 1, "zhang.min", after(hours=30))
        with pytest.raises(LetterError, match="There is no message 99"), writing(store) as connection:
            letters.resend(connection, 99, "li.wei", after(hours=30))
        assert deliver_due(store, file, lambda: after(hours=30), Io()).sent == 1
    assert events(store, "resent") == [(1, "resent", "message 1 to receiver ops")]
    with reading(store) as connection:
        row = connection.execute(select(audit).where(audit.c.action == "delivery.resend")).one()
    assert (row.who, row.object, row.detail["receiver"]) == ("li.wei", "delivery/1", "ops")
    assert first.got[0].key == first.got[1].key


def test_a_dead_letter_can_be_seen_to(store: Engine) -> None:
    """It leaves the list, is kept with the name, and is neither sent nor seen to twice."""
    with_series(store)
    with hook(404) as first:
        file = routes(receivers=[{"name": "ops", "webhook_configs": [{"url": first.url}]}], group_wait="0s")
        handle(store, file, NOON, "h")
        deliver_due(store, file, lambda: NOON, Io())
    with writing(store) as connection:
        letters.settle(connection, 1, "li.wei", after(hours=1))
        assert letters.dead(connection) == []
    for act in (letters.settle, letters.resend):
        with pytest.raises(LetterError, match="Message 1 is settled, not dead"), writing(store) as connection:
            act(connection, 1, "zhang.min", after(hours=2))
    assert deliveries(store)[0].note == "seen to by li.wei"


def test_a_letter_sent_again_gets_its_whole_time(store: Engine) -> None:
    """It is not given up at its first failure because it was made long ago."""
    with_series(store)
    with hook(404, 500) as first:
        file = routes(receivers=[{"name": "ops", "webhook_configs": [{"url": first.url}]}], group_wait="0s")
        handle(store, file, NOON, "h")
        deliver_due(store, file, lambda: NOON, Io())
        with writing(store) as connection:
            letters.resend(connection, 1, "li.wei", after(days=3))
        assert deliver_due(store, file, lambda: after(days=3), Io()).failed == 1
        assert deliver_due(store, file, lambda: after(days=4.1), Io()).dead == 1
