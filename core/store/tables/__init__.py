"""Every table of the store, one file a subject; all hang on one `metadata`."""

from core.store.tables.alerting import alert, alert_event, delivery, notify_group
from core.store.tables.base import metadata
from core.store.tables.monitoring import (
    check_result,
    indicator,
    probe_state,
    pulse,
    refusal,
    rollup,
    sample,
    series,
    target,
    transition,
)
from core.store.tables.people import audit, session, token, user
from core.store.tables.reconciliation import control_break, control_run
from core.store.tables.tickets import ticket, ticket_event

__all__ = [
    "alert",
    "alert_event",
    "audit",
    "check_result",
    "control_break",
    "control_run",
    "delivery",
    "indicator",
    "metadata",
    "notify_group",
    "probe_state",
    "pulse",
    "refusal",
    "rollup",
    "sample",
    "series",
    "session",
    "target",
    "ticket",
    "ticket_event",
    "token",
    "transition",
    "user",
]
