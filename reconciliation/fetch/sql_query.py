"""A SELECT on a party's database as that party's file: a standard CSV with its manifest.

The query may bind `:business_day` (ISO text, which compares with dates and with texts) and nothing else. It runs in a
session that cannot write and is streamed, so that the size of the answer is the database's affair. The rows are sorted by
the database, by the bytes of record_id and then of every other column, whatever order the query asks for: the same rows
give the same file, byte for byte. A query without rows brings nothing, unless the day may be empty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator

from core.duration import Duration, parse_duration
from core.secrets import SecretRef
from reconciliation.fetch import Fetched, FetchError, TimeLimit, secret
from reconciliation.fetch import part as parts
from reconciliation.standard_record import COLUMNS, REQUIRED, manifest_path, write

if TYPE_CHECKING:
    import sqlalchemy as sa

BATCH: Final = 5_000
BIND: Final = "business_day"


class Config(BaseModel):
    """Which database is asked, and what."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretRef = Field(
        description="Where the URL is kept (env:NAME or file:PATH): postgresql://user:password@host/database,"
        " mysql://... (MariaDB too) or sqlite:///file; the account needs to read and nothing else"
    )
    query: str = Field(description="One SELECT (or WITH ... SELECT) of a day's records; it uses :business_day")
    columns: dict[str, str] = Field(
        {}, description="Column of the query by column of the standard record, where the names differ"
    )
    timezone: str = Field("Asia/Shanghai", description="Zone of the times that the database keeps without one")
    may_be_empty: bool = Field(False, description="Whether no rows is a file without rows; else nothing is there yet")
    max_rows: int = Field(50_000_000, ge=1, description="A larger answer is refused")
    timeout: Duration = Field(parse_duration("30m"), description="Limit of the whole query")

    @field_validator("query")
    @classmethod
    def _is_one_select(cls, query: str) -> str:
        import sqlalchemy as sa

        from core.read_only_sql import not_a_select

        fault = not_a_select(query)
        if fault:
            raise ValueError(fault)
        bare = query.strip().rstrip(";")
        bound = set(sa.text(bare).compile().params)
        if BIND not in bound:
            raise ValueError("the query must use :business_day, or every day would have the same rows")
        if bound != {BIND}:
            others = ", ".join(f":{name}" for name in sorted(bound - {BIND}))
            raise ValueError(f"the query may bind :business_day alone, not {others}; write \\: for a colon in a text")
        return bare

    @field_validator("columns")
    @classmethod
    def _are_of_the_standard(cls, columns: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(columns) - set(COLUMNS))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no column of the standard record; they are {', '.join(COLUMNS)}")
        return columns

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is no time zone; write Asia/Shanghai")
        return name


def fetch(config: Config, business_day: date, target: Path, *, party: str = "", home: Path = Path()) -> Fetched | None:
    """Write the day's rows as `target` with its manifest; None while the query has no rows.

    Raises FetchError when the database cannot be reached, refuses the query, lacks a column, or the time is over.
    """
    import sqlalchemy as sa

    from core.read_only_sql import opened, reason

    limit = TimeLimit(config.timeout.total_seconds())
    name = f"the query of {party or target.name} for {business_day}"
    url = secret(config.url)
    try:
        with opened(url, limit.left_s(name), home) as connection:
            chosen = _columns(connection, config, business_day, name)
            rows = _rows(connection, config, business_day, chosen, limit, name)
            return _write(config, business_day, target, party, rows, name)
    except (sa.exc.SQLAlchemyError, FileNotFoundError, ValueError, UnicodeError) as fault:
        limit.left_s(name)
        lasting = isinstance(fault, sa.exc.ProgrammingError | sa.exc.ArgumentError | ValueError)
        words = "its url is no database URL" if isinstance(fault, sa.exc.ArgumentError) else reason(fault)
        raise FetchError(f"{name} failed: {words}", retryable=not lasting) from fault


def _columns(connection: sa.Connection, config: Config, business_day: date, name: str) -> Mapping[str, str]:
    """Column of the query by column of the standard record. Raises FetchError when one is missing."""
    empty = _statement(f"select * from (\n{config.query}\n) as q where 1 = 0", business_day)  # noqa: S608 - gated
    there = tuple(connection.execute(empty).keys())
    chosen = {standard: config.columns.get(standard, standard) for standard in COLUMNS}
    missing = [
        chosen[standard]
        for standard in COLUMNS
        if chosen[standard] not in there
        and (standard in config.columns or (standard in REQUIRED and standard != "business_day"))
    ]
    if missing:
        raise FetchError(
            f"{name} has no column {', '.join(missing)}; it has {', '.join(there)}: name them in `columns`, or select"
            " them under the names of the standard record",
            retryable=False,
        )
    return {standard: column for standard, column in chosen.items() if column in there}


def _rows(
    connection: sa.Connection,
    config: Config,
    business_day: date,
    chosen: Mapping[str, str],
    limit: TimeLimit,
    name: str,
) -> Iterator[Mapping[str, object]]:
    """The rows as the standard record has them, in the order of their bytes."""
    zone = ZoneInfo(config.timezone)
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.text_factory = _as_text
    wanted = _statement(_sorted(connection, config.query, tuple(chosen.values())), business_day)
    count = 0
    for batch in connection.execute(wanted).yield_per(BATCH).partitions():
        limit.left_s(name)
        count += len(batch)
        if count > config.max_rows:
            raise FetchError(
                f"{name} has more than {config.max_rows:,} rows; is it the right query? If so, raise max_rows",
                retryable=False,
            )
        for values in batch:
            row = {column: _cell(value, column, zone) for column, value in zip(chosen, values, strict=True)}
            row.setdefault("business_day", business_day.isoformat())
            yield row


def _statement(sql: str, business_day: date) -> sa.TextClause:
    """With the day bound as a text without a type, which the database takes for a date or a text as it needs."""
    import sqlalchemy as sa

    return sa.text(sql).bindparams(sa.bindparam(BIND, business_day.isoformat(), type_=sa.types.NullType()))


def _sorted(connection: sa.Connection, query: str, columns: Sequence[str]) -> str:
    quote = connection.dialect.identifier_preparer.quote
    as_bytes = {
        "postgresql": 'cast(q.{} as text) collate "C"',
        "sqlite": "cast(q.{} as text) collate binary",
    }.get(connection.dialect.name, "cast(q.{} as binary)")
    chosen = ", ".join(f"q.{quote(column)}" for column in columns)
    order = ", ".join(as_bytes.format(quote(column)) for column in columns)
    return f"select {chosen} from (\n{query}\n) as q order by {order}"  # noqa: S608 - gated


def _cell(value: Any, column: str, zone: ZoneInfo) -> object:
    """A value of the database as a cell; what cannot be understood is written as it is, and judged with its row."""
    if isinstance(value, bytes):
        value = _as_text(value)
    if column == "occurred_at" and isinstance(value, str):
        value = _instant(value)
    if isinstance(value, datetime):
        local = value.replace(tzinfo=zone) if value.tzinfo is None else value.astimezone(zone)
        return local.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return str(int(value)) if value == value.to_integral_value() else f"{value:f}"
    return value


def _as_text(value: bytes) -> str:
    """A text, in which bytes that are no UTF-8 stay, so that its row is set aside and the others go on."""
    return value.decode("utf-8", "surrogateescape")


def _instant(text: str) -> datetime | str:
    """A time that a database without a type for it keeps as text; another text stays what it is."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _write(
    config: Config,
    business_day: date,
    target: Path,
    party: str,
    rows: Iterator[Mapping[str, object]],
    name: str,
) -> Fetched | None:
    first = next(rows, None)
    if first is None and not config.may_be_empty:
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    with parts.own(target, name):
        part = parts.part_path(target)
        stated = write(part, party, business_day, _from(first, rows))
        manifest = stated.read_bytes()
        stated.unlink()
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = part.stat().st_size
        place = manifest_path(target)
        same = target.is_file() and place.is_file() and place.read_bytes() == manifest and _digest(target) == digest
        if same:
            part.unlink()
        else:
            parts.take_place(target, {"query": name}, digest, manifest)
    return Fetched(target, size, digest, None, place, changed=not same)


def _from(first: Mapping[str, object] | None, rest: Iterator[Mapping[str, object]]) -> Iterator[Mapping[str, object]]:
    if first is not None:
        yield first
    yield from rest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
