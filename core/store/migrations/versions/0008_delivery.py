"""Pace and trouble of channels, links of the phone page, heartbeats of jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("delivery", sa.Column("note", sa.Text(), nullable=True))
    op.add_column("delivery", sa.Column("resent_at", sa.BigInteger(), nullable=True))
    _channels()
    _phone()
    _heartbeats()


def _channels() -> None:
    op.create_table(
        "channel_use",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("settings", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_use")),
    )
    op.create_index("ix_channel_use_place", "channel_use", ["receiver", "channel", "settings", "at"], unique=False)
    op.create_table(
        "channel_trouble",
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("settings", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("receiver", "channel", "settings", name=op.f("pk_channel_trouble")),
    )


def _phone() -> None:
    op.create_table(
        "phone_key",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_key")),
    )
    op.create_table(
        "phone_link",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("used_for", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_phone_link_alert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_phone_link_token_hash")),
    )
    op.create_index(op.f("ix_phone_link_alert_id"), "phone_link", ["alert_id"], unique=False)
    op.create_index(op.f("ix_phone_link_expires_at"), "phone_link", ["expires_at"], unique=False)


def _heartbeats() -> None:
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeat")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_heartbeat_token_hash")),
    )
    op.create_table(
        "heartbeat_ping",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("heartbeat", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("exit_status", sa.Integer(), nullable=True),
        sa.Column("output", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["heartbeat"], ["heartbeat.name"], name=op.f("fk_heartbeat_ping_heartbeat")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat_ping")),
    )
    op.create_index("ix_heartbeat_ping_heartbeat_kind", "heartbeat_ping", ["heartbeat", "kind", "id"], unique=False)
