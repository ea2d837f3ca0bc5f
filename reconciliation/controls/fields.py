"""The kinds of value that a control's file is made of, each with a sentence for what it is not."""

from __future__ import annotations

import re
from datetime import time
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

LARGEST: int = 2**63 - 1
DAY = "{day}"
PREVIOUS_DAY = "{previous_day}"
_BRACES = re.compile(r"\{[^}]*\}?|\}")


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


def _dated(path: str) -> str:
    places = _BRACES.findall(path)
    stray = [place for place in places if place not in (DAY, PREVIOUS_DAY)]
    if stray:
        raise ValueError(f"the path holds {stray[0]}; only {DAY} and {PREVIOUS_DAY} are filled in")
    if not places:
        raise ValueError(f"the path must hold {DAY}, or every day would read the same file")
    return path


def _number(value: Any) -> Any:
    """A plain number, exactly: the text of it, a whole number, or a float by its shortest text (0.1 is 0.1)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("a number is expected, such as 5 or 0.999")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number; write one such as 5 or 0.999") from None
    if not number.is_finite() or abs(number) > LARGEST or number.as_tuple().exponent < -18:  # type: ignore[operator]
        raise ValueError(f"{value!r} is beyond 64 bits or has more than 18 digits after the point")
    return number


Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^\w[\w .:@-]*$")]
FileName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
"""A control's name: it names its file, its folder of results and its target."""
Identifier = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""The name of a quantity or of a party: letters, digits and _ ."""
LabelName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=60)]
TimeZone = Annotated[str, AfterValidator(_zone)]
LocalTime = Annotated[time, BeforeValidator(_clock_time), AfterValidator(_local)]
DatedPath = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_dated)]
Exact = Annotated[Decimal, BeforeValidator(_number)]
"""A number as it is written, never a float."""
Minor = Annotated[int, Field(ge=0, le=LARGEST, strict=True)]
"""An amount of 0 or more in minor units, within 64 bits."""
