"""Work orders: fields of their kind, departments, two clocks, files and links."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NEW = (
    ("fields", sa.Text()),
    ("origin", sa.Text()),
    ("department", sa.Text()),
    ("responded_at", sa.BigInteger()),
    ("respond_due_at", sa.BigInteger()),
    ("resolve_s", sa.BigInteger()),
    ("hours", sa.Text()),
    ("left_s", sa.BigInteger()),
    ("waits_on", sa.Text()),
    ("resolved_by", sa.Text()),
    ("respond_warned_at", sa.BigInteger()),
    ("respond_late_at", sa.BigInteger()),
    ("resolve_warned_at", sa.BigInteger()),
    ("resolve_late_at", sa.BigInteger()),
    ("storm", sa.Text()),
)
ANSWERED = (
    "UPDATE ticket SET responded_at = (SELECT min(ticket_event.at) FROM ticket_event "
    "WHERE ticket_event.ticket_id = ticket.id AND ticket_event.kind IN ('assigned', 'resolved'))"
)
RESOLVED_BY = (
    "UPDATE ticket SET resolved_by = (SELECT ticket_event.who FROM ticket_event WHERE ticket_event.id = "
    "(SELECT max(latest.id) FROM ticket_event AS latest WHERE latest.ticket_id = ticket.id "
    "AND latest.kind = 'resolved')) WHERE state IN ('resolved', 'closed')"
)
DEADLINE = (  # a deadline that was given counts all hours, as it did
    "UPDATE ticket SET hours = 'always', resolve_s = (due_at - opened_at) / 1000 WHERE due_at IS NOT NULL"
)


def upgrade() -> None:
    for name, kind in NEW:
        op.add_column("ticket", sa.Column(name, kind, nullable=True))
    op.create_index("ix_ticket_storm", "ticket", ["storm"], unique=False)
    op.create_table(
        "ticket_file",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_file_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_file")),
    )
    op.create_index("ix_ticket_file_ticket_id", "ticket_file", ["ticket_id"], unique=False)
    op.create_table(
        "ticket_link",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_link_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_link")),
        sa.UniqueConstraint(
            "ticket_id", "relation", "other_id", name=op.f("uq_ticket_link_ticket_id_relation_other_id")
        ),
    )
    op.create_index("ix_ticket_link_ticket_id", "ticket_link", ["ticket_id"], unique=False)
    op.create_index("ix_ticket_link_other_id", "ticket_link", ["other_id"], unique=False)
    for statement in (ANSWERED, RESOLVED_BY, DEADLINE):
        op.execute(statement)
