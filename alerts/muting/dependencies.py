"""Dependencies: while a target is down, alerts of what runs on it or depends on it are not told, nor just after.

A target is down while one of its alerts matches the policy's matchers. Everything below it in the topology - children,
grandchildren, however deep - is suppressed; targets in a ring are above and below each other at once and suppress none of
their ring. After the parent recovers its children have `settle` to recover as well: only those that still fire then are
told, so there is no storm. All of it is asked of rows and time; nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from alerts.routes.matchers import Matcher, parse_all
from core.duration import Duration, show_duration

SETTLE = timedelta(minutes=2)


class DependencyPolicy(BaseModel):
    """Which alerts mean that a target is down, so that its children's are suppressed."""

    model_config = ConfigDict(extra="forbid")

    matchers: list[str] = Field(
        min_length=1, description='Conditions on the alert that says so, all of which must hold: alertname="host-down"'
    )
    settle: Duration = Field(
        SETTLE, description="After the parent recovers, its children are told only if they still fire so long after"
    )

    def parsed(self) -> tuple[Matcher, ...]:
        """The matchers, read. Raises MatcherError for one that `faults` refuses."""
        return parse_all(self.matchers)


@dataclass(frozen=True, slots=True)
class Outage:
    """A target that is down (`ended_at` none) or recovered lately, by the alert that says so."""

    alert_id: int
    target: str
    alertname: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Topology:
    """What stands on what: the direct parents of each target."""

    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _above: dict[str, Mapping[str, int]] = field(default_factory=dict)  # answers given before

    def above(self, target: str) -> Mapping[str, int]:
        """Every target above this one with its distance, the nearest first; rings are walked once."""
        if target not in self._above:
            found: dict[str, int] = {}
            level, distance = [target], 0
            while level:
                distance += 1
                level = list(dict.fromkeys(one for name in level for one in self.parents.get(name, ())))
                level = [name for name in level if name not in found]
                found.update((name, distance) for name in level)
            self._above[target] = found
        return self._above[target]

    def is_above(self, parent: str, child: str) -> bool:
        """Whether a child hangs on the parent, and not the parent on the child as well."""
        return parent in self.above(child) and child not in self.above(parent) and parent != child


@dataclass(frozen=True, slots=True)
class Suppression:
    """The topology with the outages that count now."""

    topology: Topology = field(default_factory=Topology)
    outages: Mapping[str, Outage] = field(default_factory=dict)
    settle: timedelta = SETTLE

    @classmethod
    def of(cls, topology: Topology, outages: Iterable[Outage], settle: timedelta) -> Suppression:
        """One outage a target: an open one, else the one that ended last. Pure."""
        worst: dict[str, Outage] = {}
        for one in outages:
            before = worst.get(one.target)
            if before is None or _later(one, before):
                worst[one.target] = one
        return cls(topology, worst, settle)

    def suppressed(self, target: str, now: datetime) -> tuple[Outage, str, datetime | None] | None:
        """The nearest parent by which an alert of this target is kept quiet, the reason, and until when if that is known.

        One that is down comes before one that is settling. Pure.
        """
        if not self.outages:
            return None
        settling: tuple[Outage, str, datetime | None] | None = None
        for parent in self.topology.above(target):
            outage = self.outages.get(parent)
            if outage is None or not self.topology.is_above(parent, target):
                continue
            what = f"its parent {parent}"
            if outage.ended_at is None:
                return outage, f"suppressed: {what} is down (alert {outage.alert_id}, {outage.alertname})", None
            until = outage.ended_at + self.settle
            if settling is None and now < until:
                why = f"suppressed: {what} recovered at {outage.ended_at:%Y-%m-%d %H:%M:%S} UTC, and what still fires is told"
                settling = outage, f"{why} {show_duration(self.settle)} after that", until
        return settling


def _later(one: Outage, other: Outage) -> bool:
    """Whether the first outage counts rather than the second: it is open, or it ended later; else the older alert."""
    ends = [each.ended_at.timestamp() if each.ended_at else float("inf") for each in (one, other)]
    return (ends[0], -one.alert_id) > (ends[1], -other.alert_id)
