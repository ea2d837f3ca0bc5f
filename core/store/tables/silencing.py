"""Who is not told for a time: the silences that people make."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text

from core.store.tables.base import Instant, Json, RowId, metadata

silence = Table(
    "silence",
    metadata,
    Column("id", Text, primary_key=True),  # a UUID, as amtool shows it
    Column("matchers", Json, nullable=False),  # list of {name, value, isRegex, isEqual}, all of which must hold
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),  # an expired one ended here, whether planned or by hand
    Column("created_by", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_silence_ends_at", "ends_at"),
)

silence_proposal = Table(
    "silence_proposal",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("matchers", Json, nullable=False),  # as a silence has them
    Column("length_s", BigInteger, nullable=False),  # how long it holds from its approval on
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposer_id", BigInteger, ForeignKey("bomc_user.id"), nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("lapses_at", Instant, nullable=False),
    Column("decision", Text),  # approved, rejected, withdrawn; none: nobody has decided
    Column("decided_by", Text),
    Column("decider_id", BigInteger, ForeignKey("bomc_user.id")),
    Column("decided_at", Instant),
    Column("note", Text),  # why it was rejected
    Column("silence_id", Text),  # the silence that it became
    Index("ix_silence_proposal_lapses_at", "lapses_at"),
)
"""Silences that would mute everything, each waiting for a second person."""
