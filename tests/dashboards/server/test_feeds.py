"""Personal calendars: open to whoever has the address, to nobody else, and only for reading."""

from __future__ import annotations

from dataclasses import replace

import icalendar
import pytest

from alerts.oncall import feeds
from alerts.oncall.config import OnCallFile
from core.store.open import writing
from dashboards.gate import FEED, is_public
from dashboards.server import create_app
from tests.alerts.oncall.world import layer, plan
from tests.dashboards.server.conftest import NOON, House, sample_pages


@pytest.fixture
def served(bare: House) -> House:
    """A console with a schedule of its own operator's."""
    people = [{"name": "operator", "title": "Operator"}]
    oncall = OnCallFile.model_validate({"people": people, "schedules": [plan(layer(people=["operator"]))]})
    bare.console = replace(bare.console, oncall=oncall)
    bare.app = create_app(bare.console, sample_pages(bare))
    return bare


def test_a_calendar_is_read_by_its_address_until_it_is_revoked(served: House) -> None:
    with writing(served.console.engine) as connection:
        secret = feeds.renew(connection, "operator", NOON)
    stranger = served.client()
    answer = stranger.get(f"{FEED}{secret}.ics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    (event,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert str(event["SUMMARY"]) == "On call: platform"
    for wrong in (secret[:-1], secret + "A", "x" * 5000, "1"):
        assert stranger.get(f"{FEED}{wrong}.ics").status_code == 404
    with writing(served.console.engine) as connection:
        feeds.revoke(connection, "operator", NOON)
    assert stranger.get(f"{FEED}{secret}.ics").status_code == 404


PATHS = [
    ("GET", f"{FEED}abc.ics", True),
    ("POST", f"{FEED}abc.ics", False),
    ("GET", f"{FEED}abc", False),
    ("GET", f"{FEED}a/b.ics", False),
    ("GET", f"{FEED}.ics", False),
    ("GET", "/on-call", False),
    ("GET", "/x/on-call/feed/abc.ics", False),
]


@pytest.mark.parametrize(("method", "path", "public"), PATHS)
def test_the_address_opens_nothing_else(served: House, method: str, path: str, public: bool) -> None:
    assert is_public(method, path) is public
    if not public:
        assert served.client().request(method, path).status_code in (303, 401)
