"""Heartbeats of jobs: when one is late, failed or well, over DST and restarts; and the alerts that come of it, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Engine, func, select

from alerts import pipeline
from alerts.heartbeats import pings
from alerts.heartbeats.config import Heartbeat, HeartbeatsFile, faults, weekdays
from alerts.heartbeats.judging import FAIL, START, SUCCESS, Ping, state
from alerts.heartbeats.watch import Watch
from core.store.open import open_store, reading, writing
from core.store.tables import audit, heartbeat_ping
from tests.alerts.world import NOON, after, alerts, events, routes

ROUTES = routes(group_wait="0s")


def _job(**settings: Any) -> Heartbeat:
    rhythm = {} if "cron" in settings or "every" in settings else {"every": "1h"}
    return Heartbeat.model_validate({"name": "billing-export", "grace": "10m", **rhythm, **settings})


def _ping(minutes: float, kind: str = SUCCESS, exit_status: int | None = None) -> Ping:
    return Ping(after(minutes=minutes), kind, exit_status, "said")


STATES: dict[str, tuple[list[Ping], float, str, str]] = {
    # pings, minutes after noon, status, a part of the reason; watched since noon, every hour, 10 minutes of grace
    "new": ([], 0, "waiting", "not been heard of yet"),
    "new, in its grace": ([], 65, "due", "was expected at 2026-03-02 13:00:00 UTC, and has 10m more"),
    "new, at the end of its grace": ([], 70, "due", "10m more"),
    "new, never heard of": ([], 70.01, "late", "never been heard of, was expected at 2026-03-02 13:00:00 UTC"),
    "well": ([_ping(30)], 60, "up", "heard of at 2026-03-02 12:30:00 UTC"),
    "well until its hour": ([_ping(30)], 90, "up", "heard of"),
    "due": ([_ping(30)], 91, "due", "expected at 2026-03-02 13:30:00 UTC"),
    "late": ([_ping(30)], 101, "late", "last heard of at 2026-03-02 12:30:00 UTC"),
    "well again": ([_ping(30), _ping(200)], 201, "up", "heard of"),
    "failed": ([_ping(30, FAIL)], 31, "failed", "said at 2026-03-02 12:30:00 UTC that it failed"),
    "failed with a status": ([_ping(30, FAIL, 137)], 31, "failed", "with exit status 137"),
    "failed, then well": ([_ping(30, FAIL), _ping(40)], 41, "up", "heard of"),
    "failed, then silent": ([_ping(30, FAIL)], 101, "late", "grace are over"),
    "running": ([_ping(30), _ping(89, START)], 95, "running", "it began at 2026-03-02 13:29:00 UTC"),
    "began and did not end": ([_ping(30), _ping(89, START)], 100, "late", "has not ended within 10m"),
    "began and ended": ([_ping(89, START), _ping(95)], 120, "up", "heard of"),
    "what is not yet is not counted": ([_ping(30), _ping(500)], 101, "late", "12:30:00"),
}


@pytest.mark.parametrize(("heard", "minutes", "status", "words"), STATES.values(), ids=STATES.keys())
def test_how_a_job_stands(heard: list[Ping], minutes: float, status: str, words: str) -> None:
    """Waiting, up, running, due, late or failed, each with its reason in words."""
    found = state(_job(), heard, after(minutes=minutes), watched_since=NOON)
    assert found.status == status
    assert words in found.reason


CRONS: dict[str, tuple[str, str, str, str]] = {
    # cron, zone, last heard of (local), expected next (UTC)
    "every day": ("30 2 * * *", "Asia/Shanghai", "2026-03-02T02:31", "2026-03-02T18:30"),
    "the hour that spring leaves out": ("30 2 * * *", "Europe/Berlin", "2026-03-28T02:31", "2026-03-29T01:30"),
    "the day after spring": ("30 2 * * *", "Europe/Berlin", "2026-03-29T04:00", "2026-03-30T00:30"),
    "stays at nine over spring": ("0 9 * * *", "Europe/Berlin", "2026-03-28T09:01", "2026-03-29T07:00"),
    "stays at nine over autumn": ("0 9 * * *", "Europe/Berlin", "2026-10-24T09:01", "2026-10-25T08:00"),
    "stays at nine in New York": ("0 9 * * *", "America/New_York", "2026-10-31T09:01", "2026-11-01T14:00"),
    "sunday is 0": ("0 3 * * 0", "UTC", "2026-03-02T12:00", "2026-03-08T03:00"),
    "sunday is 7": ("0 3 * * 7", "UTC", "2026-03-02T12:00", "2026-03-08T03:00"),
    "monday is 1": ("0 3 * * 1", "UTC", "2026-03-02T12:00", "2026-03-09T03:00"),
    "monday to friday": ("0 3 * * 1-5", "UTC", "2026-03-06T12:00", "2026-03-09T03:00"),
    "saturday to sunday": ("0 3 * * 6-7", "UTC", "2026-03-02T12:00", "2026-03-07T03:00"),
    "by name": ("0 3 * * FRI", "UTC", "2026-03-02T12:00", "2026-03-06T03:00"),
    "leap day": ("0 3 29 2 *", "UTC", "2026-03-02T12:00", "2028-02-29T03:00"),
    "a day of the month or one of the week": ("0 3 15 * FRI", "UTC", "2026-03-02T12:00", "2026-03-06T03:00"),
    "the day of the month comes first": ("0 3 3 * 5", "UTC", "2026-03-02T12:00", "2026-03-03T03:00"),
    "every other day of the month, and a friday": ("0 3 */2 * 5", "UTC", "2026-03-02T12:00", "2026-03-13T03:00"),
    "last of the month": ("0 3 last * *", "UTC", "2026-02-01T12:00", "2026-02-28T03:00"),
}


@pytest.mark.parametrize(("cron", "zone", "heard", "expected"), CRONS.values(), ids=CRONS.keys())
def test_when_a_cron_line_is_expected(cron: str, zone: str, heard: str, expected: str) -> None:
    """In the job's own zone, over both edges of daylight saving, with cron's numbers for days."""
    since = datetime.fromisoformat(heard).replace(tzinfo=ZoneInfo(zone))
    found = _job(cron=cron, timezone=zone).expected_after(since)
    assert found is not None
    assert found.astimezone(UTC) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize("day", ["8", "mon-sun-tue", "x", "5-2", "", "1;2"])
def test_days_that_are_none_are_refused(day: str) -> None:
    """With a sentence."""
    with pytest.raises(ValueError, match=r"day of the week|ends before it begins"):
        weekdays(day)


@given(st.sets(st.integers(0, 7), min_size=1))
def test_days_by_number_and_by_name_are_the_same(days: set[int]) -> None:
    """Whatever the list, numbers and names choose the same days."""
    names = [("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")[day] for day in days]
    assert weekdays(",".join(map(str, days))) == weekdays(",".join(names))


FAULTY: dict[str, tuple[dict[str, Any], str]] = {
    "no rhythm": ({}, "give either cron or every"),
    "two rhythms": ({"every": "1h", "cron": "* * * * *"}, "give either cron or every"),
    "no cron line": ({"cron": "* * * *"}, "it has five fields"),
    "an hour that is none": ({"cron": "0 25 * * *"}, "is no cron line"),
    "a day that never comes": ({"cron": "0 0 30 2 *"}, "names a day that never comes"),
    "too often": ({"every": "1s"}, "every 10s at most"),
    "a zone that is none": ({"every": "1h", "timezone": "Mars/Olympus"}, "is no time zone"),
    "a name that is none": ({"every": "1h", "name": "a b"}, "should match pattern"),
}


@pytest.mark.parametrize(("settings", "words"), FAULTY.values(), ids=FAULTY.keys())
def test_what_is_no_heartbeat_is_refused(settings: dict[str, Any], words: str) -> None:
    """With a sentence for each fault."""
    with pytest.raises(ValidationError, match=words):
        Heartbeat.model_validate({"name": "job", **settings})


def test_a_name_given_twice_is_a_fault() -> None:
    """The URL of one would be the other's."""
    file = HeartbeatsFile.model_validate({"heartbeats": [{"name": "a", "every": "1h"}, {"name": "a", "every": "2h"}]})
    assert [place for place, _ in faults(file)] == [("heartbeats", 1, "name")]


@given(st.lists(st.tuples(st.integers(0, 5000), st.sampled_from([SUCCESS, FAIL, START])), max_size=12), st.randoms())
def test_the_order_of_the_pings_means_nothing(heard: list[tuple[int, str]], chance: Any) -> None:
    """What is known is a set; and the latest of each kind is enough."""
    known = [Ping(after(seconds=60 * at + number), kind) for number, (at, kind) in enumerate(heard)]
    shuffled = list(known)
    chance.shuffle(shuffled)
    now = after(minutes=5100)
    found = state(_job(), known, now, watched_since=NOON)
    assert state(_job(), shuffled, now, watched_since=NOON) == found
    latest = {ping.kind: ping for ping in sorted(known, key=lambda ping: ping.at)}
    assert state(_job(), list(latest.values()), now, watched_since=NOON) == found


def test_what_nobody_listened_to_is_waited_for() -> None:
    """The console was away when the job ran: it has its grace from the return on before it is called late."""
    away = after(hours=5)
    assert state(_job(), [_ping(0)], after(hours=5, minutes=5), watched_since=NOON).status == "late"
    back = {"watched_since": NOON, "listening_since": away}
    assert state(_job(), [_ping(0)], after(hours=5, minutes=5), **back).status == "due"
    assert state(_job(), [_ping(0)], after(hours=5, minutes=11), **back).status == "late"


def _turn(store: Engine, watch: Watch, now: datetime) -> None:
    with writing(store) as connection:
        pipeline.handle(connection, watch.findings(connection, now), ROUTES, now)


def _token(store: Engine, now: datetime = NOON) -> str:
    with writing(store) as connection:
        return pings.renew(connection, "billing-export", "li.wei", now)


def _hear(store: Engine, token: str, now: datetime, kind: str = SUCCESS, **more: Any) -> pings.Heard:
    with writing(store) as connection:
        return pings.hear(connection, token, kind, now, **more)


def test_a_silent_job_is_one_alert_and_is_over_when_it_is_heard_of(store: Engine, store_url: str) -> None:
    """Once, whatever restarts; with labels, owner and runbook; resolved by the next ping."""
    job = _job(labels={"team": "billing"}, owner="wang.fang", runbook="Run it by hand.")
    token = _token(store)
    for minutes in (1, 69, 71, 72):
        elsewhere = open_store(store_url)
        _turn(elsewhere, Watch([job]), after(minutes=minutes))
        elsewhere.dispose()
    (alert,) = alerts(store)
    assert (alert.check_name, alert.target, alert.severity, alert.state) == (
        "heartbeat-late",
        "billing-export",
        "critical",
        "firing",
    )
    assert alert.labels["team"] == "billing"
    assert alert.labels["owner"] == "wang.fang"
    assert alert.annotations["runbook"] == "Run it by hand."
    assert len(events(store, "opened")) == 1
    assert _hear(store, token, after(minutes=80)).taken
    _turn(store, Watch([job]), after(minutes=80.1))
    assert alerts(store)[0].state == "resolved"


def test_a_failed_job_is_an_alert_with_what_it_said(store: Engine) -> None:
    """The end of its output, 10 KB at most, stands in the annotation; another failure opens nothing new."""
    watch, token = Watch([_job()]), _token(store)
    output = b"x" * 20_000 + "最后一行".encode()
    _hear(store, token, after(minutes=1), FAIL, exit_status=3, output=output)
    _turn(store, watch, after(minutes=1))
    _hear(store, token, after(minutes=2), FAIL, output=b"again")
    _turn(store, watch, after(minutes=2))
    (alert,) = alerts(store)
    assert alert.check_name == "heartbeat-failed"
    assert alert.annotations["output"].endswith("最后一行")
    assert len(alert.annotations["output"].encode()) <= 10_240
    assert "exit status 3" in alert.annotations["reason"]
    _hear(store, token, after(minutes=3), START)
    _turn(store, watch, after(minutes=3))
    assert alerts(store)[0].state == "firing"  # it only began again
    _hear(store, token, after(minutes=4))
    _turn(store, watch, after(minutes=4))
    assert alerts(store)[0].state == "resolved"


def test_a_failure_that_falls_silent_is_told_as_late(store: Engine) -> None:
    """One alert ends, the other begins."""
    watch, token = Watch([_job()]), _token(store)
    _hear(store, token, after(minutes=1), FAIL)
    _turn(store, watch, after(minutes=1))
    _turn(store, watch, after(minutes=72))
    assert [(alert.check_name, alert.state) for alert in alerts(store)] == [
        ("heartbeat-failed", "resolved"),
        ("heartbeat-late", "firing"),
    ]


def test_a_job_that_is_no_longer_configured_is_over(store: Engine) -> None:
    """Nobody waits for it any more, so its alert ends with that reason."""
    _turn(store, Watch([_job()]), NOON)
    _turn(store, Watch([_job()]), after(minutes=71))
    _turn(store, Watch([]), after(minutes=72))
    (alert,) = alerts(store)
    assert alert.state == "resolved"
    assert "taken out of heartbeats.yaml" in alert.annotations["reason"]


def test_a_url_is_worth_nothing_once_renewed(store: Engine) -> None:
    """The token is kept as its digest; the new one works, the old one and any other are unknown; audit rows say who."""
    first = _token(store)
    second = _token(store, after(minutes=1))
    assert _hear(store, first, after(minutes=2)).name is None
    assert _hear(store, "x" * 43, after(minutes=2)).name is None
    assert _hear(store, "", after(minutes=2)).name is None
    assert _hear(store, second, after(minutes=2)).taken
    with reading(store) as connection:
        rows = connection.execute(select(audit.c.who, audit.c.object).where(audit.c.action == "heartbeat.renew")).all()
    assert [tuple(row) for row in rows] == [("li.wei", "heartbeat/billing-export")] * 2


def test_a_flood_is_not_taken(store: Engine) -> None:
    """Thirty a minute; beyond it the job is told to wait, and the store does not grow."""
    token = _token(store)
    taken = [_hear(store, token, after(seconds=number / 10)).taken for number in range(40)]
    assert taken == [True] * pings.MOST_PINGS + [False] * 10
    refused = _hear(store, token, after(seconds=5))
    assert timedelta(0) < refused.wait <= pings.WINDOW
    assert _hear(store, token, after(seconds=61)).taken


def test_old_pings_are_forgotten_but_the_latest_of_each_kind(store: Engine) -> None:
    """A failure of last year still counts as the latest failure; the rest is bounded."""
    token = _token(store)
    _hear(store, token, NOON, FAIL)
    for number in range(pings.KEPT + 20):
        _hear(store, token, after(minutes=number + 1))
    with reading(store) as connection:
        count = connection.scalar(select(func.count()).select_from(heartbeat_ping))
        kinds = {ping.kind for ping in pings.latest(connection, ["billing-export"])["billing-export"]}
    assert count == pings.KEPT + 1
    assert kinds == {FAIL, SUCCESS}
