"""What came of a command, told at the corner of the page."""

from __future__ import annotations

from typing import Any

from dashboards.locale import Say


def done(_: Say, sentence: str) -> dict[str, Any]:
    """It was done."""
    return {"action": "show", "title": _("Done"), "message": sentence, "color": "blue", "autoClose": 5000}


def failed(_: Say, sentence: str) -> dict[str, Any]:
    """It was not done, and why; stays until it is closed."""
    return {"action": "show", "title": _("Not done"), "message": sentence, "color": "red", "autoClose": False}
