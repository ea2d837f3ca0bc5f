"""Requests of people to run a day of a control again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "run_request",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("control", sa.Text(), nullable=False),
        sa.Column("business_day", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["control_run.id"], name=op.f("fk_run_request_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_request")),
    )
    op.create_index("ix_run_request_control_business_day", "run_request", ["control", "business_day"], unique=False)
    op.create_index(
        "uq_run_request_open",
        "run_request",
        ["control", "business_day"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
