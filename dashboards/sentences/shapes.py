"""How a sentence is recognised by its shape, and how what stands in the holes of a shape is said.

A shape is an English text with holes, and the id of a message in the catalogues. The name of a hole says how its content
is said: VALUES has codes with words of their own, by the first part of the name; everything else is a name or a number
and stays as it is.
"""

from __future__ import annotations

import re
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
    SIGN_STATE,
    STATUS,
    TICKET_STATE,
    ticket_kind,
    word,
)
from dashboards.locale import Say
from dashboards.sentences.desk import DOINGS, NEEDED
from dashboards.sentences.files import COUNTED
from dashboards.sentences.judging import DIRECTIONS
from dashboards.sentences.people import PEOPLE

_HOLE: Final = re.compile(r"\{(\w+)\}")
WHOLE: Final = ("words", "text", "error")
"""Holes that hold sentences, or what people, programs and files wrote."""
NARROW: Final = {"indicator": r"[a-z]\w*(?:\.\w+)+"}
"""Holes of names that look like nothing else, so that a shape of few words is not taken for what others wrote."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A message with holes, and how a sentence of that shape is recognised."""

    message: str
    pattern: re.Pattern[str]
    letters: int  # outside of the holes; of several shapes that fit, the one with the most is the right one


@cache
def shape(message: str) -> Shape:
    """The shape of a message."""
    parts = _HOLE.split(message)
    pattern = "".join(re.escape(part) if at % 2 == 0 else _group(part) for at, part in enumerate(parts))
    return Shape(message, re.compile(pattern, re.DOTALL), sum(map(len, parts[::2])))


def _group(hole: str) -> str:
    """What a hole takes: words, and what others wrote, may be of several parts; a name or a number is of one."""
    kind = kind_of(hole)
    if kind in NARROW:
        return f"(?P<{hole}>{NARROW[kind]})"
    inside = "." if kind in WHOLE else r"(?:(?!: |; |\. ).)"
    return f"(?P<{hole}>{inside}+?)"


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


def _instant(text: str, _: Say) -> str:
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
    "handing": _one(DOINGS),
    "entrykind": _one(ENTRY_KIND),
    "entrykinds": _several(ENTRY_KIND, ", "),
    "entryfield": _one(ENTRY_FIELD),
    "changekinds": _several(CHANGE_KIND, ", "),
    "changestate": _one(CHANGE_STATE),
    "changestates": _changes,
    "risks": _several(RISK, ", "),
    "direction": _one(DIRECTIONS),
    "severity": _one(STATUS),
    "instant": _instant,
}
"""How the content of a hole is said."""
