"""Work with an owner, a kind and a deadline, and everything that happened to it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text

from core.store.tables.base import Instant, RowId, metadata

ticket = Table(
    "ticket",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),  # fault, ... : one of alerts.tickets.KINDS
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("priority", Text, nullable=False),  # high, normal, low
    Column("state", Text, nullable=False),  # open, assigned, resolved, closed
    Column("assignee", Text),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("resolved_at", Instant),
    Column("closed_at", Instant),
    Column("cause", Text),
    Column("remedy", Text),
    Column("alert_id", BigInteger, ForeignKey("alert.id"), index=True),
    Column("alert_cleared_at", Instant),  # the alert went away by itself; the ticket says so
    Column("demo", Boolean, nullable=False),
    Index("ix_ticket_state", "state"),
)

ticket_event = Table(
    "ticket_event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("ticket_id", BigInteger, ForeignKey("ticket.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),  # opened, assigned, comment, alert_cleared, resolved, closed, reopened
    Column("who", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
