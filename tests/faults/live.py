"""The whole pipeline - schedule, pool, writer, delivery - in a process of its own that can be told where to die."""

from __future__ import annotations

from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from bomc.configuration.estate import load_estate
from bomc.home import Home
from bomc.pipeline.lead import take_lead
from bomc.service import Pipeline, clock
from core.store.open import open_store
from tests.faults.killing import Killer, Point

LEADER = "live"
PATIENCE_S = 30.0  # of a probe: on a busy machine a slow answer is not to look like a failed target


def live(home_path: Path, orders: Connection, point: Point | None) -> None:
    """Run until the other end of `orders` closes; points that come through it arm the killer. `point` arms it at once."""
    home = Home(home_path)
    estate = load_estate(home.config)
    estate = replace(estate, probes=tuple(replace(probe, timeout_s=PATIENCE_S) for probe in estate.probes))
    engine = open_store(home.store_url(estate.settings))
    killer = Killer(engine, home_path / "killed.txt")
    killer.arm(point)
    take_lead(engine, LEADER, clock())
    pipeline = Pipeline(engine, estate, home, "http://127.0.0.1", LEADER)
    pipeline.start()
    orders.send("ready")
    try:
        while True:
            killer.arm(orders.recv())
    except (EOFError, ConnectionResetError):
        pipeline.stop()
        engine.dispose()
