"""What is wrong with a routes.yaml whose shape is right: names that lead nowhere, routes that no alert can reach.

A fault is the place in the file and a sentence; the front door turns the place into a line. A note is of the same form,
about what is not wrong and has no effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from alerts.muting.faults import FaultAt, Place, notes_of_muting, of_matchers, of_muting, of_route_hours
from alerts.oncall.config import PERSON
from alerts.routes.matchers import Matcher, MatcherError, parse_all
from alerts.routes.reachability import contradiction, implied
from alerts.routes.routing import ALL_LABELS

if TYPE_CHECKING:
    from alerts.config import RouteConfig, RoutesFile


@dataclass(frozen=True, slots=True)
class _Known:
    """What routes may name."""

    receivers: tuple[str, ...]
    intervals: tuple[str, ...]
    policies: tuple[str, ...] | None  # none: nobody can say


def faults(file: RoutesFile, policies: Collection[str] | None = ()) -> list[FaultAt]:
    """Every fault of the file; none when it can be used. `policies` are the escalations of oncall.yaml, none when that
    could not be read."""
    names = tuple(one.name for one in file.receivers)
    intervals = tuple(one.name for one in file.time_intervals)
    known = _Known(names, intervals, None if policies is None else tuple(policies))
    root: Place = ("route",)
    return [
        *_of_root(file.route),
        *of_route_hours(file.route, root, known.intervals, is_root=True),
        *_of_route(file.route, root, known, ()),
        *_of_receivers(file),
        *of_muting(file),
    ]


def notes(file: RoutesFile) -> list[FaultAt]:
    """What of a file without faults has no effect: receivers and intervals that nobody uses, rules that do nothing."""
    used = {*_receivers(file.route), *(one.fallback for one in file.receivers), *file.oncall.receivers}
    unused = [
        (("receivers", number), f"no route, fall-back or escalation goes to the receiver {one.name!r}")
        for number, one in enumerate(file.receivers)
        if one.name not in used
    ]
    return [*unused, *notes_of_muting(file)]


def _of_root(root: RouteConfig) -> Iterator[FaultAt]:
    if not root.receiver:
        yield ("route", "receiver"), "the top route has no receiver; name the one that gets what no other route takes"
    if root.matchers:
        yield ("route", "matchers"), "the top route takes every alert, so it can have no matchers; move them below"
    if root.goes_on:
        yield ("route", "continue"), "the top route has no routes beside it, so `continue` means nothing there"


def _of_route(route: RouteConfig, place: Place, known: _Known, above: tuple[Matcher, ...]) -> Iterator[FaultAt]:
    if route.receiver and route.receiver not in known.receivers:
        listed = ", ".join(sorted(known.receivers))
        yield (*place, "receiver"), f"there is no receiver {route.receiver!r}; the receivers are {listed}"
    yield from of_matchers(route.matchers, (*place, "matchers"))
    if route.escalation is not None and known.policies is not None and route.escalation not in known.policies:
        listed = ", ".join(sorted(known.policies)) or "none"
        yield (*place, "escalation"), f"oncall.yaml has no policy {route.escalation!r}; its escalations are {listed}"
    yield from _of_group_by(route, place)
    for name in ("group_interval", "repeat_interval"):
        if getattr(route, name) == timedelta(0):
            yield (*place, name), f"{name} cannot be 0s: messages would never stop; write a length such as 5m"
    here = (*above, *(_matchers(route) or ()))
    for number, child in enumerate(route.routes):
        below = (*place, "routes", number)
        yield from _unreachable(route.routes, number, here, below)
        yield from of_route_hours(child, below, known.intervals, is_root=False)
        yield from _of_route(child, below, known, here)


def _unreachable(
    siblings: list[RouteConfig], number: int, above: tuple[Matcher, ...], place: Place
) -> Iterator[FaultAt]:
    """Why no alert can come to this route, if that is certain; a route below a dead one is not called dead again."""
    own = _matchers(siblings[number])
    if own is None or contradiction(above) is not None:
        return
    clash = contradiction((*above, *own))
    if clash is not None:
        first, second = clash
        if first is second:
            yield place, f"no alert can come here: {first} excludes every value, and having none"
            return
        where = "a route above it asks for" if first in above else "it asks for"
        yield place, f"no alert can come here: {where} {first}, and no such alert has {second}"
        return
    for earlier in range(number):
        theirs = _matchers(siblings[earlier])
        if theirs is None or siblings[earlier].goes_on or contradiction((*above, *theirs)) is not None:
            continue
        if all(implied(one, (*above, *own)) for one in theirs):
            yield (
                place,
                f"no alert can come here: route {earlier + 1} before it takes all of them and does not continue",
            )
            return


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
    yield from _of_fallbacks(file)


def _of_fallbacks(file: RoutesFile) -> Iterator[FaultAt]:
    """Fall-backs that lead nowhere, or round to where they began."""
    names = {receiver.name: receiver for receiver in file.receivers}
    for number, receiver in enumerate(file.receivers):
        place: Place = ("receivers", number, "fallback")
        if not receiver.fallback:
            continue
        other = names.get(receiver.fallback)
        if other is None:
            known = ", ".join(sorted(names))
            yield place, f"there is no receiver {receiver.fallback!r} to fall back to; the receivers are {known}"
        elif not other.channels():
            yield place, f"the fall-back {other.name!r} has no channel, so nobody would be told; give it one"
        path = [receiver.name]
        while path[-1] in names and (following := names[path[-1]].fallback):
            path.append(following)
            if following == receiver.name:
                yield place, f"the fall-backs lead round in a ring: {' -> '.join(path)}; let one of them end it"
            if following in path[:-1]:
                break
        if receiver.fallback_after <= timedelta(0):
            yield (
                ("receivers", number, "fallback_after"),
                "a channel must be given some time; write a length such as 90s",
            )


def _receivers(route: RouteConfig) -> Iterator[str]:
    if route.receiver:
        yield route.receiver
    for child in route.routes:
        yield from _receivers(child)


def _matchers(route: RouteConfig) -> tuple[Matcher, ...] | None:
    try:
        return parse_all(route.matchers)
    except MatcherError:
        return None  # told of at its own place
