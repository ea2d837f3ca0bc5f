"""The kinds of value that a control's file is made of, each with a sentence for what it is not."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

LARGEST: int = 2**63 - 1
DAY = "{day}"
PREVIOUS_DAY = "{previous_day}"
_BRACES = re.compile(r"\{[^}]*\}?|\}")


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
DatedPath = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_dated)]
Exact = Annotated[Decimal, BeforeValidator(_number)]
"""A number as it is written, never a float."""
Minor = Annotated[int, Field(ge=0, le=LARGEST, strict=True)]
"""An amount of 0 or more in minor units, within 64 bits."""
