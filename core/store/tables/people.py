"""Who may do what, who is in, and who did what. `audit` is only ever appended to: the database itself refuses more."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text

from core.store.tables.append_only import append_only
from core.store.tables.base import Instant, Json, RowId, metadata

user = Table(
    "bomc_user",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),  # viewer, operator, auditor, manager, admin
    Column("password_hash", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    Column("department", Text),  # code of the department, branch or integrator whose tickets are theirs
    Column("login", Text),  # name of their account of the operating system, if it is another one
    Index("uq_bomc_user_login", "login", unique=True),
)

session = Table(
    "session",
    metadata,
    Column("id_hash", Text, primary_key=True),  # SHA-256 of the cookie: a copy of the table lets nobody in
    Column("user_id", BigInteger, ForeignKey("bomc_user.id"), nullable=False, index=True),
    Column("csrf", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
)

audit = Table(
    "audit",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("detail", Json, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
)

APPEND_ONLY_SQLITE = append_only("sqlite", "audit", "the audit trail is append-only", ("id", "hash"))
APPEND_ONLY_POSTGRESQL = append_only("postgresql", "audit", "the audit trail is append-only")
