"""Roll-ups and retention: samples are kept raw for days and as minimum, maximum, sum, count and last for years.

Every step is made from the one below it (5 minutes from samples, hours from 5 minutes, days from hours). Each round
begins one step before the one that the round before ended in, so what came late into those two counts; making a step twice
changes nothing. Nothing is forgotten that a step above is still to be made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, func, insert, select, text

from core.model import instant_ms
from core.store.open import reading, writing
from core.store.tables import pulse, rollup, sample, series

STEPS_S = (300, 3_600, 86_400)
SERIES_AT_ONCE = 500

_FROM_SAMPLES = """
INSERT INTO rollup (series_id, step_s, at_ms, min, max, sum, count, last)
SELECT g.series_id, :step_s, g.start_ms, g.low, g.high, g.total, g.number, l.value
FROM (SELECT series_id, at_ms - at_ms % :step_ms AS start_ms, MIN(value) AS low, MAX(value) AS high,
             SUM(value) AS total, COUNT(*) AS number, MAX(at_ms) AS last_ms
      FROM sample WHERE series_id BETWEEN :first AND :final AND at_ms >= :since_ms AND at_ms < :until_ms
      GROUP BY series_id, at_ms - at_ms % :step_ms) g
JOIN sample l ON l.series_id = g.series_id AND l.at_ms = g.last_ms
WHERE TRUE
ON CONFLICT (series_id, step_s, at_ms) DO UPDATE
SET min = excluded.min, max = excluded.max, sum = excluded.sum, count = excluded.count, last = excluded.last
"""
_FROM_ROLLUPS = """
INSERT INTO rollup (series_id, step_s, at_ms, min, max, sum, count, last)
SELECT g.series_id, :step_s, g.start_ms, g.low, g.high, g.total, g.number, l.last
FROM (SELECT series_id, at_ms - at_ms % :step_ms AS start_ms, MIN(min) AS low, MAX(max) AS high,
             SUM(sum) AS total, SUM(count) AS number, MAX(at_ms) AS last_ms
      FROM rollup WHERE step_s = :below_s AND series_id BETWEEN :first AND :final
        AND at_ms >= :since_ms AND at_ms < :until_ms
      GROUP BY series_id, at_ms - at_ms % :step_ms) g
JOIN rollup l ON l.series_id = g.series_id AND l.step_s = :below_s AND l.at_ms = g.last_ms
WHERE TRUE
ON CONFLICT (series_id, step_s, at_ms) DO UPDATE
SET min = excluded.min, max = excluded.max, sum = excluded.sum, count = excluded.count, last = excluded.last
"""


def roll_up(engine: Engine, now: datetime) -> int:
    """Bring all roll-ups up to `now`; returns how many transactions that took. Each is short, so writers hardly wait."""
    until_ms, transactions = instant_ms(now), 0
    for step_s in STEPS_S:
        with reading(engine) as connection:
            since_ms = _next_from_ms(connection, step_s)
        for first, final in _ranges(engine):
            with writing(engine) as connection:
                _make_step(connection, step_s, first, final, since_ms, until_ms)
            transactions += 1
        with writing(engine) as connection:
            connection.execute(delete(pulse).where(pulse.c.name == _watermark(step_s)))
            connection.execute(insert(pulse).values(name=_watermark(step_s), at=now, detail={}))
    return transactions


def roll_up_again(connection: Connection, series_id: int, since_ms: int, until_ms: int) -> None:
    """Make the steps of one series again from `since_ms` on, because its past was stated anew."""
    for step_s in STEPS_S:
        step_ms = step_s * 1000
        _make_step(connection, step_s, series_id, series_id, since_ms // step_ms * step_ms, until_ms)


def _make_step(connection: Connection, step_s: int, first: int, final: int, since_ms: int, until_ms: int) -> None:
    place = STEPS_S.index(step_s)
    values = {
        "step_s": step_s,
        "step_ms": step_s * 1000,
        "below_s": STEPS_S[place - 1],
        "first": first,
        "final": final,
        "since_ms": since_ms,
        "until_ms": until_ms,
    }
    connection.execute(text(_FROM_ROLLUPS if place else _FROM_SAMPLES), values)


def _watermark(step_s: int) -> str:
    return f"rollup_{step_s}"


def _next_from_ms(connection: Connection, step_s: int) -> int:
    """Where the next round of a step begins: what lies before is rolled up for good; 0 before the first round."""
    made = connection.execute(select(pulse.c.at).where(pulse.c.name == _watermark(step_s))).scalar()
    return 0 if made is None else max(0, instant_ms(made) // (step_s * 1000) - 1) * step_s * 1000


def _ranges(engine: Engine) -> Iterator[tuple[int, int]]:
    with reading(engine) as connection:
        last = connection.execute(select(func.max(series.c.id))).scalar() or 0
    for first in range(1, last + 1, SERIES_AT_ONCE):
        yield first, first + SERIES_AT_ONCE - 1


def forget(engine: Engine, now: datetime, raw: timedelta, kept: Mapping[int, timedelta]) -> int:
    """Delete samples older than `raw` and roll-ups older than `kept` says for their step; returns the rows deleted."""
    deleted = 0
    with reading(engine) as connection:
        needed_ms = {
            below: _next_from_ms(connection, step) for below, step in zip((0, *STEPS_S), STEPS_S, strict=False)
        }
    for first, final in _ranges(engine):
        with writing(engine) as connection:
            old = sample.c.series_id.between(first, final) & (sample.c.at_ms < min(instant_ms(now - raw), needed_ms[0]))
            deleted += connection.execute(delete(sample).where(old)).rowcount
            for step_s, length in kept.items():
                until_ms = min(instant_ms(now - length), needed_ms.get(step_s, instant_ms(now)))
                old = (
                    rollup.c.series_id.between(first, final) & (rollup.c.step_s == step_s) & (rollup.c.at_ms < until_ms)
                )
                deleted += connection.execute(delete(rollup).where(old)).rowcount
    return deleted
