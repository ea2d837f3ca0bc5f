"""How the viewer of the request being answered is spoken to."""

from __future__ import annotations

from dashboards.context import Console, current_viewer
from dashboards.locale import Say, spoken


def speaking(console: Console) -> Say:
    """Words, numbers and times in the viewer's language and zone. Raises LookupError outside of a request."""
    viewer = current_viewer()
    return Say(spoken(viewer.language), viewer.timezone.key, console.timezone.key)
