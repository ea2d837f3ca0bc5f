"""Matchers are read and applied as Alertmanager reads and applies them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.routes.matchers import MatcherError, matcher, parse_all, parse_matchers

READ = {
    "quoted": ('severity="critical"', [("severity", "=", "critical")]),
    "unquoted": ("severity=critical", [("severity", "=", "critical")]),
    "spaces around": ("  severity  =  critical  ", [("severity", "=", "critical")]),
    "regular expression": ('team=~"db|web"', [("team", "=~", "db|web")]),
    "not equal": ("team!=db", [("team", "!=", "db")]),
    "not matching": ('team!~"db.*"', [("team", "!~", "db.*")]),
    "several with commas": ('a="1", b=~"2"', [("a", "=", "1"), ("b", "=~", "2")]),
    "braces and a last comma": ('{a="1",b!="2",}', [("a", "=", "1"), ("b", "!=", "2")]),
    "empty braces": ("{}", []),
    "comma inside quotes": ('a="1,2"', [("a", "=", "1,2")]),
    "brace inside quotes": ('{a="}"}', [("a", "=", "}")]),
    "escapes": (r'a="say \"hi\"\n\\"', [("a", "=", 'say "hi"\n\\')]),
    "a backslash that escapes nothing stays": (r'a=~"\d+"', [("a", "=~", r"\d+")]),
    "empty quoted value": ('a=""', [("a", "=", "")]),
    "empty bare value": ("a=", [("a", "=", "")]),
    "quoted name": ('"a b"="c"', [("a b", "=", "c")]),
    "Chinese value, unquoted": ("地市=太原", None),
    "Chinese value": ('city="太原"', [("city", "=", "太原")]),
}

REFUSED = {
    "no operator": "severity",
    "no name": '="critical"',
    "brace left open": '{a="1"',
    "brace never opened": 'a="1"}',
    "quote left open": 'a="1',
    "text after the value": 'a="1" b="2"',
    "regular expression that cannot be read": 'a=~"("',
    "regular expression that Go does not know": 'a=~"(?=x)x"',
    "two commas": "a=1,,b=2",
}

MATCH = {
    "equal": ("a=x", {"a": "x"}, True),
    "equal, another value": ("a=x", {"a": "xx"}, False),
    "anchored at both ends": ('a=~"x"', {"a": "xx"}, False),
    "alternatives are anchored as a whole": ('a=~"x|y"', {"a": "xy"}, False),
    "a dot takes a line break": ('a=~"x.y"', {"a": "x\ny"}, True),
    "missing equals empty": ('a=""', {}, True),
    "missing is not x": ("a!=x", {}, True),
    "missing matches an expression of nothing": ('a=~".*"', {}, True),
    "missing does not match something": ('a=~".+"', {}, False),
    "an expression as Go writes it": (r'a=~"(?U)\pL+[[:digit:]]"', {"a": "告警7"}, True),
    "missing satisfies a negative expression": ('a!~".+"', {}, True),
    "negative expression": ('a!~"x|y"', {"a": "y"}, False),
}


@pytest.mark.parametrize(("text", "parts"), READ.values(), ids=READ.keys())
def test_matchers_are_read(text: str, parts: list[tuple[str, str, str]] | None) -> None:
    """Each notation that Alertmanager accepts gives its name, operator and value."""
    if parts is None:
        with pytest.raises(MatcherError, match="label name"):
            parse_matchers(text)
        return
    assert [(one.name, one.operator, one.value) for one in parse_matchers(text)] == parts


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_matcher_is_refused_in_a_sentence(text: str) -> None:
    """A text that is no matcher raises MatcherError that quotes a part of it."""
    with pytest.raises(MatcherError, match="'"):
        parse_matchers(text)


@pytest.mark.parametrize(("text", "labels", "expected"), MATCH.values(), ids=MATCH.keys())
def test_matching(text: str, labels: dict[str, str], expected: bool) -> None:
    """Expressions are anchored, and a missing label is the empty one."""
    assert all(one.matches(labels) for one in parse_all([text])) is expected


@given(st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), st.sampled_from(["=", "!="]), st.text(max_size=30))
def test_a_matcher_is_read_back_as_it_is_written(name: str, operator: str, value: str) -> None:
    """Writing a matcher and reading it gives the same one, whatever its value holds."""
    one = matcher(name, operator, value)
    assert parse_matchers(str(one)) == (one,)


@given(st.text(alphabet='ab={}",~! \\\n', max_size=20))
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    """Any text is either read or refused with MatcherError."""
    with contextlib.suppress(MatcherError):
        parse_matchers(text)
