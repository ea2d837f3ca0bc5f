"""The day in bands: how long each class of target stood in which status, and how the pipeline itself is doing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, func, or_, select, type_coerce

from core.store.tables import check_result, probe_state, pulse, refusal, series, target, transition
from dashboards.queries.bands import bands
from dashboards.queries.rows import Row, rows


def timeline(connection: Connection, start_ms: int, end_ms: int) -> dict[str, list[Row]]:
    """For each class of target, spans of its worst status over the window: kind -> [{start_ms, end_ms, status, why}].

    The status of a judged series before its first transition in the window is what that transition left (`old`);
    without one it is the latest result, as of the instant since which it holds. Before a series was born nothing was
    judged, which is no silence. `why` names the series that made it so.
    """
    born_ms = type_coerce(series.c.created_at, BigInteger)
    moving = select(transition.c.series_id).where(transition.c.at_ms >= start_ms, transition.c.at_ms < end_ms)
    lively = or_(check_result.c.since_ms > start_ms, born_ms > start_ms, check_result.c.series_id.in_(moving))
    by_kind: dict[str, list[tuple[str, list[tuple[int, str]]]]] = {}
    # Most series stay what they are all day long, and are read as one row for each target and status.
    still = _judged(target.c.kind, target.c.name, check_result.c.status).where(~lively).distinct()
    for kind, name, status in connection.execute(still):
        by_kind.setdefault(kind, []).append((name, [(start_ms, status)]))
    columns = (target.c.kind, target.c.name, check_result.c.series_id, check_result.c.check_name)
    judged = _judged(*columns, check_result.c.status, check_result.c.since_ms, born_ms).where(lively)
    moved: dict[tuple[int, str], list[tuple[int, str, str]]] = {}
    for series_id, check, at_ms, old, new in connection.execute(
        select(transition.c.series_id, transition.c.check_name, transition.c.at_ms, transition.c.old, transition.c.new)
        .where(transition.c.at_ms >= start_ms, transition.c.at_ms < end_ms)
        .order_by(transition.c.at_ms, transition.c.id)
    ):
        moved.setdefault((series_id, check), []).append((at_ms, old, new))
    for kind, name, series_id, check, status, since_ms, born in connection.execute(judged):
        steps = moved.get((series_id, check), [])
        first = steps[0][1] if steps else status if since_ms <= start_ms else "unknown"
        begin = [(start_ms, "unjudged"), (born, first)] if born > start_ms else [(start_ms, first)]
        changes = [*begin, *((at_ms, new) for at_ms, _old, new in steps)]
        if not steps and since_ms > start_ms:
            changes.append((since_ms, status))
        by_kind.setdefault(kind, []).append((name, changes))
    return {kind: bands(members, end_ms) for kind, members in by_kind.items()}


def _judged(*columns: ColumnElement[Any]) -> Select[Any]:
    """These columns of every judged series of a target that is still configured."""
    joined = select(*columns).join(series, series.c.id == check_result.c.series_id)
    return joined.join(target, target.c.id == series.c.target_id).where(target.c.retired_at.is_(None))


def recent(connection: Connection, now_ms: int, limit: int = 12) -> list[Row]:
    """The latest transitions anywhere, newest first, with target, kind and reason."""
    statement = (
        select(
            transition.c.at_ms,
            transition.c.old,
            transition.c.new,
            transition.c.reason,
            transition.c.check_name,
            series.c.indicator,
            target.c.name.label("target"),
            target.c.kind,
            target.c.demo,
        )
        .join(series, series.c.id == transition.c.series_id)
        .join(target, target.c.id == series.c.target_id)
        .where(transition.c.at_ms <= now_ms, transition.c.at_ms >= now_ms - 86_400_000)
        .order_by(transition.c.at_ms.desc())
        .limit(limit)
    )
    return rows(connection.execute(statement).mappings())


def pipeline(connection: Connection, now: datetime) -> Row:
    """How the pipeline does: pulse_age_s, last_sample_age_s, queue_depth, probes, failing, skipped, refused, example.

    Ages are None when there never was a pulse or a sample.
    """
    beat = connection.execute(select(pulse.c.at, pulse.c.detail).where(pulse.c.name == "pipeline")).first()
    last, probes, failing, skipped = connection.execute(
        select(
            func.max(probe_state.c.last_success_at, type_=probe_state.c.last_success_at.type),
            func.count(),
            func.count().filter(probe_state.c.error.is_not(None)),
            func.coalesce(func.sum(probe_state.c.skipped), 0),
        )
    ).one()
    refused = connection.execute(select(func.coalesce(func.sum(refusal.c.count), 0))).scalar_one()
    newest = connection.execute(
        select(refusal.c.probe, refusal.c.reason, refusal.c.example).order_by(refusal.c.last_at.desc()).limit(1)
    ).first()
    return {
        "pulse_age_s": _age_s(now, beat.at if beat else None),
        "last_sample_age_s": _age_s(now, last),
        "queue_depth": (beat.detail or {}).get("queue_depth") if beat else None,
        "probes": probes,
        "failing": failing,
        "skipped": int(skipped),
        "refused": int(refused),
        "example": None if newest is None else f"{newest.probe}: {newest.reason} ({newest.example})",
    }


def _age_s(now: datetime, at: datetime | None) -> float | None:
    return None if at is None else (now - at) / timedelta(seconds=1)
