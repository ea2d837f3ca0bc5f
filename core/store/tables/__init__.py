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
from core.store.tables.pushing import pushed_alert
from core.store.tables.reconciliation import (
    break_adjustment,
    break_case,
    break_event,
    control_break,
    control_run,
    file_delivery,
    run_request,
    run_signature,
)
from core.store.tables.shelving import shelf
from core.store.tables.silencing import silence
from core.store.tables.tickets import ticket, ticket_event

__all__ = [
    "alert",
    "alert_event",
    "audit",
    "break_adjustment",
    "break_case",
    "break_event",
    "check_result",
    "control_break",
    "control_run",
    "delivery",
    "file_delivery",
    "indicator",
    "metadata",
    "notify_group",
    "probe_state",
    "pulse",
    "pushed_alert",
    "refusal",
    "rollup",
    "run_request",
    "run_signature",
    "sample",
    "series",
    "session",
    "shelf",
    "silence",
    "target",
    "ticket",
    "ticket_event",
    "token",
    "transition",
    "user",
]
