"""Where the console listens: the configuration's port, or BOMC_PORT's, or a sentence that says why not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bomc.configuration.estate import load_estate
from bomc.service import Address, ServiceError, address_of, clock, has_ended, listen
from tests.servers.process import free_port


@pytest.fixture(autouse=True)
def _no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOMC_PORT", raising=False)


def address(folder: Path, console: str = "{}") -> Address:
    (folder / "bomc.yaml").write_text(f"console: {console}\n")
    return address_of(load_estate(folder))


def test_the_port_is_the_configurations_unless_bomc_port_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the address that people are told follows it."""
    assert address(tmp_path) == Address("127.0.0.1", 8050, "http://127.0.0.1:8050")
    assert address(tmp_path, "{host: '::1', port: 9000}").external_url == "http://[::1]:9000"
    monkeypatch.setenv("BOMC_PORT", "9001")
    assert address(tmp_path).port == 9001
    assert address(tmp_path, "{external_url: 'https://b.example.org'}").external_url == "https://b.example.org"


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "80.5", "²", " "])
def test_a_bomc_port_that_is_no_port_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    """With what it was."""
    monkeypatch.setenv("BOMC_PORT", port)
    with pytest.raises(ServiceError, match="it must be a port from 1 to 65535"):
        address(tmp_path)


def test_a_taken_port_is_a_sentence_and_the_listener_is_not_left_open() -> None:
    """Which one, why, and what to do; free again, it can be had."""
    port = free_port()
    wanted = Address("127.0.0.1", port, "")
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(ServiceError, match=f"cannot listen on 127.0.0.1 port {port}: Address already in use. Stop"):
            listen(wanted)
    listen(wanted).close()


def test_a_host_that_is_not_ours_is_a_sentence() -> None:
    """An address of another machine."""
    with pytest.raises(ServiceError, match="cannot listen on 203\\.0\\.113\\.7 port"):
        listen(Address("203.0.113.7", free_port(), ""))


def test_the_clock_is_aware_utc() -> None:
    """Everything below is handed this."""
    assert str(clock().tzinfo) == "UTC"


def test_a_killed_leader_of_this_machine_is_known_to_have_ended() -> None:
    """A restart after kill -9 need not wait until the lease runs out; a leader elsewhere or alive keeps its lead."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = socket.gethostname()
    assert has_ended(f"{here}:{ended.pid}:0a1b2c3d")
    assert not has_ended(f"{here}:{os.getpid()}:0a1b2c3d")
    assert not has_ended(f"elsewhere-{here}:{ended.pid}:0a1b2c3d")
    assert not has_ended("a name of another shape")
