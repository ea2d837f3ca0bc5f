"""How grave an alert is, and which of two is graver."""

from __future__ import annotations

UNKNOWN = "unknown"
WARNING = "warning"
CRITICAL = "critical"
RANK = {UNKNOWN: 1, WARNING: 2, CRITICAL: 3}


def rises(before: str, after: str) -> bool:
    """Whether the second severity is graver than the first."""
    return RANK.get(after, 0) > RANK.get(before, 0)
