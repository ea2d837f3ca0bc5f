"""Alerts that others push, and how long each of them holds unless it is pushed again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pushed_alert",
        sa.Column("alert_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("timeout", sa.Boolean(), nullable=False),
        sa.Column("generator_url", sa.Text(), nullable=False),
        sa.Column("pushed_at", sa.BigInteger(), nullable=False),
        sa.Column("pushed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_pushed_alert_alert_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_pushed_alert")),
    )
    op.create_index(op.f("ix_pushed_alert_due_at"), "pushed_alert", ["due_at"], unique=False)
