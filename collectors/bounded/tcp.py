"""Opening a TCP connection: names resolved in bounded time, and each address checked at the moment it is used.

The policy: with an allow-list only its networks; without one every address except the link-local ones, where clouds
keep the metadata that holds credentials. It is checked on the resolved address, so a name that changes its address
(DNS rebinding) and a redirect meet it too.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from collectors.errors import CollectError
from collectors.io import Io

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REFUSED_UNLESS_ALLOWED: tuple[Network, ...] = (
    ipaddress.ip_network("169.254.0.0/16"),
    ipaddress.ip_network("fe80::/10"),
    ipaddress.ip_network("fd00:ec2::254/128"),
)


class Connected(NamedTuple):
    """An open connection, and the seconds that finding and reaching the host took."""

    socket: socket.socket
    dns_s: float
    connect_s: float


def allowed(address: str, allow: Sequence[Network]) -> bool:
    """Whether a probe may open a connection to this address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if allow:
        return any(ip in network for network in allow)
    return not any(ip in network for network in REFUSED_UNLESS_ALLOWED)


def resolve(host: str, port: int, io: Io) -> list[str]:
    """The addresses of a host. Raises CollectError when the name is unknown or the resolver is silent too long."""
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    found: list[str] = []
    faults: list[str] = []

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))
        except (OSError, UnicodeError) as fault:
            faults.append(getattr(fault, "strerror", None) or str(fault))

    thread = threading.Thread(target=look_up, name=f"resolve {host}", daemon=True)
    thread.start()
    thread.join(io.left_s(f"resolving {host}"))
    if thread.is_alive():
        raise CollectError(f"resolving {host} did not finish within {io.timeout_s:g} s")
    if not found:
        raise CollectError(f"{host} cannot be resolved: {'; '.join(faults)}")
    return found


def usable(host: str, port: int, io: Io, allow: Sequence[Network]) -> list[str]:
    """The addresses of a host that the policy lets through. Raises CollectError when there is none."""
    addresses = resolve(host, port, io)
    passed = [address for address in addresses if allowed(address, allow)]
    if not passed:
        raise CollectError(f"{host} is at {', '.join(addresses)}, which this probe may not reach; see `allow`")
    return passed


def connect(host: str, port: int, io: Io, allow: Sequence[Network] = ()) -> Connected:
    """Open a TCP connection without delay of small packets (TCP_NODELAY), trying each address in turn.

    Raises CollectError when no address may be used, none answers, or the time is over.
    """
    started = time.perf_counter()
    addresses = usable(host, port, io, allow)
    resolved = time.perf_counter()
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            share = io.left_s(f"connecting to {host}:{port}") / left
            opened = socket.create_connection((address, port), timeout=share)
        except OSError as fault:
            reason = "no answer in time" if isinstance(fault, TimeoutError) else fault.strerror or str(fault)
            failure = CollectError(f"cannot connect to {host}:{port} ({address}): {reason}")
            continue
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Connected(opened, resolved - started, time.perf_counter() - resolved)
    raise failure
