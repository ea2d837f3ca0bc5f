"""The one way in which a collector fails: no samples, and a sentence that says why."""

from __future__ import annotations

LONGEST = 400  # characters; what a server said may be quoted, but never fills a page


class CollectError(Exception):
    """A probe got nothing that can be judged: what went wrong, where, and what to do, in a sentence without secrets."""

    def __init__(self, sentence: str) -> None:
        words = "".join(mark if mark.isprintable() else "?" for mark in " ".join(sentence.split()))
        super().__init__(words if len(words) <= LONGEST else f"{words[:LONGEST]}...")
