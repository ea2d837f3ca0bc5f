"""Alerts and what was told of them: one open occurrence a fingerprint, an append-only history, groups, the outbox."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text, text

from core.store.tables.base import Instant, Json, RowId, metadata

alert = Table(
    "alert",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("fingerprint", Text, nullable=False, index=True),
    Column("check_name", Text, nullable=False),
    Column("series_id", BigInteger, ForeignKey("series.id")),
    Column("target", Text, nullable=False, index=True),
    Column("labels", Json, nullable=False),  # all that routes match on, `alertname` and `severity` among them
    Column("annotations", Json, nullable=False),  # summary, reason, runbook, unit, ...
    Column("severity", Text, nullable=False),  # critical, warning, unknown
    Column("state", Text, nullable=False),  # firing, unknown (its series stopped while it fired), resolved
    Column("value", Double),
    Column("opened_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("acknowledged_by", Text),
    Column("acknowledged_at", Instant),
    Column("acknowledgement", Text),
    Column("acknowledged_until", Instant),  # none: until it is resolved or given back
    Column("demo", Boolean, nullable=False),
    Index(
        "uq_alert_open_fingerprint",
        "fingerprint",
        unique=True,
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
    # What pages count, sort and narrow while thousands are open, without reading the alerts themselves.
    Index("ix_alert_resolved_at", "resolved_at", "severity", "opened_at", "target", "acknowledged_at"),
    Index("ix_alert_opened_at", "opened_at", "target"),  # how many came lately, and from where
)

alert_event = Table(
    "alert_event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("alert_id", BigInteger, ForeignKey("alert.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column(
        "kind", Text, nullable=False
    ),  # opened, severity, unknown, known, acknowledged, notified, kept_quiet, let_through, shelved, unshelved, resolved
    Column("who", Text, nullable=False),  # a user's name, or the part of the house that did it
    Column("detail", Text, nullable=False),
)

notify_group = Table(
    "notify_group",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # route path + group labels
    Column("receiver", Text, nullable=False),
    Column("labels", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("next_flush_at", Instant, index=True),  # null while the group is empty
    Column("notified_at", Instant),
    Column("notified_firing", Json, nullable=False),  # alert id to severity, as the latest message showed them firing
    Column("notified_resolved", Json, nullable=False),
    Column("muted", Json),  # alert id to what kept it quiet at the latest flush
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # the same for every try of one message
    Column("group_id", BigInteger, ForeignKey("notify_group.id")),
    Column("receiver", Text, nullable=False),
    Column("channel", Text, nullable=False),  # webhook, email: a file of alerts/notify
    Column("settings", Integer, nullable=False),  # which of the receiver's channels of that kind, from 0
    Column("message", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", Text, nullable=False),  # pending, sent, dead, merged, settled
    Column("last_error", Text),
    Column("done_at", Instant),
    Column("note", Text),  # why it waits, or what became of it: merged into another message, told to the fall-back
    Column("resent_at", Instant),  # when somebody sent a dead one again
    Index("ix_delivery_state_due_at", "state", "due_at"),
    Index("ix_delivery_created_at", "created_at"),
)
