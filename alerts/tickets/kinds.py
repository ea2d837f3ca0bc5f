"""The twelve kinds of ticket that the operator works with, their priorities and their states, as names in two languages.

What each kind holds and how it moves is declared in kinds.yaml; an operator's own names for kinds are those of its book.
"""

from __future__ import annotations

from typing import NamedTuple

from alerts.tickets.book import declared
from alerts.tickets.declared import AT_WORK, CODES, OVER, PRIORITIES, STATES

__all__ = ["AT_WORK", "BY_CODE", "CODES", "KINDS", "OVER", "PRIORITIES", "STATES", "UNDER_WAY", "Kind"]


class Kind(NamedTuple):
    """One kind of work: its code in configuration and store, its names on the pages."""

    code: str
    zh: str
    en: str


KINDS = tuple(Kind(code, entry.zh, entry.en) for code, entry in declared().kinds.items())
BY_CODE = {kind.code: kind for kind in KINDS}
UNDER_WAY = AT_WORK
