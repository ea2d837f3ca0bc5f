"""What the tests of collectors share: an instant, the recorded replies, and readings as plain tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from collectors.reading import Reading

NOW = datetime(2026, 3, 31, 8, 0, tzinfo=UTC)
NOW_MS = 1_774_944_000_000
RECORDED = Path(__file__).parent / "recorded"


def without_password(url: str) -> str:
    """A SQLAlchemy URL as a configuration has it."""
    return sa.URL.create(**{**sa.make_url(url)._asdict(), "password": None}).render_as_string()


def recorded(name: str) -> str:
    """A reply that a real server once gave."""
    return (RECORDED / name).read_text()


def table(reading: Reading) -> dict[tuple[str, ...], float]:
    """Values by indicator and label values: {("host.disk.used_ratio", "/", "ext4"): 0.3}."""
    return {(sample.indicator, *(value for _, value in sample.labels)): sample.value for sample in reading.samples}
