"""What every refusal of a person's doing is: nothing was changed, and the sentence says why and what to do instead."""

from __future__ import annotations


class RefusedError(Exception):
    """A doing that is not possible or not allowed as things stand; its text is a sentence for whoever asked."""
