"""Servers that behave badly on purpose: silent, dripping, garbage, flood; and SSH servers that hang at one stage."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import paramiko

Behave = Callable[[socket.socket, threading.Event], None]

HTTP_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"


@dataclass
class Hostile:
    """A running one, and what it saw."""

    port: int
    connections: int = 0
    sent: int = 0
    commands: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address as a web server."""
        return f"http://127.0.0.1:{self.port}/"


@contextlib.contextmanager
def listening(behave: Callable[[socket.socket, threading.Event, Hostile], None]) -> Iterator[Hostile]:
    """Accept connections and treat each as told, in a thread of its own, until the block ends."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    seen = Hostile(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def treat(peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            behave(peer, over, seen)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                seen.connections += 1
                threads.append(threading.Thread(target=treat, args=(peer,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield seen
    finally:
        over.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [acceptor, *threads]:
            thread.join(10)


def silent() -> contextlib.AbstractContextManager[Hostile]:
    """Accepts, and never says a word."""
    return listening(lambda peer, over, seen: over.wait(120) and None)


def saying(answer: bytes) -> contextlib.AbstractContextManager[Hostile]:
    """Says these bytes at once and hangs up when the client does."""

    def behave(peer: socket.socket, over: threading.Event, seen: Hostile) -> None:
        peer.sendall(answer)
        peer.shutdown(socket.SHUT_WR)
        peer.settimeout(5)
        while peer.recv(65536):
            pass

    return listening(behave)


def dripping(answer: bytes, every_s: float = 0.1) -> contextlib.AbstractContextManager[Hostile]:
    """Sends one byte after another, so that a limit on each read never strikes; starts over at the end."""

    def behave(peer: socket.socket, over: threading.Event, seen: Hostile) -> None:
        for byte in itertools.cycle(answer):
            peer.sendall(bytes([byte]))
            if over.wait(every_s):
                return

    return listening(behave)


def flooding(head: bytes = HTTP_HEAD, block: bytes = b"x" * 65536) -> contextlib.AbstractContextManager[Hostile]:
    """Sends without end."""

    def behave(peer: socket.socket, over: threading.Event, seen: Hostile) -> None:
        peer.sendall(head)
        while not over.is_set():
            peer.sendall(block)
            seen.sent += len(block)

    return listening(behave)


def freezing(port: int, after: bytes) -> contextlib.AbstractContextManager[Hostile]:
    """Stands before a real server and passes everything on until a client has said `after`; then nothing moves."""

    def behave(peer: socket.socket, over: threading.Event, seen: Hostile) -> None:
        frozen = threading.Event()

        def back() -> None:
            with contextlib.suppress(OSError):
                while not frozen.is_set() and (answer := server.recv(65536)):
                    peer.sendall(answer)

        with socket.create_connection(("127.0.0.1", port), timeout=10) as server:
            server.settimeout(None)
            answers = threading.Thread(target=back, daemon=True)
            answers.start()
            peer.settimeout(0.1)
            while not over.is_set():
                try:
                    asked = peer.recv(65536)
                except TimeoutError:
                    continue
                if not asked:
                    break
                if after in asked:
                    frozen.set()
                if not frozen.is_set():
                    server.sendall(asked)
            server.shutdown(socket.SHUT_RDWR)
            answers.join(10)

    return listening(behave)


class _Stage(paramiko.ServerInterface):
    def __init__(self, hang_at: str, over: threading.Event, seen: Hostile) -> None:
        self.hang_at, self.over, self.seen = hang_at, over, seen

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        if self.hang_at == "auth":
            self.over.wait(120)
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if self.hang_at == "session":
            self.over.wait(120)
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.seen.commands.append(command.decode())
        if self.hang_at == "exec":
            self.over.wait(120)
        return True


def ssh(host_key: paramiko.PKey, hang_at: str) -> contextlib.AbstractContextManager[Hostile]:
    """An SSH server that falls silent at `auth`, `session`, `exec` or `exit`, or sends without end at `flood`."""

    def behave(peer: socket.socket, over: threading.Event, seen: Hostile) -> None:
        transport = paramiko.Transport(peer)
        transport.add_server_key(host_key)
        transport.start_server(server=_Stage(hang_at, over, seen))
        channel = transport.accept(60)
        while hang_at == "flood" and channel is not None and not over.is_set():
            channel.sendall(b"x" * 65536)
            seen.sent += 65536
        over.wait(120)
        transport.close()

    return listening(behave)


@contextlib.contextmanager
def refusing() -> Iterator[Hostile]:
    """A port that is held, so that nobody else takes it, and on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield Hostile(held.getsockname()[1])
