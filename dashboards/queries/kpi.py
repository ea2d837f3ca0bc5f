"""Business indicators by business day, with their owner and the days before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from core.model import instant_ms
from core.store.tables import check_result, indicator, probe_state, rollup, sample, series, target
from dashboards.queries.rows import Row, rows, worst
from dashboards.queries.targets import missed

DAYS = 35
HOUR_MS = 3_600_000
OF_THE_MOMENT = frozenset({"database"})
"""Collectors whose own SELECTs say what is now; what they read at the end of a day is no value of that day."""
BUSINESS = "business"
"""The category of indicators that feeds and own SELECTs bring; how the feed itself does stands on its target's page."""


def indicators(connection: Connection, now: datetime, zone: ZoneInfo) -> list[Row]:
    """One row a series of a business indicator, with the last value of each of the last 35 business days.

    Columns: id, target, system, demo, indicator, labels, unit, kind, description, owner, status, fresh_at, stale,
    daily (a feed of whole business days; else a reading of the moment), days: [(business day, value)], oldest first,
    running (whether the last of them is the day that has not ended), moments: [(at_ms, value)] of the last two hours.
    """
    statement = (
        select(
            series.c.id,
            series.c.indicator,
            series.c.labels,
            target.c.name.label("target"),
            target.c.system,
            target.c.demo,
            indicator.c.unit,
            indicator.c.kind,
            indicator.c.description,
            indicator.c.owner,
            check_result.c.status,
            probe_state.c.last_success_at.label("fresh_at"),
            probe_state.c.every_s,
            probe_state.c.collector,
        )
        .join(target, target.c.id == series.c.target_id)
        .join(indicator, indicator.c.name == series.c.indicator, isouter=True)
        .join(check_result, check_result.c.series_id == series.c.id, isouter=True)
        .join(probe_state, probe_state.c.probe == series.c.probe, isouter=True)
        .where(indicator.c.category == BUSINESS, target.c.retired_at.is_(None))
        .order_by(target.c.demo, target.c.name, series.c.indicator, series.c.labels)
    )
    found: dict[int, Row] = {}
    for row in rows(connection.execute(statement).mappings()):
        row["status"] = row["status"] or "unjudged"
        if row["id"] in found:
            found[row["id"]]["status"] = worst((row["status"], found[row["id"]]["status"]))
            continue
        found[row["id"]] = row | {
            "stale": missed(row["fresh_at"], row["every_s"] or 300.0, now),
            "daily": row["collector"] not in OF_THE_MOMENT,
            "days": [],
            "running": False,
            "moments": [],
        }
    today = now.astimezone(zone).date()
    recent_ms = instant_ms(now) - 2 * HOUR_MS
    for series_id, measured in _points(connection, list(found), now).items():
        days = by_day(measured, zone)
        found[series_id] |= {
            "days": days,
            "running": bool(days) and days[-1][0] >= today,
            "moments": [] if found[series_id]["daily"] else [point for point in measured if point[0] >= recent_ms],
        }
    return list(found.values())


def _points(connection: Connection, series_ids: list[int], now: datetime) -> dict[int, list[tuple[int, float]]]:
    """The last value of each hour of the last 35 days, and every value of the last two hours, by series, oldest first.

    A day ends with an hour, and a feed's value of a whole day stands inside that day, so hours are fine enough.
    """
    raw_ms = (instant_ms(now) // HOUR_MS - 2) * HOUR_MS
    hours = select(rollup.c.series_id, (rollup.c.at_ms + HOUR_MS).label("at_ms"), rollup.c.last.label("value")).where(
        rollup.c.series_id.in_(series_ids),
        rollup.c.step_s == 3600,
        rollup.c.at_ms.between(instant_ms(now - timedelta(days=DAYS)), raw_ms - HOUR_MS),
    )
    latest = select(sample.c.series_id, sample.c.at_ms, sample.c.value).where(
        sample.c.series_id.in_(series_ids), sample.c.at_ms >= raw_ms
    )
    found: dict[int, list[tuple[int, float]]] = {}
    for series_id, at_ms, value in connection.execute(hours.union_all(latest).order_by("series_id", "at_ms")):
        found.setdefault(series_id, []).append((at_ms, value))
    return found


def by_day(points: Iterable[tuple[int, float]], zone: ZoneInfo) -> list[tuple[date, float]]:
    """The last value of each business day, oldest first, from points in order of time.

    A feed stamps a whole day with its end, so midnight belongs to the day before it.
    """
    days: dict[date, float] = {}
    for at_ms, value in points:
        days[datetime.fromtimestamp((at_ms - 1) / 1000, UTC).astimezone(zone).date()] = value
    return sorted(days.items())
