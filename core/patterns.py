"""Regular expressions that people send, matched in a time that only grows with the text: RE2's syntax and meaning.

RE2 is what Prometheus, Alertmanager and amtool use. Python's own matcher can be kept busy for years by an expression
such as `(a+)+`, so it is only given plain ones (letters, dots, classes, lists, few repetitions) on short texts, where
both agree and it is ten times as fast; everything else is matched by RE2 itself, and what RE2 does not know is refused.
Syntax: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

SHORT = 256  # characters of a text that Python's matcher is given
MOST_STEPS = 1 << 21  # that Python's matcher can take over one such text; some tens of milliseconds
LONGEST = 2_000  # characters of an expression that is not plain
MOST_COPIES = 1_000  # of what is repeated {n} times, all together
REMEMBERED = 32_768  # answers of RE2 about short texts

_ALIKE = r"[^\\.+*?()|\[\]{}^$]"
_ESCAPED = r"\\[.+*?()|\[\]{}^$\\/:@-]|\\[dDwW]"
_CLASS = r"\[\^?(?:[A-Za-z0-9](?:-[A-Za-z0-9])?|[_. :/@%])+-?\]"
_PIECE = re.compile(
    rf"(?P<open>\((?:\?:)?)|(?P<close>\)\??)|(?P<bar>\|)|(?:{_ESCAPED}|{_CLASS}|\.|{_ALIKE})(?P<many>[*+?]?)"
)
_COPIES = re.compile(r"\{(\d+)(?:,(\d*))?\}", re.ASCII)


class PatternError(ValueError):
    """The text is no regular expression that can be used; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression; `plain` is the same one for Python's matcher, where that may be used."""

    text: str
    plain: re.Pattern[str] | None = None

    def matches(self, text: str) -> bool:
        """Whether the whole text fits; a dot takes a line break as well."""
        if len(text) > SHORT:
            return _by_re2(_whole(self.text), text)
        if self.plain is not None:
            return self.plain.fullmatch(text) is not None
        return _remembered(_whole(self.text), text)


@lru_cache(maxsize=4_096)
def compiled(text: str) -> Pattern:
    """The expression, ready for use. Raises PatternError with what is wrong with it."""
    plain = _plain(text)
    if plain is None:
        if len(text) > LONGEST:
            raise PatternError(f"it has {len(text)} characters, and only a plain list may have more than {LONGEST}")
        if sum(int(last or first) for first, last in _COPIES.findall(text)) > MOST_COPIES:
            raise PatternError(f"it repeats more than {MOST_COPIES} times; write + or * instead")
        for one in (text, _whole(text)):
            _by_re2(one, "")
    return Pattern(text, plain)


def occurs(text: str, pattern: str) -> bool:
    """Whether the expression fits some part of the text. Raises PatternError when RE2 cannot read it."""
    return _by_re2(pattern, text)


def _plain(text: str) -> re.Pattern[str] | None:
    """The expression for Python's matcher, if it is one of those on which both agree and which are done soon."""
    body = text.removeprefix("^")
    body = body[:-1] if body.endswith("$") and not body.endswith("\\$") else body
    steps, lists, at = 1, [1], 0
    while at < len(body):
        piece = _PIECE.match(body, at)
        if piece is None:
            return None
        at = piece.end()
        if piece["open"]:
            lists.append(1)
        elif piece["bar"]:
            lists[-1] += 1
        elif piece["close"]:
            if len(lists) == 1:
                return None
            steps *= lists.pop() + piece["close"].count("?")
        elif piece["many"]:
            steps *= 2 if piece["many"] == "?" else SHORT
    if len(lists) > 1 or steps * math.prod(lists) > MOST_STEPS:
        return None
    try:
        return re.compile(body, re.DOTALL | re.ASCII)
    except (re.error, OverflowError, RecursionError):  # RE2 says what is wrong with it
        return None


def _whole(pattern: str) -> str:
    return f"^(?s:{pattern})$"


@lru_cache(maxsize=REMEMBERED)
def _remembered(pattern: str, text: str) -> bool:
    return _by_re2(pattern, text)


def _by_re2(pattern: str, text: str) -> bool:
    import pyarrow  # here, because loading it takes a while and few expressions need it
    import pyarrow.compute

    try:
        shown = text.encode("utf-8", "replace").decode()  # half a character of UTF-16 is none that RE2 knows
        return bool(pyarrow.compute.match_substring_regex(pyarrow.scalar(shown), pattern=pattern).as_py())
    except (pyarrow.ArrowInvalid, UnicodeError) as fault:
        said = str(fault).removeprefix("Invalid regular expression: ")
        raise PatternError(f"not a regular expression that RE2 knows: {said}") from None
