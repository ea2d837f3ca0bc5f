"""What is wrong with the parts of a routes.yaml that keep alerts quiet: intervals, inhibit rules, dependencies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from alerts.muting import rings
from alerts.routes.breadth import mutes_everything
from alerts.routes.matchers import MatcherError, parse_all, parse_matchers

if TYPE_CHECKING:
    from alerts.config import RouteConfig, RoutesFile
    from alerts.muting.rules import InhibitRuleConfig

Place = tuple[str | int, ...]
FaultAt = tuple[Place, str]


def of_muting(file: RoutesFile) -> Iterator[FaultAt]:
    """Every fault of the three parts, in the order of the file's model."""
    yield from _of_intervals(file)
    for number, rule in enumerate(file.inhibit_rules):
        yield from _of_rule(rule, ("inhibit_rules", number))
    if file.dependencies is not None:
        place = ("dependencies", "matchers")
        wrong = list(of_matchers(file.dependencies.matchers, place))
        yield from wrong
        if not wrong and mutes_everything(parse_all(file.dependencies.matchers)):
            yield place, "every alert would mean that its target is down; name the check that says so"


def of_route_hours(route: RouteConfig, place: Place, known: Sequence[str], is_root: bool) -> Iterator[FaultAt]:
    """Intervals that a route names and that are not there."""
    for field in ("mute_time_intervals", "active_time_intervals"):
        names = getattr(route, field)
        if names and is_root:
            yield (
                (*place, field),
                f"the top route takes what no other takes and so must always tell somebody: no {field} there",
            )
        for number, name in enumerate(names):
            if name not in known:
                listed = ", ".join(sorted(known)) or "none at all"
                yield (
                    (*place, field, number),
                    f"there is no time interval {name!r}; under time_intervals there are {listed}",
                )


def notes_of_muting(file: RoutesFile) -> Iterator[FaultAt]:
    """What is not wrong and has no effect."""
    used = {
        name for route in _routes(file.route) for name in (*route.mute_time_intervals, *route.active_time_intervals)
    }
    for number, one in enumerate(file.time_intervals):
        if one.name not in used:
            yield ("time_intervals", number), f"no route uses the time interval {one.name!r}"
    rules = tuple(one.rule for one in file.inhibit_rules)
    for number, rule in enumerate(rules):
        sentence = rings.idle(rule)
        if sentence is not None:
            yield ("inhibit_rules", number), f"{sentence}: the rule keeps nothing quiet"
    for ring in rings.of_rules(rules):
        names = ", ".join(rules[number].name or str(number + 1) for number in ring)
        yield (
            ("inhibit_rules", ring[0]),
            f"the inhibit rules {names} may lead round in a ring: alerts that keep one another "
            "quiet. Of those the oldest is told, where Alertmanager would tell nobody; let the matchers of one rule "
            "leave out the causes of the other",
        )


def of_matchers(texts: Sequence[str], place: Place) -> Iterator[FaultAt]:
    """Matchers that cannot be read."""
    for number, text in enumerate(texts):
        try:
            parse_matchers(text)
        except MatcherError as error:
            yield (*place, number), str(error)


def _of_intervals(file: RoutesFile) -> Iterator[FaultAt]:
    seen: dict[str, int] = {}
    for number, one in enumerate(file.time_intervals):
        place: Place = ("time_intervals", number)
        if one.name in seen:
            yield (*place, "name"), f"time interval {one.name!r} is there already, as number {seen[one.name] + 1}"
        seen.setdefault(one.name, number)
        if not one.time_intervals:
            yield place, f"time interval {one.name!r} has no intervals, so it never holds; write when it does"


def _of_rule(rule: InhibitRuleConfig, place: Place) -> Iterator[FaultAt]:
    for side, what in (("source_matchers", "every open alert"), ("target_matchers", "every alert")):
        texts = getattr(rule, side)
        yield from of_matchers(texts, (*place, side))
        if not texts:
            role = "would keep others quiet" if side.startswith("source") else "would be kept quiet"
            yield (*place, side), f"the rule has no {side}, so {what} {role}; say which"
    for name, count in Counter(rule.equal).items():
        if count > 1:
            yield (*place, "equal"), f"equal names {name!r} {count} times; once is enough"


def _routes(route: RouteConfig) -> Iterator[RouteConfig]:
    yield route
    for child in route.routes:
        yield from _routes(child)
