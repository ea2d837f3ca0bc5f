"""Receivers that messages are really sent to: an HTTP server and a mail server on free loopback ports, told how to behave."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers.process import free_port


@dataclass
class Got:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    answer: int | str = ""  # how it was answered

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]


@dataclass
class Hook:
    """A webhook receiver. `answers` are used up one by one, then `answer` holds; by default everything is taken.

    An answer is a status, or one of `hang` (silence), `drip` (a byte of header now and then), `garbage`, `close`, `lie`
    (takes it with 200 and breaks off before the length that it stated).
    """

    port: int = 0
    answer: int | str = 200
    answers: list[int | str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)
    on_request: Callable[[], None] = lambda: None
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextlib.contextmanager
def hook(answer: int | str = 200, *answers: int | str) -> Iterator[Hook]:
    """A running webhook receiver that gives these answers; the first is the one for ever when no other is given."""
    receiver = Hook(answer=answers[-1] if answers else answer, answers=[answer, *answers] if answers else [])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            sent = self.rfile.read(size)
            if len(sent) < size:  # whoever sent it died meanwhile: nothing arrived
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            got = Got(self.path, headers, orjson.loads(sent))
            receiver.got.append(got)
            receiver.on_request()
            got.answer = receiver.answers.pop(0) if receiver.answers else receiver.answer
            with contextlib.suppress(ConnectionError):  # whoever sent it is gone
                self.behave(got.answer)

        def behave(self, how: int | str) -> None:
            self.close_connection = True
            if isinstance(how, int):
                self.send_response(how)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"that is my answer")
            elif how == "hang":
                receiver.over.wait(30)
            elif how == "garbage":
                self.wfile.write(b"\x00\xff" * 64 + b"\r\n\r\n")
            elif how == "lie":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ntaken")
            elif how == "drip":
                with contextlib.suppress(OSError):
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                    while not receiver.over.wait(0.05):
                        self.wfile.write(b"x")

        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent; the requests are kept in `got`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Post:
    """A mail server's letters, and how it answers: a reply line for each step, taken when empty."""

    port: int = 0
    letters: list[Envelope] = field(default_factory=list)
    at_recipient: dict[str, str] = field(default_factory=dict)
    at_data: str = "250 taken"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take an address, or answer what the test wants for it."""
        if address in self.at_recipient:
            return self.at_recipient[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the letter, unless the test wants another answer."""
        if self.at_data.startswith("2"):
            self.letters.append(envelope)
        return self.at_data


@contextlib.contextmanager
def post_office(**settings: Any) -> Iterator[Post]:
    """A running mail server; settings are those of aiosmtpd's SMTP."""
    office = Post(port=free_port())
    controller = Controller(office, hostname="127.0.0.1", port=office.port, **settings)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()
