"""Silences, proposals of silences and what is shelved, each with the open alerts that it keeps quiet now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from alerts.muting import proposals, shelving, silences
from alerts.muting.proposals import Proposal
from alerts.muting.silences import Silence, SilenceIndex, State, TooBroadError
from alerts.occurrences import chunks
from alerts.routes.matchers import Matcher
from core.store.tables import alert
from dashboards.queries.rows import Row

SHOWN = 200
PROPOSED_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a silence would do: how many open alerts it mutes, of how many, and why one person may not make it."""

    muted: int
    open: int
    too_broad: str = ""


def preview(connection: Connection, matchers: Sequence[Matcher]) -> Preview:
    """What a silence with these matchers would do now; one that means nothing in particular mutes what it matches."""
    labels = _open_labels(connection)
    muted = sum(all(one.matches(each) for one in matchers) for each in labels)
    try:
        silences.require_narrow(connection, matchers)
    except TooBroadError as error:
        return Preview(muted, len(labels), str(error))
    return Preview(muted, len(labels))


def listed(connection: Connection, now: datetime, state: str) -> tuple[list[Silence], dict[str, int]]:
    """At most 200 silences in a state (active, pending, expired; all), and how many open alerts each active one mutes."""
    states = [one for one in State if state in ("all", one.value)]
    found = silences.listed(connection, now, states)[:SHOWN]
    active = [one for one in found if one.state(now) is State.ACTIVE]
    return found, counts(active, _open_labels(connection)) if active else {}


def counts(found: Iterable[Silence], labels: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """How many of the alerts with these labels each silence mutes, by id. Pure."""
    index, counted = SilenceIndex.of(found), Counter[str]()
    for each in labels:
        counted.update(one.id for one in index.matching(each))
    return dict(counted)


def one(connection: Connection, id: str) -> Silence | None:
    """The silence of that id; None when there is none."""
    try:
        return silences.get(connection, id)
    except silences.UnknownSilenceError:
        return None


def shelved(connection: Connection, now: datetime) -> list[Row]:
    """What is put aside, the next to come back first: fingerprint, who, reason, since, until, alert (the latest of that
    condition: id, target, check_name, annotations, labels, severity, resolved_at; None when it is not kept any more)."""
    aside = list(shelving.shelved(connection, now).values())[:SHOWN]
    latest: dict[str, dict[str, Any]] = {}
    for chunk in chunks(one.fingerprint for one in aside):
        query = select(
            alert.c.id,
            alert.c.fingerprint,
            alert.c.target,
            alert.c.check_name,
            alert.c.annotations,
            alert.c.labels,
            alert.c.severity,
            alert.c.resolved_at,
        ).where(alert.c.fingerprint.in_(chunk))
        for row in connection.execute(query.order_by(alert.c.id)).mappings():
            latest[row["fingerprint"]] = dict(row)
    return [
        {
            "fingerprint": one.fingerprint,
            "who": one.who,
            "reason": one.reason,
            "since": one.since,
            "until": one.until,
            "alert": latest.get(one.fingerprint),
        }
        for one in aside
    ]


def proposed(connection: Connection, now: datetime) -> list[Proposal]:
    """Proposals of the last seven days, those that wait first, then the newest."""
    found = proposals.listed(connection, now - PROPOSED_WITHIN)
    return sorted(found, key=lambda one: not one.waits(now))


def labels_of(connection: Connection, ids: Collection[int]) -> list[dict[str, str]]:
    """The labels of these alerts."""
    found: list[dict[str, str]] = []
    for chunk in chunks(ids):
        found += connection.scalars(select(alert.c.labels).where(alert.c.id.in_(chunk)))
    return found


def _open_labels(connection: Connection) -> list[dict[str, str]]:
    return list(connection.scalars(select(alert.c.labels).where(alert.c.resolved_at.is_(None))))
