"""How the whole installation does, in a dozen cheap figures; and the counters by which open pages learn of a change."""

from __future__ import annotations

import functools
import operator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from alerts.tickets.kinds import AT_WORK
from core.store.tables import (
    alert,
    alert_event,
    break_event,
    control_run,
    delivery,
    file_delivery,
    probe_state,
    pulse,
    refusal,
    run_request,
    run_signature,
    series,
    target,
    ticket,
    ticket_event,
    transition,
)

PIPELINE = "pipeline"
SILENT_AFTER = timedelta(seconds=15)
"""A pipeline whose pulse is older than this is not running; what it counted last is then not known to hold."""


def status(connection: Connection, now: datetime) -> dict[str, Any]:
    """The figures by name; None where nobody can know: ages in seconds, `running` whether the pipeline gives a pulse.

    Samples are not counted here: there may be 20,000 series, so the pipeline's own pulse tells of them.
    """
    beat = connection.execute(select(pulse.c.at, pulse.c.detail).where(pulse.c.name == PIPELINE)).one_or_none()
    detail: dict[str, Any] = dict(beat.detail) if beat is not None else {}
    running = beat is not None and now - beat.at <= SILENT_AFTER
    last_ms = detail.get("last_sample_ms")
    counts = connection.execute(
        select(
            _count(target, target.c.retired_at.is_(None)).label("targets"),
            _count(series).label("series"),
            _count(alert, alert.c.resolved_at.is_(None)).label("open_alerts"),
            _count(ticket, ticket.c.state.in_(AT_WORK)).label("open_tickets"),
            _count(control_run).label("reconciliation_runs"),
            _count(delivery, delivery.c.state == "pending").label("pending_deliveries"),
            _count(delivery, delivery.c.state == "dead").label("dead_deliveries"),
            _count(probe_state).label("probes"),
            _count(probe_state, probe_state.c.error.is_not(None)).label("failing_probes"),
            select(func.coalesce(func.sum(probe_state.c.skipped), 0)).scalar_subquery().label("skipped_probes"),
            select(func.coalesce(func.sum(refusal.c.count), 0)).scalar_subquery().label("refused_samples"),
        )
    ).one()
    return {
        "at": now.isoformat(),
        "running": running,
        **{name: int(value) for name, value in counts._mapping.items()},
        "samples_last_minute": detail.get("samples_last_minute") if running else None,
        "last_sample_age_s": None if last_ms is None else max(0.0, now.timestamp() - last_ms / 1000),
        "queue_depth": detail.get("queue_depth") if running else None,
        "pulse_age_s": None if beat is None else (now - beat.at) / timedelta(seconds=1),
    }


def versions(connection: Connection) -> dict[str, int]:
    """A number for each subject that differs whenever something of it changed; one statement over the ends of indexes."""
    row = connection.execute(
        select(
            _newest(alert_event).label("alerts"),
            _newest(ticket_event).label("tickets"),
            (_newest(control_run, break_event, run_signature, file_delivery) + _steps(run_request)).label(
                "reconciliation"
            ),
            _newest(transition).label("statuses"),
            select(pulse.c.at).where(pulse.c.name == PIPELINE).scalar_subquery().label("samples"),
        )
    ).one()
    beat = row.samples
    found = {name: int(value or 0) for name, value in row._mapping.items() if name != "samples"}
    return {**found, "samples": 0 if beat is None else int(beat.timestamp() * 1000)}


def _count(table: Any, *conditions: Any) -> Any:
    return select(func.count()).select_from(table).where(*conditions).scalar_subquery()


def _steps(requests: Any) -> Any:
    """How often a request was asked for, begun or ended: people make few of them."""
    steps = func.count(requests.c.id) + func.count(requests.c.begun_at) + func.count(requests.c.ended_at)
    return select(steps).scalar_subquery()


def _newest(*tables: Any) -> Any:
    """The sum of the newest numbers of tables that only grow: it rises whenever one of them does."""
    ends = [func.coalesce(select(func.max(table.c.id)).scalar_subquery(), 0) for table in tables]
    return functools.reduce(operator.add, ends)
