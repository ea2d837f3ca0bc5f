"""Lengths of time as people write them in files: `30s`, `5m`, `1h30m`, `7d`, `250ms` (the notation of Prometheus)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

UNITS = {
    "y": timedelta(days=365),
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
WHOLE = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)


def parse_duration(text: object) -> timedelta:
    """The length that `text` writes; a bare 0 is allowed. Raises ValueError with a sentence when it writes none."""
    if isinstance(text, timedelta):
        return text
    if text in (0, "0") and not isinstance(text, bool):
        return timedelta()
    match = WHOLE.fullmatch(text) if isinstance(text, str) else None
    if not text or match is None:
        raise ValueError(f"{text!r} is not a length of time; write it like 30s, 5m, 1h30m or 7d")
    parts = zip(UNITS.values(), match.groups(), strict=True)
    try:
        return sum((unit * int(count) for unit, count in parts if count), timedelta())
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{str(text)[:40]!r} is longer than any clock here can count") from error


def show_duration(length: timedelta) -> str:
    """The shortest text that `parse_duration` reads back as the same length (to the millisecond)."""
    rest = length // UNITS["ms"]
    text = ""
    for unit in ("d", "h", "m", "s", "ms"):
        size = UNITS[unit] // UNITS["ms"]
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=str),
    PlainSerializer(show_duration, return_type=str),
]
"""A pydantic field that reads and writes such a text."""
