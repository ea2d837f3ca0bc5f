"""How a sentence is recognised by its shape, and how what stands in the holes of a shape is said.

A shape is an English text with holes, and the id of a message in the catalogues. The name of a hole says how its content
is said: VALUES has codes with words of their own, by the first part of the name; everything else is a name or a number
and stays as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from dashboards.components.words import (
    ADJUSTMENT,
    CASE_STATE,
    CHANGE_KIND,
    CHANGE_STATE,
    CHANNEL,
    DECISION,
    DELIVERY_STATE,
    ENTRY_FIELD,
    ENTRY_KIND,
    LOSER,
    PARTY,
    PRIORITY,
    REASON,
    RISK,
    ROLE,
    SIGN_STATE,
    STATUS,
    TICKET_STATE,
    ticket_kind,
    word,
)
from dashboards.locale import Say
from dashboards.sentences.delivering import fault_said
from dashboards.sentences.desk import DOINGS, NEEDED
from dashboards.sentences.files import COUNTED
from dashboards.sentences.judging import DIRECTIONS
from dashboards.sentences.people import PEOPLE

_HOLE: Final = re.compile(r"\{(\w+)\}")
_BREAK: Final = re.compile(r": |; |\. ")
"""Where a part of a sentence ends."""
INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC(?!\+)|\+00:00)", re.ASCII)
"""An instant as programs write it."""
INSTANTS: Final = ("instant", "start", "end", "time")
"""Holes that hold an instant."""
WHOLE: Final = ("words", "text", "error")
"""Holes that hold sentences, or what people, programs and files wrote."""
NARROW: Final = {
    "indicator": re.compile(r"[a-z]\w*(?:\.\w+)+"),
    "through": re.compile("|".join(CHANNEL)),
    "httpstatus": re.compile(r"[1-5]\d\d(?: [A-Z][\w-]*(?: [\w-]+)*)?"),
}
"""Holes of names that look like nothing else, so that a shape of few words is not taken for what others wrote."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A message with holes, and the literal texts between them."""

    message: str
    literals: tuple[str, ...]  # one more than there are holes
    holes: tuple[str, ...]
    letters: int  # outside of the holes; of several shapes that fit, the one with the most is the right one


@cache
def shape(message: str) -> Shape:
    """The shape of a message."""
    parts = _HOLE.split(message)
    return Shape(message, tuple(parts[::2]), tuple(parts[1::2]), sum(map(len, parts[::2])))


def fitted(one: Shape, sentence: str) -> dict[str, str] | None:
    """What stands in the holes of a shape; None when the sentence is not of that shape.

    No hole is empty and each takes as little as it can, the first first. Words, and what others wrote, may be of several
    parts; a name or a number is of one. The work grows with the sentence's length times the number of holes: first the
    places are found from the end where each literal may stand so that the rest fits, then the first of them are taken.
    """
    first, last = one.literals[0], one.literals[-1]
    if not one.holes:
        return {} if sentence == first else None
    end = len(sentence) - len(last)
    if (
        end <= len(first)
        or not (sentence.startswith(first) and sentence.endswith(last))
        or not _in_order(one, sentence)
    ):
        return None
    breaks = [found.start() for found in _BREAK.finditer(sentence)]
    places = [[end]]
    for at in range(len(one.holes) - 1, -1, -1):
        literal, hole = one.literals[at], one.holes[at]
        starts = _starts(sentence, literal) if at else [0]
        ends = places[-1]
        fitting = [at for at in starts if _next(sentence, at + len(literal), hole, ends, breaks) is not None]
        if not fitting:
            return None
        places.append(fitting)
    return _taken(one, sentence, places[-2::-1], breaks)


def _in_order(one: Shape, sentence: str) -> bool:
    """Whether all literals are in the sentence, one after the other: what most sentences fail at once."""
    at = 0
    for literal in one.literals:
        at = sentence.find(literal, at)
        if at < 0:
            return False
        at += len(literal)
    return True


def _starts(sentence: str, literal: str) -> list[int]:
    """Every place where a literal stands."""
    found, at = [], sentence.find(literal)
    while at >= 0:
        found.append(at)
        at = sentence.find(literal, at + 1)
    return found


def _next(sentence: str, begin: int, hole: str, ends: list[int], breaks: list[int]) -> int | None:
    """Where a hole that begins here ends: at the first of the ends, if it may hold all that stands before."""
    at = bisect_right(ends, begin)
    if at == len(ends):
        return None
    name = NARROW.get(kind_of(hole))
    if name is not None:
        longest = name.match(sentence, begin)
        last = begin if longest is None else longest.end()
        inside = ends[at : bisect_right(ends, last)]
        return next((end for end in inside if name.fullmatch(sentence, begin, end)), None)
    if kind_of(hole) not in WHOLE:
        stop = bisect_left(breaks, begin)
        if stop < len(breaks) and breaks[stop] < ends[at]:
            return None
    return ends[at]


def _taken(one: Shape, sentence: str, places: list[list[int]], breaks: list[int]) -> dict[str, str] | None:
    """What stands in each hole, given where the literal behind it may stand."""
    found, begin = {}, len(one.literals[0])
    for at, hole in enumerate(one.holes):
        end = _next(sentence, begin, hole, places[at], breaks)
        if end is None:
            return None
        found[hole] = sentence[begin:end]
        begin = end + len(one.literals[at + 1])
    return found


def kind_of(hole: str) -> str:
    """What stands in a hole, from its name: `words_1` holds words."""
    return hole.partition("_")[0]


def said(hole: str, text: str, _: Say) -> str:
    """The content of a hole in the viewer's language."""
    kind = kind_of(hole)
    return VALUES[kind](text, _) if kind in VALUES else text


def _one(table: dict[str, str]) -> Callable[[str, Say], str]:
    return lambda text, _: word(table, text.strip("'"), _)


def _several(table: dict[str, str], between: str) -> Callable[[str, Say], str]:
    return lambda text, _: _(", ").join(word(table, one, _) for one in text.split(between))


def _changes(text: str, _: Say) -> str:
    """States of a change, listed or joined by `or`."""
    return _several(CHANGE_STATE, " or " if " or " in text else ", ")(text, _)


def in_zone(text: str, _: Say) -> str:
    """An instant as programs write it, in the viewer's zone; what is none stays as it is."""
    try:
        at = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    except ValueError:
        return text
    return text if at.tzinfo is None else _.instant(at)


VALUES: Final[Mapping[str, Callable[[str, Say], str]]] = {
    "state": _one(CASE_STATE),
    "states": _several(CASE_STATE, " or "),
    "ticketstate": _one(TICKET_STATE),
    "ticketstates": _several(TICKET_STATE, " or "),
    "ticketkind": lambda text, _: ticket_kind(text.strip("'"), _),
    "priority": _one(PRIORITY),
    "people": _several(PEOPLE, " or "),
    "signed": _one(SIGN_STATE),
    "decision": _one(DECISION),
    "adjustment": _one(ADJUSTMENT),
    "adjustments": _several(ADJUSTMENT, ", "),
    "party": _one(PARTY),
    "parties": _several(PARTY, ", "),
    "loser": _one(LOSER),
    "code": _one(REASON),
    "codes": _several(REASON, ", "),
    "doing": _one(DOINGS),
    "needed": _one(NEEDED),
    "counted": _one(COUNTED),
    "deliverystate": _one(DELIVERY_STATE),
    "channel": _one(CHANNEL),
    "through": _one(CHANNEL),
    "handing": _one(DOINGS),
    "entrykind": _one(ENTRY_KIND),
    "entrykinds": _several(ENTRY_KIND, ", "),
    "entryfield": _one(ENTRY_FIELD),
    "changekinds": _several(CHANGE_KIND, ", "),
    "changestate": _one(CHANGE_STATE),
    "changestates": _changes,
    "role": _one(ROLE),
    "risks": _several(RISK, ", "),
    "direction": _one(DIRECTIONS),
    "severity": _one(STATUS),
    **dict.fromkeys(INSTANTS, in_zone),
    "error": fault_said,
}
"""How the content of a hole is said."""
