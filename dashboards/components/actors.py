"""Who did something, in words for people: the parts of the console that act by themselves have names, people keep theirs."""

from __future__ import annotations

from dashboards.components.words import word
from dashboards.locale import Say, mark

PARTS = {
    "alerts": mark("alert handling (automatic)"),
    "assurance": mark("reconciliation (automatic)"),
    "bomc demo": mark("demo (automatic)"),
    "clock": mark("deadline clock (automatic)"),
    "duty": mark("duty desk (automatic)"),
    "escalation": mark("escalation (automatic)"),
    "outbox": mark("delivery (automatic)"),
    "reconciliation": mark("reconciliation (automatic)"),
}
"""The names under which parts of the console write down what they do."""


def actor(who: str, _: Say) -> str:
    """The name of a part of the console in the viewer's language; a person's name as it is."""
    return word(PARTS, who, _)
