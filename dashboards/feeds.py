"""Personal calendars of shifts and of changes.

The address holds a secret, which is all that a calendar program can send, and opens nothing else.
"""

from __future__ import annotations

from datetime import timedelta

from fastapi import FastAPI
from starlette.responses import Response

from alerts.changes.calendar import of_changes
from alerts.oncall import calendar, feeds
from alerts.oncall.roster import load
from core.store.open import reading
from dashboards.answers import refusal
from dashboards.context import Console
from dashboards.gate import CHANGE_FEED, FEED
from dashboards.locale import Say
from dashboards.queries import changes

BACK = timedelta(days=14)
AHEAD = timedelta(days=90)
ICALENDAR = "text/calendar; charset=utf-8"
NONE_HERE = "There is no calendar at this address; it may have been renewed or revoked."


def register(app: FastAPI, console: Console) -> None:
    """Add the routes; they are open to all, since the secret in them says who asks."""

    @app.get(FEED + "{secret}.ics", include_in_schema=False)
    def feed(secret: str) -> Response:
        """The shifts of whom the secret belongs to, from two weeks ago to 90 days ahead."""
        now = console.clock()
        with reading(console.engine) as connection:
            owner = feeds.owner_of(connection, secret)
            if owner is None:
                return refusal(404, NONE_HERE)
            roster = load(connection, now - BACK - calendar.LEAD)
        content = calendar.of_person(console.oncall, owner, roster, now - BACK, now + AHEAD, now)
        return Response(content, media_type=ICALENDAR)

    @app.get(CHANGE_FEED + "{secret}.ics", include_in_schema=False)
    def changes_feed(secret: str) -> Response:
        """Changes and releases from two weeks ago to 90 days ahead, in whatever state."""
        now = console.clock()
        with reading(console.engine) as connection:
            if feeds.owner_of(connection, secret, feeds.CHANGES) is None:
                return refusal(404, NONE_HERE)
            found = changes.changes(connection, now - BACK, now + AHEAD, {})
        name = f"{console.operator}: {Say(console.language)('Changes')}"
        content = of_changes(found, name, console.external_url, now)
        return Response(content, media_type=ICALENDAR)
