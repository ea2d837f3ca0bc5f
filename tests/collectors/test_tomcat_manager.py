"""Tomcat's status page: the recorded one, the real server, and what is none."""

from __future__ import annotations

import pytest

from collectors import CollectError, Io, collect
from collectors.indicators.web import Status
from collectors.tomcat_manager import Config, parse
from tests.collectors.readings import NOW, recorded, table
from tests.servers.process import Server
from tests.servers.tomcat import THREADS

pytestmark = pytest.mark.xdist_group("tomcat")

POOL = "http-nio-127.0.0.1-18217"


def test_a_recorded_page_gives_each_pool_and_the_heap() -> None:
    reading = parse(Status(recorded("tomcat_manager.xml"), 0.003, "there"), NOW)
    assert table(reading) == {
        ("web.latency_s",): 0.003,
        ("web.heap.used_bytes",): 97320960 - 63962168,
        ("web.heap.max_bytes",): 97320960,
        ("web.heap.used_ratio",): (97320960 - 63962168) / 97320960,
        ("web.threads.busy", POOL): 1,
        ("web.threads.current", POOL): 2,
        ("web.threads.max", POOL): 10,
        ("web.threads.busy_ratio", POOL): 0.1,
        ("web.requests", POOL): 2,
        ("web.errors", POOL): 1,
        ("web.processing_time", POOL): 0.496,
        ("web.received_bytes", POOL): 0,
        ("web.sent_bytes", POOL): 4096,
    }


def test_a_pool_without_a_bound_has_no_ratio() -> None:
    page = recorded("tomcat_manager.xml").replace('maxThreads="10"', 'maxThreads="-1"')
    values = table(parse(Status(page, 0.0, "there"), NOW))
    assert ("web.threads.max", POOL) not in values
    assert ("web.threads.busy_ratio", POOL) not in values


BOMB = '<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><status>&b;</status>'


@pytest.mark.parametrize("page", ["", "<status/>", "<status><jvm/></status>", "<html>", BOMB, "not xml"])
def test_what_is_no_status_page_is_refused(page: str) -> None:
    with pytest.raises(CollectError, match="is no status page of Tomcat's manager"):
        parse(Status(page, 0.0, "there"), NOW)


def test_the_real_tomcat_shows_its_pool(tomcat: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMCAT_PASSWORD", tomcat.password)
    config = Config(url=tomcat.url, user=tomcat.user, password="env:TOMCAT_PASSWORD")
    first, second = (table(collect("tomcat_manager", config, NOW, Io(20))) for _ in range(2))
    pool = f"http-nio-127.0.0.1-{tomcat.port}"
    assert second[("web.threads.max", pool)] == THREADS
    assert 1 <= second[("web.threads.busy", pool)] <= THREADS
    assert second[("web.requests", pool)] > first[("web.requests", pool)]
    assert second[("web.heap.used_bytes",)] > 0


def test_a_wrong_password_is_told_without_showing_it(tomcat: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMCAT_PASSWORD", "wrong-canary")
    config = Config(url=tomcat.url, user=tomcat.user, password="env:TOMCAT_PASSWORD")
    with pytest.raises(CollectError, match="answered 401; check user and password") as caught:
        collect("tomcat_manager", config, NOW, Io(20))
    assert "wrong-canary" not in str(caught.value)
