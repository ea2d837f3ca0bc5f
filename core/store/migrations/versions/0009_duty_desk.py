"""The duty desk and the change calendar: rosters, handovers, the duty log, job plans, planned changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _duty_watch()
    _roster_change()
    _handover()
    _handover_event()
    _duty_entry()
    _job()
    _job_event()
    _job_evidence()
    _planned_change()
    _change_event()


def _duty_watch() -> None:
    op.create_table(
        "duty_watch",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_watch")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_duty_watch_kind_name")),
    )


def _roster_change() -> None:
    op.create_table(
        "roster_change",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("shift", sa.Text(), nullable=False),
        sa.Column("people", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_change")),
    )
    op.create_index("ix_roster_change_desk_shift", "roster_change", ["desk", "shift"], unique=False)


def _handover() -> None:
    op.create_table(
        "handover",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("changes_at", sa.BigInteger(), nullable=False),
        sa.Column("outgoing", sa.Text(), nullable=False),
        sa.Column("incoming", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("to_do", sa.Text(), nullable=False),
        sa.Column("prepared_by", sa.Text(), nullable=True),
        sa.Column("prepared_at", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("since_prepared", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
        sa.UniqueConstraint("desk", "changes_at", name=op.f("uq_handover_desk_changes_at")),
    )
    op.create_index("ix_handover_state", "handover", ["state"], unique=False)


def _handover_event() -> None:
    op.create_table(
        "handover_event",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("handover_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["handover_id"], ["handover.id"], name=op.f("fk_handover_event_handover_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_event")),
    )
    op.create_index("ix_handover_event_handover_id", "handover_event", ["handover_id"], unique=False)


def _duty_entry() -> None:
    op.create_table(
        "duty_entry",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("corrects", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["corrects"], ["duty_entry.id"], name=op.f("fk_duty_entry_corrects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_entry")),
    )
    op.create_index("ix_duty_entry_corrects", "duty_entry", ["corrects"], unique=False)
    op.create_index("ix_duty_entry_desk_at", "duty_entry", ["desk", "at"], unique=False)


def _job() -> None:
    op.create_table(
        "job",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("missed_at", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("results", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("plan", "day", name=op.f("uq_job_plan_day")),
    )
    op.create_index("ix_job_due_at", "job", ["due_at"], unique=False)
    op.create_index("ix_job_state", "job", ["state"], unique=False)


def _job_event() -> None:
    op.create_table(
        "job_event",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_event_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_event")),
    )
    op.create_index("ix_job_event_job_id", "job_event", ["job_id"], unique=False)


def _job_evidence() -> None:
    op.create_table(
        "job_evidence",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_evidence_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_evidence")),
    )
    op.create_index("ix_job_evidence_job_id", "job_evidence", ["job_id"], unique=False)


def _planned_change() -> None:
    op.create_table(
        "planned_change",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("requirement", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("targets", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=False),
        sa.Column("back_out", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("began_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_planned_change_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planned_change")),
    )
    op.create_index("ix_planned_change_ends_at", "planned_change", ["ends_at"], unique=False)
    op.create_index("ix_planned_change_state", "planned_change", ["state"], unique=False)


def _change_event() -> None:
    op.create_table(
        "change_event",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("change_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["change_id"], ["planned_change.id"], name=op.f("fk_change_event_change_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_event")),
    )
    op.create_index("ix_change_event_change_id", "change_event", ["change_id"], unique=False)
