"""The customers: a seeded stream of orders over real HTTP, busier in the afternoon than at night, never without bound.

A customer who finds CUSTOMERS others still waiting does not even try; that is counted as `stayed_away`.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime

from bomc.demo.shop.catalogue import Order, activity, draw_order
from bomc.demo.shop.days import ZONE

CUSTOMERS = 48
PATIENCE_S = 60.0


def orders_per_s(local: datetime, busiest: float) -> float:
    """The mean rate of orders at a local time, given the rate of the busiest hour."""
    return busiest * activity(local.hour + local.minute / 60)


class Custom:
    """The customers of one service; `start` sends them off, `stop` ends them. `outcomes` counts what they got."""

    def __init__(self, port: int, clock: Callable[[], datetime], *, seed: int, busiest_per_s: float) -> None:
        self.outcomes: Counter[str] = Counter()
        self._port, self._clock, self._busiest_per_s = port, clock, busiest_per_s
        self._rng = random.Random(seed)
        self._places = threading.BoundedSemaphore(CUSTOMERS)
        self._counting = threading.Lock()
        self._stopping = threading.Event()
        self._people = ThreadPoolExecutor(CUSTOMERS, thread_name_prefix="customer")
        self._thread = threading.Thread(target=self._come, name="custom", daemon=True)

    def start(self) -> None:
        """Begin to send customers."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more; those who wait end with the service."""
        self._stopping.set()
        self._thread.join()
        self._people.shutdown(wait=False, cancel_futures=True)

    def _come(self) -> None:
        while True:
            rate = orders_per_s(self._clock().astimezone(ZONE), self._busiest_per_s)
            if self._stopping.wait(self._rng.expovariate(rate)):
                return
            order = draw_order(self._rng)
            if self._places.acquire(blocking=False):
                self._people.submit(self._buy, order)
            else:
                self._count("stayed_away")

    def _buy(self, order: Order) -> None:
        try:
            self._count(str(buy(self._port, order)))
        except (OSError, http.client.HTTPException):
            self._count("no_answer")
        finally:
            self._places.release()

    def _count(self, outcome: str) -> None:
        with self._counting:
            self.outcomes[outcome] += 1


def buy(port: int, order: Order, patience_s: float = PATIENCE_S) -> int:
    """Place one order over HTTP and return the status of the answer. Raises OSError when there is none in time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience_s)
    try:
        connection.request("POST", "/orders", json.dumps(asdict(order)), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
