"""Whether an open alert is kept quiet now: by a silence, an inhibition, its route's hours, maintenance, a parent that is down, or
because it flaps or somebody shelved it.

It is decided anew at each flush from the store's open alerts, so a restart forgets nothing and nothing inhibited slips
out. `Mutes` is all that the decision needs, as frozen values; `load` brings it from the store. An alert that is muted is
not told as firing; its end is told to whoever had been told of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from alerts.labels import in_column
from alerts.muting import flapping, rings, shelving, silences
from alerts.muting.dependencies import Outage, Suppression, Topology
from alerts.muting.flapping import Flapping
from alerts.muting.inhibition import Inhibition, Source
from alerts.muting.intervals import Intervals
from alerts.muting.maintenance import Window, in_force
from alerts.muting.rules import Rule
from alerts.muting.shelving import Shelved
from alerts.muting.silences import SilenceIndex
from alerts.routes.matchers import Matcher
from alerts.routes.routing import Decision
from core.store.tables import alert, target

if TYPE_CHECKING:
    from alerts.config import RoutesFile

SILENCE, INHIBITION, INTERVAL, DEPENDENCY, MAINTENANCE = (
    "silence",
    "inhibition",
    "interval",
    "dependency",
    "maintenance",
)
SHELVED, FLAPPING = "shelved", "flapping"
HORIZON = timedelta(hours=1)
LONGEST_COLUMN = 300  # characters of a label that its column is sure to hold
MOST_VALUES = 500  # values that the database is asked for one by one
Active = Callable[[], SilenceIndex]
"""Brings the silences that hold."""
_COLUMNS = {"alertname": alert.c.check_name, "target": alert.c.target, "severity": alert.c.severity}


@dataclass(frozen=True, slots=True)
class Mute:
    """One reason why an alert is kept quiet. `by` is a silence's id, a cause's fingerprint, an interval's or parent's name."""

    kind: str
    by: str
    reason: str
    until: datetime | None = None  # when it ends, if that is known

    @property
    def key(self) -> str:
        """What it is, whatever the words."""
        return f"{self.kind}:{self.by}"


def key_of(mutes: Iterable[Mute]) -> str:
    """What keeps an alert quiet, in short, so that a group remembers it and tells the history of changes only."""
    return " ".join(sorted(one.key for one in mutes))


def lifted(key: str) -> str:
    """The sentence for an alert that nothing keeps quiet any more, from the key of what did."""
    words = {
        SILENCE: "its silence is over",
        INHIBITION: "its cause is over",
        INTERVAL: "the hours of its route allow it",
        DEPENDENCY: "its parent is up",
        FLAPPING: "it is stable",
        SHELVED: "it is back from the shelf",
        MAINTENANCE: "its maintenance is over",
    }
    over = dict.fromkeys(words.get(part.partition(":")[0], part) for part in key.split(" "))
    return f"no longer kept quiet: {'; '.join(over)}"


@dataclass(frozen=True, slots=True)
class Mutes:
    """Everything that can keep an alert quiet at one instant."""

    now: datetime
    silences: SilenceIndex = field(default_factory=SilenceIndex)
    inhibition: Inhibition = field(default_factory=Inhibition)
    intervals: Intervals = field(default_factory=lambda: Intervals({}))
    suppression: Suppression = field(default_factory=Suppression)
    maintenance: tuple[tuple[Window, datetime], ...] = ()  # windows that last now, with their ends
    shelved: Mapping[str, Shelved] = field(default_factory=dict)  # by fingerprint, as the next
    flapping: Mapping[str, Flapping] = field(default_factory=dict)

    def of(
        self, labels: Mapping[str, str], decision: Decision | None = None, fingerprint: str = ""
    ) -> tuple[Mute, ...]:
        """Every reason to keep an alert quiet, none when it is to be told; without a decision, those of no route. Pure."""
        found = [Mute(INHIBITION, cause.fingerprint, reason) for cause, reason in self.inhibition.inhibitors(labels)]
        suppressed = self.suppression.suppressed(labels.get("target", ""), self.now)
        if suppressed is not None:
            outage, reason, until = suppressed
            found.append(Mute(DEPENDENCY, outage.target, reason, until))
        for window, end in self.maintenance:
            if window.matches(labels):
                found.append(Mute(MAINTENANCE, window.name, _maintained(window, end), end))
        if decision is not None and (decision.mute_time_intervals or decision.active_time_intervals):
            found += self._by_hours(decision)
        held, aside = self.flapping.get(fingerprint), self.shelved.get(fingerprint)
        if held is not None:
            found.append(Mute(FLAPPING, "changes", held.reason, held.until))
        if aside is not None:
            found.append(Mute(SHELVED, aside.who, aside.sentence, aside.until))
        found += (Mute(SILENCE, one.id, _silenced(one), one.ends_at) for one in self.silences.matching(labels))
        return tuple(found)

    def by_route(
        self, labels: Mapping[str, str], decisions: Iterable[Decision], fingerprint: str = ""
    ) -> dict[str, tuple[Mute, ...]]:
        """What keeps an alert quiet on each of its routes, by the key of its group there. What is the same on all of them
        is asked for once. Pure."""
        same: tuple[Mute, ...] | None = None
        found = {}
        for one in decisions:
            if one.mute_time_intervals or one.active_time_intervals:
                found[one.key] = self.of(labels, one, fingerprint)
                continue
            same = self.of(labels, None, fingerprint) if same is None else same
            found[one.key] = same
        return found

    def _by_hours(self, decision: Decision) -> list[Mute]:
        names = decision.mute_time_intervals, decision.active_time_intervals
        muted = self.intervals.muted(*names, self.now)
        if muted is None:
            return []
        until = self.intervals.muted_until(*names, self.now, min(decision.group_interval, HORIZON))
        return [Mute(INTERVAL, muted[0], muted[1], until)]


def read_once(connection: Connection, now: datetime) -> Active:
    """The silences that hold now, read when somebody first asks: thousands of them are not read again in one transaction."""
    return cache(lambda: SilenceIndex.of(silences.active(connection, now)))


def load(
    connection: Connection,
    routes: RoutesFile,
    now: datetime,
    candidates: Sequence[Mapping[str, str]] | None = None,
    fingerprints: Collection[str] = (),
    active: Active | None = None,
) -> Mutes:
    """What can keep alerts quiet now. `candidates` are the labels that will be asked for, none: whatever there is;
    `fingerprints` are the conditions of which it is to be known whether they flap; `active` brings the silences where
    somebody asks more than once in a transaction."""
    rules = [one.rule for one in routes.inhibit_rules]
    narrowed = None if rings.of_rules(tuple(rules)) else candidates  # a ring is seen only as a whole
    wanted = [_of_rule(rule, narrowed) for rule in rules]
    return Mutes(
        now,
        active() if active is not None else SilenceIndex.of(silences.active(connection, now)),
        Inhibition.of(rules, _sources(connection, [one for one in wanted if one is not None])),
        Intervals.of(routes.time_intervals),
        _suppression(connection, routes, now),
        in_force(routes.maintenance, now),
        shelving.shelved(connection, now),
        flapping.load(connection, routes.flapping, fingerprints, now) if routes.flapping else {},
    )


def shown(mutes: Iterable[Mute]) -> str:
    """The reasons as one sentence for the history of an alert."""
    return "; ".join(one.reason for one in mutes)


def _maintained(window: Window, end: datetime) -> str:
    return f"in the maintenance window {window.name} until {end:%Y-%m-%d %H:%M} UTC"


def _silenced(one: silences.Silence) -> str:
    return f"silenced by {one.created_by} until {one.ends_at:%Y-%m-%d %H:%M} UTC: {one.comment} (silence {one.id})"


def _of_rule(rule: Rule, candidates: Sequence[Mapping[str, str]] | None) -> ColumnElement[bool] | None:
    """What a cause under the rule must be for one of the candidates; none when the rule is about none of them."""
    condition = _narrow(rule.source)
    if candidates is None:
        return condition
    concerned = [labels for labels in candidates if rule.is_target(labels)]
    for name in ("alertname", "target"):
        values = {labels.get(name, "")[:LONGEST_COLUMN] for labels in concerned} if name in rule.equal else set()
        if 0 < len(values) <= MOST_VALUES and "" not in values:
            condition = and_(condition, _COLUMNS[name].in_(values))
    return condition if concerned else None


def _sources(connection: Connection, wanted: Sequence[ColumnElement[bool]]) -> list[Source]:
    """Open alerts that satisfy one of these conditions."""
    if not wanted:
        return []
    query = select(alert.c.id, alert.c.fingerprint, alert.c.labels).where(alert.c.resolved_at.is_(None))
    query = query.where(or_(*wanted))
    return [Source(row.id, row.fingerprint, row.labels) for row in connection.execute(query)]


def _narrow(matchers: Sequence[Matcher]) -> ColumnElement[bool]:
    """What the database can say of the matchers: equality of the labels that are columns."""
    told = [one for one in matchers if one.operator == "=" and one.name in _COLUMNS and in_column(one.name, one.value)]
    parts = [_COLUMNS[one.name] == one.value for one in told]
    return and_(alert.c.id > 0, *parts)


def _suppression(connection: Connection, routes: RoutesFile, now: datetime) -> Suppression:
    policy = routes.dependencies
    if policy is None:
        return Suppression()
    matchers = policy.parsed()
    counts = or_(alert.c.resolved_at.is_(None), alert.c.resolved_at > now - policy.settle)
    query = select(alert.c.id, alert.c.target, alert.c.check_name, alert.c.labels, alert.c.resolved_at)
    outages = [
        Outage(row.id, row.labels.get("target") or row.target, row.check_name, row.resolved_at)
        for row in connection.execute(query.where(counts, _narrow(matchers)))
        if all(one.matches(row.labels) for one in matchers)
    ]
    if not outages:
        return Suppression()
    rows = connection.execute(
        select(target.c.name, target.c.runs_on, target.c.depends_on).where(target.c.retired_at.is_(None))
    )
    topology = Topology({row.name: (*row.runs_on, *row.depends_on) for row in rows})
    return Suppression.of(topology, outages, policy.settle)
