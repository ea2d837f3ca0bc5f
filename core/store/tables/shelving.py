"""Alerts that a person put aside for a time."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from core.store.tables.base import Instant, metadata

shelf = Table(
    "shelf",
    metadata,
    Column("fingerprint", Text, primary_key=True),  # the condition: it stays shelved when it resolves and opens again
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
)
