"""Calendars out and in: what is exported can be read by others, what comes in is bounded and written once."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from alerts.oncall import calendar, feeds
from alerts.oncall.bringing import bring
from alerts.oncall.calendar import Entry, person_of, read
from alerts.oncall.commands import OnCallError
from alerts.oncall.roster import Roster, load
from core.people import users
from core.store.open import reading, writing
from tests.alerts.oncall.world import PEOPLE, file, gone, layer, over, schedule, utc

NOW = utc("2026-01-06 00:00")
SHANGHAI = ZoneInfo("Asia/Shanghai")
MAIL = {"to": "Li.Wei@example.org", "from": "bomc@example.org", "smarthost": "mail.example.org:25"}
FILE = file(people=[{"name": "li.wei", "title": "李伟", "email_configs": [MAIL]}, *({"name": n} for n in PEOPLE[1:])])


def ics(*events: str) -> bytes:
    """A calendar of these events; lines of an event are parted by `;;`."""
    parts = [f"BEGIN:VEVENT\nUID:{n}@x\nDTSTAMP:20260101T000000Z\n{e}\nEND:VEVENT" for n, e in enumerate(events)]
    text = "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *parts, "END:VCALENDAR", ""])
    return text.replace(";;", "\n").replace("\n", "\r\n").encode()


def test_a_schedule_goes_out_with_its_gaps_and_can_be_read_again() -> None:
    of = schedule(layer(only=[{"from": "09:00", "to": "21:00"}], rotation="daily"), gaps="allowed")
    end = utc("2026-01-08 01:00")
    found = icalendar.Calendar.from_ical(calendar.of_schedule(of, Roster(), utc("2026-01-06 01:00"), end, NOW))
    events = found.walk("VEVENT")
    assert [str(one["SUMMARY"]) for one in events] == [
        "zhang.min",
        "platform: nobody on call",
        "zhao.lei",
        "platform: nobody on call",
    ]
    assert events[0]["DTSTART"].dt == utc("2026-01-06 01:00")
    assert len({str(one["UID"]) for one in events}) == 4


def test_a_person_gets_their_shifts_under_identities_that_stay() -> None:
    """However late in a shift the calendar is fetched, its event begins and is named as before."""
    roster = Roster(
        (over("li.wei", "2026-01-13 00:00", "2026-01-14 00:00"),),
        (gone("li.wei", "2026-01-08 00:00", "2026-01-09 00:00"),),
    )
    first, later = (
        icalendar.Calendar.from_ical(calendar.of_person(FILE, "li.wei", roster, at, utc("2026-01-20 00:00"), at))
        for at in (utc("2026-01-05 12:00"), utc("2026-01-07 12:00"))
    )
    spans = [(one["DTSTART"].dt, one["DTEND"].dt) for one in first.walk("VEVENT")]
    assert spans == [
        (utc("2026-01-05 01:00"), utc("2026-01-08 00:00")),
        (utc("2026-01-09 00:00"), utc("2026-01-12 01:00")),
        (utc("2026-01-13 00:00"), utc("2026-01-14 00:00")),
    ]
    assert [one["UID"] for one in first.walk("VEVENT")] == [one["UID"] for one in later.walk("VEVENT")]
    assert str(first["X-WR-CALNAME"]) == "李伟"


READ = [
    ("a time in UTC", "DTSTART:20260110T010000Z;;DTEND:20260110T020000Z", [("2026-01-10 01:00", "2026-01-10 02:00")]),
    ("a time without a zone", "DTSTART:20260110T090000;;DURATION:PT2H", [("2026-01-10 01:00", "2026-01-10 03:00")]),
    ("a whole day", "DTSTART;VALUE=DATE:20260110", [("2026-01-09 16:00", "2026-01-10 16:00")]),
    ("two days", "DTSTART;VALUE=DATE:20260110;;DTEND;VALUE=DATE:20260112", [("2026-01-09 16:00", "2026-01-11 16:00")]),
    (
        "every week, one left out",
        "DTSTART:20260107T010000Z;;DTEND:20260107T020000Z;;RRULE:FREQ=WEEKLY;COUNT=3;;EXDATE:20260114T010000Z",
        [("2026-01-07 01:00", "2026-01-07 02:00"), ("2026-01-21 01:00", "2026-01-21 02:00")],
    ),
    (
        "every week, one of them cancelled",
        "DTSTART:20260107T010000Z;;DTEND:20260107T020000Z;;RRULE:FREQ=WEEKLY;COUNT=2;;END:VEVENT;;BEGIN:VEVENT;;"
        "UID:0@x;;RECURRENCE-ID:20260114T010000Z;;DTSTART:20260114T010000Z;;DTEND:20260114T020000Z;;STATUS:CANCELLED",
        [("2026-01-07 01:00", "2026-01-07 02:00")],
    ),
    ("cancelled", "DTSTART:20260110T010000Z;;DTEND:20260110T020000Z;;STATUS:CANCELLED", []),
    ("long over", "DTSTART:20250110T010000Z;;DTEND:20250110T020000Z", []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "event", "expected"), READ, ids=[case[0] for case in READ])
def test_occurrences_are_read(name: str, event: str, expected: list[tuple[str, str]]) -> None:
    found = read(ics(f"SUMMARY:li.wei;;{event}"), SHANGHAI, NOW, utc("2026-04-06 00:00"))
    assert [(one.start, one.end) for one in found] == [(utc(start), utc(end)) for start, end in expected]


BAD = [
    ("every second", ics("SUMMARY:x;;DTSTART:20260107T010000Z;;RRULE:FREQ=SECONDLY"), "more often than daily"),
    (
        "every minute of a day",
        ics("DTSTART:20260107T010000Z;;RRULE:FREQ=DAILY;BYMINUTE=1,2,3"),
        "more often than daily",
    ),
    ("no calendar", b"GIF89a", "no calendar"),
    ("empty", b"", "no calendar"),
    ("too large", b"x" * (1024 * 1024 + 1), "larger than 1024 KiB"),
    ("too many", ics(*["DTSTART:20260107T010000Z"] * 2001), "2001 events"),
    ("too many occurrences", ics(*["DTSTART:20260107T010000Z;;DURATION:PT1H;;RRULE:FREQ=DAILY"] * 20), "occurrences"),
]


@pytest.mark.parametrize(("name", "content", "words"), BAD, ids=[case[0] for case in BAD])
def test_what_cannot_be_taken_is_refused(name: str, content: bytes, words: str) -> None:
    with pytest.raises(OnCallError, match=words):
        read(content, SHANGHAI, NOW, utc("2026-04-06 00:00"))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    content=st.binary(max_size=200)
    | st.lists(
        st.sampled_from(["BEGIN:VEVENT", "END:VEVENT", "DTSTART:20260107", "DTSTART:x", "RRULE:FREQ=DAILY", "RRULE:x",
                         "DTEND:20260101T000000Z", "DURATION:-P1D", "SUMMARY:li.wei", "UID:1", "EXDATE:x", "\x00"]),
        max_size=9,
    ).map(lambda lines: "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR", ""]).encode())
)  # fmt: skip
def test_no_calendar_breaks_the_reader(content: bytes) -> None:
    """It is read or refused with a sentence; nothing else happens."""
    refused = ""
    found: list[Entry] = []
    try:
        found = read(content, SHANGHAI, NOW, utc("2026-02-06 00:00"))
    except OnCallError as error:
        refused = str(error)
    assert refused.endswith(".") if refused else all(isinstance(one, Entry) for one in found)


def test_whose_entry_it_is() -> None:
    """By an address, by name or title; otherwise it is said that it is nobody's."""
    at = utc("2026-01-10 00:00")
    assert person_of(FILE, Entry(at, at, "holiday", ("li.wei@example.org",))) == "li.wei"
    assert person_of(FILE, Entry(at, at, " 李伟 ", ())) == "li.wei"
    assert person_of(FILE, Entry(at, at, "ZHAO.LEI", ())) == "zhao.lei"
    with pytest.raises(OnCallError, match=r"of nobody in oncall\.yaml"):
        person_of(FILE, Entry(at, at, "somebody", ("x@example.org",)))


def test_a_calendar_is_brought_once_however_often_and_whole_or_not_at_all(store: Engine) -> None:
    content = ics(
        "SUMMARY:li.wei;;DTSTART:20260105T010000Z;;DTEND:20260107T010000Z",
        "SUMMARY:zhang.min;;DTSTART;VALUE=DATE:20260110",
    )
    entries = read(content, SHANGHAI, NOW, utc("2026-04-06 00:00"))
    for later, expected in ((NOW, (2, 0)), (NOW, (0, 2)), (utc("2026-01-06 06:00"), (0, 2))):
        with writing(store) as connection:
            assert bring(connection, FILE, entries, schedule=None, person=None, who="x", now=later) == expected
    with writing(store) as connection:
        made = bring(connection, FILE, entries, schedule="platform", person="zhao.lei", who="x", now=NOW)
        assert made == (2, 0)
    bad = [*entries, Entry(utc("2026-02-01 00:00"), utc("2026-02-02 00:00"), "nobody", ())]
    with pytest.raises(OnCallError), writing(store) as connection:
        bring(connection, FILE, bad[::-1], schedule="platform", person=None, who="x", now=NOW)
    with reading(store) as connection:
        roster = load(connection, NOW)
    assert (len(roster.absences), len(roster.overrides)) == (2, 2)


def test_an_address_of_a_calendar_is_its_owners_until_it_is_renewed_revoked_or_the_account_closed(
    store: Engine,
) -> None:
    with writing(store) as connection:
        for name in ("li.wei", "zhao.lei"):
            users.add(connection, name=name, role="operator", password="seven brown otters", by="x", now=NOW)
        first, other = feeds.renew(connection, "li.wei", NOW), feeds.renew(connection, "zhao.lei", NOW)
        assert (feeds.owner_of(connection, first), feeds.made_at(connection, "li.wei")) == ("li.wei", NOW)
        second = feeds.renew(connection, "li.wei", NOW)
        assert [feeds.owner_of(connection, secret) for secret in (first, second, "")] == [None, "li.wei", None]
        assert (feeds.revoke(connection, "li.wei", NOW), feeds.revoke(connection, "li.wei", NOW)) == (True, False)
        assert feeds.owner_of(connection, second) is None
        users.disable(connection, name="zhao.lei", by="x", now=NOW)
        assert feeds.owner_of(connection, other) is None
