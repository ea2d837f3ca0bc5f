"""Work with an owner, a kind and a deadline, and everything that happened to it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text

from core.store.tables.base import Instant, Json, RowId, metadata

ticket = Table(
    "ticket",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),  # fault, ... : one of alerts.tickets.KINDS
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("priority", Text, nullable=False),  # high, normal, low
    Column("state", Text, nullable=False),  # one of alerts.tickets.kinds.STATES
    Column("assignee", Text),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant),  # to be resolved by then; none while its clock stands or when there is no deadline
    Column("resolved_at", Instant),
    Column("closed_at", Instant),
    Column("cause", Text),
    Column("remedy", Text),
    Column("alert_id", BigInteger, ForeignKey("alert.id"), index=True),
    Column("alert_cleared_at", Instant),  # the alert went away by itself; the ticket says so
    Column("demo", Boolean, nullable=False),
    Column("fields", Json),  # what tickets of its kind hold besides, by name
    Column("origin", Text),  # the department, branch or integrator that asks
    Column("department", Text),  # the one that has it
    Column("responded_at", Instant),  # somebody answered: accepted, approved or resolved it
    Column("respond_due_at", Instant),
    Column("resolve_s", BigInteger),  # what the clock for resolving allows, seconds of `hours`; none: no deadline
    Column("hours", Text),  # always, working: which time that clock counts
    Column("left_s", BigInteger),  # what was left on that clock when it was stopped
    Column("waits_on", Text),  # whom a paused ticket waits for
    Column("resolved_by", Text),
    Column("respond_warned_at", Instant),
    Column("respond_late_at", Instant),
    Column("resolve_warned_at", Instant),
    Column("resolve_late_at", Instant),
    Column("passed_on_at", Instant),  # it was passed on to its department: from then on it is for the people of it
    Column("handled_s", BigInteger),  # time of its kind's clock until it was resolved, pauses left out
    Column("storm", Text),  # the group of alerts that it was opened for
    Index("ix_ticket_state", "state"),
    Index("ix_ticket_storm", "storm"),
)

ticket_event = Table(
    "ticket_event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("ticket_id", BigInteger, ForeignKey("ticket.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),  # opened, assigned, comment, paused, resolved, closed, ...
    Column("who", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

held_ticket = Table(  # open alerts whose ticket waits until nothing mutes them any more
    "held_ticket",
    metadata,
    Column("alert_id", BigInteger, ForeignKey("alert.id"), primary_key=True, autoincrement=False),
    Column("held_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
)
