"""From a value's change at its source to the webhook's arrival, beside Debian's Prometheus and Alertmanager.

One source serves 120 switches; every second `bomc run` probes it and Prometheus scrapes it (and evaluates its rule), both
tell the same receiver, without group wait, with a group for each switch, so that every message is the first of its group
and nobody waits for a group interval (1 s on both sides). Each switch goes on at a random moment of its own 1.5 seconds,
whether or not the one before has been told, and off again when 30 s have passed and both have told that it is on, so that
switches are independent of one another and the run takes some four minutes; the source, the receiver and the clock are one
process. A change that is not told within 30 s ends the run as a failure. Targets: ours lower at p50 and at p99. What it takes
to tell that a switch is off again is told for openness; there both may wait for the group interval.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, quantile, tell
from benchmarks.processes import bomc_run, make_home
from tests.servers import prometheus as prometheus_server
from tests.servers.process import Server, first_that_starts, program, running, wait_until

TOGGLES = 120
SPACING_S = 1.5
ON_FOR_S = 30.0
TOLD_WITHIN_S = 30.0
SIDES = ("bomc", "alertmanager")


@dataclass
class World:
    """The source and the receiver: which switches are on, and when whose message about which arrived."""

    on: list[bool]
    port: int = 0
    arrived: dict[tuple[str, str, str], float] = field(default_factory=dict)  # (side, switch, status) -> monotonic s

    @property
    def url(self) -> str:
        """Where both are."""
        return f"http://127.0.0.1:{self.port}"

    def page(self) -> bytes:
        """The source's metrics."""
        lines = [f'switch{{n="{number}"}} {int(value)}' for number, value in enumerate(self.on)]
        return "\n".join(["# TYPE switch gauge", *lines, ""]).encode()

    def take(self, side: str, body: dict[str, Any], at: float) -> None:
        """Note the first arrival of each message; repetitions count for nothing."""
        for alert in body["alerts"]:
            self.arrived.setdefault((side, alert["labels"].get("n", ""), alert["status"]), at)

    def await_told(self, number: int, status: str) -> None:
        """Wait until both sides have told of it. Raises NotReady when they do not in time."""
        keys = [(side, str(number), status) for side in SIDES]
        what = f"a message of both that switch {number} is {status}"
        wait_until(lambda: all(key in self.arrived for key in keys), what, TOLD_WITHIN_S)


@contextlib.contextmanager
def world(switches: int) -> Iterator[World]:
    """Source and receiver on one port."""
    there = World([False] * switches)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = there.page()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            at = time.monotonic()
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            there.take(self.path.strip("/"), body, at)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    there.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def configuration(there: World) -> dict[str, Any]:
    """Our files."""
    probe = {"collect": "prometheus_exporter", "every": "1s", "with": {"url": f"{there.url}/metrics"}}
    switched = {"name": "Switched", "judge": "limit", "indicator": "switch", "with": {"above": {"warning": 0.5}}}
    route = {"receiver": "hook", "group_by": ["n"], "group_wait": "0s", "group_interval": "1s"}
    return {
        "targets.yaml": {"targets": [{"name": "switches", "kind": "exporter", "probes": [probe]}]},
        "checks.yaml": {"checks": [switched]},
        "routes.yaml": {
            "route": route,
            "receivers": [{"name": "hook", "webhook_configs": [{"url": f"{there.url}/bomc"}]}],
        },
    }


def alertmanager_configuration(there: World) -> str:
    """Alertmanager's file, as JSON, which YAML contains."""
    route = {"receiver": "hook", "group_by": ["n"], "group_wait": "0s", "group_interval": "1s"}
    receiver = {"name": "hook", "webhook_configs": [{"url": f"{there.url}/alertmanager"}]}
    return json.dumps({"route": route, "receivers": [receiver]})


def prometheus_configuration(there: World, alertmanager_port: int, rules: Path) -> str:
    """Prometheus's file, as JSON, which YAML contains."""
    rule = {"alert": "Switched", "expr": "switch > 0.5"}
    rules.write_text(json.dumps({"groups": [{"name": "switches", "rules": [rule]}]}))
    source = there.url.removeprefix("http://")
    managers = [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]}]
    return json.dumps(
        {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "alerting": {"alertmanagers": managers},
            "scrape_configs": [{"job_name": "switches", "static_configs": [{"targets": [source]}]}],
        }
    )


@contextlib.contextmanager
def alertmanager(folder: Path, configuration: str) -> Iterator[Server]:
    """Run Debian's Alertmanager alone, without a cluster."""
    binary = program(["prometheus-alertmanager"], "prometheus-alertmanager")
    (folder / "alertmanager.yml").write_text(configuration)

    @contextlib.contextmanager
    def serve(port: int) -> Iterator[Server]:
        command = [binary, f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'manager'}"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
        log = folder / "alertmanager.log"
        with running(command, lambda: is_ready(port), log, cwd=folder) as pid:
            yield Server("127.0.0.1", port, f"http://127.0.0.1:{port}", folder=folder, pid=pid)

    with first_that_starts(serve) as server:
        yield server


def is_ready(port: int) -> bool:
    """Whether Alertmanager says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def scraped(url: str) -> bool:
    """Whether Prometheus knows the switches."""
    with urllib.request.urlopen(f"{url.removesuffix('/metrics')}/api/v1/query?query=switch", timeout=5) as answer:
        return bool(json.load(answer)["data"]["result"])


def toggle(there: World, seed: int) -> dict[str, dict[str, list[float]]]:
    """Switch each on and off; seconds until told, by status and side."""
    drawn = random.Random(seed)
    begun = time.monotonic() + 1.0
    plan: list[tuple[float, int, bool]] = []
    for number in range(len(there.on)):
        on_at = begun + SPACING_S * (number + drawn.random())
        plan += [(on_at, number, True), (on_at + ON_FOR_S + SPACING_S * drawn.random(), number, False)]
    changed: dict[tuple[int, str], float] = {}
    for at, number, value in sorted(plan):
        if not value:
            there.await_told(number, "firing")  # it was half a minute ago; what is switched off untold is never told
        await_instant(at)
        changed[number, "firing" if value else "resolved"] = time.monotonic()
        there.on[number] = value
    for number, status in changed:
        there.await_told(number, status)
    took: dict[str, dict[str, list[float]]] = {
        status: {side: [] for side in SIDES} for status in ("firing", "resolved")
    }
    for (number, status), at in changed.items():
        for side in SIDES:
            took[status][side].append(there.arrived[side, str(number), status] - at)
    return took


def await_instant(at_s: float) -> None:
    """Wait until that instant (monotonic s); one that is past is now."""
    threading.Event().wait(max(0.0, at_s - time.monotonic()))


def measure(toggles: int = TOGGLES, seed: int = 1) -> list[Figure]:
    """Run both beside each other and compare."""
    program(["prometheus"], "prometheus")
    program(["prometheus-alertmanager"], "prometheus-alertmanager")
    with tempfile.TemporaryDirectory(prefix="bomc-bench-") as name, world(toggles) as there:
        folder = Path(name)
        home = folder / "home"
        make_home(home, configuration(there))
        with alertmanager(folder, alertmanager_configuration(there)) as manager:
            text = prometheus_configuration(there, manager.port, folder / "rules.yml")
            with prometheus_server.start(folder, configuration=text) as prometheus, bomc_run(home):
                wait_until(lambda: scraped(prometheus.url), "a scrape of Prometheus")
                took = toggle(there, seed)
    figures = []
    for status, words in (("firing", "on"), ("resolved", "off again")):
        ours, theirs = took[status]["bomc"], took[status]["alertmanager"]
        for what, share in (("p50", 0.5), ("p99", 0.99), ("worst", 1.0)):
            mine_s, theirs_s = quantile(ours, share), quantile(theirs, share)
            figures.append(
                Figure(
                    f"switched {words} -> webhook, {what}, ours / Prometheus + Alertmanager",
                    mine_s / theirs_s,
                    "",
                    1.0 if status == "firing" and share < 1 else None,
                    "below",
                    f"ours {mine_s:.2f} s, theirs {theirs_s:.2f} s, {len(ours)} changes",
                )
            )
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; exit status 1 when a target is missed, 2 when something is not installed."""
    parser = argparse.ArgumentParser(description="from a change to the webhook, beside Prometheus and Alertmanager")
    parser.add_argument("--toggles", type=int, default=TOGGLES, help="at least 20; 120 have a p99 worth the name")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    return tell(lambda: measure(max(20, chosen.toggles), chosen.seed))


if __name__ == "__main__":
    sys.exit(main())
