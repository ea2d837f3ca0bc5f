"""Flapping: a condition that opens and resolves again and again is held until it is stable, so it pages once and not ten times.

Counted from the alerts themselves, each opening and each end within the span; nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection, select

from alerts.occurrences import chunks
from core.duration import Duration, show_duration
from core.store.tables import alert


class FlappingPolicy(BaseModel):
    """When an alert flaps, and when it is stable again."""

    model_config = ConfigDict(extra="forbid")

    changes: int = Field(6, ge=3, le=1000, description="So many openings and ends within the span are flapping")
    within: Duration = Field(timedelta(hours=1), description="The span in which they are counted")
    calm: Duration = Field(timedelta(minutes=15), description="It is told once it has fired so long without a change")

    @model_validator(mode="after")
    def _calm_within(self) -> FlappingPolicy:
        if not timedelta() < self.calm <= self.within:
            raise ValueError("calm must be longer than nothing and at most as long as within")
        return self


@dataclass(frozen=True, slots=True)
class Flapping:
    """A condition that flaps: how often it changed, and until when it is held if it does not change again."""

    changes: int
    until: datetime
    within: timedelta

    @property
    def reason(self) -> str:
        """In words."""
        times = f"it opened and resolved {self.changes} times within {show_duration(self.within)}"
        return f"flapping: {times}; told if it still fires at {self.until:%Y-%m-%d %H:%M:%S} UTC"


def flapping(policy: FlappingPolicy, changes: Collection[datetime], now: datetime) -> Flapping | None:
    """Whether a condition with these openings and ends is held now. Pure."""
    lately = [at for at in changes if now - policy.within < at <= now]
    if len(lately) < policy.changes:
        return None
    until = max(lately) + policy.calm
    return Flapping(len(lately), until, policy.within) if now < until else None


def load(
    connection: Connection, policy: FlappingPolicy, fingerprints: Collection[str], now: datetime
) -> dict[str, Flapping]:
    """Those of these conditions that flap, by fingerprint."""
    changes: dict[str, list[datetime]] = {}
    for chunk in chunks(dict.fromkeys(fingerprints)):
        query = select(alert.c.fingerprint, alert.c.opened_at, alert.c.resolved_at)
        query = query.where(alert.c.fingerprint.in_(chunk), alert.c.updated_at > now - policy.within)
        for row in connection.execute(query):
            seen = changes.setdefault(row.fingerprint, [])
            seen += [at for at in (row.opened_at, row.resolved_at) if at is not None]
    found = {name: flapping(policy, seen, now) for name, seen in changes.items()}
    return {name: one for name, one in found.items() if one is not None}
