"""What is watched, what was measured, and what was judged of it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from core.store.tables.base import Instant, Json, RowId, metadata

target = Table(
    "target",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("labels", Json, nullable=False),
    Column("site", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("runs_on", Json, nullable=False),
    Column("depends_on", Json, nullable=False),
    Column("demo", Boolean, nullable=False),
    Column("retired_at", Instant),  # no longer in the configuration; its history stays
)

indicator = Table(
    "indicator",
    metadata,
    Column("name", Text, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("owner", Text, nullable=False),
)

series = Table(
    "series",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("target_id", BigInteger, ForeignKey("target.id"), nullable=False),
    Column("indicator", Text, nullable=False, index=True),
    Column("labels", Json, nullable=False),  # object of label names to values
    Column("probe", Text, nullable=False, index=True),  # key of the probe that brings it
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("target_id", "indicator", "labels"),
)

sample = Table(
    "sample",
    metadata,
    Column("series_id", RowId, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Double, nullable=False),
    sqlite_with_rowid=False,
)

rollup = Table(
    "rollup",
    metadata,
    Column("series_id", RowId, primary_key=True, autoincrement=False),
    Column("step_s", Integer, primary_key=True, autoincrement=False),  # 300, 3600 or 86400
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),  # start of the step
    Column("min", Double, nullable=False),
    Column("max", Double, nullable=False),
    Column("sum", Double, nullable=False),
    Column("count", Integer, nullable=False),
    Column("last", Double, nullable=False),
    sqlite_with_rowid=False,
)

check_result = Table(
    "check_result",
    metadata,
    Column("check_name", Text, primary_key=True),
    Column("series_id", BigInteger, ForeignKey("series.id"), primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("held", Text, nullable=False),  # the latest status that was not UNKNOWN
    Column("value", Double),
    Column("reason", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),  # instant of the latest change of status
    Index("ix_check_result_series_id", "series_id"),
    Index("ix_check_result_status", "status"),
)

transition = Table(
    "transition",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("check_name", Text, nullable=False),
    Column("series_id", BigInteger, ForeignKey("series.id"), nullable=False),
    Column("old", Text, nullable=False),
    Column("new", Text, nullable=False),
    Column("value", Double),
    Column("reason", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_transition_series_id_at_ms", "series_id", "at_ms"),
    Index("ix_transition_at_ms", "at_ms"),
)

probe_state = Table(
    "probe_state",
    metadata,
    Column("probe", Text, primary_key=True),  # Probe.key
    Column("target", Text, nullable=False),
    Column("collector", Text, nullable=False),
    Column("every_s", Float, nullable=False),
    Column("last_started_at", Instant),
    Column("last_took_s", Float),
    Column("last_success_at", Instant),
    Column("error", Text),  # why the latest run brought nothing; null after a success
    Column("notes", Text),  # what the latest run had to leave out
    Column("runs", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),  # fired while its previous run was still going on
    Column("samples", BigInteger, nullable=False),
)

refusal = Table(
    "refusal",
    metadata,
    Column("probe", Text, primary_key=True),  # or `push:NAME`, who pushed alerts
    Column("reason", Text, primary_key=True),  # nan, infinite, future, out_of_order, too_old, too_many_series
    Column("count", BigInteger, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("example", Text, nullable=False),
)

pulse = Table(
    "pulse",
    metadata,
    Column("name", Text, primary_key=True),  # `pipeline`: the latest sign of life of the one that leads
    Column("at", Instant, nullable=False),
    Column("detail", Json, nullable=False),  # queue_depth, batches, samples, skipped, ...
)
