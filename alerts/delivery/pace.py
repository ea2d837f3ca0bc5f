"""How often a channel may be used: `20/m` is twenty messages in any minute. The uses are rows, so a restart resets nothing.

A use is written before the message leaves, so a process that is killed in between counts one too many, never too few.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from sqlalchemy import Connection, delete, insert, select

from alerts.delivery.sending import Destination
from core.store.tables import channel_use

SPANS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
WRITTEN = re.compile(r"([1-9]\d{0,3})/([smh])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `count` messages in any `unit` (s, m or h)."""

    count: int
    unit: str

    @property
    def span(self) -> timedelta:
        """The length of time that the count is for."""
        return SPANS[self.unit]

    def __str__(self) -> str:
        return f"{self.count}/{self.unit}"


def parse_pace(text: Any) -> Pace:
    """The pace that `text` writes. Raises ValueError with a sentence when it writes none."""
    if isinstance(text, Pace):
        return text
    match = WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is no rate limit; write messages per s, m or h, such as 20/m")
    return Pace(int(match[1]), match[2])


RateLimit = Annotated[
    Pace,
    BeforeValidator(parse_pace),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[1-9]\d{0,3}/[smh]$"}),
]
"""A pydantic field that reads and writes such a text."""


def left(pace: Pace, uses: Sequence[datetime], now: datetime) -> tuple[int, datetime]:
    """How many messages may leave now, and when the next one may; `uses` are the earlier ones in any order."""
    recent = sorted(at for at in uses if at > now - pace.span)
    free = pace.count - len(recent)
    return (free, now) if free > 0 else (0, recent[-pace.count] + pace.span)


def uses_of(connection: Connection, destination: Destination, span: timedelta, now: datetime) -> list[datetime]:
    """When the destination was used within the last span; older uses are forgotten."""
    place = _place(destination)
    connection.execute(delete(channel_use).where(*place, channel_use.c.at <= now - span))
    return list(connection.scalars(select(channel_use.c.at).where(*place)))


def use(connection: Connection, destination: Destination, now: datetime) -> None:
    """Note that a message is about to leave."""
    receiver, channel, settings = destination
    row = {"receiver": receiver, "channel": channel, "settings": settings, "at": now}
    connection.execute(insert(channel_use).values(row))


def _place(destination: Destination) -> tuple[Any, ...]:
    receiver, channel, settings = destination
    table = channel_use.c
    return table.receiver == receiver, table.channel == channel, table.settings == settings
