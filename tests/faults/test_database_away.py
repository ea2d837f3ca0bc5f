"""The database goes away for some seconds - frozen, or ended and started again - while samples come and alerts are due.

Afterwards nothing that was queued is missing, nothing is there twice, every alert has been told once, and the store says
what one that was never away says.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, func, select

from alerts.delivery.sending import Io
from bomc.configuration.estate import Estate
from bomc.pipeline.cycle import Cycle
from bomc.pipeline.delivery import Delivery
from bomc.pipeline.writer import Writer
from core.model import Outcome, Sample
from core.store.open import open_store, reading, upgrade
from core.store.tables import alert, delivery, sample, series
from tests.alerts.receivers import Hook, hook
from tests.faults.estate import INDICATOR, PROBE, TARGET, configure
from tests.faults.invariants import faults, judged
from tests.faults.story import rules_of
from tests.servers import postgresql
from tests.servers.process import Missing, Server, free_port, private_folder, unprivileged, wait_until

AWAY_S = 4.0
EVERY_S = 0.05


@dataclass
class Feed:
    """Samples every 50 ms; condition 0 is raised for a second out of two, and each is remembered as it was given."""

    submit: Callable[[Outcome], object]
    given: list[Outcome] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until told to stop."""
        while not self.over.wait(EVERY_S):
            at_ms = round(clock().timestamp() * 1000)
            raised = float(len(self.given) // 20 % 2)
            values = tuple(Sample(INDICATOR, raised * n, at_ms, (("n", str(n)),)) for n in range(3))
            outcome = Outcome(f"{TARGET}/{PROBE}", TARGET, at_ms, 0.0, values)
            self.given.append(outcome)
            self.submit(outcome)


def clock() -> datetime:
    return datetime.now(UTC)


@contextlib.contextmanager
def cluster(tmp_path: Path) -> Iterator[Callable[[], contextlib.AbstractContextManager[Server]]]:
    """A database cluster of its own, and how to run its server: each time on the same port, with what was in it."""
    try:
        postgresql.binaries()
        owner = unprivileged("postgres", "postgresql")
    except Missing as missing:
        pytest.skip(str(missing))
    with private_folder(tmp_path, owner) as folder:
        postgresql.initialise(folder, owner, "secret")
        port = free_port()
        yield lambda: postgresql.serve(folder, owner, "secret", port, ())


@contextlib.contextmanager
def frozen(server: Server) -> Iterator[None]:
    """The server and all its processes, stopped in the middle of whatever they do."""
    parent = psutil.Process(server.pid)
    family = [parent, *parent.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


@dataclass
class Running:
    """Writer, delivery and feed on one store."""

    engine: Engine
    writer: Writer
    sender: Delivery
    feed: Feed
    skips: list[str] = field(default_factory=list)


@contextlib.contextmanager
def running(engine: Engine, estate: Estate) -> Iterator[Running]:
    """The parts of a pipeline behind its probes."""
    sender = Delivery(engine, estate.routes, clock, Io())
    skips: list[str] = []
    writer = Writer(
        Cycle(engine, rules_of(estate, leader=None)),
        clock,
        queue_size=2_000,
        batch_samples=20_000,
        after=lambda done: sender.wake() if done.deliveries else None,
        extra_pulse=dict,
        lost=skips.append,
    )
    writer.start()
    sender.start()
    feed = Feed(writer.submit)
    feeding = threading.Thread(target=feed.run, name="feed", daemon=True)
    feeding.start()
    try:
        yield Running(engine, writer, sender, feed, skips)
    finally:
        feed.over.set()
        feeding.join()
        writer.stop(60)
        sender.stop(30)


def stored(engine: Engine) -> int:
    """Samples of the feed in the store."""
    join = series.c.id == sample.c.series_id
    query = select(func.count()).select_from(sample).join(series, join).where(series.c.indicator == INDICATOR)
    with reading(engine) as connection:
        return connection.scalar(query) or 0


def unsent(engine: Engine) -> int:
    """Messages that wait."""
    with reading(engine) as connection:
        query = select(func.count()).select_from(delivery).where(delivery.c.state == "pending")
        return connection.scalar(query) or 0


def check(parts: Running, estate: Estate, receiver: Hook, tmp_path: Path, *, in_flight: int) -> None:
    """Wait until all has been written and told, then look for gaps, duplicates and different judgements."""
    parts.feed.over.set()
    wait_until(lambda: parts.writer.depth == 0, "an empty queue")
    given = parts.feed.given
    wait_until(lambda: stored(parts.engine) == 3 * len(given), f"{3 * len(given)} samples in the store", 30)
    wait_until(lambda: unsent(parts.engine) == 0, "an empty outbox")
    assert not faults(parts.engine, receiver.got, kills=in_flight)
    assert parts.writer.trouble is None
    fresh = open_store(f"sqlite:///{tmp_path / 'never-away.db'}")
    upgrade(fresh)
    cycle = Cycle(fresh, rules_of(estate, leader=None))
    for outcome in given:
        cycle.run([outcome], datetime.fromtimestamp(outcome.started_ms / 1000, UTC))
    assert judged(parts.engine, INDICATOR) == judged(fresh, INDICATOR)
    with reading(parts.engine) as here, reading(fresh) as there:
        count = select(func.count()).select_from(alert)
        assert here.scalar(count) == there.scalar(count)
    fresh.dispose()


@pytest.mark.faults
def test_a_database_that_freezes_and_thaws_costs_nothing(tmp_path: Path) -> None:
    with cluster(tmp_path) as serve, serve() as server, hook() as receiver:
        estate = configure(tmp_path, "http://127.0.0.1:9/metrics", receiver.url)
        engine = open_store(server.url)
        upgrade(engine)
        with running(engine, estate) as parts:
            wait_until(lambda: bool(receiver.got), "a first message")
            before = len(parts.feed.given)
            with frozen(server):
                time.sleep(AWAY_S)
            assert len(parts.feed.given) > before + AWAY_S / EVERY_S / 4, "collection stood still"
            check(parts, estate, receiver, tmp_path, in_flight=0)
        engine.dispose()


@pytest.mark.faults
def test_a_database_that_ends_and_comes_back_costs_nothing(tmp_path: Path) -> None:
    with cluster(tmp_path) as serve, hook() as receiver, contextlib.ExitStack() as parts_of_test:
        estate = configure(tmp_path, "http://127.0.0.1:9/metrics", receiver.url)
        with serve() as server:
            engine = open_store(server.url)
            upgrade(engine)
            parts = parts_of_test.enter_context(running(engine, estate))
            wait_until(lambda: bool(receiver.got), "a first message")
        before = len(parts.feed.given)
        time.sleep(AWAY_S)
        assert len(parts.feed.given) > before + AWAY_S / EVERY_S / 4, "collection stood still"
        assert parts.writer.trouble, "nobody noticed that the store does not answer"
        with serve():
            check(parts, estate, receiver, tmp_path, in_flight=1)
            parts_of_test.close()
            engine.dispose()
