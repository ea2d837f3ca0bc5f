"""Samples through the whole pipeline against bare sqlite3: the same rows, the same table, the same batches, in turn.

Ours is `Cycle.run` on batches of 20,000 samples, one of each of 20,000 series, as 20 outcomes of 1,000: resolved to
series, refused or taken, judged by two checks each (a limit and a rate of change), stored, and all that follows written in the
same transaction - probe states, the two samples that each outcome tells of itself, results, transitions, alerts, groups,
outbox, pulse. In every batch 1 % of the values lie beyond the limit; each stays there for ten batches, so that about 20
alerts are raised and 20 resolved in a batch, besides those of the rate. Bare is `executemany` of the same 20,000 rows, in
order of the key, with a commit for each batch, into the table of the same DDL (WITHOUT ROWID, primary key (series_id,
at_ms)) in a file of its own, WAL, synchronous=NORMAL, the same cache. Making the samples and the rows is not timed.
For openness the ratio against a table without any key is told as well, and what a batch costs in which *every* one of
those 1 % changes its status. Tables are small here, which favours bare: with days of samples both write more pages.
Target: ours takes at least 0.40 of the rows a second that bare takes.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_mock_engine, func, select
from sqlalchemy.schema import CreateTable

from alerts.config import ReceiverConfig, RouteConfig, RoutesFile, WebhookConfig
from benchmarks.figure import Figure, tell
from bomc.pipeline.cycle import Cycle, Done, Rules
from bomc.pipeline.indicators import declared
from bomc.pipeline.lead import take_lead
from checks.check import Check
from checks.registry import PARAMS
from core.model import Outcome, Probe, Sample, Target, instant_ms
from core.store.open import open_store, reading, upgrade
from core.store.tables import alert, check_result, sample

TARGETS, SERIES_EACH = 20, 1_000
SERIES = TARGETS * SERIES_EACH
BEYOND, EPISODE = 0.01, 10
ROUNDS, BATCHES_A_ROUND, WARM_UP = 7, 5, 12
EVERY_S = 15
TARGET_RATIO = 0.40
START = datetime(2026, 11, 1, tzinfo=UTC)
Row = tuple[int, int, float]


class Estate:
    """20,000 series whose values wander, of which a changing 1 % lies beyond its limit."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        labels = [(("item", f"{number:04d}"), ("site", f"site-{number % 12}")) for number in range(SERIES_EACH)]
        self._labels = labels
        self._beyond_until = [0] * SERIES
        self.batch = 0

    def rules(self) -> Rules:
        """Twenty targets of a thousand series, two checks over all of them, and a route with a webhook."""
        targets = {name: Target(name, "exporter") for name in self.names()}
        probes = [Probe(name, "prometheus_exporter", EVERY_S, 10, None, "metrics") for name in targets]
        limit = PARAMS["limit"].model_validate({"above": {"warning": 80, "critical": 95}})
        rate = PARAMS["rate"].model_validate({"above": {"warning": 1_000}})
        checks = [Check("load high", "limit", "load", limit), Check("load rises", "rate", "load", rate)]
        hook = WebhookConfig.model_validate({"url": "http://127.0.0.1:9/hook"})
        receiver = ReceiverConfig(name="ops", webhook_configs=[hook])
        return Rules(
            targets=targets,
            probes={probe.key: probe for probe in probes},
            checks=checks,
            routes=RoutesFile(route=RouteConfig(receiver="ops", group_by=["target"]), receivers=[receiver]),
            indicators=declared(),
            external_url="http://127.0.0.1:9",
            leader="benchmark",
        )

    def names(self) -> list[str]:
        """The targets' names."""
        return [f"host-{number:02d}" for number in range(TARGETS)]

    def next_batch(self, changing: bool = False) -> tuple[list[Outcome], datetime]:
        """One sample of every series; `changing`: other series are beyond the limit in every batch."""
        self.batch += 1
        now = START + timedelta(seconds=EVERY_S * self.batch)
        at_ms = instant_ms(now)
        drawn = self._random
        for _ in range(int(SERIES * BEYOND) if changing else int(SERIES * BEYOND / EPISODE)):
            self._beyond_until[drawn.randrange(SERIES)] = self.batch + (1 if changing else EPISODE)
        outcomes = []
        for number, name in enumerate(self.names()):
            first = number * SERIES_EACH
            samples = [
                Sample("load", self._value(first + place), at_ms, self._labels[place]) for place in range(SERIES_EACH)
            ]
            outcomes.append(Outcome(f"{name}/metrics", name, at_ms - 200, 0.15, samples))
        return outcomes, now

    def _value(self, place: int) -> float:
        return (85.0 if self._beyond_until[place] > self.batch else 40.0) + self._random.random() * 9


class Bare:
    """A table in a file of its own, filled by `executemany`."""

    def __init__(self, path: Path, ddl: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536", "temp_store=MEMORY"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(ddl)

    def store(self, rows: Sequence[Row]) -> None:
        """One batch, one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO sample (series_id, at_ms, value) VALUES (?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def rows_of(outcomes: Sequence[Outcome]) -> list[Row]:
    """The batch as bare rows, in order of the key."""
    samples = (one for outcome in outcomes for one in outcome.samples)
    return [(number, one.at_ms, one.value) for number, one in enumerate(samples, 1)]


def keyed_ddl() -> str:
    """The DDL of our own table of samples."""
    engine = create_mock_engine("sqlite://", lambda *_: None)
    return str(CreateTable(sample).compile(dialect=engine.dialect))


def measure(rounds: int = ROUNDS) -> list[Figure]:
    """Rounds of ours, bare and bare without a key, a few batches each, in turn."""
    with tempfile.TemporaryDirectory(prefix="bomc-bench-") as name:
        folder = Path(name)
        engine = open_store(f"sqlite:///{folder / 'ours.db'}")
        upgrade(engine)
        keyed = Bare(folder / "keyed.db", keyed_ddl())
        heap = Bare(folder / "heap.db", "CREATE TABLE sample (series_id INTEGER, at_ms BIGINT, value DOUBLE)")
        estate = Estate()
        take_lead(engine, "benchmark", START)
        cycle = Cycle(engine, estate.rules())
        cycle.load(START)
        seconds: dict[str, list[float]] = {"ours": [], "keyed": [], "heap": []}
        done: list[Done] = []
        for round_ in range(-1, rounds):
            batches = [estate.next_batch() for _ in range(WARM_UP if round_ < 0 else BATCHES_A_ROUND)]
            rows = [(rows_of(outcomes),) for outcomes, _ in batches]
            turn = {
                "keyed": timed(keyed.store, rows),
                "ours": timed(lambda outcomes, now: done.append(cycle.run(outcomes, now, None, {})), batches),
                "heap": timed(heap.store, rows),
            }
            for side, took_s in turn.items():
                if round_ >= 0:
                    seconds[side].append(took_s / len(batches))
            if round_ < 0:
                done.clear()
        storm = [estate.next_batch(changing=True) for _ in range(BATCHES_A_ROUND + 1)]
        cycle.run(*storm[0], None, {})
        stormed: list[Done] = []
        storm_s = timed(lambda outcomes, now: stormed.append(cycle.run(outcomes, now, None, {})), storm[1:])
        with reading(engine) as connection:
            alerts = connection.scalar(select(func.count()).select_from(alert))
            judged = connection.scalar(
                select(func.count()).select_from(check_result).where(check_result.c.series_id > 0)
            )
        keyed.close()
        heap.close()
        engine.dispose()
    if judged is None or judged < 2 * SERIES:
        raise AssertionError(f"{judged} results of {2 * SERIES}: the checks did not judge every series")

    def ratio(side: str) -> float:
        return statistics.median(bare / ours for bare, ours in zip(seconds[side], seconds["ours"], strict=True))

    speed = {side: SERIES / statistics.median(times) for side, times in seconds.items()}
    moved = sum(one.transitions for one in done) / len(done)
    told = sum(one.deliveries for one in done) / len(done)
    detail = (
        f"ours {speed['ours']:,.0f} rows/s, bare {speed['keyed']:,.0f} rows/s; {SERIES:,} series, 2 checks each, "
        f"{BEYOND:.0%} beyond the limit, {moved:.0f} transitions and {told:.1f} messages a batch, {alerts} alerts in all"
    )
    stormy = sum(one.transitions for one in stormed) / len(stormed)
    return [
        Figure("whole pipeline / bare executemany, same table", ratio("keyed"), "", TARGET_RATIO, "at least", detail),
        Figure("  the same against a table without key", ratio("heap"), "", detail=f"bare {speed['heap']:,.0f} rows/s"),
        Figure(
            f"  in a storm, {stormy:.0f} transitions a batch",
            statistics.median(seconds["keyed"]) * BATCHES_A_ROUND / storm_s,
            detail=f"ours {SERIES * BATCHES_A_ROUND / storm_s:,.0f} rows/s",
        ),
    ]


def timed(work: Callable[..., None], batches: Sequence[tuple[Any, ...]]) -> float:
    """Seconds that the work takes over all of these batches."""
    begun = time.perf_counter()
    for batch in batches:
        work(*batch)
    return time.perf_counter() - begun


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; exit status 1 when the target is missed."""
    parser = argparse.ArgumentParser(description="the whole pipeline against bare sqlite3")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args(arguments)
    return tell(lambda: measure(chosen.rounds))


if __name__ == "__main__":
    sys.exit(main())
