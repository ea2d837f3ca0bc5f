"""The one way in which a collector fails: no samples, and a sentence that says why."""

from __future__ import annotations


class CollectError(Exception):
    """A probe got nothing that can be judged: what went wrong, where, and what to do, in a sentence without secrets."""
