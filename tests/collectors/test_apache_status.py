"""Apache's status page: the recorded one, the real server, and what is none."""

from __future__ import annotations

import time

import pytest

from collectors import CollectError, Io, collect
from collectors.apache_status import Config, parse
from collectors.indicators.web import Status
from tests.collectors.readings import NOW, NOW_MS, recorded, table
from tests.servers.apache import THREADS
from tests.servers.process import Server

pytestmark = pytest.mark.xdist_group("web_servers")


def test_a_recorded_page_gives_its_workers_and_counters() -> None:
    reading = parse(Status(recorded("apache_status.txt"), 0.002, "there"), NOW)
    assert table(reading) == {
        ("web.threads.busy",): 1,
        ("web.threads.current",): 25,
        ("web.threads.max",): 25,
        ("web.threads.busy_ratio",): 1 / 25,
        ("web.requests",): 6,
        ("web.sent_bytes",): 5 * 1024,
        ("web.processing_time",): 0,
        ("web.uptime_s",): 0,
        ("web.latency_s",): 0.002,
        ("web.connections", "open"): 0,
        ("web.connections", "writing"): 0,
        ("web.connections", "waiting"): 0,
        ("web.connections", "closing"): 0,
    }
    assert {sample.at_ms for sample in reading.samples} == {NOW_MS}
    assert reading.notes == ()


def test_open_slots_of_the_scoreboard_count_as_workers_there_may_be() -> None:
    page = "Total Duration: 2500\nBusyWorkers: 3\nIdleWorkers: 2\nScoreboard: WWR__.....\n"
    values = table(parse(Status(page, 0.0, "there"), NOW))
    assert values[("web.threads.max",)] == 10
    assert values[("web.threads.busy_ratio",)] == 0.3
    assert values[("web.processing_time",)] == 2.5


def test_a_page_without_counters_says_how_to_get_them() -> None:
    reading = parse(Status("BusyWorkers: 1\nIdleWorkers: 4\n", 0.0, "there"), NOW)
    assert reading.notes == ("the page has no request counters: set ExtendedStatus On",)


@pytest.mark.parametrize(
    "page", ["", "<html>It works!</html>", "BusyWorkers: many\nIdleWorkers: 1\n", "BusyWorkers: 1"]
)
def test_what_is_no_status_page_is_refused(page: str) -> None:
    with pytest.raises(CollectError, match="is no status page of Apache's mod_status"):
        parse(Status(page, 0.0, "there"), NOW)


def test_the_real_apache_counts_our_requests(apache: Server) -> None:
    config = Config(url=apache.url)
    first = second = table(collect("apache_status", config, NOW, Io(10)))
    deadline = time.monotonic() + 20
    while second[("web.requests",)] < first[("web.requests",)] + 2:  # Apache counts a request once it is over
        assert time.monotonic() < deadline
        second = table(collect("apache_status", config, NOW, Io(10)))
    assert second[("web.threads.max",)] == THREADS
    assert 1 <= second[("web.threads.busy",)] <= THREADS
    assert 0 < second[("web.latency_s",)] < 10
