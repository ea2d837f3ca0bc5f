"""What pages know of a standing control besides its runs: names, owner, when it is due and until when it must have run.

The front door makes these cards from the controls' files; a console without them shows what has run and cannot say
what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime


def _never(_first: date, _last: date) -> Sequence[date]:
    return ()


@dataclass(frozen=True, slots=True)
class ControlCard:
    """One control as its file describes it."""

    name: str
    title: Mapping[str, str] = field(default_factory=dict)  # by language: en, zh
    kind: str = "match"  # match, equation
    number: int | None = None  # of the reference list
    owner: str = ""
    scheduled: Callable[[date, date], Sequence[date]] = _never  # business days of that span that have to be run
    since: date | None = None  # the first business day that it answers for; None: that of its first run
    deadline: Callable[[date], datetime] | None = None  # aware instant by which the run of a business day must be there
    limits: Mapping[str, object] = field(default_factory=dict)
    runbook: str = ""
    demo: bool = False

    def called(self, language: str) -> str:
        """The title in that language, else in any, else the name."""
        return self.title.get(language) or self.title.get(language[:2]) or next(iter(self.title.values()), self.name)

    def overdue(self, business_day: date, now: datetime) -> bool:
        """Whether the run of that business day should have happened by now."""
        return self.deadline is not None and now >= self.deadline(business_day)


def titles(cards: Sequence[ControlCard], language: str) -> dict[str, str]:
    """What people call each control, by its name."""
    return {card.name: card.called(language) for card in cards}
