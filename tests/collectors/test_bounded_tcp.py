"""Which addresses a probe may reach, and that finding and reaching them ends in time."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time

import pytest

from collectors import CollectError, Io
from collectors.bounded import tcp
from collectors.bounded.limits import cut_off
from tests.servers import hostile

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.mark.parametrize(
    ("address", "allow", "may"),
    [
        ("10.1.2.3", [], True),
        ("127.0.0.1", [], True),
        ("169.254.169.254", [], False),
        ("::ffff:169.254.169.254", [], False),
        ("fe80::1%eth0", [], False),
        ("fd00:ec2::254", [], False),
        ("169.254.169.254", [ipaddress.ip_network("169.254.0.0/16")], True),
        ("127.0.0.1", LOOPBACK, True),
        ("::ffff:127.0.0.1", LOOPBACK, True),
        ("10.1.2.3", LOOPBACK, False),
        ("::1", LOOPBACK, False),
    ],
)
def test_the_address_policy(address: str, allow: list[tcp.Network], may: bool) -> None:
    """Metadata addresses are refused unless allowed; an allow-list is complete; mapped IPv4 counts as IPv4."""
    assert tcp.allowed(address, allow) is may


def test_a_name_that_leads_to_a_refused_address_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is on what the name resolves to when the socket opens, so rebinding does not get around it."""
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    with pytest.raises(CollectError, match=r"metadata.test is at 169.254.169.254, which this probe may not reach"):
        tcp.connect("metadata.test", 80, Io(2))


def test_a_silent_resolver_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30) and [])
    started = time.monotonic()
    with pytest.raises(CollectError, match=r"resolving slow.test did not finish within 0.3 s"):
        tcp.connect("slow.test", 80, Io(0.3))
    assert time.monotonic() - started < 2
    over.set()


def test_an_unknown_name_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(CollectError, match=r"nowhere.test cannot be resolved: Name or service not known"):
        tcp.connect("nowhere.test", 80, Io(2))


def test_a_refused_port_is_a_sentence() -> None:
    with (
        hostile.refusing() as server,
        pytest.raises(CollectError, match=rf"cannot connect to 127.0.0.1:{server.port} .*: Connection refused"),
    ):
        tcp.connect("127.0.0.1", server.port, Io(2))


def test_small_packets_are_not_delayed() -> None:
    with hostile.silent() as server:
        opened = tcp.connect("127.0.0.1", server.port, Io(2)).socket
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        opened.close()


def test_what_fails_after_the_cut_is_told_as_late_and_what_fails_before_as_itself() -> None:
    cut = threading.Event()

    def fail(words: str, after_cut: bool) -> None:
        assert not after_cut or cut.wait(10)
        raise OSError(words)

    with (
        pytest.raises(CollectError, match=r"waiting did not finish within 0.1 s"),
        cut_off(Io(0.1), cut.set, "waiting"),
    ):
        fail("closed", after_cut=True)
    with pytest.raises(OSError, match="by itself"), cut_off(Io(5), cut.set, "waiting"):
        fail("by itself", after_cut=False)
