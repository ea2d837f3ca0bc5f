"""How the duty desk refuses a doing."""

from __future__ import annotations

from core.refused import RefusedError


class DutyError(RefusedError):
    """The doing is refused; the sentence says why and what to do instead."""


def written(text: str, what: str, most: int = 4000) -> str:
    """The text without blanks around it. Raises DutyError when nothing is left of it, or it is longer than `most`."""
    text = text.strip()
    if not text:
        raise DutyError(f"This needs {what}; nothing was written.")
    if len(text) > most:
        raise DutyError(f"This text has {len(text)} characters; at most {most} are kept. Shorten it.")
    return text
