"""Business indicators from a feed of its own: a SELECT, or rows of CSV or JSON in a file or behind HTTP.

Each row is one value of one declared indicator for one business day. Its sample stands at the last millisecond of that day in the
feed's time zone and cut-off (at `now` while the day still runs), or at the instant of a timestamp column. Emits the
declared indicators, and of the feed itself `business.feed.rows`, `business.feed.rows_refused`, and
`business.feed.days_behind` (complete business days that should be there and are not). A refused row is counted in the notes.
Silence means that the feed cannot be read at all.
"""

from __future__ import annotations

import csv
import io as text_io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from collectors.bounded import http, sql
from collectors.bounded.limits import MAX_BYTES, MAX_SAMPLES, refuse_flood
from collectors.errors import CollectError
from collectors.io import Io
from collectors.reading import Reading
from core.model import Indicator, Kind, Sample, instant_ms, labels_of
from core.money import exponent

NOON = time(12)
LAST_MOMENT = timedelta(milliseconds=1)  # a day's value stands inside the day, so its hour's roll-up ends with it
RESTATES = True
"""Each run brings the values of earlier business days again, corrected or not; they take the place of those before."""


class Measure(BaseModel):
    """One indicator that the feed brings."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_.]*$", description="Name, as the feed's indicator column has it")
    unit: str = Field("1", description="Its unit, such as s, 1, fen")
    kind: Kind = Field(Kind.GAUGE, description="gauge, counter, ratio or money")
    currency: str = Field("", pattern="^([A-Z]{3})?$", description="Currency of a money indicator: CNY")
    given_in: Literal["major", "minor"] = Field("major", description="Whether the feed counts in yuan or in fen")
    description: str = Field("", description="What it says, for people")
    owner: str = Field("", description="Who answers for it")

    @model_validator(mode="after")
    def _money_has_a_currency(self) -> Measure:
        if (self.kind is Kind.MONEY) != bool(self.currency):
            raise ValueError("a money indicator needs its currency, and no other has one")
        if self.currency:
            exponent(self.currency)  # an unknown currency has no minor unit to count in
        return self


class SqlFeed(sql.Access, sql.Select):
    """Rows of a SELECT, read in a read-only session."""

    kind: Literal["sql"] = Field(description="sql")
    timeout_s: float = Field(30, gt=0, description="The server stops the statement after this long")


class FileFeed(BaseModel):
    """Rows of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Literal["file"] = Field(description="file")
    path: Path = Field(description="The file; a relative one lies in the console's home folder")
    format: Literal["csv", "json"] = Field("csv", description="csv or json")
    encoding: str = Field("utf-8-sig", description="Encoding of a CSV, such as utf-8-sig or gb18030")
    delimiter: str = Field(",", min_length=1, max_length=1, description="Character between the columns of a CSV")
    rows: str = Field("", description="Dotted path to the list of rows in a JSON; empty when it is the list itself")


class HttpFeed(http.Access):
    """Rows of a file behind HTTP."""

    kind: Literal["http"] = Field(description="http")
    format: Literal["csv", "json"] = Field("json", description="csv or json")
    encoding: str = Field("utf-8-sig", description="Encoding of a CSV, such as utf-8-sig or gb18030")
    delimiter: str = Field(",", min_length=1, max_length=1, description="Character between the columns of a CSV")
    rows: str = Field("", description="Dotted path to the list of rows in a JSON; empty when it is the list itself")


class Config(BaseModel):
    """A feed, what it brings, and its business day."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    feed: Annotated[SqlFeed | FileFeed | HttpFeed, Field(discriminator="kind", description="Where the rows come from")]
    indicators: list[Measure] = Field(min_length=1, description="The indicators it brings; other rows are refused")
    indicator_column: str = Field("indicator", description="Column of the name; unused with a single indicator")
    value_column: str = Field("value", description="Column of the value")
    day_column: str = Field("business_day", description="Column of the business day: 2026-03-31 or 20260331")
    at_column: str = Field("", description="Column of an ISO 8601 instant to take in place of the business day")
    labels: list[str] = Field([], description="Columns that become labels: channel, city, ...")
    time_zone: str = Field("Asia/Shanghai", description="Time zone of the business day")
    cut_off: time = Field(
        time(0), description="When a business day ends: before noon on the day after, from noon on on the day itself"
    )
    late_after_s: float = Field(6 * 3600, ge=0, description="How long after its end a day's rows may take to come")
    history_days: int = Field(31, ge=1, le=3700, description="Rows of business days longer ago are passed over")

    @field_validator("time_zone")
    @classmethod
    def _is_time_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            raise ValueError(f"{name} is no time zone; write Asia/Shanghai") from None
        return name


INDICATORS: tuple[Indicator, ...] = (
    Indicator("business.feed.rows", "1", Kind.GAUGE, "feed", "Rows that the feed brought and that were taken"),
    Indicator("business.feed.rows_refused", "1", Kind.GAUGE, "feed", "Rows that were refused"),
    Indicator("business.feed.days_behind", "1", Kind.GAUGE, "feed", "Complete business days that are missing"),
)


@dataclass(frozen=True)
class Raw:
    """The rows as text, or the body they are in."""

    config: Config
    rows: tuple[Mapping[str, str], ...] = ()
    body: bytes | None = None
    cut: bool = False


def fetch(config: Config, io: Io) -> Raw:
    """Read the feed once. Raises CollectError when it cannot be read."""
    feed = config.feed
    if isinstance(feed, SqlFeed):
        wanted = columns(config)
        with sql.session(feed, io) as session:
            found, cut = session.configured_rows(feed.sql, wanted, feed.timeout_s)
        rows = (dict(zip(wanted, ("" if text is None else text for text in row), strict=True)) for row in found)
        return Raw(config, tuple(rows), cut=cut)
    if isinstance(feed, HttpFeed):
        reply = http.get(feed, io, redirects=3)
        if reply.status != 200:
            raise CollectError(f"the feed {feed.url} answered {reply.status}")
        return Raw(config, body=reply.body)
    path = io.path(feed.path)
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as fault:
        raise CollectError(f"the feed {path} cannot be read: {fault.strerror}") from fault
    refuse_flood(len(body), f"the feed {path}")
    return Raw(config, body=body)


def columns(config: Config) -> list[str]:
    """The columns that a feed must have."""
    name = [config.indicator_column] if len(config.indicators) > 1 else []
    return [*name, config.value_column, config.at_column or config.day_column, *config.labels]


def parse(raw: Raw, now: datetime) -> Reading:
    """Samples of one feed; each row that cannot be taken is refused and counted by its reason.

    Raises CollectError when the feed as a whole is not what its format says.
    """
    config = raw.config
    rows = raw.rows if raw.body is None else rows_of(config, raw.body)
    samples: list[Sample] = []
    refused: Counter[str] = Counter()
    newest: date | None = None
    for row in rows:
        try:
            sample, day = sample_of(config, row, now)
        except ValueError as fault:
            refused[str(fault)] += 1
            continue
        newest = max(day, newest or day)
        if (business_day_of(config, now) - day).days <= config.history_days:
            samples.append(sample)
    notes = [f"{count:,} rows refused: {why}" for why, count in refused.most_common(20)]
    if raw.cut:
        notes.append(f"only the first {sql.MAX_ROWS:,} rows of the SELECT are taken")
    at_ms = instant_ms(now)
    values = {"rows": len(samples), "rows_refused": sum(refused.values())}
    if newest is not None:
        due = last_due_day(config, now)
        values["days_behind"] = max(0, (due - newest).days)
        if newest < due:
            notes.append(f"the feed is late: its newest business day is {newest}, and {due} should be there")
    samples += [Sample(f"business.feed.{name}", value, at_ms) for name, value in values.items()]
    declared = tuple(Indicator(m.name, m.unit, m.kind, "business", m.description, m.owner) for m in config.indicators)
    return Reading(samples, tuple(notes), declared)


def rows_of(config: Config, body: bytes) -> list[dict[str, str]]:
    """The rows of a CSV or JSON, every value as text. Raises CollectError when it is neither or lacks a column."""
    feed = config.feed
    assert not isinstance(feed, SqlFeed)  # noqa: S101 - only files have a body
    try:
        if feed.format == "csv":
            reader = csv.DictReader(text_io.StringIO(body.decode(feed.encoding), newline=""), delimiter=feed.delimiter)
            missing = [name for name in columns(config) if name not in (reader.fieldnames or ())]
            if missing:
                raise CollectError(f"the feed has no column {', '.join(missing)}")
            rows = [{name: text or "" for name, text in row.items() if name is not None} for row in reader]
        else:
            found: Any = json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
            for key in filter(None, feed.rows.split(".")):
                found = found[key]
            if not isinstance(found, list):
                raise TypeError("there is no list of rows")
            rows = [{str(k): "" if v is None else str(v) for k, v in dict(row).items()} for row in found]
    except (ValueError, LookupError, TypeError, csv.Error, RecursionError) as fault:
        raise CollectError(f"the feed is not {feed.format.upper()} as declared: {str(fault)[:120]}") from fault
    if len(rows) > MAX_SAMPLES:
        raise CollectError(f"the feed has {len(rows):,} rows; a probe may bring {MAX_SAMPLES:,}")
    return rows


def sample_of(config: Config, row: Mapping[str, str], now: datetime) -> tuple[Sample, date]:
    """The sample of one row and its business day. Raises ValueError with the reason for which it is refused."""
    measures = {measure.name: measure for measure in config.indicators}
    if len(measures) > 1 and row.get(config.indicator_column) not in measures:
        raise ValueError("its indicator is not declared")
    measure = config.indicators[0] if len(measures) == 1 else measures[row[config.indicator_column]]
    at, day = instant_of(config, row, now)
    labels = {name: row.get(name, "") for name in config.labels}
    if measure.currency:
        labels["currency"] = measure.currency
    return Sample(
        measure.name, value_of(measure, row.get(config.value_column, "")), instant_ms(at), labels_of(labels)
    ), day


def value_of(measure: Measure, text: str) -> float:
    """The value; money in whole minor units. Raises ValueError when it is no finite number or has too many digits."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError("its value is not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > 300:
        raise ValueError("its value is not a finite number")
    if measure.kind is not Kind.MONEY:
        return float(number)
    minor = number.scaleb(exponent(measure.currency)) if measure.given_in == "major" else number
    if minor != minor.to_integral_value() or abs(minor) >= 2**53:
        raise ValueError("its value is not a whole number of the currency's minor units")
    return int(minor)


def instant_of(config: Config, row: Mapping[str, str], now: datetime) -> tuple[datetime, date]:
    """Where the sample of a row stands in time, and its business day. Raises ValueError when it lies in the future."""
    if config.at_column:
        try:
            at = datetime.fromisoformat(row.get(config.at_column, "").strip())
        except ValueError:
            raise ValueError("its instant is not ISO 8601") from None
        at = (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(config.time_zone))).astimezone(UTC)
        if at > now:
            raise ValueError("its instant lies in the future")
        return at, business_day_of(config, at)
    try:
        day = date.fromisoformat(row.get(config.day_column, "").strip()[:10])
    except ValueError:
        raise ValueError("its business day is not a date") from None
    if day > business_day_of(config, now):
        raise ValueError("its business day lies in the future")
    return min(end_of(config, day) - LAST_MOMENT, now), day


def end_of(config: Config, business_day: date) -> datetime:
    """The instant at which a business day ends, UTC."""
    on = business_day if config.cut_off >= NOON else business_day + timedelta(days=1)
    return datetime.combine(on, config.cut_off, ZoneInfo(config.time_zone)).astimezone(UTC)


def business_day_of(config: Config, at: datetime) -> date:
    """The business day that runs at this instant."""
    day = at.astimezone(ZoneInfo(config.time_zone)).date() - timedelta(days=1)
    while end_of(config, day) <= at:
        day += timedelta(days=1)
    return day


def last_due_day(config: Config, now: datetime) -> date:
    """The newest business day whose rows should have come by now."""
    return business_day_of(config, now - timedelta(seconds=config.late_after_s)) - timedelta(days=1)
