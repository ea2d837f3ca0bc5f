"""Personal calendars: open to whoever has the address, to nobody else, and only for reading."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import icalendar
import pytest
from sqlalchemy import insert

from alerts.changes import commands
from alerts.changes.commands import Plan
from alerts.oncall import feeds
from alerts.oncall.config import OnCallFile
from core.store.open import writing
from core.store.tables import target
from dashboards.gate import CHANGE_FEED, FEED, is_public
from dashboards.server import create_app
from tests.alerts.oncall.world import layer, plan
from tests.dashboards.server.conftest import NOON, House, sample_pages

HOST = {
    "name": "host-1",
    "kind": "host",
    "labels": {},
    "site": "",
    "system": "",
    "demo": False,
    "runs_on": [],
    "depends_on": [],
}


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


def test_the_changes_are_a_calendar_of_their_own(served: House) -> None:
    """Each change keeps its identity when it moves on; a secret opens the calendar that it was made for and no other."""
    window = {"starts_at": NOON + timedelta(hours=2), "ends_at": NOON + timedelta(hours=4)}
    wanted = Plan("REQ-7", "New release, part 1", ["host-1"], back_out="b", contact="li 138", **window)
    with writing(served.console.engine) as connection:
        connection.execute(insert(target).values(HOST))
        number = commands.plan(connection, wanted, "li.wei", NOON)
        shifts = feeds.renew(connection, "operator", NOON)
        secret = feeds.renew(connection, "viewer", NOON, feeds.CHANGES)
        assert feeds.renew(connection, "operator", NOON, feeds.CHANGES)
    stranger = served.client()
    answer = stranger.get(f"{CHANGE_FEED}{secret}.ics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    (event,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert (str(event["SUMMARY"]), str(event["STATUS"])) == ("REQ-7 New release, part 1", "TENTATIVE")
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (wanted.starts_at, wanted.ends_at)
    assert str(event["URL"]).endswith(f"/changes?change={number}")
    assert "targets: host-1" in str(event["DESCRIPTION"])
    assert stranger.get(f"{CHANGE_FEED}{shifts}.ics").status_code == 404
    assert stranger.get(f"{FEED}{secret}.ics").status_code == 404
    assert stranger.get(f"{FEED}{shifts}.ics").status_code == 200  # not ended by the calendar of changes
    with writing(served.console.engine) as connection:
        commands.cancel(connection, number, "li.wei", "not needed", NOON)
    (later,) = icalendar.Calendar.from_ical(stranger.get(f"{CHANGE_FEED}{secret}.ics").content).walk("VEVENT")
    assert (later["UID"], str(later["STATUS"])) == (event["UID"], "CANCELLED")
    with writing(served.console.engine) as connection:
        feeds.revoke(connection, "viewer", NOON, feeds.CHANGES)
    assert stranger.get(f"{CHANGE_FEED}{secret}.ics").status_code == 404


PATHS = [
    ("GET", f"{CHANGE_FEED}abc.ics", True),
    ("POST", f"{CHANGE_FEED}abc.ics", False),
    ("GET", "/changes", False),
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
