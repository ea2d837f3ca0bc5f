"""nginx's status page: the recorded one, the real server, and what is none."""

from __future__ import annotations

import http.client

import pytest

from collectors import CollectError, Io, collect
from collectors.indicators.web import Status
from collectors.nginx_status import Config, parse
from tests.collectors.readings import NOW, recorded, table
from tests.servers.nginx import CONNECTIONS
from tests.servers.process import Server

pytestmark = pytest.mark.xdist_group("web_servers")


def test_a_recorded_page_gives_its_connections() -> None:
    reading = parse(Status(recorded("nginx_status.txt"), 0.001, "there", {"threads.max": 10.0}), NOW)
    assert table(reading) == {
        ("web.threads.busy",): 1,
        ("web.threads.max",): 10,
        ("web.threads.busy_ratio",): 0.1,
        ("web.requests",): 5,
        ("web.connections.accepted",): 6,
        ("web.connections.dropped",): 0,
        ("web.latency_s",): 0.001,
        ("web.connections", "open"): 4,
        ("web.connections", "reading"): 0,
        ("web.connections", "writing"): 1,
        ("web.connections", "waiting"): 3,
    }


@pytest.mark.parametrize("page", ["", "hello\n", "Active connections: x \n", "<html></html>", "Active connections: 1"])
def test_what_is_no_status_page_is_refused(page: str) -> None:
    with pytest.raises(CollectError, match="is no status page of nginx"):
        parse(Status(page, 0.0, "there"), NOW)


def test_without_a_known_most_there_is_no_ratio() -> None:
    assert ("web.threads.busy_ratio",) not in table(parse(Status(recorded("nginx_status.txt"), 0.0, "there"), NOW))


def test_the_real_nginx_shows_our_idle_connection(nginx: Server) -> None:
    idle = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
    idle.request("GET", "/")
    idle.getresponse().read()
    values = table(collect("nginx_status", Config(url=nginx.url, max_connections=CONNECTIONS), NOW, Io(10)))
    idle.close()
    assert values[("web.connections", "waiting")] >= 1
    assert values[("web.threads.max",)] == CONNECTIONS
    assert values[("web.requests",)] >= 2


def test_another_page_of_the_real_nginx_is_refused(nginx: Server) -> None:
    with pytest.raises(CollectError, match="is no status page of nginx"):
        collect("nginx_status", Config(url=f"http://127.0.0.1:{nginx.port}/"), NOW, Io(10))
