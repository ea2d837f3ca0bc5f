"""Personal calendars: the address holds a secret, which is all that a calendar program can send, and opens nothing else."""

from __future__ import annotations

from datetime import timedelta

from fastapi import FastAPI
from starlette.responses import Response

from alerts.oncall import calendar, feeds
from alerts.oncall.roster import load
from core.store.open import reading
from dashboards.answers import refusal
from dashboards.context import Console
from dashboards.gate import FEED

BACK = timedelta(days=14)
AHEAD = timedelta(days=90)


def register(app: FastAPI, console: Console) -> None:
    """Add the route; it is open to all, since the secret in it says whose shifts are asked for."""

    @app.get(FEED + "{secret}.ics", include_in_schema=False)
    def feed(secret: str) -> Response:
        """The shifts of whom the secret belongs to, from two weeks ago to 90 days ahead."""
        now = console.clock()
        with reading(console.engine) as connection:
            owner = feeds.owner_of(connection, secret)
            if owner is None:
                return refusal(404, "There is no calendar at this address; it may have been renewed or revoked.")
            roster = load(connection, now - BACK - calendar.LEAD)
        content = calendar.of_person(console.oncall, owner, roster, now - BACK, now + AHEAD, now)
        return Response(content, media_type="text/calendar; charset=utf-8")
