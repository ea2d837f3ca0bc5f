"""Thread pools of web and application servers: busy against the most there may be, requests, errors."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from core.store.tables import check_result, probe_state, series, target
from dashboards.queries.rows import WORST_FIRST, Row, rows
from dashboards.queries.targets import missed

PARTS = ("web.threads.busy", "web.threads.max", "web.requests", "web.errors", "web.latency_s")


def pools(connection: Connection, now: datetime) -> list[Row]:
    """One row a pool that reports busy threads.

    Columns: target, kind, system, demo, pool, status and reason (of the worst check on any `web.*` series of this pool,
    or of its whole server), fresh_at, every_s, stale, parts (indicator -> series id).
    """
    statement = (
        select(
            target.c.name,
            target.c.kind,
            target.c.system,
            target.c.demo,
            series.c.id,
            series.c.indicator,
            series.c.labels,
            check_result.c.status,
            check_result.c.reason,
            probe_state.c.last_success_at,
            probe_state.c.every_s,
        )
        .join(series, series.c.target_id == target.c.id)
        .join(check_result, check_result.c.series_id == series.c.id, isouter=True)
        .join(probe_state, probe_state.c.probe == series.c.probe, isouter=True)
        .where(series.c.indicator.like("web.%"), target.c.retired_at.is_(None))
        .order_by(target.c.name, series.c.id)
    )
    found: dict[tuple[str, str], Row] = {}
    read = rows(connection.execute(statement).mappings())
    for row in read:
        if row["indicator"] not in PARTS:
            continue
        labels = ",".join(value for _name, value in sorted(row["labels"].items()))
        pool = found.setdefault(
            (row["name"], labels),
            {
                "target": row["name"],
                "kind": row["kind"],
                "system": row["system"],
                "demo": row["demo"],
                "pool": labels,
                "status": "unjudged",
                "reason": "",
                "fresh_at": row["last_success_at"],
                "every_s": row["every_s"] or 15.0,
                "stale": missed(row["last_success_at"], row["every_s"] or 15.0, now),
                "parts": {},
            },
        )
        pool["parts"][row["indicator"]] = row["id"]
    shown = [pool for pool in found.values() if "web.threads.busy" in pool["parts"]]
    _judge(shown, read)
    return shown


def _judge(shown: list[Row], read: list[Row]) -> None:
    """Each pool's status and reason; what is said of a series that is no pool's holds for all pools of its server."""
    for pool in shown:
        names = {other["pool"] for other in shown if other["target"] == pool["target"]}
        for row in read:
            if row["name"] != pool["target"] or row["status"] is None:
                continue
            of = row["labels"].get("pool", ",".join(value for _name, value in sorted(row["labels"].items())))
            if of != pool["pool"] and of in names:
                continue
            if WORST_FIRST.index(row["status"]) < WORST_FIRST.index(pool["status"]):
                pool["status"], pool["reason"] = row["status"], row["reason"] or ""
