"""In which file a receiver stands, by its name: routes.yaml, or oncall.yaml for one person."""

from __future__ import annotations

from alerts.oncall.config import PERSON


def file_of(name: str) -> str:
    """The file that receivers of such a name stand in."""
    return "oncall.yaml" if name.startswith(PERSON) else "routes.yaml"
