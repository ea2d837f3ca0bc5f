"""How channels fare, the links of the phone page, and the heartbeats of jobs. Secrets are kept as their SHA-256 only."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from core.store.tables.base import Instant, RowId, metadata

channel_use = Table(
    "channel_use",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("receiver", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("settings", Integer, nullable=False),
    Column(
        "at", Instant, nullable=False
    ),  # when a message was handed over; only of channels with a rate limit or that fold storms
    Index("ix_channel_use_place", "receiver", "channel", "settings", "at"),
)

channel_trouble = Table(
    "channel_trouble",
    metadata,
    Column("receiver", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("settings", Integer, primary_key=True, autoincrement=False),
    Column("failing_since", Instant, nullable=False),  # begin of the first failed try since the last good one
    Column("tried_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("error", Text, nullable=False),
)

fallback_told = Table(
    "fallback_told",
    metadata,
    Column("fingerprint", Text, primary_key=True),  # of an alert whose end a fall-back is owed
    Column("receiver", Text, primary_key=True),  # the fall-back and its channel
    Column("channel", Text, primary_key=True),
    Column("settings", Integer, primary_key=True, autoincrement=False),
    Column("first_receiver", Text, nullable=False),  # which channel it was told instead of
    Column("first_channel", Text, nullable=False),
    Column("first_settings", Integer, nullable=False),
    Column("alert_id", BigInteger, ForeignKey("alert.id"), nullable=False),  # the occurrence that was told last
    Column("told_in", Text, nullable=False),  # key of the message that told that it fires
    Column("ended_in", BigInteger),  # message that told the first channel the end; none: it was not told yet
    Index("ix_fallback_told_first", "first_receiver", "first_channel", "first_settings"),
)

phone_key = Table(
    "phone_key",
    metadata,
    Column("id", RowId, primary_key=True),  # 1: there is one
    Column("secret", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

phone_link = Table(
    "phone_link",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("alert_id", BigInteger, ForeignKey("alert.id"), nullable=False, index=True),
    Column("receiver", Text, nullable=False),  # whom the link was sent to
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("used_at", Instant),
    Column("used_for", Text),  # acknowledged, passed_on
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("name", Text, primary_key=True),  # as in heartbeats.yaml
    Column("token_hash", Text, unique=True),
    Column("created_at", Instant, nullable=False),  # watched since
    Column("told", Text, nullable=False),  # the state that alerts were told last: ok, late, failed
)

heartbeat_ping = Table(
    "heartbeat_ping",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("heartbeat", Text, ForeignKey("heartbeat.name"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),  # success, fail, start
    Column("exit_status", Integer),
    Column("output", Text, nullable=False),  # the last 10 KB of what the job said
    Index("ix_heartbeat_ping_heartbeat_kind", "heartbeat", "kind", "id"),
)
