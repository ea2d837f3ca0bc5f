"""Whether any alert at all can satisfy a set of matchers, and whether some matchers follow from others. Pure.

Where a label can only have a few values - it must equal one, or a regular expression lists them - each is tried on every
other matcher of the label. Besides, two matchers that are each other's opposite leave nothing, and one that excludes whatever
there may be does so alone. Other expressions are taken to allow something, so a route is called dead only for certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from alerts.routes.matchers import Matcher

_LISTED = re.compile(r"\(?(?:\?:)?([\w \-:/@%]*(?:\|[\w \-:/@%]*)*)\)?")
"""`a|b|c`, in brackets or not: an expression that lists its values."""
PROBES = ("", "x", "Zz-9.b/c", "告警 7")
"""Values that only a matcher of anything matches."""
_OPPOSITE = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}


def contradiction(matchers: Iterable[Matcher]) -> tuple[Matcher, Matcher] | None:
    """Two matchers that no alert can satisfy together with the rest of their label; none when some alert can."""
    by_label: dict[str, list[Matcher]] = {}
    for one in matchers:
        by_label.setdefault(one.name, []).append(one)
    for name, conditions in by_label.items():
        for first in conditions:
            if first.operator == "!~" and _matches_anything(first):
                return first, first
            opposite = (_OPPOSITE[first.operator], first.value)
            against = next((other for other in conditions if (other.operator, other.value) == opposite), None)
            if against is not None:
                return first, against
            values = values_of(first)
            if values is None:
                continue
            left = values
            for other in conditions:
                left = [value for value in left if other.matches({name: value})]
                if not left:
                    return first, other
    return None


def implied(matcher: Matcher, by: Sequence[Matcher]) -> bool:
    """Whether every alert that satisfies `by` satisfies this matcher as well, as far as that is certain."""
    same = [one for one in by if one.name == matcher.name]
    if any(str(one) == str(matcher) for one in same):
        return True
    if matcher.operator == "=~" and _matches_anything(matcher):
        return True
    found = [values for one in same if (values := values_of(one)) is not None]
    if not found:
        return False
    allowed = [value for value in found[0] if all(one.matches({one.name: value}) for one in same)]
    return all(matcher.matches({matcher.name: value}) for value in allowed)


def _matches_anything(matcher: Matcher) -> bool:
    """Whether the regular expression of a =~ or !~ fits whatever a label may hold, and its lack."""
    return matcher.pattern is not None and all(matcher.pattern.matches(value) for value in PROBES)


def values_of(matcher: Matcher) -> list[str] | None:
    """All values that the matcher allows; none when they cannot be listed."""
    if matcher.operator == "=":
        return [matcher.value]
    listed = _LISTED.fullmatch(matcher.value) if matcher.operator == "=~" else None
    if listed is None or matcher.value.startswith("(") != matcher.value.endswith(")"):
        return None
    return listed.group(1).split("|")
