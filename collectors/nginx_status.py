"""nginx's connections and requests, from its stub_status page.

Emits `web.connections` (label state: open, reading, writing, waiting), `web.connections.accepted` and `.dropped`,
`web.requests`, `web.threads.busy` (connections with a request in work: reading or writing), with `max_connections` also
`web.threads.max` and `.busy_ratio`, and `web.latency_s` of the status request itself. nginx has no threads; a worker's
connection slot is what runs out. It counts no errors. Silence means that the page did not come or is no status page.
Format: https://nginx.org/en/docs/http/ngx_http_stub_status_module.html
"""

from __future__ import annotations

import re
from datetime import datetime

from pydantic import Field

from collectors.bounded import http
from collectors.errors import CollectError
from collectors.indicators.web import WEB, Status, pool_samples
from collectors.io import Io
from collectors.reading import Reading
from core.model import Sample, instant_ms, labels_of

INDICATORS = WEB

PAGE = re.compile(
    r"Active connections:\s+(?P<open>[0-9]{1,18})\s+"
    r"server accepts handled requests\s+(?P<accepts>[0-9]{1,18})\s+(?P<handled>[0-9]{1,18})\s+(?P<requests>[0-9]{1,18})\s+"
    r"Reading:\s+(?P<reading>[0-9]{1,18})\s+Writing:\s+(?P<writing>[0-9]{1,18})\s+Waiting:\s+(?P<waiting>[0-9]{1,18})\s*"
)


class Config(http.Access):
    """Where the status page is, and how many connections the server may hold."""

    max_connections: int = Field(
        0, ge=0, description="worker_processes x worker_connections, which the page does not tell; 0 when not known"
    )


def fetch(config: Config, io: Io) -> Status:
    """Ask for the page. Raises CollectError when it does not come."""
    reply = http.get(config, io)
    settings = {"threads.max": float(config.max_connections)} if config.max_connections else {}
    return Status(http.text(reply, config), reply.took_s, config.url, settings)


def parse(raw: Status, now: datetime) -> Reading:
    """Samples of one page. Raises CollectError when it is none of stub_status."""
    match = PAGE.fullmatch(raw.text)
    if not match:
        raise CollectError(f"{raw.where} is no status page of nginx; give the location that has `stub_status;`")
    count = {name: float(digits) for name, digits in match.groupdict().items()}
    values = {
        "threads.busy": count["reading"] + count["writing"],
        "requests": count["requests"],
        "connections.accepted": count["accepts"],
        "connections.dropped": count["accepts"] - count["handled"],
        "latency_s": raw.took_s,
        **raw.settings,
    }
    at_ms = instant_ms(now)
    samples = pool_samples(values, at_ms)
    samples += [
        Sample("web.connections", count[state], at_ms, labels_of({"state": state}))
        for state in ("open", "reading", "writing", "waiting")
    ]
    return Reading(samples)
