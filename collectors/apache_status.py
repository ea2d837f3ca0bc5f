"""Apache httpd's workers and requests, from mod_status (`/server-status?auto`).

Emits `web.threads.*` (busy, current, max, busy_ratio), `web.requests`, `web.sent_bytes`, `web.processing_time` (s),
`web.uptime_s`, `web.connections` with an event worker, and `web.latency_s` of the status request itself. Requests, bytes
and time need `ExtendedStatus On`. mod_status counts no errors. Silence means that the page did not come or is no status
page. Format: https://httpd.apache.org/docs/2.4/mod/mod_status.html
"""

from __future__ import annotations

from datetime import datetime

from collectors.bounded import http
from collectors.errors import CollectError
from collectors.indicators.web import WEB, Status, pool_samples
from collectors.io import Io
from collectors.reading import Reading
from core.model import Sample, instant_ms, labels_of

INDICATORS = WEB

KEYS = {
    "Total Accesses": ("requests", 1.0),
    "Total kBytes": ("sent_bytes", 1024.0),
    "Total Duration": ("processing_time", 0.001),
    "ServerUptimeSeconds": ("uptime_s", 1.0),
}
CONNECTIONS = {
    "ConnsTotal": "open",
    "ConnsAsyncWriting": "writing",
    "ConnsAsyncKeepAlive": "waiting",
    "ConnsAsyncClosing": "closing",
}


class Config(http.Access):
    """Where the status page is: `http://host/server-status?auto`."""


def fetch(config: Config, io: Io) -> Status:
    """Ask for the page. Raises CollectError when it does not come."""
    reply = http.get(config, io)
    return Status(http.text(reply, config), reply.took_s, config.url)


def parse(raw: Status, now: datetime) -> Reading:
    """Samples of one page. Raises CollectError when it is none of mod_status."""
    lines = dict(line.split(": ", 1) for line in raw.text.splitlines() if ": " in line)
    try:
        busy, idle = int(lines["BusyWorkers"]), int(lines["IdleWorkers"])
        values = {"threads.busy": float(busy), "threads.current": float(busy + idle), "latency_s": raw.took_s}
        board = lines.get("Scoreboard", "")
        if board:
            values["threads.max"] = len(board)  # one character for each worker there may be, "." when it does not run
        values |= {name: float(lines[key]) * factor for key, (name, factor) in KEYS.items() if key in lines}
        open_connections = {state: float(lines[key]) for key, state in CONNECTIONS.items() if key in lines}
    except (KeyError, ValueError, OverflowError):
        raise CollectError(
            f"{raw.where} is no status page of Apache's mod_status; enable it and ask for /server-status?auto"
        ) from None
    at_ms = instant_ms(now)
    samples = pool_samples(values, at_ms)
    samples += [
        Sample("web.connections", count, at_ms, labels_of({"state": state}))
        for state, count in open_connections.items()
    ]
    notes = () if "requests" in values else ("the page has no request counters: set ExtendedStatus On",)
    return Reading(samples, notes)
