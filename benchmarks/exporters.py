"""Prometheus endpoints in one small process: /metrics/0 ... /metrics/19, a thousand series each.

Every 15 s the values of all series change; 1 % of them lie above 80, and each stays there for ten of those steps. Both
scrapers of a step are given the same page, and making it is this process's cost, not theirs.
Run: `python -m benchmarks.exporters PORT`.
"""

from __future__ import annotations

import sys
import time
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

ENDPOINTS, SERIES_EACH = 20, 1_000
STEP_S = 15
BEYOND = SERIES_EACH // 100


@lru_cache(maxsize=3 * ENDPOINTS)
def page(endpoint: int, step: int) -> bytes:
    """The metrics page of one endpoint in one step of 15 s."""
    drawn = Random(endpoint * 1_000_003 + step)
    lines = ["# HELP device_load Load of a device.", "# TYPE device_load gauge"]
    for item in range(SERIES_EACH):
        beyond = (item * 7 + endpoint * 13 + step) % SERIES_EACH < BEYOND
        value = (85 if beyond else 40) + drawn.random() * 9
        lines.append(f'device_load{{item="{item:04d}",site="site-{item % 12}"}} {value:.3f}')
    return ("\n".join(lines) + "\n").encode()


class Handler(BaseHTTPRequestHandler):
    """Answers with the page of the endpoint that the path names."""

    def do_GET(self) -> None:
        """One scrape."""
        name = self.path.rpartition("/")[2]
        if not name.isdigit() or int(name) >= ENDPOINTS:
            self.send_error(404)
            return
        body = page(int(name), int(time.monotonic() / STEP_S))
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


def main() -> None:
    """Serve until killed."""
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
