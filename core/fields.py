"""Kinds of value that configuration files are made of, each with a sentence for what it is not."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Part(BaseModel):
    """Refuses names it does not know: a misspelt setting is a fault, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; write one like Asia/Shanghai or UTC") from error
    return name


def _clock_time(value: Any) -> Any:
    if isinstance(value, int | float):
        raise ValueError('put the time in quotes, like "09:30"; without them YAML reads a number')
    return value


def _local(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("a local time has no zone of its own; the calendar's `timezone` is meant")
    return value


LabelName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=60)]
TimeZone = Annotated[str, AfterValidator(_zone)]
LocalTime = Annotated[time, BeforeValidator(_clock_time), AfterValidator(_local)]
