"""Tomcat's thread pools and Java heap, from its manager (`/manager/status/all?XML=true`, role manager-status).

Emits for each connector (label pool) `web.threads.*` (busy, current, max, busy_ratio), `web.requests`, `web.errors`,
`web.processing_time` (s), `web.received_bytes` and `web.sent_bytes`; for the server `web.heap.*` and `web.latency_s` of
the status request itself. Silence means that the page did not come or is no status page.
Format: https://tomcat.apache.org/tomcat-10.1-doc/manager-howto.html#Server_Status
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import datetime

from collectors.bounded import http
from collectors.errors import CollectError
from collectors.indicators.web import WEB, Status, pool_samples
from collectors.io import Io
from collectors.reading import Reading
from core.model import instant_ms

INDICATORS = WEB

THREADS = {"threads.busy": "currentThreadsBusy", "threads.current": "currentThreadCount", "threads.max": "maxThreads"}
REQUESTS = {
    "requests": ("requestCount", 1.0),
    "errors": ("errorCount", 1.0),
    "processing_time": ("processingTime", 0.001),
    "received_bytes": ("bytesReceived", 1.0),
    "sent_bytes": ("bytesSent", 1.0),
}


class Config(http.Access):
    """Where the manager's status page is: `http://host:8080/manager/status/all?XML=true`, with user and password."""


def fetch(config: Config, io: Io) -> Status:
    """Ask for the page. Raises CollectError when it does not come."""
    reply = http.get(config, io)
    return Status(http.text(reply, config), reply.took_s, config.url)


def parse(raw: Status, now: datetime) -> Reading:
    """Samples of one page. Raises CollectError when it is none of the manager's status servlet."""
    at_ms = instant_ms(now)
    try:
        if "<!DOCTYPE" in raw.text or "<!ENTITY" in raw.text:
            raise ValueError("it declares entities")  # what an attack on the parser needs, and Tomcat never sends
        root = ElementTree.fromstring(raw.text)  # noqa: S314 - entities are refused above
        server = {"latency_s": raw.took_s, **heap(root)}
        pools = {pool_name(connector): pool_values(connector) for connector in root.findall("connector")}
        if root.tag != "status" or not pools:
            raise ValueError("it has no connector")
    except (ElementTree.ParseError, KeyError, ValueError, AttributeError) as fault:
        raise CollectError(
            f"{raw.where} is no status page of Tomcat's manager ({fault}); ask for /manager/status/all?XML=true"
        ) from None
    samples = pool_samples(server, at_ms)
    for pool, values in pools.items():
        samples += pool_samples(values, at_ms, pool)
    return Reading(samples)


def pool_name(connector: ElementTree.Element) -> str:
    """The connector's name, which Tomcat puts into quotation marks of its own."""
    return connector.attrib["name"].strip('"')


def pool_values(connector: ElementTree.Element) -> dict[str, float]:
    """What one connector tells; a pool without bound (-1) has no threads.max."""
    threads, requests = _child(connector, "threadInfo"), _child(connector, "requestInfo")
    values = {name: float(threads.attrib[key]) for name, key in THREADS.items()}
    if values["threads.max"] < 0:
        del values["threads.max"]
    return values | {name: float(requests.attrib[key]) * factor for name, (key, factor) in REQUESTS.items()}


def heap(root: ElementTree.Element) -> dict[str, float]:
    """Memory of the Java heap; `max` is what it may grow to."""
    memory = _child(_child(root, "jvm"), "memory").attrib
    used, most = float(memory["total"]) - float(memory["free"]), float(memory["max"])
    ratio = {"heap.used_ratio": used / most} if most > 0 else {}
    return {"heap.used_bytes": used, "heap.max_bytes": most, **ratio}


def _child(parent: ElementTree.Element, name: str) -> ElementTree.Element:
    found = parent.find(name)
    if found is None:
        raise ValueError(f"it has no <{name}>")
    return found
