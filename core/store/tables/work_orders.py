"""What hangs on tickets: files, and links to other tickets and to what they are about."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, Text, UniqueConstraint

from core.store.tables.base import Instant, RowId, metadata

ticket_file = Table(
    "ticket_file",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("ticket_id", BigInteger, ForeignKey("ticket.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),  # told from the content
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", Instant, nullable=False),
)

ticket_link = Table(
    "ticket_link",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("ticket_id", BigInteger, ForeignKey("ticket.id"), nullable=False, index=True),
    # duplicate_of, child_of, caused_by: a ticket; alert, break, run, job, change
    Column("relation", Text, nullable=False),
    Column("other_id", BigInteger, nullable=False, index=True),
    Column("added_by", Text, nullable=False),
    Column("added_at", Instant, nullable=False),
    UniqueConstraint("ticket_id", "relation", "other_id"),
)
