"""Which routes an alert takes: a pure walk down the tree of routes.yaml, as Alertmanager walks its own.

Depth first, left to right; the walk stops after the first child that matches unless that child says `continue`; when no
child matches, the node itself has the alert. Receiver, grouping, timers, ticket and escalation are inherited from above; the
hours when a route is mute are not.
Source: dispatch/route.go of Prometheus Alertmanager.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from alerts.routes.matchers import Matcher, all_match, parse_all
from core.model import Labels

if TYPE_CHECKING:
    from alerts.routes.config import RouteConfig, TicketPolicy

T = TypeVar("T")

GROUP_WAIT = timedelta(seconds=30)
GROUP_INTERVAL = timedelta(minutes=5)
REPEAT_INTERVAL = timedelta(hours=4)
ALL_LABELS = "..."
LONGEST_KEY = 500  # characters; PostgreSQL indexes at most 2,704 bytes


@dataclass(frozen=True, slots=True)
class Node:
    """One route with all that it inherits filled in."""

    path: str  # matchers from the root down: stable while routes beside it come and go
    matchers: tuple[Matcher, ...]
    receiver: str
    group_by: tuple[str, ...]
    group_wait: timedelta
    group_interval: timedelta
    repeat_interval: timedelta
    ticket: TicketPolicy | None
    mute_time_intervals: tuple[str, ...]  # these two are not inherited
    active_time_intervals: tuple[str, ...]
    escalation: str | None  # a policy of oncall.yaml
    goes_on: bool  # `continue`: siblings after this one are tried as well
    children: tuple[Node, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether all matchers hold; a route without matchers takes everything."""
        return all_match(self.matchers, labels)


@dataclass(frozen=True, slots=True)
class Decision:
    """One route that has the alert: where it goes, with whom it is grouped, when, and why."""

    path: str
    receiver: str
    group_labels: Labels
    group_wait: timedelta
    group_interval: timedelta
    repeat_interval: timedelta
    ticket: TicketPolicy | None
    escalation: str | None
    reason: str
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name of the group: one for each receiver, route and set of group labels."""
        return _key(self.receiver, self.path, self.group_labels)


@lru_cache(maxsize=65_536)
def _key(receiver: str, path: str, group_labels: Labels) -> str:
    """Written once a group: a flush asks for it for every alert."""
    shown = ", ".join(f'{name}="{value}"' for name, value in group_labels)
    return _short(f"{receiver}:{path}:{{{shown}}}")


def _short(key: str) -> str:
    """A key that a database can index: a longer one keeps its beginning and gets a digest of the whole."""
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key[:LONGEST_KEY]}#{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def build(config: RouteConfig, above: Node | None = None, twin: int = 0) -> Node:
    """The tree under one route; `twin` counts earlier siblings with the same matchers. Raises MatcherError."""
    matchers = parse_all(config.matchers)
    own = "{" + ",".join(str(one) for one in matchers) + "}" + (f"#{twin + 1}" if twin else "")
    given = config.model_fields_set
    node = Node(
        path=own if above is None else f"{above.path}/{own}",
        matchers=matchers,
        receiver=config.receiver or (above.receiver if above else ""),
        group_by=_first(_tuple(config.group_by), above.group_by if above else None, ()),
        group_wait=_first(config.group_wait, above.group_wait if above else None, GROUP_WAIT),
        group_interval=_first(config.group_interval, above.group_interval if above else None, GROUP_INTERVAL),
        repeat_interval=_first(config.repeat_interval, above.repeat_interval if above else None, REPEAT_INTERVAL),
        ticket=config.ticket if "ticket" in given or above is None else above.ticket,
        mute_time_intervals=tuple(config.mute_time_intervals),
        active_time_intervals=tuple(config.active_time_intervals),
        escalation=config.escalation if "escalation" in given or above is None else above.escalation,
        goes_on=config.goes_on,
        children=(),
    )
    seen: Counter[tuple[str, ...]] = Counter()
    children = []
    for child in config.routes:
        same = tuple(str(one) for one in parse_all(child.matchers))
        children.append(build(child, node, seen[same]))
        seen[same] += 1
    return replace(node, children=tuple(children))


def route(tree: Node, labels: Mapping[str, str]) -> list[Decision]:
    """All routes that have an alert with these labels, in the order of the file; at least the root."""
    return [
        Decision(
            path=node.path,
            receiver=node.receiver,
            group_labels=_group_labels(node, labels),
            group_wait=node.group_wait,
            group_interval=node.group_interval,
            repeat_interval=node.repeat_interval,
            ticket=node.ticket,
            escalation=node.escalation,
            reason=reason,
            mute_time_intervals=node.mute_time_intervals,
            active_time_intervals=node.active_time_intervals,
        )
        for node, reason in _walk(tree, labels)
    ]


def _walk(node: Node, labels: Mapping[str, str]) -> list[tuple[Node, str]]:
    if not node.matches(labels):
        return []
    found: list[tuple[Node, str]] = []
    for child in node.children:
        below = _walk(child, labels)
        found += below
        if below and not child.goes_on:
            break
    return found or [(node, _why(node))]


def _why(node: Node) -> str:
    if node.matchers:
        why = f"route {node.path} matches"
    else:
        why = f"route {node.path} takes every alert that comes to it"
    return why + (", and none of its own routes does" if node.children else "")


def _group_labels(node: Node, labels: Mapping[str, str]) -> Labels:
    if ALL_LABELS in node.group_by:
        return tuple(sorted(labels.items()))
    return tuple((name, labels[name]) for name in sorted(node.group_by) if labels.get(name))


def _first(*choices: T | None) -> T:
    return next(one for one in choices if one is not None)


def _tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
