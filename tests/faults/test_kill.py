"""kill -9 of a whole running pipeline at seeded points of collection and delivery, again and again on one store.

Two conditions are raised at the source around every kill and those before are cleared. After each restart every one of them
has reached the receiver, each message at most once more for each kill and under the same key; at the end the store says
exactly what a pipeline that was never killed says of the same samples.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine, func, select

from bomc.configuration.estate import Estate
from bomc.pipeline.cycle import Cycle
from core.model import Outcome, Sample, labels_of
from core.store.open import open_store, reading, upgrade
from core.store.tables import delivery, sample, series
from tests.alerts.receivers import Hook, hook
from tests.faults.estate import INDICATOR, PROBE, TARGET, Source, configure, source
from tests.faults.forking import context, start
from tests.faults.invariants import faults, judged
from tests.faults.killing import Point
from tests.faults.live import live
from tests.faults.seeds import seeds
from tests.faults.story import rules_of
from tests.servers.fixtures import PostgreSQL
from tests.servers.process import wait_until

POINTS_A_SEED = 10
SMOKE_POINTS = 2
SETTLED_WITHIN_S = 60.0
REACHED_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How one kill comes about: at a step of the store's, of the start's too, at an instant, at a message's arrival, or
    at a message that the receiver does not hear, because it falls at the same moment."""

    how: str
    point: Point | None = None
    after_s: float = 0.0


def plans(seed: int, count: int) -> list[Plan]:
    """The kills of one seed: half at statements around a change, the rest spread over the other ways."""
    drawn = Random(seed)
    found = []
    for _ in range(count):
        how = drawn.choice(
            ("statement", "statement", "change", "change", "change", "outbox", "instant", "arrival", "unheard", "start")
        )
        after_s = drawn.uniform(0.0, 1.2)
        if how == "arrival":
            after_s = drawn.choice((0.0, 0.0, drawn.uniform(0.0, 0.05)))
        point = {
            "statement": Point(drawn.randrange(60)),
            "change": Point(drawn.randrange(25), "INTO check_result"),
            "outbox": Point(drawn.randrange(12), "INSERT INTO delivery"),
            "start": Point(drawn.randrange(40)),
        }.get(how)
        found.append(Plan(how, point, after_s))
    return found


@dataclass
class Scene:
    """A source, a receiver, a store, and the pipeline between them that is killed and begun again."""

    home: Path
    estate: Estate
    engine: Engine
    there: Source
    receiver: Hook
    kills: int = 0
    died_at: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def pipeline(self, point: Point | None = None) -> Iterator[tuple[int, Connection]]:
        """A running pipeline, ended at the end of the block if it is still alive then."""
        mine, theirs = context().Pipe()
        process = start(live, self.home, theirs, point)
        theirs.close()
        assert process.pid is not None
        try:
            yield process.pid, mine
        finally:
            mine.close()
            process.join(20)
            if process.exitcode is None:
                process.kill()
                process.join()

    def kill(self, plan: Plan, raised: list[int], cleared: list[int]) -> None:
        """Start, let everything from before arrive, change the conditions, and be killed as planned."""
        (self.home / "killed.txt").unlink(missing_ok=True)
        if plan.how == "start":
            with self.pipeline(plan.point) as (pid, _):
                self._change(raised, cleared)
                self._await_death(pid)
            return
        with self.pipeline() as (pid, orders):
            assert orders.poll(SETTLED_WITHIN_S), "the pipeline did not start"
            self.settle(cleared)
            if plan.point is not None:
                orders.send(plan.point)
            if plan.how == "arrival":
                self.receiver.on_request = lambda: self._strike(pid, plan.after_s)
            if plan.how == "unheard":
                self.receiver.on_request = lambda: self._strike_unheard(pid)
            self._change(raised, cleared)
            if plan.how == "instant":
                time.sleep(plan.after_s)
                self._strike(pid, 0.0)
            self._await_death(pid)

    def _change(self, raised: list[int], cleared: list[int]) -> None:
        self.there.set(raised, 1)
        self.there.set(cleared, 0)

    def _strike(self, pid: int, after_s: float) -> None:
        self.receiver.on_request = lambda: None
        time.sleep(after_s)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _strike_unheard(self, pid: int) -> None:
        self.receiver.got.pop()
        self._strike(pid, 0.0)

    def _await_death(self, pid: int) -> None:
        """A point that was not reached in time is an instant like any other: it is killed there."""
        deadline = time.monotonic() + REACHED_WITHIN_S
        while alive(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        if alive(pid):
            self._strike(pid, 0.0)
        self.receiver.on_request = lambda: None
        wait_until(lambda: not alive(pid), "the death of the pipeline", 20)
        self.kills += 1
        note = self.home / "killed.txt"
        self.died_at.append(note.read_text() if note.exists() else "between statements")

    def settle(self, raised: list[int]) -> None:
        """Wait until what is raised has been told, what is not has been told as over, and nothing waits to be sent."""
        wait_until(lambda: not self.untold(raised), "every condition's arrival at the receiver", SETTLED_WITHIN_S)
        wait_until(lambda: self.pending() == 0, "an empty outbox", SETTLED_WITHIN_S)

    def untold(self, raised: list[int]) -> list[str]:
        """Conditions whose latest news has not arrived, for each check that tells of them."""
        latest: dict[tuple[str, str], str] = {}
        for got in list(self.receiver.got):
            for alert in got.body["alerts"]:
                latest[alert["labels"]["alertname"], alert["labels"]["n"]] = alert["status"]
        missing = [f"{n} raised" for n in raised if latest.get(("raised", str(n))) != "firing"]
        missing += [f"{n} lasts" for n in raised if latest.get(("lasts", str(n))) != "firing"]
        over = [(check, n) for (check, n), status in latest.items() if status == "firing" and int(n) not in raised]
        over += [("jumps", n) for (check, n), status in latest.items() if check == "jumps" and status == "firing"]
        return missing + [f"{n} {check} is not over" for check, n in over]

    def pending(self) -> int:
        """Messages that wait in the outbox."""
        with reading(self.engine) as connection:
            query = select(func.count()).select_from(delivery).where(delivery.c.state == "pending")
            return connection.scalar(query) or 0

    def check(self) -> None:
        """Every invariant, after everything has settled."""
        assert not faults(self.engine, self.receiver.got, self.kills), f"after the kills at {self.died_at}"

    def check_against_never_killed(self, fresh: Engine) -> None:
        """Give the same samples to a pipeline that is never killed, and compare what both say of them."""
        cycle = Cycle(fresh, rules_of(self.estate, leader=None))
        for outcome, now in outcomes(self.engine):
            cycle.run([outcome], now)
        for what, killed, never in zip(
            ("results", "transitions"), judged(self.engine, INDICATOR), judged(fresh, INDICATOR), strict=True
        ):
            assert killed == never, f"{what} differ after the kills at {self.died_at}"


def outcomes(engine: Engine) -> Iterator[tuple[Outcome, datetime]]:
    """The stored samples as the outcomes that brought them, in order."""
    query = select(sample.c.at_ms, sample.c.value, series.c.labels)
    query = query.join_from(sample, series, series.c.id == sample.c.series_id).where(series.c.indicator == INDICATOR)
    found: dict[int, list[Sample]] = {}
    with reading(engine) as connection:
        for row in connection.execute(query.order_by(sample.c.at_ms, series.c.id)):
            found.setdefault(row.at_ms, []).append(Sample(INDICATOR, row.value, row.at_ms, labels_of(row.labels)))
    for at_ms, samples in found.items():
        yield Outcome(f"{TARGET}/{PROBE}", TARGET, at_ms, 0.0, samples), datetime.fromtimestamp(at_ms / 1000, UTC)


def alive(pid: int) -> bool:
    """Whether that process lives; a dead one that nobody has asked about yet does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone, or going between the two looks
        return False


def killed_again_and_again(store_url: str, tmp_path: Path, seed: int, count: int) -> None:
    """One store, that many kills, every invariant after each."""
    print(f"seed {seed}")
    home = tmp_path / "home"
    with hook() as receiver, source(2 * count + 2) as there:
        estate = configure(home, there.url, receiver.url, store_url=store_url)
        engine = open_store(store_url)
        upgrade(engine)
        scene = Scene(home, estate, engine, there, receiver)
        raised: list[int] = []
        for number, plan in enumerate(plans(seed, count)):
            before, raised = raised, [2 * number, 2 * number + 1]
            print(f"{number}: {plan}", end=" ", flush=True)
            scene.kill(plan, raised, before)
            print(f"died at: {scene.died_at[-1]}", flush=True)
            with scene.pipeline() as (_, orders):
                assert orders.poll(SETTLED_WITHIN_S), "the pipeline did not start again"
                scene.settle(raised)
            scene.check()
        fresh = open_store(f"sqlite:///{tmp_path / 'never-killed.db'}")
        upgrade(fresh)
        scene.check_against_never_killed(fresh)
        fresh.dispose()
        engine.dispose()


def test_no_alert_is_lost_when_the_pipeline_is_killed(tmp_path: Path) -> None:
    killed_again_and_again(f"sqlite:///{tmp_path / 'bomc.db'}", tmp_path, seeds(21)[0], SMOKE_POINTS)


@pytest.mark.faults
@pytest.mark.parametrize("seed", seeds(101, 102, 103, 104, 105))
def test_no_alert_is_lost_at_any_seeded_point(tmp_path: Path, seed: int) -> None:
    killed_again_and_again(f"sqlite:///{tmp_path / 'bomc.db'}", tmp_path, seed, POINTS_A_SEED)


@pytest.mark.faults
@pytest.mark.parametrize("seed", seeds(201))
def test_no_alert_is_lost_on_postgresql_either(tmp_path: Path, postgresql: PostgreSQL, seed: int) -> None:
    killed_again_and_again(postgresql.fresh_database(), tmp_path, seed, POINTS_A_SEED)
