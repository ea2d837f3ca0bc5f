"""Every collector that asks over the network, against servers that refuse, hang, drip, answer garbage or flood.

Each time: a sentence, within the time the probe was given, and no more memory than a probe may take.
"""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collectors import COLLECTORS, CollectError, Io, collect
from tests.collectors.readings import NOW
from tests.servers import hostile
from tests.servers.hostile import Hostile
from tests.servers.sshd import make_key

GARBAGE = bytes(range(256)) * 8
TIMEOUT_S = 2.0
SLACK_S = 1.5
MAX_MEMORY = 80 * 2**20

MEASURE = {"name": "a.b"}
SETTINGS: dict[str, Callable[[int, Path], dict[str, Any]]] = {
    "apache_status": lambda port, _: {"url": f"http://127.0.0.1:{port}/"},
    "nginx_status": lambda port, _: {"url": f"http://127.0.0.1:{port}/"},
    "tomcat_manager": lambda port, _: {"url": f"http://127.0.0.1:{port}/"},
    "http": lambda port, _: {"url": f"http://127.0.0.1:{port}/"},
    "http over TLS": lambda port, _: {"url": f"https://127.0.0.1:{port}/"},
    "prometheus_exporter": lambda port, _: {"url": f"http://127.0.0.1:{port}/"},
    "business_kpi": lambda port, _: {
        "feed": {"kind": "http", "url": f"http://127.0.0.1:{port}/"},
        "indicators": [MEASURE],
    },
    "database on PostgreSQL": lambda port, _: {"url": f"postgresql://u@127.0.0.1:{port}/d"},
    "database on MariaDB": lambda port, _: {"url": f"mysql://u@127.0.0.1:{port}/d"},
    "linux_ssh": lambda port, folder: {
        "host": "127.0.0.1",
        "port": port,
        "user": "watcher",
        "key_file": folder / "key",
        "host_key": (folder / "key.pub").read_text(),
    },
}
SERVERS: dict[str, Callable[[], contextlib.AbstractContextManager[Hostile]]] = {
    "refuses": hostile.refusing,
    "is silent": hostile.silent,
    "hangs up": lambda: hostile.saying(b""),
    "answers garbage": lambda: hostile.saying(GARBAGE),
    "answers an empty page": lambda: hostile.saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "breaks off": lambda: hostile.saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"),
    "drips a page": lambda: hostile.dripping(
        b"HTTP/1.1 200 OK\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
    ),
    "drips SSH": lambda: hostile.dripping(b"SSH-2.0-slow\r\n\x00\x00\x00\xff"),
    "floods a page": hostile.flooding,
    "floods lines": lambda: hostile.flooding(hostile.HTTP_HEAD, b"metric 1\n" * 7000),
    "floods headers": lambda: hostile.flooding(b"HTTP/1.1 200 OK\r\n", b"X-More: yyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 2000),
    "floods bytes": lambda: hostile.flooding(b"", b"\xff" * 65536),
    "floods zeros": lambda: hostile.flooding(b"", b"\x00" * 65536),
    "floods SSH": lambda: hostile.flooding(b"SSH-2.0-x\r\n", b"\x00\x00\x00\x0c" * 16384),
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    make_key(folder / "key")
    return folder


CASES = [
    (collector, server)
    for collector in SETTINGS
    for server in SERVERS
    if (collector, server) != ("http", "answers an empty page")  # a good HTTP answer
]


@pytest.mark.parametrize(("collector", "server"), CASES)
def test_a_bad_server_costs_a_probe_its_time_and_no_more(collector: str, server: str, keys: Path) -> None:
    name = collector.partition(" ")[0]
    with SERVERS[server]() as bad:
        config = COLLECTORS[name].Config.model_validate(SETTINGS[collector](bad.port, keys))
        tracemalloc.start()
        started = time.monotonic()
        try:
            with pytest.raises(CollectError) as caught:
                collect(name, config, NOW, Io(TIMEOUT_S))
            took = time.monotonic() - started
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert took < TIMEOUT_S + SLACK_S
    assert peak < MAX_MEMORY
    message = str(caught.value)
    assert len(message) < 600
    assert str(bad.port) in message or "feed" in message or "SSH" in message, message


def test_every_collector_that_uses_the_network_is_in_this_table() -> None:
    assert {name.partition(" ")[0] for name in SETTINGS} == set(COLLECTORS) - {"this_machine"}
