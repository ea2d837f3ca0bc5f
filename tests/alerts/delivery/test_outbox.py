"""Every message arrives at least once: over refusals, silence, garbage and the death of the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

import pytest
from sqlalchemy import Engine

from alerts import pipeline
from alerts.config import RoutesFile
from alerts.delivery.outbox import FIRST_PAUSE, GIVE_UP_AFTER, JITTER, LONGEST_PAUSE, Delivered, deliver_due, pause
from alerts.delivery.sending import Destination, Io
from alerts.notify import CHANNELS
from core.model import Finding
from core.store.open import writing
from tests.alerts.receivers import Hook, hook
from tests.alerts.world import NOON, after, deliveries, events, finding, routes, with_series


def _to(*hooks: Hook, timeout: str = "5s", **root: object) -> RoutesFile:
    """A receiver for each hook, chosen by the label `target` = h0, h1, ...; h0 is for everybody else as well."""
    receivers = [
        {"name": name, "webhook_configs": [{"url": one.url, "timeout": timeout}]}
        for name, one in zip(("ops", "h1", "h2"), hooks, strict=False)
    ]
    children = [{"matchers": [f"target={one['name']}"], "receiver": one["name"]} for one in receivers[1:]]
    return routes(*children, receivers=receivers, group_wait="0s", group_interval="1s", **root)


def _handle(store: Engine, file: RoutesFile, now: datetime, *findings: Finding) -> None:
    with writing(store) as connection:
        pipeline.handle(connection, findings, file, now)


def _deliver(store: Engine, file: RoutesFile, now: datetime = NOON, io: Io | None = None) -> Delivered:
    return deliver_due(store, file, lambda: now, io or Io(), rng=Random(7))


def _state(store: Engine) -> list[tuple[str, int]]:
    return [(row.state, row.attempts) for row in deliveries(store)]


def test_a_message_is_sent_marked_and_told_of(store: Engine) -> None:
    """Taken with 200: done, with its key, and the alert's history says through whom."""
    with_series(store)
    with hook() as receiver:
        file = _to(receiver)
        _handle(store, file, NOON, finding())
        assert _deliver(store, file) == Delivered(1, 0, 0, None)
        assert _deliver(store, file) == Delivered(0, 0, 0, None)
    (row,) = deliveries(store)
    (got,) = receiver.got
    assert (got.key, got.body) == (row.key, row.message["body"])
    assert (row.state, row.attempts, row.done_at, row.last_error) == ("sent", 1, NOON, None)
    place = f"http://127.0.0.1:{receiver.port}"
    assert events(store, "notified") == [(1, "notified", f"receiver ops, firing: webhook {place}")]


def test_nothing_due_costs_nothing(store: Engine) -> None:
    """An empty outbox starts no thread and says that there is nothing to wait for."""
    with_series(store)
    before = threading.active_count()
    assert _deliver(store, routes()) == Delivered(0, 0, 0, None)
    assert threading.active_count() == before


RETRIED: dict[str, tuple[int | str, str]] = {
    "500": (500, "answered 500 Internal Server Error: that is my answer"),
    "429": (429, "answered 429 Too Many Requests"),
    "silence": ("hang", "did not answer within 0.3 s"),
    "a byte now and then": ("drip", "did not answer within 0.3 s"),
    "garbage": ("garbage", "something that is not HTTP"),
    "taken, and a lie about the length": ("lie", "not HTTP: peer closed connection"),
    "closed without an answer": ("close", "not HTTP: Server disconnected"),
}


@pytest.mark.parametrize(("answer", "why"), RETRIED.values(), ids=RETRIED.keys())
def test_what_may_pass_is_tried_again_with_the_same_key(store: Engine, answer: int | str, why: str) -> None:
    """A failure that may pass leaves the message waiting, with its reason; the next try brings it."""
    with_series(store)
    with hook(answer, 200) as receiver:
        file = _to(receiver, timeout="300ms" if "0.3 s" in why else "2s")
        _handle(store, file, NOON, finding())
        began = time.monotonic()
        first = _deliver(store, file)
        assert time.monotonic() - began < 3
        assert (first.sent, first.failed, first.dead) == (0, 1, 0)
        assert first.next_due is not None
        assert FIRST_PAUSE * (1 - JITTER) <= first.next_due - NOON <= FIRST_PAUSE * (1 + JITTER)
        assert why in deliveries(store)[0].last_error
        assert _deliver(store, file, NOON).sent == 0
        assert _deliver(store, file, first.next_due).sent == 1
    assert _state(store) == [("sent", 2)]
    assert len({got.key for got in receiver.got}) == 1
    assert events(store, "notified")[0][2].endswith(", at try 2")


def test_a_receiver_that_is_not_there_is_tried_again(store: Engine) -> None:
    """Nobody listens: a sentence with the address, and another try."""
    with_series(store)
    with hook() as receiver:
        file = _to(receiver)
    _handle(store, file, NOON, finding())
    assert _deliver(store, file).failed == 1
    assert deliveries(store)[0].last_error.startswith(f"http://127.0.0.1:{receiver.port} cannot be reached")


@pytest.mark.parametrize("answer", [400, 401, 404, 410, 302])
def test_what_cannot_pass_is_given_up_and_counted(store: Engine, answer: int) -> None:
    """Another 4xx, or a redirect, is final: dead, with its reason in the row and in the alert's history."""
    with_series(store)
    with hook(answer) as receiver:
        file = _to(receiver)
        _handle(store, file, NOON, finding())
        assert _deliver(store, file) == Delivered(0, 0, 1, None)
    assert len(receiver.got) == 1
    ((_, _, detail),) = events(store, "not_delivered")
    assert f"given up after 1 tries: http://127.0.0.1:{receiver.port} answered {answer}" in detail


@pytest.mark.parametrize(
    ("value", "expected"),
    [("7", timedelta(seconds=7)), ("86400", timedelta(hours=1)), ("nonsense", timedelta(seconds=1))],
)
def test_the_receivers_own_wish_for_a_pause_is_honoured(store: Engine, value: str, expected: timedelta) -> None:
    """Retry-After in seconds is the least pause, up to an hour; one that cannot be read is none."""
    with_series(store)
    with hook(429) as receiver:
        receiver.headers["Retry-After"] = value
        file = _to(receiver)
        _handle(store, file, NOON, finding())
        next_due = _deliver(store, file).next_due
    assert next_due is not None
    assert expected * (1 - JITTER) <= next_due - NOON <= expected * (1 + JITTER)


def test_a_retry_after_given_as_an_instant(store: Engine) -> None:
    """An HTTP date is taken from the reply's own Date, whatever our clock says."""
    with_series(store)
    with hook(503) as receiver:
        file = _to(receiver)
        receiver.headers |= {"Retry-After": "Mon, 02 Mar 2099 12:00:00 GMT"}
        _handle(store, file, NOON, finding())
        assert _deliver(store, file).next_due == after(hours=1)


def test_pauses_double_up_to_a_limit() -> None:
    """1 s, 2 s, 4 s ... 5 min, each within its jitter, and the same seed gives the same pauses."""
    pauses = [pause(attempts, Random(attempts)) for attempts in range(1, 40)]
    for number, found in enumerate(pauses):
        middle = min(FIRST_PAUSE * 2 ** min(number, 30), LONGEST_PAUSE)
        assert middle * (1 - JITTER) <= found <= middle * (1 + JITTER)
    assert pauses == [pause(attempts, Random(attempts)) for attempts in range(1, 40)]


def test_a_message_is_given_up_after_a_day(store: Engine) -> None:
    """What nobody takes for 24 h is dead, counted, and told of in the alert's history; a moment before, it is not."""
    with_series(store)
    with hook(500) as receiver:
        file = _to(receiver, repeat_interval="7d")
        _handle(store, file, NOON, finding())
        assert _deliver(store, file, NOON).failed == 1
        assert _deliver(store, file, NOON + GIVE_UP_AFTER - timedelta(milliseconds=1)).failed == 1
        assert _deliver(store, file, NOON + GIVE_UP_AFTER + LONGEST_PAUSE) == Delivered(0, 0, 1, None)
    assert _state(store) == [("dead", 3)]
    assert "given up after 3 tries" in events(store, "not_delivered")[0][2]


def test_messages_of_one_group_keep_their_order(store: Engine) -> None:
    """An end never overtakes its beginning: it waits until that one was taken, and makes it due at once."""
    with_series(store)
    with hook(500, 200) as receiver:
        file = _to(receiver)
        _handle(store, file, NOON, finding())
        _deliver(store, file)
        _handle(store, file, after(seconds=1), finding("ok"))
        for _ in range(2):
            _deliver(store, file, after(seconds=1))
    assert [got.body["status"] for got in receiver.got] == ["firing", "firing", "resolved"]


def test_a_silent_destination_is_asked_once_a_pass_and_holds_nobody_up(store: Engine) -> None:
    """Ten messages to a silent receiver cost one wait; another receiver's message goes out meanwhile."""
    with_series(store)
    with hook("hang") as silent, hook() as lively:
        file = _to(silent, lively, timeout="500ms", group_by=["target"])
        _handle(store, file, NOON, *(finding(host=f"a{n}") for n in range(10)), finding(host="h1"))
        began = time.monotonic()
        passed = _deliver(store, file)
        assert time.monotonic() - began < 3
    assert (passed.sent, passed.failed) == (1, 1)
    assert (len(silent.got), len(lively.got)) == (1, 1)
    assert sorted(_state(store)) == [("pending", 0)] * 9 + [("pending", 1), ("sent", 1)]
    assert min(row.due_at for row in deliveries(store) if row.state == "pending") > NOON


def test_two_threads_share_the_work(store: Engine) -> None:
    """While one pass waits for a silent receiver, another one delivers what is for somebody else, and nothing twice."""
    with_series(store)
    with hook("hang") as silent, hook() as lively:
        file, io = _to(silent, lively, timeout="2s"), Io()
        _handle(store, file, NOON, finding())
        asked = threading.Event()
        silent.on_request = asked.set
        waiting = threading.Thread(target=_deliver, args=(store, file, NOON, io))
        waiting.start()
        assert asked.wait(10)
        _handle(store, file, after(seconds=1), finding(host="h1"))
        passed = _deliver(store, file, after(seconds=1), io)
        assert (passed.sent, passed.failed) == (1, 0)
        assert passed.next_due is not None
        assert passed.next_due > after(seconds=1)
        assert waiting.is_alive()
        silent.over.set()
        waiting.join()
    assert (len(silent.got), len(lively.got)) == (1, 1)


def test_what_another_thread_has_just_sent_is_not_sent_again(store: Engine) -> None:
    """Between the reading of the outbox and the claim of a destination somebody else may deliver; then nothing is left."""
    with_series(store)

    class Late(Io):
        def claim(self, destination: Destination) -> bool:
            _deliver(store, file)
            return super().claim(destination)

    with hook() as receiver:
        file = _to(receiver)
        _handle(store, file, NOON, finding())
        assert _deliver(store, file, NOON, Late()) == Delivered(0, 0, 0, None)
    assert len(receiver.got) == 1


def test_a_channel_that_is_no_longer_configured_is_said_so(store: Engine) -> None:
    """A message for a channel that was taken out of routes.yaml is dead, with that sentence."""
    with_series(store)
    with hook() as receiver:
        _handle(store, _to(receiver), NOON, finding())
        assert _deliver(store, routes(receivers=[{"name": "ops"}])).dead == 1
    assert deliveries(store)[0].last_error == "receiver ops has no webhook number 1 any more in routes.yaml"


def test_a_fault_of_a_channel_itself_is_kept_and_tried_again(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that fails in a way nobody foresaw loses no message and stops no other."""
    with_series(store)

    def broken(*_: object) -> str:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(CHANNELS["webhook"], "send", broken)
    _handle(store, routes(group_wait="0s"), NOON, finding())
    assert _deliver(store, routes(group_wait="0s")).failed == 1
    assert "not foreseen: ZeroDivisionError: oh" in deliveries(store)[0].last_error


def test_no_transaction_is_open_while_a_message_is_on_its_way(store: Engine) -> None:
    """Whoever receives can write to the store at once, on a store that has one writer."""
    with_series(store)
    wrote: list[bool] = []

    def write() -> None:
        with writing(store) as connection:
            pipeline.handle(connection, [finding(host="other")], file, NOON)
            wrote.append(True)

    with hook() as receiver:
        file = _to(receiver)
        _handle(store, file, NOON, finding())
        receiver.on_request = write
        assert _deliver(store, file).sent == 1
    assert wrote == [True]


DELIVER = """
import sys
from datetime import datetime
from alerts.config import RoutesFile
from alerts.delivery.outbox import deliver_due
from alerts.delivery.sending import Destination, Io
from core.store.open import open_store
url, file, now = sys.argv[1:]
deliver_due(open_store(url), RoutesFile.model_validate_json(file), lambda: datetime.fromisoformat(now), Io())
"""


def _deliver_elsewhere(url: str, file: RoutesFile, now: datetime) -> subprocess.Popen[bytes]:
    written = file.model_dump_json(by_alias=True, exclude_unset=True)
    return subprocess.Popen([sys.executable, "-c", DELIVER, url, written, now.isoformat()], stderr=subprocess.PIPE)


def test_killed_between_sent_and_marked_it_is_sent_again_with_the_same_key(store: Engine, store_url: str) -> None:
    """kill -9 the moment the receiver has it: the message stays due, and the repetition can be recognised."""
    with_series(store)
    with hook() as receiver:
        file = _to(receiver)
        _handle(store, file, NOON, finding())
        running = _deliver_elsewhere(store_url, file, NOON)
        receiver.on_request = lambda: os.kill(running.pid, signal.SIGKILL)
        assert running.wait(60) == -signal.SIGKILL
        assert _state(store) == [("pending", 0)]
        receiver.on_request = lambda: None
        again = _deliver_elsewhere(store_url, file, NOON)
        assert again.wait(60) == 0, again.stderr and again.stderr.read()
    assert [got.key for got in receiver.got] == [deliveries(store)[0].key] * 2
    assert _state(store) == [("sent", 1)]


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(10))
def test_killed_anywhere_no_message_is_lost(store: Engine, store_url: str, seed: int) -> None:
    """kill -9 at seeded instants of a pass over 20 messages: all arrive, at most one of them twice for each kill."""
    with_series(store)
    chance = Random(seed)
    with hook() as receiver:
        file = _to(receiver, group_by=["target"])
        _handle(store, file, NOON, *(finding(host=f"a{number}") for number in range(20)))
        kills = 0
        after_requests = sorted(chance.sample(range(1, 20), 3))
        while any(state == "pending" for state, _ in _state(store)):
            running = _deliver_elsewhere(store_url, file, NOON)
            if after_requests:
                _kill_after(receiver, running, after_requests.pop(0), chance.random() * 0.02)
            kills += running.wait(60) != 0
    keys = [got.key for got in receiver.got]
    assert set(keys) == {row.key for row in deliveries(store)}
    assert len(keys) - len(set(keys)) <= kills


def _kill_after(receiver: Hook, running: subprocess.Popen[bytes], requests: int, delay_s: float) -> None:
    """Kill the process so long after that many requests have arrived in all."""

    def kill() -> None:
        if len(receiver.got) >= requests and running.poll() is None:
            time.sleep(delay_s)
            running.kill()

    receiver.on_request = kill


def test_clocks_are_asked_not_read(store: Engine) -> None:
    """The instants in the rows are those of the clock that was given."""
    with_series(store)
    times: Callable[[], datetime] = iter([NOON, NOON, after(hours=3), after(hours=3), after(hours=3)]).__next__
    with hook() as receiver:
        file = _to(receiver)
        _handle(store, file, NOON, finding())
        deliver_due(store, file, times, Io())
    assert deliveries(store)[0].done_at == after(hours=3)
