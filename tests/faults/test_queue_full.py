"""A store that takes nothing for a while: the queue fills, what finds it full is dropped and counted, the rest is written."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from bomc.pipeline.cycle import Cycle
from bomc.pipeline.writer import Writer
from core.model import Outcome, Sample
from core.store.open import open_store, reading, upgrade, writing
from core.store.tables import probe_state, sample, series
from tests.faults.estate import INDICATOR, PROBE, TARGET, configure
from tests.faults.story import rules_of
from tests.servers.process import wait_until

QUEUE = 10
SUBMITTED = 50


def test_what_finds_the_queue_full_is_dropped_and_counted(tmp_path: Path) -> None:
    """Every outcome is either in the store or counted as skipped, and memory holds no more than the queue."""
    url = f"sqlite:///{tmp_path / 'bomc.db'}"
    estate = configure(tmp_path, "http://127.0.0.1:9/metrics", "http://127.0.0.1:9/hook")
    engine = open_store(url)
    upgrade(engine)
    written = threading.Event()
    writer = Writer(
        Cycle(engine, rules_of(estate, leader=None)),
        lambda: datetime.now(UTC),
        queue_size=QUEUE,
        batch_samples=20_000,
        after=lambda done: written.set() if done.samples else None,
        extra_pulse=dict,
        lost=lambda why: None,
    )
    writer.start()
    begun_ms = round(datetime.now(UTC).timestamp() * 1000) - 60_000
    deepest = 0
    with writing(engine):  # whoever holds SQLite's one write lock keeps the writer waiting
        for number in range(SUBMITTED):
            at_ms = begun_ms + number * 1000
            values = (Sample(INDICATOR, 0.0, at_ms, (("n", "0"),)),)
            writer.submit(Outcome(f"{TARGET}/{PROBE}", TARGET, at_ms, 0.01, values))
            deepest = max(deepest, writer.depth)
        assert not written.is_set()
    wait_until(lambda: writer.depth == 0 and written.is_set(), "the writer's catching up")
    writer.stop()
    with reading(engine) as connection:
        join = series.c.id == sample.c.series_id
        stored = select(func.count()).select_from(sample).join(series, join).where(series.c.indicator == INDICATOR)
        kept = connection.scalar(stored) or 0
        skipped = connection.scalar(select(probe_state.c.skipped)) or 0
    engine.dispose()
    assert deepest == QUEUE
    assert skipped >= SUBMITTED - QUEUE - SUBMITTED // 5, "hardly anything was dropped; the queue was not full"
    assert kept + skipped == SUBMITTED
