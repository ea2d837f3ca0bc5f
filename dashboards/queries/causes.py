"""What each open alert hangs on: its cause among the alerts that are open, and what keeps it quiet.

A cause is, in this order, the source of an inhibit rule, the outage of a parent that suppresses it, or the worst alert
of the nearest target above it in the topology that is at least as grave. The number of statements depends on the depth of
the topology, not on the number of alerts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from alerts.config import RoutesFile
from alerts.muting import muting
from alerts.muting.dependencies import Topology
from alerts.muting.muting import Mute, Mutes
from alerts.occurrences import chunks
from alerts.severity import RANK
from core.store.tables import alert, target
from dashboards.queries.alerts import open_ones
from dashboards.queries.rows import Row

DEEPEST = 20
"""Levels of the topology that are walked upward."""
KINDS = (
    muting.SILENCE,
    muting.INHIBITION,
    muting.DEPENDENCY,
    muting.MAINTENANCE,
    muting.SHELVED,
    muting.FLAPPING,
)
"""What can keep an alert quiet whatever its route, as filters name it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an open alert stands: what keeps it quiet, and the open alert that it follows from, if any."""

    mutes: tuple[Mute, ...] = ()
    cause: int | None = None


def standings(
    connection: Connection,
    routes: RoutesFile,
    rows: Sequence[Row],
    now: datetime,
    active: muting.Active | None = None,
) -> dict[int, Standing]:
    """How the open ones of these alerts stand, by id. Rows need id, fingerprint, labels, target, severity, resolved_at.
    `active` brings the silences where they are asked for more than once in a transaction."""
    still = [row for row in rows if row["resolved_at"] is None]
    if not still:
        return {}
    labels = [row["labels"] for row in still]
    mutes = muting.load(connection, routes, now, labels, [row["fingerprint"] for row in still], active)
    topology = _above(connection, {row["target"] for row in still})
    gravest = _gravest(connection, {name for row in still for name in topology.above(row["target"])})
    return {
        row["id"]: Standing(mutes.of(row["labels"], None, row["fingerprint"]), _cause(row, mutes, topology, gravest))
        for row in still
    }


def wanted(filters: Mapping[str, str]) -> bool:
    """Whether the filters ask for what keeps alerts quiet."""
    return filters.get("muted") in ("yes", "no", *KINDS) or bool(filters.get("silence"))


def fitting(
    connection: Connection,
    routes: RoutesFile,
    filters: Mapping[str, str],
    now: datetime,
    active: muting.Active | None = None,
) -> list[int]:
    """Ids of the open alerts, worst and newest first, that all filters leave, among them muted (yes, no, a kind) and
    silence (an id)."""
    rows = open_ones(connection, now, filters)
    mutes = muting.load(
        connection, routes, now, [row.labels for row in rows], [row.fingerprint for row in rows], active
    )
    return [row.id for row in rows if fits(mutes.of(row.labels, None, row.fingerprint), filters)]


def fits(mutes: Iterable[Mute], filters: Mapping[str, str]) -> bool:
    """Whether an alert that this keeps quiet is among those that the filters ask for. Pure."""
    found, asked, one = list(mutes), filters.get("muted", ""), filters.get("silence")
    if one and not any(mute.kind == muting.SILENCE and mute.by == one for mute in found):
        return False
    if asked in ("yes", "no"):
        return bool(found) == (asked == "yes")
    return asked not in KINDS or any(mute.kind == asked for mute in found)


def _cause(row: Row, mutes: Mutes, topology: Topology, gravest: Mapping[str, Row]) -> int | None:
    inhibitors = mutes.inhibition.inhibitors(row["labels"])
    if inhibitors:
        return inhibitors[0][0].id
    suppressed = mutes.suppression.suppressed(row["labels"].get("target", ""), mutes.now)
    if suppressed is not None and suppressed[0].ended_at is None:
        return suppressed[0].alert_id
    grave = RANK.get(row["severity"], 0)
    for name in topology.above(row["target"]):
        above = gravest.get(name)
        if above is None or not topology.is_above(name, row["target"]):
            continue
        if RANK.get(above["severity"], 0) >= grave:
            return int(above["id"])
    return None


def _above(connection: Connection, names: set[str]) -> Topology:
    """What these targets stand on, level by level."""
    parents: dict[str, tuple[str, ...]] = {}
    asked, seen = names, set(names)
    for _level in range(DEEPEST):
        for chunk in chunks(asked):
            query = select(target.c.name, target.c.runs_on, target.c.depends_on)
            query = query.where(target.c.name.in_(chunk), target.c.retired_at.is_(None))
            parents.update((row.name, (*row.runs_on, *row.depends_on)) for row in connection.execute(query))
        asked = {name for known in parents.values() for name in known} - seen
        seen |= asked
    return Topology(parents)


def _gravest(connection: Connection, names: set[str]) -> dict[str, Row]:
    """The gravest open alert of each of these targets, of equal ones the oldest."""
    found: dict[str, Row] = {}
    for chunk in chunks(names):
        query = select(alert.c.id, alert.c.target, alert.c.severity)
        query = query.where(alert.c.target.in_(chunk), alert.c.resolved_at.is_(None)).order_by(alert.c.opened_at)
        for row in connection.execute(query.order_by(alert.c.id)).mappings():
            known = found.get(row["target"])
            if known is None or RANK.get(row["severity"], 0) > RANK.get(known["severity"], 0):
                found[row["target"]] = dict(row)
    return found
