"""Every table of the store, one file a subject; all hang on one `metadata`."""

from core.store.tables.alerting import alert, alert_event, delivery, notify_group
from core.store.tables.base import metadata
from core.store.tables.delivering import (
    channel_trouble,
    channel_use,
    fallback_told,
    heartbeat,
    heartbeat_ping,
    phone_key,
    phone_link,
)
from core.store.tables.duty import (
    change_event,
    duty_entry,
    duty_watch,
    handover,
    handover_event,
    job,
    job_event,
    job_evidence,
    planned_change,
    roster_change,
)
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
from core.store.tables.oncall import escalation, on_call_absence, on_call_feed, on_call_override
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
from core.store.tables.silencing import silence, silence_proposal
from core.store.tables.tickets import held_ticket, ticket, ticket_event
from core.store.tables.work_orders import ticket_file, ticket_link

__all__ = [
    "alert",
    "alert_event",
    "audit",
    "break_adjustment",
    "break_case",
    "break_event",
    "change_event",
    "channel_trouble",
    "channel_use",
    "check_result",
    "control_break",
    "control_run",
    "delivery",
    "duty_entry",
    "duty_watch",
    "escalation",
    "fallback_told",
    "file_delivery",
    "handover",
    "handover_event",
    "heartbeat",
    "heartbeat_ping",
    "held_ticket",
    "indicator",
    "job",
    "job_event",
    "job_evidence",
    "metadata",
    "notify_group",
    "on_call_absence",
    "on_call_feed",
    "on_call_override",
    "phone_key",
    "phone_link",
    "planned_change",
    "probe_state",
    "pulse",
    "pushed_alert",
    "refusal",
    "rollup",
    "roster_change",
    "run_request",
    "run_signature",
    "sample",
    "series",
    "session",
    "shelf",
    "silence",
    "silence_proposal",
    "target",
    "ticket",
    "ticket_event",
    "ticket_file",
    "ticket_link",
    "token",
    "transition",
    "user",
]
