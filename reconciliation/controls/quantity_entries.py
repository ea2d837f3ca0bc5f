"""The quantities of an equation as they are written: where each gets its number for a business day."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from core.duration import Duration, show_duration
from core.fields import Part
from core.secrets import SecretRef
from reconciliation.controls.fields import DatedPath, Exact, FileName
from reconciliation.controls.formula import FormulaError, parse

WAYS = ("file", "sql", "cdr_headers", "run", "value", "derived")


class Condition(Part):
    """What a row's cell must be to count; a bare value means equality, a list means any of it."""

    equals: str | None = Field(default=None, description="Exactly this text.")
    unlike: str | None = Field(default=None, alias="not", description="Any other text.")
    any_of: tuple[str, ...] | None = Field(default=None, min_length=1, description="One of these texts.")
    at_least: Exact | None = Field(default=None, description="A number, this or more.")
    at_most: Exact | None = Field(default=None, description="A number, this or less.")
    older_than: Duration | None = Field(
        default=None, description="The cell is a date or an instant that lies longer before the business day's end."
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return {"equals": str(value).lower()}
        if isinstance(value, str | int):
            return {"equals": str(value)}
        if isinstance(value, list):
            return {"any_of": [str(choice) for choice in value]}
        return value

    @model_validator(mode="after")
    def _something(self) -> Condition:
        if not self.model_fields_set:
            raise ValueError("give a value, or one of equals, not, any_of, at_least, at_most, older_than")
        return self

    @property
    def words(self) -> str:
        """The condition as it follows on a column's name: `is data`, `at most 15`."""
        parts = {
            "is": self.equals,
            "is not": self.unlike,
            "is one of": None if self.any_of is None else ", ".join(self.any_of),
            "at least": self.at_least,
            "at most": self.at_most,
            "older than": None if self.older_than is None else show_duration(self.older_than),
        }
        return " and ".join(f"{words} {value}" for words, value in parts.items() if value is not None)


class FileTotal(Part):
    """A figure of one or more CSV or Parquet files: `count: true`, or a total of one column."""

    path: DatedPath = Field(description="Relative to the home folder; {day} is filled in, * and ? match names.")
    source: Literal["table", "standard"] = Field(
        default="table", description="standard: the columns are those of the standard record, and checked as such."
    )
    count: Literal[True] | None = Field(default=None, description="The rows.")
    sum: str | None = Field(default=None, description="The sum of a column.")
    each: str | None = Field(
        default=None, description="The sum over the rows of a formula of columns, such as abs(opening - closing)."
    )
    distinct: str | None = Field(default=None, description="How many different values a column has.")
    gaps: str | None = Field(
        default=None, description="Whole numbers that a column lacks between its least and largest."
    )
    percentile: int | None = Field(default=None, ge=1, le=100, description="Of the column `of`, by nearest rank.")
    of: str | None = Field(default=None, description="The column of `percentile`.")
    where: dict[str, Condition] = Field(default={}, description="Only rows whose cells are so.")

    @model_validator(mode="after")
    def _one(self) -> FileTotal:
        given = (self.count, self.sum, self.each, self.distinct, self.gaps, self.percentile)
        if sum(choice is not None for choice in given) != 1:
            raise ValueError("give one of count: true, sum, each, distinct, gaps and percentile")
        if (self.percentile is None) != (self.of is None):
            raise ValueError("percentile and of belong together: percentile: 95, of: COLUMN")
        return self

    @field_validator("each")
    @classmethod
    def _is_formula(cls, text: str | None) -> str | None:
        try:
            if text is not None:
                parse(text)
        except FormulaError as error:
            raise ValueError(str(error)) from None
        return text

    @property
    def column(self) -> str | None:
        """The column that is totalled; none when rows are counted."""
        return self.sum or self.distinct or self.gaps or self.of

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it names."""
        summed = parse(self.each).names if self.each else (self.column,) if self.column else ()
        return (*summed, *self.where)


class SqlNumber(Part):
    """One number that a database gives in a session that cannot write; `:business_day` is bound."""

    url: SecretRef = Field(description="Where the database's URL with its account is kept: env:NAME or file:PATH.")
    query: str = Field(min_length=1, max_length=20_000, description="One SELECT of one row with one number.")
    timeout: Duration = Field(default=timedelta(seconds=60), description="After which the server stops it.")

    @field_validator("query")
    @classmethod
    def _is_one_select(cls, query: str) -> str:
        bare = query.strip().removesuffix(";").rstrip()
        if not re.match(r"(SELECT|WITH)\b", bare, re.IGNORECASE):
            raise ValueError("only a SELECT is allowed, and it must begin with SELECT or WITH")
        if ";" in bare:
            raise ValueError("only one statement is allowed, so no semicolon, not even in a string")
        if "/*!" in bare or "/*M!" in bare or "\0" in bare:
            raise ValueError("comments that MySQL executes (/*! ... */) are not allowed")
        return bare

    @field_validator("timeout")
    @classmethod
    def _bounded(cls, timeout: timedelta) -> timedelta:
        if not timedelta(milliseconds=100) <= timeout <= timedelta(hours=1):
            raise ValueError("timeout must lie between 100ms and 1h")
        return timeout


class CdrHeaders(Part):
    """What the headers of charging files (3GPP TS 32.297) say together."""

    path: DatedPath = Field(description="Relative to the home folder, such as cdr/{day}/*.dat.")
    take: Literal["cdrs", "lost", "files", "missing"] = Field(
        description="cdrs, lost (as the headers state them), files, missing (sequence numbers between those found)."
    )


class RunField(Part):
    """A number of another control's certificate of the same business day."""

    control: FileName = Field(description="The other control; its run of the same business day must be there.")
    take: str = Field(
        pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_-]+)*$",
        description="The field, names joined by points: classes.matched.count",
    )
    absent_is_zero: bool = Field(
        default=False, description="A class that the certificate does not name has no break: the field is 0 then."
    )

    @model_validator(mode="after")
    def _only_classes(self) -> RunField:
        if self.absent_is_zero and not re.fullmatch(r"classes\.\w+\.(count|at_risk_minor)", self.take):
            raise ValueError("absent_is_zero is only for classes.NAME.count and classes.NAME.at_risk_minor")
        return self

    @property
    def class_name(self) -> str | None:
        """The class whose count or money is taken, if that is what is taken."""
        names = self.take.split(".")
        return names[1] if names[0] == "classes" and len(names) > 1 else None


class QuantityEntry(Part):
    """One quantity: its unit, and exactly one way to get its number."""

    unit: str | None = Field(default=None, min_length=1, max_length=60, description="Required unless it is derived.")
    file: FileTotal | None = Field(default=None, description="A figure of a file.")
    sql: SqlNumber | None = Field(default=None, description="A number from a database.")
    cdr_headers: CdrHeaders | None = Field(default=None, description="A figure of the headers of charging files.")
    run: RunField | None = Field(default=None, description="A number of another control's run.")
    value: Exact | None = Field(default=None, description="A constant, such as an agreed rate.")
    derived: str | None = Field(default=None, alias="is", min_length=1, description="A formula of other quantities.")

    @model_validator(mode="after")
    def _one(self) -> QuantityEntry:
        if sum(getattr(self, way) is not None for way in WAYS) != 1:
            raise ValueError("give one of file, sql, cdr_headers, run, value and is")
        if self.unit is None and self.derived is None:
            raise ValueError('unit is missing; write "1" for a plain count')
        return self
