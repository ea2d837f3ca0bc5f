"""Runs of controls and the breaks that they found; the evidence itself is files, named by `folder`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from core.store.tables.base import Instant, Json, RowId, metadata

control_run = Table(
    "control_run",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("control", Text, nullable=False),
    Column("business_day", Text, nullable=False),  # ISO date of the control's own calendar
    Column("fingerprint", Text, nullable=False),  # of inputs and parameters: a re-run of the same is the same run
    Column("outcome", Text, nullable=False),  # clean, breaks, refused
    Column("reasons", Json, nullable=False),  # sentences of a refusal
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    Column("engine", Text, nullable=False),
    Column("certificate", Json),
    Column("folder", Text, nullable=False),
    Column("breaks", Integer, nullable=False),
    Column("carried", Integer, nullable=False),
    Column("at_risk_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("demo", Boolean, nullable=False),
    UniqueConstraint("control", "business_day", "fingerprint"),
    Index("ix_control_run_control_business_day", "control", "business_day"),
)

control_break = Table(
    "control_break",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("run_id", BigInteger, ForeignKey("control_run.id"), nullable=False),
    Column("business_key", Text, nullable=False),
    Column("kind", Text, nullable=False),  # payment, refund
    Column("class", Text, nullable=False),
    Column("loser", Text, nullable=False),  # customer, operator, partner, none
    Column("at_risk_minor", BigInteger, nullable=False),
    Column("carried", Boolean, nullable=False),
    Column("records", Json, nullable=False),  # by party: record_id, amount_minor, status, occurred_at, file, line
    Index("ix_control_break_run_id_class", "run_id", "class"),
)
