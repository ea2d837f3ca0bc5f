"""A bounded HTTP server: a fixed number of threads, a bounded queue before them, and an honest 503 beyond that."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer

REFUSAL = (
    b"HTTP/1.0 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"
    b'{"error": "every thread is busy and the queue is full; try again later"}\n'
)
Waiting = tuple[socket.socket, tuple[str, int]]


class BoundedServer(HTTPServer):
    """Accepts in one thread, answers in `threads` others, keeps at most `waiting` connections between the two.

    `busy` counts the threads that answer at this moment, `abandoned` the customers who went away before their answer;
    `on_refused` is called for each connection that found the queue full and was answered 503.
    """

    allow_reuse_address = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        *,
        threads: int,
        waiting: int,
        on_refused: Callable[[], None],
    ) -> None:
        super().__init__(address, handler)
        self.threads = threads
        self.busy = 0
        self.abandoned = 0
        self._on_refused = on_refused
        self._counting = threading.Lock()
        self._waiting: queue.Queue[Waiting | None] = queue.Queue(waiting)
        self._refused: queue.Queue[Waiting | None] = queue.Queue(256)
        workers = [threading.Thread(target=self._work, name=f"order-{n}", daemon=True) for n in range(threads)]
        self._workers = [*workers, threading.Thread(target=self._refuse, name="refuse", daemon=True)]
        for worker in self._workers:
            worker.start()

    @property
    def queued(self) -> int:
        """Connections that wait for a thread."""
        return self._waiting.qsize()

    def process_request(self, request: object, client_address: object) -> None:
        """Hand a connection to the threads, or to the one that refuses."""
        assert isinstance(request, socket.socket)  # noqa: S101 - TCP servers accept nothing else
        connection: Waiting = (request, client_address)  # type: ignore[assignment]
        try:
            self._waiting.put_nowait(connection)
        except queue.Full:
            self._on_refused()
            try:
                self._refused.put_nowait(connection)
            except queue.Full:
                self.shutdown_request(request)  # counted above; there is no time left even to say no

    def _work(self) -> None:
        while (connection := self._waiting.get()) is not None:
            with self._counting:
                self.busy += 1
            try:
                self.finish_request(*connection)
            except OSError:
                with self._counting:
                    self.abandoned += 1
            finally:
                self.shutdown_request(connection[0])
                with self._counting:
                    self.busy -= 1

    def _refuse(self) -> None:
        while (connection := self._refused.get()) is not None:
            request = connection[0]
            with contextlib.suppress(OSError):  # the customer went away; the refusal is counted already
                request.settimeout(0.5)
                request.recv(65_536)  # closing with unread input would reset the connection and lose the answer
                request.sendall(REFUSAL)
            self.shutdown_request(request)

    def drain(self, within_s: float) -> None:
        """Stop the threads after what they are doing. Call it when `serve_forever` has returned."""
        for _ in range(self.threads):
            with contextlib.suppress(queue.Full):
                self._waiting.put(None, timeout=within_s)
        with contextlib.suppress(queue.Full):
            self._refused.put(None, timeout=within_s)
        for worker in self._workers:
            worker.join(within_s)
        self.server_close()
