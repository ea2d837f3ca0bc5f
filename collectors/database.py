"""A database seen from outside: reachable, fast, how busy, what waits, how large; and configured SELECTs as indicators.

Emits `database.connect_s`, `database.query_s` (the smallest SELECT), `database.sessions` (label state), `database.sessions_max`,
`database.locks_waiting`, `database.size_bytes` (label database), `database.slow_statements` and
`database.slowest_statement_s`, `database.replication_lag_s` on a replica, and one sample for each row of a configured
SELECT. SQLite has no sessions, so it brings latency, size and the configured ones. Silence of all means that the
database cannot be opened; of one, that the account may not see it (noted) or that it does not apply.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from collectors.bounded import sql
from collectors.errors import CollectError
from collectors.io import Io
from collectors.reading import Reading
from core.model import Indicator, Kind, Sample, instant_ms, labels_of


class Query(sql.Select):
    """A SELECT of one's own whose rows become samples."""

    indicator: str = Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_.]*$", description="Name of the indicator it measures")
    unit: str = Field("1", description="Its unit, such as s, By, 1, fen")
    kind: Kind = Field(Kind.GAUGE, description="gauge, counter, ratio or money")
    value: str = Field("value", description="Column of the value")
    labels: list[str] = Field([], description="Columns that become labels")
    description: str = Field("", description="What it says, for people")
    owner: str = Field("", description="Who answers for it")
    timeout_s: float = Field(5, gt=0, description="The server stops the statement after this long")


class Config(sql.Access):
    """The database, and what else to ask it."""

    slow_after_s: float = Field(5, gt=0, description="A statement that runs longer than this counts as slow")
    queries: list[Query] = Field([], description="Configured SELECTs as indicators")


def _database(name: str, unit: str, description: str) -> Indicator:
    return Indicator(f"database.{name}", unit, Kind.GAUGE, "database", description)


INDICATORS: tuple[Indicator, ...] = (
    _database("connect_s", "s", "Time to connect and log in"),
    _database("query_s", "s", "Time of the smallest SELECT"),
    _database("sessions", "1", "Sessions of clients (label state)"),
    _database("sessions_max", "1", "Sessions that the server allows"),
    _database("sessions_used_ratio", "1", "Share of the allowed sessions that is taken"),
    _database("locks_waiting", "1", "Sessions that wait for a lock"),
    _database("size_bytes", "By", "Size of the database on disk (label database)"),
    _database("slow_statements", "1", "Statements that have been running longer than slow_after_s"),
    _database("slowest_statement_s", "s", "Running time of the statement that has been running longest"),
    _database("replication_lag_s", "s", "How far a replica is behind; absent on a primary"),
)

# Each part gives rows of (indicator, value, label value); {slow} is slow_after_s. A part the account may not read is noted.
PARTS: Mapping[str, Mapping[str, str]] = {
    "postgresql": {
        "sessions": "select 'sessions', count(*), coalesce(state, 'unknown') from pg_stat_activity"
        " where backend_type = 'client backend' and pid <> pg_backend_pid() group by state"
        " union all select 'sessions_max', setting::bigint, '' from pg_settings where name = 'max_connections'",
        "locks": "select 'locks_waiting', count(distinct pid), '' from pg_locks where not granted",
        "size": "select 'size_bytes', pg_database_size(current_database()), current_database()",
        "slow statements": "select 'slow_statements', count(*) filter (where age > {slow}), '' from age_of_statements"
        " union all select 'slowest_statement_s', coalesce(max(age), 0), '' from age_of_statements",
        "replication": "select 'replication_lag_s', case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()"
        " then 0 else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) end, ''"
        " where pg_is_in_recovery()",
    },
    "mysql": {
        "sessions": "select 'sessions', count(*), lower(command) from information_schema.processlist"
        " where id <> connection_id() and command not in ('Daemon', 'Binlog Dump') group by command"
        " union all select 'sessions_max', @@max_connections, ''",
        "locks": "select 'locks_waiting', count(*), '' from information_schema.innodb_trx"
        " where trx_state = 'LOCK WAIT'",
        "size": "select 'size_bytes', coalesce(sum(data_length + index_length), 0), coalesce(database(), '')"
        " from information_schema.tables where table_schema = database()",
        "slow statements": "select 'slow_statements', count(case when time > {slow} then 1 end), ''"
        " from information_schema.processlist where command in ('Query', 'Execute') and id <> connection_id()"
        " union all select 'slowest_statement_s', coalesce(max(time), 0), '' from information_schema.processlist"
        " where command in ('Query', 'Execute') and id <> connection_id()",
    },
    "sqlite": {
        "size": "select 'size_bytes', page_count * page_size, 'main' from pragma_page_count(), pragma_page_size()",
    },
}

PING = {
    "postgresql": "select 1",
    "mysql": "select 1",
    "sqlite": "select count(*) from sqlite_master",  # reads the file, which select 1 would not
}

AGE_OF_STATEMENTS = (
    "with age_of_statements as (select extract(epoch from clock_timestamp() - query_start) as age"
    " from pg_stat_activity where state = 'active' and backend_type = 'client backend' and pid <> pg_backend_pid()) "
)
LABEL = {"sessions": "state", "size_bytes": "database"}


class Answer(BaseModel):
    """What a configured SELECT brought."""

    model_config = ConfigDict(frozen=True)

    query: Query
    rows: list[sql.Row]
    cut: bool = False  # there were more rows than a probe takes


@dataclass(frozen=True)
class Raw:
    """Everything that was read, as text; a part that was refused is a note."""

    latency: Mapping[str, float]
    parts: tuple[sql.Row, ...]
    answers: tuple[Answer, ...] = ()
    notes: tuple[str, ...] = ()


def fetch(config: Config, io: Io) -> Raw:
    """Read the database once. Raises CollectError when it cannot be opened or does not answer the smallest SELECT."""
    notes: list[str] = []
    parts: list[sql.Row] = []
    answers: list[Answer] = []
    with sql.session(config, io) as session:
        started = time.perf_counter()
        session.rows(PING[session.vendor])
        latency = {"connect_s": session.connect_s, "query_s": time.perf_counter() - started}
        for name, statement in PARTS[session.vendor].items():
            prefix = AGE_OF_STATEMENTS if "age_of_statements" in statement else ""
            try:
                parts += session.rows(prefix + statement.replace("{slow}", f"{config.slow_after_s:f}"))
            except CollectError as fault:
                io.left_s(f"reading {session.where}")
                notes.append(f"{name}: {fault}")
        for query in config.queries:
            try:
                rows, cut = session.configured_rows(query.sql, [query.value, *query.labels], query.timeout_s)
                answers.append(Answer(query=query, rows=rows, cut=cut))
            except CollectError as fault:
                io.left_s(f"reading {session.where}")
                notes.append(f"{query.indicator}: {fault}")
    return Raw(latency, tuple(parts), tuple(answers), tuple(notes))


def parse(raw: Raw, now: datetime) -> Reading:
    """Samples of one reading; a row of a configured SELECT without a number is refused and counted."""
    at_ms = instant_ms(now)
    samples = [Sample(f"database.{name}", seconds, at_ms) for name, seconds in raw.latency.items()]
    for name, value, label in raw.parts:
        if name and value is not None:
            labels = labels_of({LABEL[name]: label or ""}) if name in LABEL else ()
            samples.append(Sample(f"database.{name}", float(value), at_ms, labels))
    sessions = sum(sample.value for sample in samples if sample.indicator == "database.sessions")
    for sample in [sample for sample in samples if sample.indicator == "database.sessions_max" and sample.value]:
        samples.append(Sample("database.sessions_used_ratio", min(1.0, sessions / sample.value), at_ms))
    notes = list(raw.notes)
    for answer in raw.answers:
        query, refused = answer.query, 0
        for value, *texts in answer.rows:
            number = as_number(value)
            if number is None:
                refused += 1
                continue
            pairs = labels_of({name: text or "" for name, text in zip(query.labels, texts, strict=True)})
            samples.append(Sample(query.indicator, number, at_ms, pairs))
        if refused:
            notes.append(f"{query.indicator}: {refused:,} rows have no number in the column {query.value}")
        if answer.cut:
            notes.append(f"{query.indicator}: only the first {sql.MAX_ROWS:,} rows are taken")
    declared = tuple(
        Indicator(query.indicator, query.unit, query.kind, "business", query.description, query.owner)
        for query in (answer.query for answer in raw.answers)
    )
    return Reading(samples, tuple(notes), declared)


def as_number(text: str | None) -> float | None:
    """The number that a column holds, or None when it holds none."""
    try:
        return float(text) if text is not None and "_" not in text else None
    except ValueError:
        return None
