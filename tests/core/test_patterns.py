"""Regular expressions from outside: RE2's syntax, and never longer than the text deserves, whoever matches them."""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.patterns import MOST_COPIES, SHORT, PatternError, compiled, occurs

FITS = {
    "a list": ("db|web", "web", "webs", True),
    "a list in a group": ("db-(1|2|10)", "db-10", "db-3", True),
    "with anchors of its own": ("^db.*$", "db-1", "xdb", True),
    "a dot takes a line break": ("a.b", "a\nb", "ab", True),
    "a group that may be missing": ("db-1(:9100)?", "db-1:9100", "db-1:910", True),
    "a digit is one of ten, as in Go": (r"\d+", "12", "١٢", True),
    "a class": ("[a-z0-9_-]+", "db-1_x", "DB", True),
    "a group that repeats": ("(ab)+", "abab", "aba", False),
    "letters of any script": (r"\pL+", "告警", "db-1", False),
    "a POSIX class": ("[[:alpha:]]+", "abc", "ab1", False),
    "whatever case": ("(?i)db", "Db", "d", False),
    "quoted": (r"\Qa.b\E", "a.b", "axb", False),
    "a number of times": ("a{2,3}", "aaa", "aaaa", False),
    "a name for a group": ("(?P<x>a)b", "ab", "a", False),
    "a line break is no end": ("a$", "a", "a\n", True),
    "nothing": ("", "", "a", True),
}
REFUSED = {
    "what looks ahead": ("(?=a)b", "invalid perl operator"),
    "what looks back": (r"(a)\1", "invalid escape"),
    "what never gives back": ("a*+", "bad repetition"),
    "a group left open": ("(a", "missing"),
    "a group never opened": ("a)|(b", r"unexpected \)"),
    "a quotation without an end": (r"\Qa", "missing"),
    "a range that runs back": ("[z-a]", "invalid character class range"),
    "too long": ("(a+)+" * 500, "2500 characters"),
    "too many copies": ("(a{600})(b{600})", f"more than {MOST_COPIES} times"),
}
CATASTROPHIC = {
    "a repetition that repeats": ("(a+)+", SHORT),
    "and in a long text": ("(a+)+", 100_000),
    "one of two that are alike": ("(a|a)*", SHORT),
    "much that may be missing": ("a?" * 60 + "a" * 60, 60),
    "runs beside one another": (".*" * 12 + "x", SHORT),
    "two runs in a long text": (".*.*x", 100_000),
    "lists beside one another": ("(a|a)" * 60 + "x", 60),
    "a list in a repetition": ("((a|aa)+)+b", SHORT),
}


@pytest.mark.parametrize(("pattern", "fits", "fails", "plain"), FITS.values(), ids=FITS.keys())
def test_the_whole_text_fits_or_does_not(pattern: str, fits: str, fails: str, plain: bool) -> None:
    """With the meaning that Go gives it; `plain` ones are for Python's matcher, and RE2 says the same of longer texts."""
    one = compiled(pattern)
    assert (one.matches(fits), one.matches(fails), one.plain is not None) == (True, False, plain)


@pytest.mark.parametrize(("pattern", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_go_refuses_is_refused(pattern: str, why: str) -> None:
    """In a sentence that says what is wrong with it."""
    with pytest.raises(PatternError, match=why):
        compiled(pattern)


@pytest.mark.parametrize(("pattern", "length"), CATASTROPHIC.values(), ids=CATASTROPHIC.keys())
def test_no_expression_takes_longer_than_the_text_deserves(pattern: str, length: int) -> None:
    """Each of these would keep Python's own matcher busy for longer than anybody lives."""
    one = compiled(pattern)
    begun = time.perf_counter()
    assert one.matches("a" * length + "!") is False
    assert time.perf_counter() - begun < 1.0


def test_a_list_of_any_length_is_plain() -> None:
    """Thousands of names in one matcher are what tools write."""
    names = [f"host-{number}.example" for number in range(2_000)]
    one = compiled("|".join(names))
    assert one.plain is not None
    assert one.matches(names[-1])


def test_half_a_character_matches_nothing_and_breaks_nothing() -> None:
    """A lone surrogate can come out of JSON, and no UTF-8 can hold it."""
    assert not compiled(r"\pL+").matches("\ud800")
    assert occurs("a\ud800b", "b$")


PIECES = st.sampled_from(
    [
        "a",
        "b",
        "-",
        "7",
        "é",
        ".",
        "a*",
        "b+",
        "7?",
        ".*",
        "[ab]",
        "[^a-]",
        "[0-9]+",
        r"\.",
        r"\d",
        r"\W",
        "|",
        "(",
        ")",
        "(?:",
        ")?",
        "^",
        "$",
    ]
)


@settings(deadline=None, max_examples=400)
@given(st.lists(PIECES, max_size=8).map("".join), st.text(alphabet="ab-7é.\n", max_size=8))
def test_both_matchers_say_the_same(pattern: str, text: str) -> None:
    """What Python's matcher is given, RE2 understands, and answers alike."""
    try:
        one = compiled(pattern)
    except PatternError:
        assume(False)
        return
    assume(one.plain is not None)
    assert one.matches(text) == occurs(text, f"^(?s:{pattern})$")
