"""What fall-backs were told instead of others, so that they are told the end as well."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fallback_told",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("settings", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_receiver", sa.Text(), nullable=False),
        sa.Column("first_channel", sa.Text(), nullable=False),
        sa.Column("first_settings", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("told_in", sa.Text(), nullable=False),
        sa.Column("ended_in", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_fallback_told_alert_id_alert")),
        sa.PrimaryKeyConstraint("fingerprint", "receiver", "channel", "settings", name=op.f("pk_fallback_told")),
    )
    op.create_index(
        "ix_fallback_told_first", "fallback_told", ["first_receiver", "first_channel", "first_settings"], unique=False
    )
