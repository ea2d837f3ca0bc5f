"""The ports of the demo: the console's is given, the order service's two are the next free ones, written down and kept."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

HOST = "127.0.0.1"
TRIED = 200


class DemoError(Exception):
    """The demo cannot start; the message is a sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the console listens, where the shop takes orders, and where it shows its status."""

    console: int
    shop: int
    status: int


def read_ports(path: Path) -> Ports | None:
    """The ports of the start before, or None when there was none or the file says nothing useful."""
    try:
        return Ports(**{name: int(port) for name, port in json.loads(path.read_text(encoding="utf-8")).items()})
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def write_ports(path: Path, ports: Ports) -> None:
    """Write the ports down for the next start and for whoever wants to look at the shop."""
    path.write_text(json.dumps(asdict(ports)) + "\n", encoding="utf-8")


def choose_ports(console: int, before: Ports | None) -> Ports:
    """The console's port, with those of the start before where they are free, else the next free ones above it.

    Raises DemoError when there is no free port near.
    """
    wanted = [before.shop, before.status] if before and before.console == console else []
    wanted += [console + step for step in range(1, TRIED) if console + step <= 65_535]
    found: list[int] = []
    for port in wanted:
        if port != console and port not in found and is_free(port):
            found.append(port)
            if len(found) == 2:
                return Ports(console, *found)
    raise DemoError(f"no two free ports above {console}; set BOMC_PORT to another one")


def is_free(port: int) -> bool:
    """Whether a server could listen on that port of this machine now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def ask(port: int, path: str, timeout_s: float = 1.0) -> tuple[int, bytes] | None:
    """Status and body of a GET on that port, or None when nobody answers in time."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
