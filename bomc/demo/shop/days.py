"""Business days of the demo operator: they end at midnight in Shanghai, and every party keeps the same cut-off."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.model import instant_ms

ZONE = ZoneInfo("Asia/Shanghai")
CUTOFF_WINDOW = timedelta(minutes=30)
"""How near the end of its day a lone record may be explained by the cut-off (the reconciliation's default)."""
DAYS_KEPT = 5
"""Past business days that stay in the shop's database and in the exchange folder."""


def business_day(at_ms: int) -> date:
    """The business day of an instant in milliseconds since the epoch."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZONE).date()


def start_ms(day: date) -> int:
    """The first instant of a business day, in milliseconds since the epoch."""
    return instant_ms(datetime.combine(day, time(), ZONE))


def end_ms(day: date) -> int:
    """The first instant after a business day, in milliseconds since the epoch."""
    return start_ms(day + timedelta(days=1))


def before_cutoff(at_ms: int, day: date) -> bool:
    """Whether an instant lies in the cut-off window at the end of that business day."""
    return end_ms(day) - CUTOFF_WINDOW // timedelta(milliseconds=1) <= at_ms < end_ms(day)
