"""What the order service counts of itself, and how it shows it: Prometheus text, Apache's mod_status page, and JSON."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client import Counter as PrometheusCounter

from bomc.demo.shop.faults import Fault, FaultKind

RESULTS = ("created", "declined", "invalid", "refused", "failed", "read")
"""What becomes of a request: paid order, channel said no, bad input, 503 for want of a thread, 500, answered reading."""
SECONDS = (0.05, 0.1, 0.2, 0.35, 0.5, 1, 2, 5, 10, 20, 30)


@dataclass(frozen=True, slots=True)
class Pool:
    """The thread pool at one instant."""

    busy: int
    most: int
    queued: int
    queue_most: int
    abandoned: int


@dataclass
class Counts:
    """Counters since the start, safe to use from any thread."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    results: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(RESULTS, 0)))
    bytes_sent: int = 0
    busy_s: float = 0.0
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self._requests = PrometheusCounter(
            "shop_requests", "Requests by what became of them", ["result"], registry=self.registry
        )
        for result in RESULTS:
            self._requests.labels(result)
        self._seconds = Histogram(
            "shop_request_seconds", "Time from a thread's start on a request to its answer", buckets=SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self._pool = {
            "busy": Gauge("shop_threads_busy", "Threads that answer a request now", registry=self.registry),
            "most": Gauge("shop_threads_max", "Threads that there are", registry=self.registry),
            "queued": Gauge("shop_queue_length", "Connections that wait for a thread", registry=self.registry),
            "queue_most": Gauge("shop_queue_max", "Connections that may wait", registry=self.registry),
            "abandoned": Gauge("shop_abandoned", "Customers who left before their answer", registry=self.registry),
        }
        self._faults = Gauge("shop_fault_active", "1 while the timetable has it", ["fault"], registry=self.registry)

    def answered(self, result: str, took_s: float, size_bytes: int) -> None:
        """Count one request that a thread answered."""
        with self.lock:
            self.results[result] += 1
            self.bytes_sent += size_bytes
            self.busy_s += took_s
        self._requests.labels(result).inc()
        self._seconds.observe(took_s)

    def refused(self) -> None:
        """Count one connection that no thread could take."""
        with self.lock:
            self.results["refused"] += 1
        self._requests.labels("refused").inc()

    def total(self) -> int:
        """All requests so far."""
        with self.lock:
            return sum(self.results.values())

    def prometheus(self, pool: Pool, faults: Sequence[Fault]) -> bytes:
        """Everything in Prometheus's text format 0.0.4."""
        for name, gauge in self._pool.items():
            gauge.set(getattr(pool, name))
        now_active = {fault.kind for fault in faults}
        for kind in FaultKind:
            self._faults.labels(kind.value).set(kind in now_active)
        return generate_latest(self.registry)

    def as_json(self) -> Mapping[str, Any]:
        """Counters as plain values."""
        with self.lock:
            return {"requests": dict(self.results), "sent_bytes": self.bytes_sent, "busy_s": round(self.busy_s, 3)}


def mod_status(counts: Counts, pool: Pool, uptime_s: float) -> bytes:
    """The page that Apache's mod_status shows at `/server-status?auto`, with one scoreboard character a thread.

    Format: https://httpd.apache.org/docs/2.4/mod/mod_status.html
    """
    seconds, total = max(1, round(uptime_s)), counts.total()
    seen = counts.as_json()
    lines = (
        "127.0.0.1",
        "ServerVersion: bomc demo order service",
        "ServerMPM: worker",
        f"ServerUptimeSeconds: {seconds}",
        f"Total Accesses: {total}",
        f"Total kBytes: {seen['sent_bytes'] // 1024}",
        f"Total Duration: {round(seen['busy_s'] * 1000)}",
        f"Uptime: {seconds}",
        f"ReqPerSec: {total / seconds:.6g}",
        f"BusyWorkers: {pool.busy}",
        f"IdleWorkers: {pool.most - pool.busy}",
        f"Scoreboard: {'W' * pool.busy}{'_' * (pool.most - pool.busy)}",
    )
    return ("\n".join(lines) + "\n").encode()
