"""Reconciliation: runs of controls, their breaks, the deliveries they read, and what people ask for and decide."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from core.store.tables.base import Instant, Json, RowId, metadata

control_run = Table(
    "control_run",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("control", Text, nullable=False),
    Column("business_day", Text, nullable=False),  # ISO date of the control's own calendar
    Column("fingerprint", Text, nullable=False),  # of inputs and parameters: a re-run of the same is the same run
    Column("kind", Text, nullable=False, server_default=text("'match'")),  # match, equation
    Column("outcome", Text, nullable=False),  # clean, breaks, refused
    Column("reasons", Json, nullable=False),  # sentences of a refusal
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    Column("engine", Text, nullable=False),
    Column("certificate", Json),
    Column("causes", Json),  # what the breaks have in common, as reconciliation.causes states it; null: not looked for
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
    Column(
        "fingerprint", Text, nullable=False, server_default=text("''")
    ),  # reconciliation.desk.identity: the same break again
    Column("business_key", Text, nullable=False),
    Column("kind", Text, nullable=False),  # payment, refund
    Column("class", Text, nullable=False),
    Column("loser", Text, nullable=False),  # customer, operator, partner, none
    Column("at_risk_minor", BigInteger, nullable=False),
    Column("carried", Boolean, nullable=False),
    Column("records", Json, nullable=False),  # by party: record_id, amount_minor, status, occurred_at, file, line
    Column("dimensions", Json),  # channel, product, region and others that the control names; null: not looked for
    Index("ix_control_break_run_id_class", "run_id", "class"),
    Index("ix_control_break_fingerprint", "fingerprint"),
)

break_case = Table(
    "break_case",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("control", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),  # of the break; it has one case, whatever run finds it again
    Column("business_day", Text, nullable=False),  # of the run that found it first
    Column("run_id", BigInteger, ForeignKey("control_run.id"), nullable=False),  # the run that found it first
    Column("business_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("class", Text, nullable=False),
    Column("loser", Text, nullable=False),
    Column("at_risk_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("records", Json, nullable=False),
    Column("dimensions", Json),
    Column("state", Text, nullable=False),  # open, proposed, approved, proven, written_off, explained
    Column("owner", Text),
    Column("reason_code", Text),
    Column("deadline", Instant, nullable=False),
    Column("ticket_id", BigInteger, ForeignKey("ticket.id")),  # its own, or the one of its whole run
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("demo", Boolean, nullable=False),
    UniqueConstraint("control", "fingerprint"),
    Index("ix_break_case_state", "state"),
    Index("ix_break_case_ticket_id", "ticket_id"),
)

break_adjustment = Table(
    "break_adjustment",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("case_id", BigInteger, ForeignKey("break_case.id"), nullable=False),
    Column("kind", Text, nullable=False),  # back_fill, reversal, write_off
    Column("party", Text),  # whose records are corrected; none for a write-off
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("decision", Text),  # approved, rejected, withdrawn; null: waits
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("comment", Text),  # of the decision
    Column("proven_at", Instant),
    Column("proven_by_run", BigInteger, ForeignKey("control_run.id")),
    Index("ix_break_adjustment_case_id", "case_id"),
)

break_event = Table(
    "break_event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("case_id", BigInteger, ForeignKey("break_case.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("kind", Text, nullable=False),  # found, assigned, reason, proposed, approved, rejected, proven, comment, ...
    Column("detail", Text, nullable=False),
    Index("ix_break_event_case_id", "case_id"),
)

run_signature = Table(
    "run_signature",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("run_id", BigInteger, ForeignKey("control_run.id"), nullable=False),
    Column("act", Text, nullable=False),  # prepared, reviewed, reopened
    Column("who", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("comment", Text, nullable=False),
    Column("certificate_hash", Text, nullable=False),  # what was signed
    Index("ix_run_signature_run_id", "run_id"),
)

run_request = Table(
    "run_request",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("control", Text, nullable=False),
    Column("business_day", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("begun_at", Instant),  # null: waits
    Column("ended_at", Instant),  # null: open; there is one open request for each control and day
    Column("run_id", BigInteger, ForeignKey("control_run.id")),  # what came of it
    Column("fault", Text),  # the sentence that says why nothing came of it
    Index("ix_run_request_control_business_day", "control", "business_day"),
    Index(
        "uq_run_request_open",
        "control",
        "business_day",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

file_delivery = Table(
    "file_delivery",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("control", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("business_day", Text, nullable=False),
    Column("path", Text, nullable=False),  # as the control writes it, below the home folder where it is there
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("arrived_at", Instant, nullable=False),  # the file's own time where it is known, else when it was first seen
    Column("seen_at", Instant, nullable=False),
    UniqueConstraint("control", "party", "business_day", "path", "sha256"),
    Index("ix_file_delivery_control_business_day", "control", "business_day"),
)
