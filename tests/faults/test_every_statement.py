"""kill -9 at every statement, commit and end of a transaction of cycles and deliveries, then a restart that goes on.

The tellings that were killed must end exactly as one that was never killed: the same judgements, transitions, alerts,
tickets and messages. Only what was in flight may have arrived twice, under one key.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from core.store.open import open_store, reading, upgrade
from core.store.tables import alert, delivery, sample, series, ticket
from tests.alerts.receivers import Hook, hook
from tests.faults.estate import INDICATOR, configure
from tests.faults.forking import run
from tests.faults.invariants import faults, judged
from tests.faults.killing import Point
from tests.faults.seeds import seeds
from tests.faults.story import tell
from tests.servers.fixtures import PostgreSQL

SMOKE_POINTS = 5
PARTS = 4
POSTGRESQL_POINTS = 12


@dataclass
class Scene:
    """Where the story is told, and how a store for one telling is made."""

    folder: Path
    receiver: Hook
    new_store: Callable[[str], str]
    told: int = 0

    def tell(self, point: Point | None) -> tuple[dict[str, Any], str]:
        """Tell it once, killed at `point` and begun again; what the store holds then, and where it was killed."""
        self.told += 1
        home = self.folder / f"home-{self.told}"
        configure(home, "http://127.0.0.1:9/metrics", self.receiver.url)
        url = self.new_store(f"story_{self.told}")
        self.receiver.got.clear()
        died_at = ""
        if point is not None:
            assert run(tell, url, home, point) == -signal.SIGKILL, f"{point} was not reached"
            died_at = (home / "killed.txt").read_text()
        assert run(tell, url, home, None) == 0
        engine = open_store(url)
        try:
            assert not faults(engine, self.receiver.got, kills=0 if point is None else 1), f"{point}: {died_at}"
            return contents(engine), died_at
        finally:
            engine.dispose()


def contents(engine: Any) -> dict[str, Any]:
    """All that must be the same however often the telling was killed."""
    results, transitions = judged(engine, INDICATOR)
    with reading(engine) as connection:

        def rows(*columns: Any) -> list[Any]:
            query = select(*columns)
            if columns[0].table is series:
                query = query.join_from(series, sample, series.c.id == sample.c.series_id)
            return sorted(repr(tuple(row)) for row in connection.execute(query))

        return {
            "results": results,
            "transitions": transitions,
            "samples": rows(series.c.indicator, series.c.labels, sample.c.at_ms, sample.c.value),
            "alerts": rows(
                alert.c.fingerprint, alert.c.state, alert.c.severity, alert.c.opened_at, alert.c.resolved_at
            ),
            "tickets": rows(ticket.c.title, ticket.c.state, ticket.c.opened_at, ticket.c.closed_at),
            "messages": sorted(message_of(row) for row in connection.execute(select(delivery))),
        }


def message_of(row: Any) -> tuple[Any, ...]:
    """A message without the numbers of its alerts, which PostgreSQL does not give out twice after a rollback."""
    alerts = [(a["fingerprint"], a["status"], a["startsAt"], a["endsAt"]) for a in row.message["body"]["alerts"]]
    return row.receiver, row.state, row.created_at, row.message["body"]["groupKey"], sorted(alerts)


@pytest.fixture
def receiver() -> Iterator[Hook]:
    with hook() as there:
        yield there


@pytest.fixture
def on_sqlite(tmp_path: Path, receiver: Hook) -> Scene:
    template = tmp_path / "template.db"
    engine = open_store(f"sqlite:///{template}")
    upgrade(engine)
    engine.dispose()

    def new_store(name: str) -> str:
        path = tmp_path / f"{name}.db"
        shutil.copy(template, path)
        return f"sqlite:///{path}"

    return Scene(tmp_path, receiver, new_store)


@pytest.fixture
def on_postgresql(tmp_path: Path, receiver: Hook, postgresql: PostgreSQL) -> Scene:
    template = make_url(postgresql.fresh_database())
    engine = open_store(template.render_as_string(hide_password=False))
    upgrade(engine)
    engine.dispose()

    def new_store(name: str) -> str:
        own = f"{template.database}_{name}"
        admin = make_url(postgresql.url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'create database "{own}" template "{template.database}"'.encode())
        return template.set(database=own).render_as_string(hide_password=False)

    return Scene(tmp_path, receiver, new_store)


def killed_everywhere(scene: Scene, choose: Callable[[int], list[int]]) -> None:
    """Kill at the chosen ones of all points, and compare each telling with the one that was never killed."""
    quiet, _ = scene.tell(None)
    assert quiet["alerts"], "the story raises nothing"
    assert quiet["messages"], "the story tells nobody"
    total = statements(scene)
    for number in choose(total):
        killed, died_at = scene.tell(Point(number))
        for name, expected in quiet.items():
            assert killed[name] == expected, f"{name} differ when killed at step {number} of {total}: {died_at}"


def statements(scene: Scene) -> int:
    """How many steps a telling that is never killed takes."""
    home = scene.folder / "counted"
    configure(home, "http://127.0.0.1:9/metrics", scene.receiver.url)
    counted = tell(scene.new_store("counted"), home, None)
    assert counted > 100
    return counted


@pytest.mark.parametrize("seed", seeds(11))
def test_a_cycle_killed_at_seeded_statements_ends_like_one_never_killed(on_sqlite: Scene, seed: int) -> None:
    print(f"seed {seed}")
    killed_everywhere(on_sqlite, lambda total: sorted(Random(seed).sample(range(total), SMOKE_POINTS)))


@pytest.mark.faults
@pytest.mark.parametrize("part", range(PARTS))
def test_a_cycle_killed_at_any_statement_ends_like_one_never_killed(on_sqlite: Scene, part: int) -> None:
    """All the steps, in parts that take a minute each."""
    killed_everywhere(on_sqlite, lambda total: list(range(part, total, PARTS)))


@pytest.mark.faults
@pytest.mark.parametrize("seed", seeds(12))
def test_the_same_holds_on_postgresql(on_postgresql: Scene, seed: int) -> None:
    print(f"seed {seed}")
    killed_everywhere(on_postgresql, lambda total: sorted(Random(seed).sample(range(total), POSTGRESQL_POINTS)))
