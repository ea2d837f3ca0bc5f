"""A story of five batches, told with a clock of its own, so that a killed and a never-killed telling can be compared.

After every batch the outbox is emptied once, as the delivery worker does. A telling that finds samples in the store goes on
after the last batch that is there, as a restarted pipeline does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, func, select

from alerts.delivery.outbox import deliver_due
from alerts.delivery.sending import Io
from bomc.configuration.estate import Estate, load_estate
from bomc.pipeline.cycle import Cycle, Rules
from bomc.pipeline.indicators import declared
from bomc.pipeline.lead import take_lead
from core.model import Outcome, Sample, instant_ms
from core.store.open import open_store, reading
from core.store.tables import sample
from tests.faults.estate import INDICATOR, PROBE, TARGET
from tests.faults.killing import Killer, Point

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
STEP = timedelta(seconds=10)
CONDITIONS = 4
RAISED: tuple[Mapping[int, float] | None, ...] = ({}, {0: 1, 1: 1}, None, {1: 1, 2: 7}, {})
"""Batch by batch, which conditions have which value; in the batch that is None the probe fails."""
LEADER = "story"


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch and when it is taken."""

    now: datetime
    outcome: Outcome


def batches() -> list[Batch]:
    """The whole story."""
    found = []
    for number, raised in enumerate(RAISED):
        now = START + STEP * (number + 1)
        at_ms = instant_ms(now) - 100
        values = [] if raised is None else [raised.get(n, 0.0) for n in range(CONDITIONS)]
        samples = tuple(Sample(INDICATOR, value, at_ms, (("n", str(n)),)) for n, value in enumerate(values))
        error = "nobody answers" if raised is None else None
        found.append(Batch(now, Outcome(f"{TARGET}/{PROBE}", TARGET, at_ms, 0.05, samples, error)))
    return found


def rules_of(estate: Estate, leader: str | None = LEADER) -> Rules:
    """What a cycle needs of an estate."""
    return Rules(
        targets=estate.targets,
        probes={probe.key: probe for probe in estate.probes},
        checks=estate.checks,
        routes=estate.routes,
        indicators=declared(),
        external_url="http://127.0.0.1",
        leader=leader,
    )


def tell(url: str, home: Path, point: Point | None) -> int:
    """Tell the story from where the store has it; returns how many statements that took. Dies at `point`, if given."""
    estate = load_estate(home / "config")
    engine = open_store(url)
    killer = Killer(engine, home / "killed.txt")
    killer.arm(point)
    try:
        _tell(engine, estate)
    finally:
        engine.dispose()
    return killer.seen


def _tell(engine: Engine, estate: Estate) -> None:
    io = Io()
    with reading(engine) as connection:
        known_ms = connection.scalar(select(func.max(sample.c.at_ms))) or 0
    left = [batch for batch in batches() if batch.outcome.started_ms > known_ms]
    resumed = (left[0].now if left else batches()[-1].now + STEP) - timedelta(seconds=1)
    take_lead(engine, LEADER, resumed)
    cycle = Cycle(engine, rules_of(estate))
    cycle.load(resumed)
    deliver_due(engine, estate.routes, lambda: resumed, io)
    for batch in left:
        cycle.run([batch.outcome], batch.now, None, {"batch": batch.now.isoformat()})
        deliver_due(engine, estate.routes, lambda now=batch.now: now, io)  # type: ignore[misc]
