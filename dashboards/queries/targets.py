"""What is watched and how it stands: a target's worst status, since when, how fresh its samples are, who has it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from alerts.tickets.kinds import OVER
from core.store.tables import alert, check_result, indicator, probe_state, sample, series, target, ticket, transition
from dashboards.queries.rows import WORST_FIRST, Row, rows, worst

MISSED_INTERVALS = 2
"""After so many intervals without a sample what was known is no longer shown as known."""


def targets(connection: Connection, now: datetime) -> list[Row]:
    """One row a target that is still configured, worst first.

    Columns: id, name, kind, system, site, demo, status, since_ms, checks, series, fresh_at, every_s, stale, errors,
    alerts (open), owners (who has one of these), unowned (alerts that nobody has), owner (the first of the owners),
    ticket_id.
    """
    found = {
        row["name"]: row
        | {
            "status": "unjudged",
            "since_ms": None,
            "checks": 0,
            "series": 0,
            "fresh_at": None,
            "every_s": None,
            "stale": False,
            "errors": [],
            "alerts": 0,
            "owner": None,
            "owners": [],
            "unowned": 0,
            "ticket_id": None,
        }
        for row in rows(
            connection.execute(
                select(target.c.id, target.c.name, target.c.kind, target.c.system, target.c.site, target.c.demo)
                .where(target.c.retired_at.is_(None))
                .order_by(target.c.name)
            ).mappings()
        )
    }
    names = {row["id"]: name for name, row in found.items()}
    for target_id, count in connection.execute(select(series.c.target_id, func.count()).group_by(series.c.target_id)):
        if target_id in names:
            found[names[target_id]]["series"] = count
    _judged(connection, found, names)
    _freshness(connection, found, now)
    _whose(connection, found)
    return sorted(found.values(), key=lambda row: (WORST_FIRST.index(row["status"]), row["name"]))


def _judged(connection: Connection, found: dict[str, Row], names: dict[int, str]) -> None:
    statement = (
        select(series.c.target_id, check_result.c.status, func.count(), func.min(check_result.c.since_ms))
        .join(series, series.c.id == check_result.c.series_id)
        .group_by(series.c.target_id, check_result.c.status)
    )
    for target_id, status, count, since_ms in connection.execute(statement):
        row = found.get(names.get(target_id, ""))
        if row is None:
            continue
        row["checks"] += count
        if worst((status, row["status"])) == status:
            row["status"], row["since_ms"] = status, since_ms


def _freshness(connection: Connection, found: dict[str, Row], now: datetime) -> None:
    """A target is stale when every one of its probes has missed two intervals; what it said then is UNKNOWN."""
    probes: dict[str, list[Row]] = {}
    for probe in rows(connection.execute(select(probe_state)).mappings()):
        probes.setdefault(probe["target"], []).append(probe)
    for name, asked in probes.items():
        row = found.get(name)
        if row is None:
            continue
        seen = [probe["last_success_at"] for probe in asked if probe["last_success_at"] is not None]
        row["fresh_at"] = max(seen, default=None)
        row["every_s"] = min(probe["every_s"] for probe in asked)
        row["errors"] = [probe["error"] for probe in asked if probe["error"]]
        row["stale"] = all(missed(probe["last_success_at"], probe["every_s"], now) for probe in asked)
        if row["stale"] and row["status"] in ("ok", "unjudged"):
            row["status"] = "unknown"
            row["since_ms"] = None if row["fresh_at"] is None else int(row["fresh_at"].timestamp() * 1000)


def missed(last: datetime | None, every_s: float, now: datetime) -> bool:
    """Whether two intervals have passed without a success; also when there never was one."""
    return last is None or now - last > timedelta(seconds=MISSED_INTERVALS * every_s)


def _whose(connection: Connection, found: dict[str, Row]) -> None:
    """Open alerts by target, and who has them: by acknowledgement, else by ticket; the longest open one's first."""
    alike = (alert.c.target, alert.c.acknowledged_by, ticket.c.assignee, ticket.c.id)  # in a storm most alerts are
    statement = (
        select(*alike, func.count())
        .join(ticket, (ticket.c.alert_id == alert.c.id) & ticket.c.state.not_in(OVER), isouter=True)
        .where(alert.c.resolved_at.is_(None))
        .group_by(*alike)
        .order_by(func.min(alert.c.opened_at))
    )
    for name, acknowledged_by, assignee, ticket_id, count in connection.execute(statement):
        row = found.get(name)
        if row is None:
            continue
        row["alerts"] += count
        person = acknowledged_by or assignee
        if person is None:
            row["unowned"] += count
        elif person not in row["owners"]:
            row["owners"].append(person)
        row["owner"] = row["owner"] or person
        row["ticket_id"] = row["ticket_id"] or ticket_id


def named(connection: Connection, name: str) -> Row | None:
    """The target of that name, retired ones too; None when there is none."""
    found = connection.execute(select(target).where(target.c.name == name)).mappings().first()
    return None if found is None else dict(found)


def probes_of(connection: Connection, name: str) -> list[Row]:
    """The probes of a target: probe, collector, every_s, last_success_at, last_took_s, error, runs, failures, skipped."""
    return rows(
        connection.execute(
            select(probe_state).where(probe_state.c.target == name).order_by(probe_state.c.probe)
        ).mappings()
    )


def series_of(connection: Connection, target_id: int) -> list[Row]:
    """The series of a target with their indicator, worst status and reason: judged ones first, worst first."""
    statement = (
        select(
            series.c.id,
            series.c.indicator,
            series.c.labels,
            series.c.probe,
            indicator.c.unit,
            indicator.c.kind,
            indicator.c.description,
            indicator.c.owner,
            check_result.c.status,
            check_result.c.reason,
            check_result.c.check_name,
        )
        .join(indicator, indicator.c.name == series.c.indicator, isouter=True)
        .join(check_result, check_result.c.series_id == series.c.id, isouter=True)
        .where(series.c.target_id == target_id)
        .order_by(series.c.indicator, series.c.labels)
    )
    found: dict[int, Row] = {}
    for row in rows(connection.execute(statement).mappings()):
        kept = found.get(row["id"])
        row["status"] = row["status"] or "unjudged"
        if kept is None or worst((row["status"], kept["status"])) != kept["status"]:
            found[row["id"]] = row
    return list(found.values())


def results_of(connection: Connection, target_id: int) -> list[Row]:
    """Every result of every check on a target's series, worst first: status, value, reason, since_ms, indicator."""
    statement = (
        select(
            check_result.c.check_name,
            check_result.c.status,
            check_result.c.value,
            check_result.c.reason,
            check_result.c.since_ms,
            series.c.indicator,
            series.c.labels,
        )
        .join(series, series.c.id == check_result.c.series_id)
        .where(series.c.target_id == target_id)
    )
    found = rows(connection.execute(statement).mappings())
    return sorted(found, key=lambda row: (WORST_FIRST.index(row["status"]), -row["since_ms"]))


def transitions_of(connection: Connection, target_id: int, start_ms: int, end_ms: int, limit: int = 200) -> list[Row]:
    """The latest transitions of a target's series within [start_ms, end_ms), oldest first."""
    statement = (
        select(
            transition.c.at_ms,
            transition.c.check_name,
            transition.c.old,
            transition.c.new,
            transition.c.value,
            transition.c.reason,
            series.c.indicator,
            series.c.labels,
        )
        .join(series, series.c.id == transition.c.series_id)
        .where(series.c.target_id == target_id, transition.c.at_ms >= start_ms, transition.c.at_ms < end_ms)
        .order_by(transition.c.at_ms.desc())
        .limit(limit)
    )
    return rows(connection.execute(statement).mappings())[::-1]


def latest(connection: Connection, series_ids: list[int]) -> dict[int, tuple[int, float]]:
    """The newest sample of each of these series: series id -> (at_ms, value)."""
    if not series_ids:
        return {}
    newest = (
        select(sample.c.series_id, func.max(sample.c.at_ms).label("at_ms"))
        .where(sample.c.series_id.in_(series_ids))
        .group_by(sample.c.series_id)
        .subquery()
    )
    statement = select(sample.c.series_id, sample.c.at_ms, sample.c.value).join(
        newest, (newest.c.series_id == sample.c.series_id) & (newest.c.at_ms == sample.c.at_ms)
    )
    return {series_id: (at_ms, value) for series_id, at_ms, value in connection.execute(statement)}
