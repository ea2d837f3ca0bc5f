"""The console's own heartbeat: sent while it is well, never its address in a word, and an alert when nobody hears it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts.heartbeats import OUTWARD
from alerts.heartbeats.config import Heartbeat
from alerts.heartbeats.watch import Watch
from bomc.configuration.models import OwnHeartbeat
from bomc.pipeline import heartbeat
from bomc.pipeline.cycle import Cycle
from bomc.pipeline.heartbeat import Outward, listening_since
from bomc.pipeline.records import last_pulse
from core.store.open import reading
from core.store.tables import alert, pulse
from tests.bomc.pipeline.world import NOON, after, rows, rules

SECRET = "c4n4ry"


class Clock:
    """Stands still until a test moves it."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def listener(answer: int | None = 200) -> Iterator[tuple[str, list[str], list[int | None]]]:
    """A heartbeat service: its address, what was asked of it, and how it answers (None: not at all)."""
    asked: list[str] = []
    answers = [answer]
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.path}")
            if answers[0] is None:
                over.wait(20)
                return
            self.send_response(answers[0])
            self.end_headers()

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/{SECRET}", asked, answers
    over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def _outward(
    monkeypatch: pytest.MonkeyPatch, url: str, clock: Clock, unwell: str | None = None, **more: Any
) -> Outward:
    monkeypatch.setenv("DEADMAN_URL", url)
    settings = OwnHeartbeat.model_validate({"url": "env:DEADMAN_URL", "every": "1m", **more})
    return Outward(settings, clock, lambda: unwell)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_beat_is_sent(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """To the address itself, by the method of the setting."""
    with listener() as (url, asked, _):
        _outward(monkeypatch, url, Clock(), method=method).beat()
    assert asked == [f"{method} /{SECRET}"]


def test_an_unwell_console_does_not_say_that_it_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is the signal."""
    with listener() as (url, asked, _):
        _outward(monkeypatch, url, Clock(), unwell="the pipeline has written nothing lately").beat()
    assert asked == []


def _cycle(store: Engine, *watches: Any) -> Cycle:
    made = rules(checks=[])
    return Cycle(store, made.__class__(**{**{f: getattr(made, f) for f in made.__slots__}, "watches": watches}))


def _alerts(store: Engine) -> list[tuple[str, str, str]]:
    return [(row.check_name, row.state, row.annotations["reason"]) for row in rows(store, alert)]


@pytest.mark.parametrize(
    ("answer", "why"), [(500, "127.0.0.1 answered 500"), (302, "answered 302"), (None, "did not answer within 0.3 s")]
)
def test_a_beat_that_is_not_taken_twice_is_an_alert(
    store: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: int | None, why: str
) -> None:
    """Through the same pipeline, once, with the reason; shown in the store; over when a beat is taken again."""
    monkeypatch.setattr(heartbeat, "TRY_S", 0.3)
    caplog.set_level(logging.INFO)
    clock = Clock()
    with listener(answer) as (url, _asked, answers):
        outward = _outward(monkeypatch, url, clock)
        cycle = _cycle(store, outward.findings)
        for seconds in (0, 60, 120):
            clock.now = after(seconds)
            outward.beat()
            cycle.run([], clock.now, pulse={})
            if seconds == 0:
                assert _alerts(store) == []
        ((check, state, reason),) = _alerts(store)
        assert (check, state) == ("heartbeat-outward", "firing")
        assert why in reason
        with reading(store) as connection:
            detail = connection.scalar(select(pulse.c.detail).where(pulse.c.name == OUTWARD))
        assert why in detail["error"]
        assert detail["failing_since"] == NOON.isoformat()
        answers[0] = 204
        monkeypatch.setattr(heartbeat, "TRY_S", 20.0)  # a busy machine answers late
        clock.now = after(180)
        outward.beat()
        cycle.run([], clock.now, pulse={})
    assert [state for _, state, _ in _alerts(store)] == ["resolved"]
    assert SECRET not in str(detail)
    assert SECRET not in "".join(record.getMessage() for record in caplog.records if record.name.startswith("bomc"))


def test_taken_out_of_the_configuration_its_alert_is_over(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sends it any more, so nobody is told that it fails."""
    clock = Clock()
    with listener(500) as (url, _asked, _):
        outward = _outward(monkeypatch, url, clock)
        for seconds in (0, 60):
            clock.now = after(seconds)
            outward.beat()
            _cycle(store, outward.findings).run([], clock.now, pulse={})
    assert [state for _, state, _ in _alerts(store)] == ["firing"]
    clock.now = after(90)
    _cycle(store, Outward(None, clock, lambda: None).findings).run([], after(90), pulse={})
    assert [state for _, state, _ in _alerts(store)] == ["resolved"]


@pytest.mark.parametrize("value", ["ftp://h/x", "nonsense", ""])
def test_an_address_that_is_none_is_said_without_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """The reference is named, not what it holds."""
    outward = _outward(monkeypatch, value, Clock())
    outward.beat()
    assert "DEADMAN_URL" in outward._beats.error


def test_jobs_are_watched_in_the_cycle_and_told_once(store: Engine) -> None:
    """A late job becomes an alert in the writer's own transaction; a cycle that begins anew tells nothing twice."""
    job = Heartbeat.model_validate({"name": "export", "every": "1h", "grace": "5m"})
    _cycle(store, Watch([job]).findings).run([], NOON, pulse={})
    for minutes in (66, 67, 68):
        _cycle(store, Watch([job]).findings).run([], after(60 * minutes), pulse={})
    assert [(check, state) for check, state, _ in _alerts(store)] == [("heartbeat-late", "firing")]


def test_since_when_somebody_listens(store: Engine) -> None:
    """From now on after a gap, all along otherwise."""
    assert last_pulse(store) is None
    assert listening_since(None, NOON) == NOON
    assert listening_since(NOON - timedelta(minutes=5), NOON) == NOON
    assert listening_since(NOON - timedelta(seconds=10), NOON) is None
    _cycle(store).run([], NOON, pulse={})
    assert last_pulse(store) == NOON
