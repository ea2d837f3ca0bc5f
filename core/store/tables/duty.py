"""The duty desk: rosters changed by hand, handovers, the duty log, routine job plans; and the change calendar.

The duty log and the history of handovers are only ever appended to, and a handover that was signed by both stays as it is:
the database itself refuses more.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, Table, Text, UniqueConstraint

from core.store.tables.append_only import append_only, sealed
from core.store.tables.base import Instant, Json, RowId, metadata

duty_watch = Table(
    "duty_watch",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),  # desk, plan
    Column("name", Text, nullable=False),
    Column(
        "seen_until", Instant, nullable=False
    ),  # what began up to here is stored; nothing before the first round is owed
    UniqueConstraint("kind", "name"),
)

roster_change = Table(
    "roster_change",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("desk", Text, nullable=False),
    Column("shift", Text, nullable=False),  # its key: day and name
    Column("people", Json, nullable=False),  # names; the latest row of a shift holds
    Column("reason", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_roster_change_desk_shift", "desk", "shift"),
)

handover = Table(
    "handover",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("desk", Text, nullable=False),
    Column("changes_at", Instant, nullable=False),  # the incoming shift begins
    Column("outgoing", Text, nullable=False),  # key of the shift that ends; empty when nobody was on duty before
    Column("incoming", Text, nullable=False),
    Column("state", Text, nullable=False),  # draft, prepared, accepted, refused
    Column("remarks", Json, nullable=False),  # by the key of an item
    Column("to_do", Text, nullable=False),
    Column("prepared_by", Text),
    Column("prepared_at", Instant),
    Column("content", Json),  # frozen at preparing
    Column("sha256", Text),  # of the content
    Column("accepted_by", Text),
    Column("accepted_at", Instant),
    Column("since_prepared", Json),  # what had changed when it was accepted
    Column("reason", Text),  # of a refusal
    UniqueConstraint("desk", "changes_at"),
    Index("ix_handover_state", "state"),
)

handover_event = Table(
    "handover_event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("handover_id", BigInteger, ForeignKey("handover.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),  # begun, prepared, refused, accepted
    Column("who", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

duty_entry = Table(
    "duty_entry",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("desk", Text, nullable=False),
    Column("at", Instant, nullable=False),  # when it happened
    Column("written_at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("kind", Text, nullable=False),  # event, visit, phone, work, other
    Column("text", Text, nullable=False),
    Column("fields", Json, nullable=False),  # of a visit: visitor, company, room, purpose, escort, left_at
    Column("link", Text),  # alert/12, ticket/3, change/4, break/5
    Column("corrects", BigInteger, ForeignKey("duty_entry.id")),
    Index("ix_duty_entry_desk_at", "desk", "at"),
    Index("ix_duty_entry_corrects", "corrects"),
)

job = Table(
    "job",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("plan", Text, nullable=False),
    Column("day", Text, nullable=False),  # the due day, in the zone of its desk
    Column("desk", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("missed_at", Instant, nullable=False),  # due_at and the grace
    Column("items", Json, nullable=False),  # the checklist as it stood when the job was stored
    Column("results", Json, nullable=False),  # by the code of an item: value, remark, who, at, in_range
    Column("state", Text, nullable=False),  # open, done, dropped
    Column("done_by", Text),
    Column("done_at", Instant),
    UniqueConstraint("plan", "day"),
    Index("ix_job_state", "state"),
    Index("ix_job_due_at", "due_at"),
)

job_event = Table(
    "job_event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("job_id", BigInteger, ForeignKey("job.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),  # opened, filled, evidence, done, dropped, ticket
    Column("who", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

job_evidence = Table(
    "job_evidence",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("job_id", BigInteger, ForeignKey("job.id"), nullable=False, index=True),
    Column("item", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

planned_change = Table(
    "planned_change",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),  # change, release
    Column("requirement", Text, nullable=False),  # number of the requirement that it comes from
    Column("title", Text, nullable=False),
    Column("targets", Json, nullable=False),  # names, sorted
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("timezone", Text, nullable=False),  # in which the window was written
    Column("risk", Text, nullable=False),  # low, medium, high
    Column("back_out", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("state", Text, nullable=False),  # planned, approved, running, done, backed_out, failed, cancelled
    Column("requested_by", Text, nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("approved_by", Text),
    Column("approved_at", Instant),
    Column("began_at", Instant),
    Column("ended_at", Instant),
    Column("result", Text),
    Column("ticket_id", BigInteger, ForeignKey("ticket.id")),  # opened because it had no result at its end
    Column("demo", Boolean, nullable=False),
    Index("ix_planned_change_ends_at", "ends_at"),
    Index("ix_planned_change_state", "state"),
)

change_event = Table(
    "change_event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("change_id", BigInteger, ForeignKey("planned_change.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),  # planned, approved, running, done, backed_out, failed, cancelled, ticket
    Column("who", Text, nullable=False),
    Column("detail", Text, nullable=False),
)


def kept_as_written(dialect: str) -> tuple[str, ...]:
    """Statements after which the database refuses to change what was logged and signed."""
    return (
        *append_only(dialect, "duty_entry", "the duty log is append-only"),
        *append_only(dialect, "handover_event", "the history of handovers is append-only"),
        *sealed(dialect, "handover", "accepted", "a signed handover cannot be changed"),
    )
