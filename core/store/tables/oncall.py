"""On-call: what people change of schedules, the addresses of their calendars, and how far each escalation has come."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text

from core.store.tables.base import Instant, Json, RowId, metadata

on_call_override = Table(
    "on_call_override",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("schedule", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("swap", Text),  # the same text on both overrides of a swap
    Column("cancelled_at", Instant),
    Column("cancelled_by", Text),
    Index("ix_on_call_override_schedule_ends_at", "schedule", "ends_at"),
)

on_call_absence = Table(
    "on_call_absence",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("person", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("cancelled_at", Instant),
    Column("cancelled_by", Text),
    Index("ix_on_call_absence_ends_at", "ends_at"),
)

on_call_feed = Table(
    "on_call_feed",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),  # SHA-256 of what stands in the address
    Column("made_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("what", Text, nullable=False, server_default=text("'shifts'")),  # shifts, changes: what the calendar shows
    Index("ix_on_call_feed_owner", "owner"),
)

escalation = Table(
    "escalation",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("alert_id", BigInteger, ForeignKey("alert.id"), nullable=False),
    Column("policy", Text, nullable=False),
    Column("state", Text, nullable=False),  # running, held (acknowledged), spent (the catch-all was told), ended
    Column("step", Integer, nullable=False),  # the step to be tried next, from 0
    Column(
        "round", Integer, nullable=False
    ),  # never used twice for one alert and policy: it is part of a message's key
    Column("last_round", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),  # when the next step comes
    Column("look_at", Instant, nullable=False),  # when it is to be looked at: earlier, while messages are on their way
    Column("told", Text),  # receiver of the latest step that had one
    Column("told_at", Instant),
    Column("reached", Json, nullable=False),  # receivers that were told since it began, for the end to be told to
    Column("keys", Json, nullable=False),  # of the outbox rows of that step
    Column("begun_at", Instant, nullable=False),
    Column("note", Text, nullable=False),  # the latest reason, in words
    UniqueConstraint("alert_id", "policy"),
    Index("ix_escalation_state_look_at", "state", "look_at"),
)
