"""Who is not told for a time: the silences that people make."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from core.store.tables.base import Instant, Json, metadata

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
