"""Alerts that others push: how long each of them holds unless it is pushed again."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Table, Text

from core.store.tables.base import Instant, metadata

pushed_alert = Table(
    "pushed_alert",
    metadata,
    Column("alert_id", BigInteger, ForeignKey("alert.id"), primary_key=True, autoincrement=False),
    Column("due_at", Instant, index=True),  # it is resolved then unless it is pushed again; null once it is resolved
    Column("timeout", Boolean, nullable=False),  # its sender gave no end: due_at is `resolve_timeout` after the push
    Column("generator_url", Text, nullable=False),
    Column("pushed_at", Instant, nullable=False),  # the latest push
    Column("pushed_by", Text, nullable=False),  # a user's name, or token:NAME
)
