"""Rows of the outbox as they are made: with what key, and waiting for their first try."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from alerts.delivery.messages import Message
from alerts.delivery.sending import Destination

KEY_DIGITS = 32


def key_of(identity: Sequence[object]) -> str:
    """The key of a message: the same whenever what it is made of is, so that it is never told twice."""
    return hashlib.sha256(orjson.dumps(identity)).hexdigest()[:KEY_DIGITS]


def row_of(
    message: Message,
    key: str,
    destination: Destination,
    now: datetime,
    group_id: int | None = None,
    note: str | None = None,
) -> dict[str, Any]:
    """A new row of the outbox, due at once; `note` is what the page says of it besides."""
    receiver, channel, settings = destination
    return {
        "key": key,
        "group_id": group_id,
        "receiver": receiver,
        "channel": channel,
        "settings": settings,
        "message": message.as_row(),
        "created_at": now,
        "due_at": now,
        "attempts": 0,
        "state": "pending",
        "last_error": None,
        "done_at": None,
        "note": note,
    }
