"""An order service inside the test process, on free ports and a private database, and a reader of its tables."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table, select

from bomc.demo.shop.database import open_database
from bomc.demo.shop.faults import Fault
from bomc.demo.shop.orders import Walk
from bomc.demo.shop.server import Service


def at_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@contextlib.contextmanager
def database(folder: Path, copy_of: Path | None = None) -> Iterator[Engine]:
    """A shop database in that folder: a new one, or a copy of the one in the home `copy_of`."""
    if copy_of is not None:
        shutil.copy(copy_of / "demo" / "shop.db", folder / "shop.db")
    engine = open_database(f"sqlite:///{folder / 'shop.db'}", 40)
    try:
        yield engine
    finally:
        engine.dispose()


@contextlib.contextmanager
def shop(
    engine: Engine,
    timetable: Sequence[Fault] = (),
    *,
    threads: int = 4,
    waiting: int = 4,
    back_end_s: tuple[float, float] = (0.0, 0.02),
    slow_back_end_s: tuple[float, float] = (0.6, 0.7),
    clock: Callable[[], datetime] = at_now,
) -> Iterator[Service]:
    """A running service; it is stopped afterwards."""
    walk = Walk(engine, clock, timetable, random.Random(5), back_end_s, slow_back_end_s)
    service = Service(walk, port=0, status_port=0, threads=threads, waiting=waiting)
    service.start()
    try:
        yield service
    finally:
        service.stop()


def rows(engine: Engine, table: Table) -> list[dict[str, Any]]:
    """All rows of a table."""
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


def keys(engine: Engine, table: Table) -> set[str]:
    """The business keys of a table."""
    return {row["business_key"] for row in rows(engine, table)}
