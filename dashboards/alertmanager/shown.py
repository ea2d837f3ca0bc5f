"""Alerts as API v2 shows them: filtered, with their receivers and with what keeps people from being told of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from alerts.config import RoutesFile
from alerts.muting import muting
from alerts.muting.muting import DEPENDENCY, FLAPPING, INHIBITION, INTERVAL, MAINTENANCE, SHELVED, SILENCE, Mute
from alerts.routes.matchers import Matcher, MatcherError, parse_matchers
from alerts.routes.routing import Decision, route
from core.patterns import Pattern, PatternError, compiled
from dashboards.alertmanager.answers import Refused
from dashboards.alertmanager.models import AlertState
from dashboards.queries.open_alerts import open_alerts
from dashboards.queries.rows import Row

MOST_ALERTS = 50_000
"""More than this are never shown in one answer: it is refused, because a part of them would look like all."""
NAMES = {SHELVED: "shelved", FLAPPING: "flapping"}
"""What `mutedBy` calls what has no name of its own."""
LONGEST_FILTER = 2_000
MOST_FILTERS = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts are asked for."""

    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    unprocessed: bool = True
    matchers: tuple[Matcher, ...] = ()
    receiver: Pattern | None = None


def matchers_of(filters: Sequence[str]) -> tuple[Matcher, ...]:
    """The matchers of the parameters `filter`. Raises Refused 400 with the one that cannot be read."""
    if len(filters) > MOST_FILTERS or any(len(text) > LONGEST_FILTER for text in filters):
        raise Refused(400, f"At most {MOST_FILTERS} filters of {LONGEST_FILTER} characters are read; send fewer.")
    try:
        return tuple(one for text in filters for one in parse_matchers(text))
    except MatcherError as error:
        raise Refused(400, f"bad matcher format: {error}") from None


def receiver_of(text: str | None) -> Pattern | None:
    """The pattern that a receiver's whole name must fit. Raises Refused 400 when it is no regular expression."""
    if not text:
        return None
    if len(text) > LONGEST_FILTER:
        raise Refused(400, f"The receiver has more than {LONGEST_FILTER} characters; send a shorter one.")
    try:
        return compiled(text)
    except PatternError as error:
        raise Refused(400, f"failed to parse receiver param: {text!r} cannot be used: {error}") from None


def alerts(
    connection: Connection, file: RoutesFile, wanted: Wanted, now: datetime, external_url: str
) -> list[dict[str, Any]]:
    """The alerts that fit, by fingerprint. Raises Refused 400 when there are more than one answer may hold."""
    found = []
    for one in _fitting(connection, file, wanted, now):
        status = _status([mute for route in one.routes for mute in one.mutes[route.key]], len(one.routes))
        if _is_wanted(status, wanted):
            found.append(_gettable(one, status, file, now, external_url))
    return found


def groups(
    connection: Connection, file: RoutesFile, wanted: Wanted, now: datetime, external_url: str
) -> list[dict[str, Any]]:
    """The same alerts by receiver and group labels, as their messages would hold them."""
    found: dict[str, dict[str, Any]] = {}
    for one in _fitting(connection, file, wanted, now):
        for decision in one.routes:
            status = _status(one.mutes[decision.key])
            left_out = wanted.receiver is not None and not wanted.receiver.matches(decision.receiver)
            if left_out or not _is_wanted(status, wanted):
                continue
            group = found.setdefault(
                decision.key,
                {"labels": dict(decision.group_labels), "receiver": {"name": decision.receiver}, "alerts": []},
            )
            group["alerts"].append(_gettable(one, status, file, now, external_url))
    return sorted(found.values(), key=lambda group: (group["receiver"]["name"], sorted(group["labels"].items())))


@dataclass(frozen=True, slots=True)
class _Open:
    """An open alert with its routes, and with what keeps it quiet on each of them, by the key of its group there."""

    row: Row
    routes: Sequence[Decision]
    mutes: Mapping[str, tuple[Mute, ...]]


def _fitting(connection: Connection, file: RoutesFile, wanted: Wanted, now: datetime) -> Iterator[_Open]:
    mutes = muting.load(connection, file, now)
    count = 0
    for row in open_alerts(connection, wanted.matchers):
        labels = row["labels"]
        if row["due_at"] is not None and row["due_at"] <= now:
            continue  # its end has passed; the pipeline resolves it at its next tick
        if not all(one.matches(labels) for one in wanted.matchers):
            continue
        routes = route(file.tree, labels)
        if wanted.receiver is not None and not any(wanted.receiver.matches(one.receiver) for one in routes):
            continue
        count += 1
        if count > MOST_ALERTS:
            raise Refused(400, f"More than {MOST_ALERTS} alerts fit; narrow the filter to see all that you ask for.")
        yield _Open(row, routes, mutes.by_route(labels, routes, row["fingerprint"]))


def _status(mutes: Sequence[Mute], routes: int = 1) -> dict[str, Any]:
    """What keeps an alert quiet on so many routes together; hours do when they do it on every one of them.

    A parent that is down inhibits by its name: there may be several alerts about it. What Alertmanager does not know -
    maintenance, shelving, flapping - mutes by a name as well.
    """
    silenced = dict.fromkeys(one.by for one in mutes if one.kind == SILENCE)
    inhibited = dict.fromkeys(one.by for one in mutes if one.kind in (INHIBITION, DEPENDENCY))
    hours = [one.by for one in mutes if one.kind == INTERVAL]
    ours = [NAMES.get(one.kind, one.by) for one in mutes if one.kind in (MAINTENANCE, *NAMES)]
    muted = dict.fromkeys([*ours, *(hours if len(hours) >= routes else ())])
    state = AlertState.SUPPRESSED if silenced or inhibited or muted else AlertState.ACTIVE
    return {"state": state.value, "silencedBy": [*silenced], "inhibitedBy": [*inhibited], "mutedBy": [*muted]}


def _is_wanted(status: Mapping[str, Any], wanted: Wanted) -> bool:
    if status["silencedBy"] and not wanted.silenced:
        return False
    if status["inhibitedBy"] and not wanted.inhibited:
        return False
    return wanted.active or status["state"] != AlertState.ACTIVE


def _gettable(one: _Open, status: dict[str, Any], file: RoutesFile, now: datetime, external_url: str) -> dict[str, Any]:
    row = one.row
    ends_at = row["due_at"] or now + file.general.resolve_timeout
    return {
        "labels": row["labels"],
        "annotations": row["annotations"],
        "receivers": [{"name": name} for name in dict.fromkeys(route.receiver for route in one.routes)],
        "fingerprint": row["fingerprint"],
        "startsAt": row["opened_at"],
        "updatedAt": row["pushed_at"] or row["updated_at"],
        "endsAt": ends_at,
        "status": status,
        "generatorURL": row["generator_url"] or f"{external_url}/alerts?state=all&alert={row['id']}",
    }
