"""The three parties' files of a business day, as standard records with manifests, and what was planted in them.

`EXCHANGE/<day>/{billing,platform,payment}.csv` appear together: they are written beside and renamed as one folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, Table, delete, select

from bomc.demo.shop.database import PARTIES, Row, known_day, planted
from bomc.demo.shop.days import DAYS_KEPT, ZONE
from reconciliation.standard_record import write

CHUNK = 5_000


class Planted(NamedTuple):
    """One line that a day's reconciliation has to have in its breaks; `carried` ones are no breaks yet."""

    business_key: str
    kind: str
    expected_class: str
    at_risk_minor: int
    carried: bool
    fault: str


DELIVERED_AT = {"billing": time(0, 12), "platform": time(0, 9), "payment": time(0, 21)}
"""When each party delivers the files of a day, in the night after it: in time, since they are due at 00:30."""


def planted_on(engine: Engine, day: date) -> tuple[Planted, ...]:
    """What the reconciliation of that day, with the day before carried in, has to find; sorted."""
    columns = (planted.c[name] for name in Planted._fields)
    with engine.connect() as connection:
        rows = connection.execute(select(*columns).where(planted.c.business_day == day))
        return tuple(sorted(Planted(*row) for row in rows))


def exchange_folder(home: Path, day: date) -> Path:
    """Where the three files of a business day are delivered."""
    return home / "exchange" / day.isoformat()


def export_day(engine: Engine, home: Path, day: date) -> Path:
    """Deliver the three files of a day, unless they are there already, and return their folder."""
    folder = exchange_folder(home, day)
    if folder.is_dir():
        return folder
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with engine.connect() as connection:
        for party, table in PARTIES.items():
            write(partial / f"{party}.csv", party, day, _records(connection, table, day))
            _deliver_at(partial / f"{party}.csv", day, DELIVERED_AT[party])
    partial.rename(folder)
    return folder


def _deliver_at(path: Path, day: date, at: time) -> None:
    """Give a file the time at which the party would have delivered it, on the day after its business day."""
    instant = datetime.combine(day + timedelta(days=1), at, ZONE).timestamp()
    os.utime(path, (instant, instant))


def _records(connection: Connection, table: Table, day: date) -> Iterator[Row]:
    of_day = select(table).where(table.c.business_day == day).order_by(table.c.occurred_ms, table.c.record_id)
    for row in connection.execution_options(yield_per=CHUNK).execute(of_day).mappings():
        yield {**row, "occurred_at": local_time(row["occurred_ms"])}


def local_time(at_ms: int) -> str:
    """An instant as ISO 8601 in the operator's time zone, to the millisecond."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZONE).isoformat(timespec="milliseconds")


def export_past_days(engine: Engine, home: Path, today: date) -> list[Path]:
    """Deliver every kept past day that the database knows and that was not delivered yet."""
    first = today - timedelta(days=DAYS_KEPT)
    with engine.connect() as connection:
        past = known_day.c.business_day.between(first, today - timedelta(days=1))
        days = connection.scalars(select(known_day.c.business_day).where(past).order_by(known_day.c.business_day)).all()
    return [export_day(engine, home, day) for day in days if not exchange_folder(home, day).is_dir()]


def forget(engine: Engine, home: Path, today: date) -> int:
    """Drop records and files of days that are no longer kept, in small transactions, and say how many records went."""
    first = today - timedelta(days=DAYS_KEPT)
    gone = 0
    for table, key in [*((table, table.c.record_id) for table in PARTIES.values()), (planted, planted.c.id)]:
        old = select(key).where(table.c.business_day < first).limit(CHUNK)
        while True:
            with engine.begin() as connection:
                count = connection.execute(delete(table).where(key.in_(old))).rowcount
            gone += count
            if count < CHUNK:
                break
    for folder in sorted((home / "exchange").glob("????-??-??")):
        if folder.name < first.isoformat():
            shutil.rmtree(folder)
    return gone
