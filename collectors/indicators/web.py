"""What is measured on a web or application server, whoever makes it: thread pools, requests, errors, time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.model import Indicator, Kind, Sample, labels_of


def _web(name: str, unit: str, kind: Kind, description: str) -> Indicator:
    return Indicator(f"web.{name}", unit, kind, "web", description)


WEB: tuple[Indicator, ...] = (
    _web("threads.busy", "1", Kind.GAUGE, "Threads (or workers) that are answering a request now (label pool)"),
    _web("threads.current", "1", Kind.GAUGE, "Threads that exist now, busy or idle"),
    _web("threads.max", "1", Kind.GAUGE, "Threads that there may be at most"),
    _web("threads.busy_ratio", "1", Kind.RATIO, "Busy share of the most there may be"),
    _web("requests", "1", Kind.COUNTER, "Requests since the server started"),
    _web("errors", "1", Kind.COUNTER, "Requests that ended in an error, where the server counts them"),
    _web("processing_time", "s", Kind.COUNTER, "Time spent on requests since the server started"),
    _web("received_bytes", "By", Kind.COUNTER, "Bytes received in requests"),
    _web("sent_bytes", "By", Kind.COUNTER, "Bytes sent in answers"),
    _web("connections", "1", Kind.GAUGE, "Open connections (label state)"),
    _web("connections.accepted", "1", Kind.COUNTER, "Connections accepted since the server started"),
    _web("connections.dropped", "1", Kind.COUNTER, "Connections accepted and dropped for want of resources"),
    _web("heap.used_bytes", "By", Kind.GAUGE, "Memory of the Java heap in use"),
    _web("heap.max_bytes", "By", Kind.GAUGE, "Memory that the Java heap may take"),
    _web("heap.used_ratio", "1", Kind.RATIO, "Used share of what the Java heap may take"),
    _web("uptime_s", "s", Kind.GAUGE, "Time since the server started"),
    _web("latency_s", "s", Kind.GAUGE, "Time that the server took to show its status page"),
)


@dataclass(frozen=True)
class Status:
    """A status page as it came, and the seconds its request took."""

    text: str
    took_s: float
    where: str
    settings: Mapping[str, float] = field(default_factory=dict)  # what the configuration adds to the page


def pool_samples(values: Mapping[str, float], at_ms: int, pool: str = "") -> list[Sample]:
    """One sample for each value, with the busy share when both its parts are known."""
    labels = labels_of({"pool": pool})
    busy, most = values.get("threads.busy"), values.get("threads.max")
    ratio = {"threads.busy_ratio": min(1.0, busy / most)} if busy is not None and most and most > 0 else {}
    return [Sample(f"web.{name}", value, at_ms, labels) for name, value in {**values, **ratio}.items()]
