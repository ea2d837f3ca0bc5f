"""The rows that a cycle leaves of what was judged: current results, transitions, and how each probe fares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from checks.board import Change
from core.model import Outcome, Probe, Status
from core.store.open import reading
from core.store.tables import check_result, probe_state, pulse, transition
from core.store.upsert import upsert

PIPELINE = "pipeline"


def store_changes(connection: Connection, changes: Sequence[Change]) -> None:
    """Results as they stand now, and a transition for every change of status; a first OK is no transition."""
    if not changes:
        return
    latest: dict[tuple[str, int], dict[str, Any]] = {}
    moved: list[dict[str, Any]] = []
    for change in changes:
        result, common = change.result, {"check_name": change.check.name, "series_id": change.series.id}
        row = {**common, "value": result.value, "reason": result.reason}
        latest[change.check.name, change.series.id] = {
            **row,
            "status": result.status.value,
            "held": change.held.value,
            "since_ms": result.at_ms,
        }
        if not (change.first and result.status is Status.OK):
            moved.append({**row, "old": change.old.value, "new": result.status.value, "at_ms": result.at_ms})
    statement = upsert(connection, check_result)
    others = {name: statement.excluded[name] for name in ("status", "held", "value", "reason", "since_ms")}
    statement = statement.on_conflict_do_update(index_elements=["check_name", "series_id"], set_=others)
    connection.execute(statement, list(latest.values()))
    if moved:
        connection.execute(insert(transition), moved)


def note_probes(
    connection: Connection,
    outcomes: Iterable[Outcome],
    probes: Mapping[str, Probe],
    skipped: Mapping[str, int],
) -> None:
    """Count runs, failures, samples and skips of each probe, and keep the latest error."""
    rows: dict[str, dict[str, Any]] = {}
    for outcome in outcomes:
        probe = probes.get(outcome.probe)
        if probe is None:
            continue
        row = rows.setdefault(outcome.probe, _unchanged(probe))
        started = datetime.fromtimestamp(outcome.started_ms / 1000, UTC)
        row["runs"] += 1
        row["failures"] += outcome.error is not None
        row["samples"] += len(outcome.samples)
        row["last_started_at"], row["last_took_s"] = started, outcome.took_s
        row["error"], row["notes"] = outcome.error, "; ".join(outcome.notes) or None
        if outcome.error is None:
            row["last_success_at"] = started
    for key, count in skipped.items():
        if key in probes:
            rows.setdefault(key, _unchanged(probes[key]))["skipped"] += count
    if not rows:
        return
    ran = [row for row in rows.values() if row["runs"]]
    idle = [row for row in rows.values() if not row["runs"]]
    statement = upsert(connection, probe_state)
    new = statement.excluded
    counted: dict[str, Any] = {
        name: probe_state.c[name] + new[name] for name in ("runs", "failures", "skipped", "samples")
    }
    counted |= {name: new[name] for name in ("target", "collector", "every_s")}
    if idle:
        connection.execute(statement.on_conflict_do_update(index_elements=["probe"], set_=counted), idle)
    if ran:
        counted |= {name: new[name] for name in ("last_started_at", "last_took_s", "error", "notes")}
        counted["last_success_at"] = func.coalesce(new.last_success_at, probe_state.c.last_success_at)
        connection.execute(statement.on_conflict_do_update(index_elements=["probe"], set_=counted), ran)


def latest_errors(connection: Connection) -> dict[str, str]:
    """Why the latest run of a probe failed, by its key; only of those whose latest run did."""
    failed = select(probe_state.c.probe, probe_state.c.error).where(probe_state.c.error.is_not(None))
    return {row.probe: row.error for row in connection.execute(failed)}


def _unchanged(probe: Probe) -> dict[str, Any]:
    return {
        "probe": probe.key,
        "target": probe.target,
        "collector": probe.collector,
        "every_s": probe.every_s,
        "last_started_at": None,
        "last_took_s": None,
        "last_success_at": None,
        "error": None,
        "notes": None,
        "runs": 0,
        "failures": 0,
        "skipped": 0,
        "samples": 0,
    }


def give_pulse(connection: Connection, now: datetime, detail: Mapping[str, object]) -> None:
    """The pipeline's sign of life."""
    statement = upsert(connection, pulse)
    others = {"at": statement.excluded.at, "detail": statement.excluded.detail}
    statement = statement.on_conflict_do_update(index_elements=["name"], set_=others)
    connection.execute(statement, [{"name": PIPELINE, "at": now, "detail": dict(detail)}])


def last_pulse(engine: Engine) -> datetime | None:
    """When the pipeline gave its last sign of life; none when it never did."""
    with reading(engine) as connection:
        found: datetime | None = connection.scalar(select(pulse.c.at).where(pulse.c.name == PIPELINE))
    return found
