"""The instant at which the people of these tests act, and instants after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)
PASSWORD = "seven brown otters"


def later(**span: float) -> datetime:
    """NOON and so much: `later(minutes=5)`."""
    return NOON + timedelta(**span)
