"""Silences that would mute everything, proposed by one person and approved by another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "silence_proposal",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("matchers", sa.Text(), nullable=False),
        sa.Column("length_s", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposer_id", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("lapses_at", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decider_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("silence_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["proposer_id"], ["bomc_user.id"], name=op.f("fk_silence_proposal_proposer_id_bomc_user")
        ),
        sa.ForeignKeyConstraint(
            ["decider_id"], ["bomc_user.id"], name=op.f("fk_silence_proposal_decider_id_bomc_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence_proposal")),
    )
    op.create_index("ix_silence_proposal_lapses_at", "silence_proposal", ["lapses_at"], unique=False)
