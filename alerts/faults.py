"""What is wrong with a routes.yaml whose shape is right: names that lead nowhere, routes that no alert can reach.

A fault is the place in the file and a sentence; the front door turns the place into a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from alerts.matchers import MatcherError, parse_matchers
from alerts.oncall.config import PERSON
from alerts.routing import ALL_LABELS

if TYPE_CHECKING:
    from alerts.config import RouteConfig, RoutesFile

Place = tuple[str | int, ...]
FaultAt = tuple[Place, str]


def faults(file: RoutesFile, policies: Collection[str] | None = ()) -> list[FaultAt]:
    """Every fault of the file, in its order; none when it can be used. `policies` are the escalations of oncall.yaml,
    none when that could not be read."""
    names = {receiver.name for receiver in file.receivers}
    return [*_of_root(file.route), *_of_route(file.route, ("route",), names, policies), *_of_receivers(file)]


def _of_root(root: RouteConfig) -> Iterator[FaultAt]:
    if not root.receiver:
        yield ("route", "receiver"), "the top route has no receiver; name the one that gets what no other route takes"
    if root.matchers:
        yield ("route", "matchers"), "the top route takes every alert, so it can have no matchers; move them below"
    if root.goes_on:
        yield ("route", "continue"), "the top route has no routes beside it, so `continue` means nothing there"


def _of_route(route: RouteConfig, place: Place, names: set[str], policies: Collection[str] | None) -> Iterator[FaultAt]:
    if route.receiver and route.receiver not in names:
        known = ", ".join(sorted(names))
        yield (*place, "receiver"), f"there is no receiver {route.receiver!r}; the receivers are {known}"
    if route.escalation is not None and policies is not None and route.escalation not in policies:
        known = ", ".join(sorted(policies)) or "none"
        yield (*place, "escalation"), f"oncall.yaml has no policy {route.escalation!r}; its escalations are {known}"
    for number, text in enumerate(route.matchers):
        fault = _matcher_fault(text)
        if fault:
            yield (*place, "matchers", number), fault
    yield from _of_group_by(route, place)
    for name in ("group_interval", "repeat_interval"):
        if getattr(route, name) == timedelta(0):
            yield (*place, name), f"{name} cannot be 0s: messages would never stop; write a length such as 5m"
    if not route.routes:
        return
    for number, child in enumerate(route.routes):
        below = (*place, "routes", number)
        hidden_by = _hidden_by(route.routes, number)
        if hidden_by is not None:
            yield (
                below,
                f"no alert can come here: route {hidden_by + 1} before it takes all of them and does not continue",
            )
        yield from _of_route(child, below, names, policies)


def _of_group_by(route: RouteConfig, place: Place) -> Iterator[FaultAt]:
    labels = route.group_by or []
    for name, count in Counter(labels).items():
        if count > 1:
            yield (*place, "group_by"), f"group_by names {name!r} {count} times; once is enough"
    if ALL_LABELS in labels and len(set(labels)) > 1:
        yield (*place, "group_by"), "group_by has '...', which is every label, beside others; keep one or the other"


def _of_receivers(file: RoutesFile) -> Iterator[FaultAt]:
    seen: dict[str, int] = {}
    for number, receiver in enumerate(file.receivers):
        if receiver.name in seen:
            first = seen[receiver.name] + 1
            yield ("receivers", number, "name"), f"receiver {receiver.name!r} is there already, as number {first}"
        if receiver.name.startswith(PERSON):
            yield (
                ("receivers", number, "name"),
                f"receiver {receiver.name!r}: names in {PERSON} are those of oncall.yaml",
            )
        seen.setdefault(receiver.name, number)


def _matcher_fault(text: str) -> str | None:
    try:
        parse_matchers(text)
    except MatcherError as error:
        return str(error)
    return None


def _hidden_by(siblings: list[RouteConfig], number: int) -> int | None:
    """The first sibling before this one whose every matcher this one has too, and which does not continue."""
    own = _matcher_set(siblings[number])
    if own is None:
        return None
    for earlier in range(number):
        theirs = _matcher_set(siblings[earlier])
        if theirs is not None and theirs <= own and not siblings[earlier].goes_on:
            return earlier
    return None


def _matcher_set(route: RouteConfig) -> frozenset[str] | None:
    try:
        return frozenset(str(one) for text in route.matchers for one in parse_matchers(text))
    except MatcherError:
        return None  # told of at its own place
