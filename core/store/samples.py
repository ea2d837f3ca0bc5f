"""The statements that see every sample: storing a batch, and taking up the latest ones after a restart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from core.store.tables import sample

Row = tuple[int, int, float]
"""Series number, instant in ms, value."""

_SQLITE_STORE = "INSERT OR REPLACE INTO sample (series_id, at_ms, value) VALUES (?, ?, ?)"
_POSTGRESQL_STORE = (
    "INSERT INTO sample (series_id, at_ms, value) "
    "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::float8[]) "
    "ON CONFLICT (series_id, at_ms) DO UPDATE SET value = EXCLUDED.value"
)
_SQLITE_LATEST = "SELECT at_ms, value FROM sample WHERE series_id = ? ORDER BY at_ms DESC LIMIT ?"
_POSTGRESQL_LATEST = (
    "SELECT s.id, l.at_ms, l.value FROM series s CROSS JOIN LATERAL "
    "(SELECT at_ms, value FROM sample WHERE series_id = s.id ORDER BY at_ms DESC LIMIT %s) l ORDER BY s.id, l.at_ms"
)


def store_samples(connection: Connection, rows: Sequence[Row]) -> None:
    """Store a batch; a row of the same series and instant takes the place of the one before."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_SQLITE_STORE, list(rows))
        return
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    connection.exec_driver_sql(_POSTGRESQL_STORE, columns)


def latest_samples(
    connection: Connection, series_ids: Sequence[int], count: int
) -> Iterator[tuple[int, list[tuple[int, float]]]]:
    """For each series that has any: its number and its latest `count` samples (ms, value), oldest first."""
    if connection.dialect.name == "sqlite":
        for number in series_ids:
            found = connection.exec_driver_sql(_SQLITE_LATEST, (number, count)).fetchall()
            if found:
                yield number, [(row[0], row[1]) for row in reversed(found)]
        return
    wanted = set(series_ids)
    number = -1
    samples: list[tuple[int, float]] = []
    for row in connection.exec_driver_sql(_POSTGRESQL_LATEST, (count,)):
        if row[0] != number:
            if samples and number in wanted:
                yield number, samples
            number, samples = row[0], []
        samples.append((row[1], row[2]))
    if samples and number in wanted:
        yield number, samples


def stored_value(connection: Connection, series_id: int, at_ms: int) -> float | None:
    """The value of a series at one instant; None when there is none."""
    wanted = (sample.c.series_id == series_id) & (sample.c.at_ms == at_ms)
    found: float | None = connection.scalar(select(sample.c.value).where(wanted))
    return found
