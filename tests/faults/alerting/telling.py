"""The process that tells the story, or what is left of it, as the program does: load, cycles, rounds, deliveries.

At each instant: a look at what is due, each act with a look after it, the probes' batch, the round over tickets, deliveries
until nothing is due, and a last look; after the end, deliveries until nothing waits. A process that begins takes up the
instant that the one before it was in, so what is told when is the same however often it was killed; looks and acts that were
done already find nothing left to do.
"""

from __future__ import annotations

import os
import signal
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from random import Random

from sqlalchemy import Engine, select

from alerts.delivery.outbox import deliver_due, next_due
from alerts.delivery.sending import Io
from alerts.heartbeats.watch import Watch
from bomc.assurance.work_orders import WorkOrders
from bomc.configuration.estate import Estate, load_estate
from bomc.pipeline.cycle import Cycle, Rules
from bomc.pipeline.heartbeat import listening_since
from bomc.pipeline.indicators import declared
from bomc.pipeline.lead import take_lead
from bomc.pipeline.records import PIPELINE, last_pulse
from core.store.open import reading, writing
from core.store.tables import pulse
from tests.faults.alerting.story import Story, instant
from tests.faults.killing import Killer, Point

LEADER = "story"
URL = "http://127.0.0.1"
NOTE, CLOCK = "killed.txt", "step.txt"
ROUNDS = 30
LATE = 60
"""Steps after the end of the story within which all that a rate limit holds up has left: a kill takes half a minute of it."""


class Steady(Random):
    """No jitter, so that a try comes at the same instant in every telling."""

    def random(self) -> float:
        """The middle."""
        return 0.5


@dataclass(frozen=True, slots=True)
class Telling:
    """One process's part: the store and the home, and where it dies: at a point of its store's, or when a step is over."""

    url: str
    home: Path
    point: Point | None = None
    last: int | None = None


@lru_cache(maxsize=1)
def estate_of(home: Path) -> Estate:
    """The configuration of a home, which nobody changes: read once for all processes that tell there."""
    return load_estate(home / "config")


@cache
def trusted() -> ssl.SSLContext:
    """The certificates of this machine, which take long to read and are not asked for here."""
    return ssl.create_default_context()


def tell(engine: Engine, telling: Telling, story: Story) -> None:
    """Tell from where the store has it; dies at the point or after the step, if one is given."""
    estate = estate_of(telling.home)
    if telling.point is not None:
        Killer(engine, telling.home / NOTE).arm(telling.point)
    try:
        _Teller(engine, estate, story, telling.home).tell(telling.last)
    finally:
        engine.dispose()


class _Teller:
    def __init__(self, engine: Engine, estate: Estate, story: Story, home: Path) -> None:
        self._engine, self._estate, self._story, self._home = engine, estate, story, home
        self._step, self._batch = self._known()
        self.show_step()
        now = instant(self._step)
        watch = Watch(estate.heartbeats, listening_since(last_pulse(engine), now))
        take_lead(engine, LEADER, now)
        rules = Rules(
            targets=estate.targets,
            probes={probe.key: probe for probe in estate.probes},
            checks=estate.checks,
            routes=estate.routes,
            indicators=declared(),
            external_url=URL,
            watches=(watch.findings,),
            leader=LEADER,
            tickets=estate.tickets,
        )
        self._cycle = Cycle(engine, rules)
        self._orders = WorkOrders(engine, estate.routes, estate.tickets, self.clock, URL, LEADER)
        self._io, self._steady = Io(tls=trusted()), Steady()

    def clock(self) -> datetime:
        """The instant of the step that is being told."""
        return instant(self._step)

    def tell(self, last: int | None) -> None:
        """From the step that was begun to the end; to the death of this process after `last`, if that is given."""
        self._cycle.load(self.clock())
        for step in range(self._step, self._story.last + 1):
            self._step = step
            self.show_step()
            self._tell_step()
            if step == last:
                os.kill(os.getpid(), signal.SIGKILL)
        self._wait_out()

    def _wait_out(self) -> None:
        """After the story deliveries go on until nothing waits any more, which is at once unless a kill held something up."""
        for _ in range(LATE):
            with reading(self._engine) as connection:
                if next_due(connection) is None:
                    return
            self._step += 1
            self.show_step()
            for _ in self._deliveries():
                pass
        raise AssertionError(f"something waits still {LATE} steps after the story")

    def _tell_step(self) -> None:
        self._look()
        for act in self._story.acts:
            if act.step == self._step:
                with writing(self._engine) as connection:
                    act.do(connection, self._estate, self.clock())
                self._look()
        if self._batch < self._step:
            self._batch = self._step
            self._cycle.run(self._story.outcomes(self._step), self.clock(), None, self._pulse())
        self._orders.round()
        for _ in self._deliveries():
            pass
        self._look()

    def _look(self) -> None:
        self._cycle.run([], self.clock(), None, self._pulse())

    def _deliveries(self) -> Iterator[datetime]:
        """Rounds of delivery until nothing is due any more at this instant."""
        for _ in range(ROUNDS):
            done = deliver_due(self._engine, self._estate.routes, self.clock, self._io, rng=self._steady)
            if done.next_due is None or done.next_due > self.clock():
                return
            yield done.next_due
        raise AssertionError(f"something is due for ever at step {self._step}")

    def _pulse(self) -> dict[str, object]:
        """The sign of life, which every cycle writes with what it does: how far the story is told."""
        return {"step": self._step, "batch": self._batch}

    def _known(self) -> tuple[int, int]:
        with reading(self._engine) as connection:
            found = connection.scalar(select(pulse.c.detail).where(pulse.c.name == PIPELINE))
        return (1, 0) if found is None else (found["step"], found["batch"])

    def show_step(self) -> None:
        """Let the receivers know which step it is."""
        fresh = self._home / f"{CLOCK}.new"
        fresh.write_text(str(self._step))
        fresh.replace(self._home / CLOCK)
