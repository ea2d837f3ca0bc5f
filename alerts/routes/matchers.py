"""Matchers in Alertmanager's notation: `severity="critical"`, `team=~"db|web"`, `{a="b", c!="d"}`, unquoted values too.

Regular expressions are RE2's, as in Alertmanager, anchored at both ends, and a missing label equals "". Source of the notation:
https://prometheus.io/docs/alerting/latest/configuration/#matcher
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.patterns import Pattern, PatternError, compiled

SHOWN = 200  # characters of an expression that a sentence repeats
_OPERATORS = ("=~", "!~", "!=", "=")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:.\-]*")
_BARE_VALUE = re.compile(r"[^\s,{}\"'`!=~\\]+")
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


class MatcherError(ValueError):
    """The text is no matcher; the sentence says where it goes wrong."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label."""

    name: str
    operator: str  # one of = != =~ !~
    value: str
    pattern: Pattern | None = None  # the compiled value of =~ and !~

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the label, "" when missing, satisfies the condition."""
        found = labels.get(self.name, "")
        if self.pattern is not None:
            return self.pattern.matches(found) == (self.operator == "=~")
        return (found == self.value) == (self.operator == "=")

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.operator}"{escaped}"'


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether every one of the conditions holds."""
    for one in matchers:  # noqa: SIM110  # `all` with a generator takes twice as long, and a decision asks hundreds of times
        if not one.matches(labels):
            return False
    return True


def matcher(name: str, operator: str, value: str) -> Matcher:
    """One matcher from its parts. Raises MatcherError when its regular expression cannot be read."""
    if operator not in ("=~", "!~"):
        return Matcher(name, operator, value)
    try:
        return Matcher(name, operator, value, compiled(value))
    except PatternError as error:
        raise MatcherError(f"the regular expression {_shown(value)} cannot be used: {error}") from None


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """The matchers of one string, separated by commas, braces around them or not. Raises MatcherError."""
    body = text.strip()
    if body.startswith("{") != body.endswith("}") or (body == "{"):
        raise MatcherError(f"{text!r} opens a brace that it does not close, or the other way round")
    if body.startswith("{"):
        body = body[1:-1]
    found: list[Matcher] = []
    at = _skip(body, 0)
    while at < len(body):
        one, at = _parse_one(body, at, text)
        found.append(one)
        at = _skip(body, at)
        if at < len(body) and body[at] != ",":
            raise MatcherError(f"{text!r}: a comma is expected after {one}, not {body[at:]!r}")
        at = _skip(body, at + 1)
    return tuple(found)


def parse_all(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """The matchers of several strings, all of which must hold. Raises MatcherError."""
    return tuple(one for text in texts for one in parse_matchers(text))


def _shown(value: str) -> str:
    return repr(value if len(value) <= SHOWN else f"{value[:SHOWN]}…")


def _skip(body: str, at: int) -> int:
    while at < len(body) and body[at].isspace():
        at += 1
    return at


def _parse_one(body: str, at: int, text: str) -> tuple[Matcher, int]:
    name, at = _token(body, at, _NAME)
    if not name:
        raise MatcherError(f'{text!r}: a label name is expected before {body[at:]!r}; write label="value"')
    at = _skip(body, at)
    operator = next((one for one in _OPERATORS if body.startswith(one, at)), None)
    if operator is None:
        raise MatcherError(f"{text!r}: one of = != =~ !~ is expected after {name!r}")
    at = _skip(body, at + len(operator))
    start = at
    value, at = _token(body, at, _BARE_VALUE)
    if at == start:
        value, at = _empty_or_refuse(body, at, text, name)
    return matcher(name, operator, value), at


def _empty_or_refuse(body: str, at: int, text: str, name: str) -> tuple[str, int]:
    if at == len(body) or body[at] == ",":
        return "", at  # Alertmanager reads `label=` as an empty value
    raise MatcherError(f"{text!r}: the value of {name!r} cannot be read from {body[at:]!r}; put it in double quotes")


def _token(body: str, at: int, bare: re.Pattern[str]) -> tuple[str, int]:
    quoted = _QUOTED.match(body, at)
    if quoted:
        return _unescape(quoted.group(1)), quoted.end()
    plain = bare.match(body, at)
    return (plain.group(), plain.end()) if plain else ("", at)


def _unescape(raw: str) -> str:
    """Turn \\n, \\" and \\\\ into what they mean; another backslash stays, so that `\\d` needs no doubling."""
    return re.sub(r"\\(.)", lambda hit: _ESCAPES.get(hit.group(1), hit.group()), raw, flags=re.DOTALL)
