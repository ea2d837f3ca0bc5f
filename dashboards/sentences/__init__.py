"""Sentences that the store keeps in English, said in the viewer's language.

A refusal, a history and an error are written once, in English, where they arise: in the row of a run, in the trail, in
the log. A page recognises a sentence by its shape (`shapes`) and says the shape in the viewer's language with what stood
in its holes. So rows of any age are translated and none is changed. A hole `words` holds a sentence of its own, which
must be known too, a hole `error` one that may be. A sentence of no known shape is shown as it was written, whole.

Each other file here lists the shapes of one part of the house; `history` tells what happened to a break.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache, lru_cache
from typing import Final

from dashboards.locale import Say, spoken
from dashboards.sentences import (
    alerting,
    arrivals,
    delivering,
    desk,
    duty,
    equations,
    files,
    judging,
    muting,
    oncall,
    statements,
    tickets,
)
from dashboards.sentences.shapes import INSTANT, INSTANTS, Shape, fitted, in_zone, kind_of, said, shape

KNOWN: Final = tuple(
    dict.fromkeys(
        (
            *desk.SHAPES,
            *alerting.SHAPES,
            *arrivals.SHAPES,
            *delivering.SHAPES,
            *equations.SHAPES,
            *files.SHAPES,
            *statements.SHAPES,
            *muting.SHAPES,
            *oncall.SHAPES,
            *tickets.SHAPES,
            *duty.SHAPES,
        )
    )
)
"""Every shape that a page knows."""
BRIEF: Final = tuple(dict.fromkeys(judging.SHAPES))
"""Shapes of sentences that are short, though what stands in them may come from outside."""
LONGEST_BRIEF: Final = 300
"""A longer text is not tried against them: what others push could take a shape with many holes long to refuse."""
DEEPEST: Final = 8
"""Sentences within sentences that are told; none is nested deeper."""


def told(sentence: str, _: Say) -> str:
    """The sentence in the viewer's language, its instants in the viewer's zone; as it stands when of no known shape."""
    if _.language == "en" and INSTANT.search(sentence) is None:
        return sentence
    return _told(sentence, _, 0) or sentence


def judged(sentence: str, _: Say) -> str:
    """Why a check judged so, or the title of an alert, in the viewer's language; what is long or unknown stays as it is."""
    return told(sentence, _) if len(sentence) <= LONGEST_BRIEF else sentence


class _ForMessages(Say):
    """As a message is spoken: read anywhere, so that an instant names its zone."""

    __slots__ = ()

    def instant(self, at: datetime | None) -> str:
        """Day and time to the second with the zone's offset: `2026-03-02 20:00:00 UTC+08:00`."""
        if at is None:
            return "–"
        there = at.astimezone(self.zone)
        offset = there.isoformat(timespec="seconds")[19:] if there.utcoffset() else ""
        return f"{there:%Y-%m-%d %H:%M:%S} UTC{offset}"


def for_messages(timezone: str) -> Callable[[str, str], str]:
    """A function of language and sentence: what a mail or a chat message says, instants in that zone."""

    def translate(language: str, sentence: str) -> str:
        return judged(sentence, _ForMessages(spoken(language), timezone, timezone))

    return translate


def by_zone(timezone: str) -> Callable[[str], str]:
    """A function of a sentence: as it was written, with every instant in it by the clocks of that zone, which it names."""
    spoken_there = _ForMessages("en", timezone, timezone)

    def say(sentence: str) -> str:
        return INSTANT.sub(lambda hit: in_zone(hit[0], spoken_there), sentence)

    return say


@lru_cache(maxsize=4096)
def _told(sentence: str, _: Say, depth: int) -> str | None:
    """The sentence in the viewer's language; None when it, or a sentence within it, is of no known shape."""
    if depth > DEEPEST:
        return None
    for each in _by_letters(len(sentence) <= LONGEST_BRIEF):
        found = fitted(each, sentence)
        if found is None:
            continue
        values: dict[str, str | None] = {hole: _within(hole, text, _, depth + 1) for hole, text in found.items()}
        if None not in values.values():
            return _(each.message, **values)
    return None


def _within(hole: str, text: str, _: Say, depth: int) -> str | None:
    """The content of a hole: words must be of a known shape, an error may be; None when words are not."""
    kind = kind_of(hole)
    if kind == "words":
        return _told(text, _, depth)
    return (_told(text, _, depth) if kind == "error" else None) or _held(hole, text, _)


def _held(hole: str, text: str, _: Say) -> str:
    """The content of a hole; an English sentence keeps what is English, but its instants are in the viewer's zone."""
    return text if _.language == "en" and kind_of(hole) not in INSTANTS else said(hole, text, _)


@cache
def _by_letters(brief: bool) -> tuple[Shape, ...]:
    """All shapes, those of brief sentences only if asked for, and those with the most letters first."""
    return tuple(sorted(map(shape, (*KNOWN, *(BRIEF if brief else ()))), key=lambda each: -each.letters))
