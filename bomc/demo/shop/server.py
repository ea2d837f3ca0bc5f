"""The order service: orders through a bounded pool of threads, and beside it a status listener that always answers.

Orders: `POST /orders` takes `{"account", "product", "channel", "region", "amount_minor"}` and answers 201 (paid), 402
(the channel declined), 400 (what is wrong with it), 503 (no thread in time) or 500; `GET /health` goes through the same
threads, as a customer would. Status listener: `/status?format=json`, `/metrics`, `/server-status?auto`, `/health`, and
`/hook`, where alert messages may be posted (kept in memory, the last HOOKS_KEPT of them) and read again.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bomc.demo.shop.catalogue import CHANNELS, PRODUCTS, REGIONS, Order
from bomc.demo.shop.counts import Counts, Pool, mod_status
from bomc.demo.shop.faults import active
from bomc.demo.shop.orders import Walk, elapsed_s, place
from bomc.demo.shop.pool import BoundedServer
from core.model import instant_ms

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
MAX_BODY_BYTES = 1_000_000
HOOKS_KEPT = 200
REQUEST_S = 10  # a connection that sends no request for this long is given up
STOP_S = 5
JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
Answer = tuple[int, str, bytes]
"""Status, content type and body."""


@dataclass
class Hooks:
    """The messages that were delivered to `/hook` since the start."""

    count: int = 0
    last: deque[Any] = field(default_factory=lambda: deque(maxlen=HOOKS_KEPT))
    lock: threading.Lock = field(default_factory=threading.Lock)


class Service:
    """Both listeners and what they share; started by `start`, ended by `stop`."""

    def __init__(self, walk: Walk, *, port: int, status_port: int, threads: int = 16, waiting: int = 16) -> None:
        self.walk, self.counts, self.hooks = walk, Counts(), Hooks()
        self.waiting = waiting
        self.orders = BoundedServer(
            (HOST, port), _handler(self.answer_customer), threads=threads, waiting=waiting,
            on_refused=self.counts.refused,
        )  # fmt: skip
        try:
            self.status = ThreadingHTTPServer((HOST, status_port), _handler(self.answer_watcher))
        except OSError:
            self.orders.drain(STOP_S)
            raise
        self.status.daemon_threads = True
        listeners = (self.orders, self.status)
        self._threads = [threading.Thread(target=listener.serve_forever, args=(0.1,)) for listener in listeners]

    @property
    def port(self) -> int:
        """Where orders are taken."""
        return int(self.orders.server_address[1])

    @property
    def status_port(self) -> int:
        """Where the service tells about itself."""
        return int(self.status.server_address[1])

    def start(self) -> None:
        """Begin to answer on both ports."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop accepting, let each thread end its order (waiting back ends are cut short), then close."""
        self.walk.stopping.set()
        for listener in (self.orders, self.status):
            listener.shutdown()
        for thread in self._threads:
            thread.join()
        self.orders.drain(STOP_S)
        self.status.server_close()

    def answer_customer(self, method: str, target: str, body: bytes) -> Answer:
        """One request on the orders' port, counted with its time."""
        began_s = time.perf_counter()
        result, answer = self._customer(method, urlsplit(target).path, body)
        self.counts.answered(result, time.perf_counter() - began_s, len(answer[2]))
        return answer

    def _customer(self, method: str, path: str, body: bytes) -> tuple[str, Answer]:
        if (method, path) == ("GET", "/health"):
            return "read", self.health()
        if (method, path) != ("POST", "/orders"):
            return "invalid", _json(404, {"error": f"there is no {method} {path} here; orders are POST /orders"})
        try:
            order = read_order(body)
        except ValueError as problem:
            return "invalid", _json(400, {"error": str(problem)})
        try:
            placed = place(self.walk, order)
        except SQLAlchemyError as problem:
            log.error("an order was not kept: %s", problem)
            return "failed", _json(500, {"error": "the order could not be kept; it has no effect"})
        if not placed.paid:
            return "declined", _json(402, {"order": placed.business_key, "error": "the channel declined the payment"})
        return "created", _json(201, {"order": placed.business_key})

    def answer_watcher(self, method: str, target: str, body: bytes) -> Answer:
        """One request on the status port."""
        path = urlsplit(target).path
        pool = self.pool()
        faults = active(self.walk.timetable, elapsed_s(self.walk))
        if path == "/hook":
            return self.hook(method, body)
        if method != "GET":
            return _json(405, {"error": f"{path} can only be read"})
        if path == "/metrics":
            return 200, "text/plain; version=0.0.4; charset=utf-8", self.counts.prometheus(pool, faults)
        if path == "/server-status":
            return 200, TEXT, mod_status(self.counts, pool, elapsed_s(self.walk))
        if path == "/status":
            uptime_s = round(elapsed_s(self.walk), 3)
            threads = {"busy": pool.busy, "max": pool.most, "queued": pool.queued, "queue_max": pool.queue_most}
            names = [fault.kind.value for fault in faults]
            return _json(
                200, {"demo": True, "uptime_s": uptime_s, "threads": threads, **self.counts.as_json(), "faults": names}
            )
        if path == "/health":
            return self.health()
        return _json(404, {"error": f"there is no {path} here"})

    def pool(self) -> Pool:
        """The orders' thread pool now."""
        orders = self.orders
        return Pool(orders.busy, orders.threads, orders.queued, self.waiting, orders.abandoned)

    def health(self) -> Answer:
        """200 when the database answers, 503 when it does not."""
        try:
            with self.walk.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError as problem:
            log.error("the database does not answer: %s", problem)
            return _json(503, {"status": "the database does not answer"})
        return _json(200, {"status": "ok"})

    def hook(self, method: str, body: bytes) -> Answer:
        """Keep a delivered message (POST), or show how many came and the last of them (GET)."""
        if method == "GET":
            with self.hooks.lock:
                return _json(200, {"count": self.hooks.count, "last": list(self.hooks.last)})
        try:
            message = json.loads(body)
        except ValueError:
            return _json(400, {"error": "the message is not JSON"})
        received_ms = instant_ms(self.walk.clock())
        with self.hooks.lock:
            self.hooks.count += 1
            self.hooks.last.append({"received_ms": received_ms, "message": message})
        return _json(200, {"count": self.hooks.count})


def read_order(body: bytes) -> Order:
    """The order in a request's body. Raises ValueError with a sentence when it is none that can be sold."""
    try:
        wish = json.loads(body)
        order = Order(*(wish[name] for name in ("account", "product", "channel", "region", "amount_minor")))
    except (ValueError, KeyError, TypeError):
        raise ValueError("an order is a JSON object with account, product, channel, region and amount_minor") from None
    offers: tuple[tuple[str, object, set[str]], ...] = (
        ("product", order.product, {product.name for product in PRODUCTS}),
        ("channel", order.channel, {channel.name for channel in CHANNELS}),
        ("region", order.region, set(REGIONS)),
    )
    for name, wanted, offered in offers:
        if not isinstance(wanted, str) or wanted not in offered:
            raise ValueError(f"{name} {str(wanted)[:40]!r} is not offered; there are {', '.join(sorted(offered))}")
    if type(order.amount_minor) is not int or not 0 < order.amount_minor <= 10_000_000:
        raise ValueError("amount_minor must be a whole number of fen between 1 and 10,000,000")
    if not (isinstance(order.account, str) and order.account.isascii() and order.account.isdigit()):
        raise ValueError("account must be a text of digits")
    return order


def _json(status: int, body: object) -> Answer:
    return status, JSON, json.dumps(body, ensure_ascii=False).encode() + b"\n"


def _handler(answer: Callable[[str, str, bytes], Answer]) -> type[BaseHTTPRequestHandler]:
    """A request handler class of the standard library around one function from request to answer."""

    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_S

        def _respond(self) -> None:
            length = self.headers.get("Content-Length", "0")
            if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
                status, kind, body = _json(413, {"error": f"a body has at most {MAX_BODY_BYTES:,} bytes"})
            else:
                request = self.rfile.read(int(length))
                try:
                    status, kind, body = answer(self.command, self.path, request)
                except Exception:
                    log.exception("%s %s was not answered as it should be", self.command, self.path)
                    status, kind, body = _json(500, {"error": "the service failed; its log says why"})
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _respond

        def log_message(self, format: str, *args: object) -> None:
            log.debug(format, *args)

    return Handler
