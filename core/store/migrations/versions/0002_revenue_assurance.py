"""Revenue assurance: cases of breaks, adjustments, signatures, deliveries of files; what a run's breaks have in common."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "file_delivery",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("control", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("business_day", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_delivery")),
        sa.UniqueConstraint(
            "control",
            "party",
            "business_day",
            "path",
            "sha256",
            name=op.f("uq_file_delivery_control_party_business_day_path_sha256"),
        ),
    )
    op.create_index("ix_file_delivery_control_business_day", "file_delivery", ["control", "business_day"], unique=False)
    op.create_table(
        "run_signature",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("certificate_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["control_run.id"], name=op.f("fk_run_signature_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_signature")),
    )
    op.create_index("ix_run_signature_run_id", "run_signature", ["run_id"], unique=False)
    op.create_table(
        "break_case",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("control", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("business_day", sa.Text(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("business_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("loser", sa.Text(), nullable=False),
        sa.Column("at_risk_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("records", sa.Text(), nullable=False),
        sa.Column("dimensions", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["control_run.id"], name=op.f("fk_break_case_run_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_break_case_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_case")),
        sa.UniqueConstraint("control", "fingerprint", name=op.f("uq_break_case_control_fingerprint")),
    )
    op.create_index("ix_break_case_state", "break_case", ["state"], unique=False)
    op.create_index("ix_break_case_ticket_id", "break_case", ["ticket_id"], unique=False)
    op.create_table(
        "break_adjustment",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("proven_at", sa.BigInteger(), nullable=True),
        sa.Column("proven_by_run", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["break_case.id"], name=op.f("fk_break_adjustment_case_id")),
        sa.ForeignKeyConstraint(["proven_by_run"], ["control_run.id"], name=op.f("fk_break_adjustment_proven_by_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_adjustment")),
    )
    op.create_index("ix_break_adjustment_case_id", "break_adjustment", ["case_id"], unique=False)
    op.create_table(
        "break_event",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["break_case.id"], name=op.f("fk_break_event_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_event")),
    )
    op.create_index("ix_break_event_case_id", "break_event", ["case_id"], unique=False)
    op.add_column("control_break", sa.Column("fingerprint", sa.Text(), server_default=sa.text("('')"), nullable=False))
    op.add_column("control_break", sa.Column("dimensions", sa.Text(), nullable=True))
    op.create_index("ix_control_break_fingerprint", "control_break", ["fingerprint"], unique=False)
    op.add_column("control_run", sa.Column("kind", sa.Text(), server_default=sa.text("'match'"), nullable=False))
    op.add_column("control_run", sa.Column("causes", sa.Text(), nullable=True))
