"""The little estate that the faults happen to: one source of conditions, three checks, tickets, and a webhook."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bomc.configuration.estate import Estate, load_estate

TARGET, PROBE, INDICATOR = "unit", "metrics", "condition"
CHECKS: list[dict[str, Any]] = [
    {"name": "raised", "judge": "limit", "indicator": INDICATOR, "with": {"above": {"critical": 0.5}}},
    {"name": "lasts", "judge": "limit", "indicator": INDICATOR, "with": {"above": {"warning": 0.5}, "raise": "2 of 3"}},
    {"name": "jumps", "judge": "rate", "indicator": INDICATOR, "with": {"above": {"warning": 0.5}, "per": "1s"}},
]
"""One that raises at once, one that must remember its window over a kill, one that must remember the value before."""


def configure(home: Path, source_url: str, hook_url: str, *, every: str = "300ms", store_url: str = "") -> Estate:
    """Write the configuration and read it back."""
    config = home / "config"
    config.mkdir(parents=True, exist_ok=True)
    probe = {"collect": "prometheus_exporter", "name": PROBE, "every": every, "with": {"url": source_url}}
    route: dict[str, Any] = {
        "receiver": "hook",
        "group_by": ["alertname", "n"],
        "group_wait": "0s",
        "group_interval": "1s",
    }
    route |= {"repeat_interval": "12h", "ticket": {"kind": "fault"}}
    files: dict[str, Any] = {
        "targets.yaml": {"targets": [{"name": TARGET, "kind": "exporter", "probes": [probe]}]},
        "checks.yaml": {"checks": CHECKS},
        "routes.yaml": {"route": route, "receivers": [{"name": "hook", "webhook_configs": [{"url": hook_url}]}]},
    }
    if store_url:
        files["bomc.yaml"] = {"store": {"url": store_url}}
    for name, content in files.items():
        (config / name).write_text(json.dumps(content))
    return load_estate(config)


@dataclass
class Source:
    """An exporter whose conditions the test raises and clears."""

    values: list[int]
    port: int = 0
    asked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Its metrics page."""
        return f"http://127.0.0.1:{self.port}/metrics"

    def set(self, numbers: list[int], value: int) -> None:
        """Raise (1) or clear (0) these conditions together."""
        with self.lock:
            for number in numbers:
                self.values[number] = value

    def page(self) -> bytes:
        """What it shows now."""
        with self.lock:
            self.asked += 1
            lines = [f'{INDICATOR}{{n="{number}"}} {value}' for number, value in enumerate(self.values)]
        return "\n".join([f"# TYPE {INDICATOR} gauge", *lines, ""]).encode()


@contextlib.contextmanager
def source(conditions: int) -> Iterator[Source]:
    """A running source with that many conditions, none of them raised."""
    there = Source([0] * conditions)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = there.page()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    there.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
