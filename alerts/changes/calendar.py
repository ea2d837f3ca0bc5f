"""The change calendar as iCalendar (RFC 5545): each change an event of its window, which keeps its identity when it moves on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

REFRESH: Final = "PT1H"
STATUS: Final = {"planned": "TENTATIVE", "cancelled": "CANCELLED"}
"""How a calendar program shows a state; every other one is CONFIRMED."""


def of_changes(changes: Sequence[Mapping[str, Any]], name: str, external_url: str, now: datetime) -> bytes:
    """The changes (rows of `planned_change`) as a calendar of that name, each with the address of its page."""
    import icalendar

    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//bomc//changes//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("x-published-ttl", REFRESH)
    for change in changes:
        calendar.add_component(_event(change, external_url, now))
    return bytes(calendar.to_ical())


def _event(change: Mapping[str, Any], external_url: str, now: datetime) -> Any:
    import icalendar

    event = icalendar.Event()
    event.add("uid", f"change-{change['id']}@bomc")
    event.add("dtstamp", now.replace(microsecond=0))
    event.add("dtstart", change["starts_at"].replace(microsecond=0))
    event.add("dtend", change["ends_at"].replace(microsecond=0))
    event.add("summary", f"{change['requirement']} {change['title']}")
    event.add("description", _description(change))
    event.add("status", STATUS.get(change["state"], "CONFIRMED"))
    event.add("categories", [change["kind"], f"risk {change['risk']}"])
    event.add("url", f"{external_url.rstrip('/')}/changes?change={change['id']}")
    event.add("transp", "TRANSPARENT")
    return event


def _description(change: Mapping[str, Any]) -> str:
    return (
        f"{change['state']}\ntargets: {', '.join(change['targets'])}\nrisk: {change['risk']}\n"
        f"contact: {change['contact']}\nback-out: {change['back_out']}"
    )
