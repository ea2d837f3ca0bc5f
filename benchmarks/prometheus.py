"""20,000 series every 15 s, two checks each, beside Debian's Prometheus scraping the same endpoints with two rules.

One process serves 20 endpoints of 1,000 series; `bomc run` (a real process on a home folder of its own, SQLite) and
Prometheus scrape them at the same time. Both judge every series twice: above 80, and rising faster than 1,000 a second.
After a warm-up, processor seconds of both are taken over the same window (/proc/PID/stat, all threads) and divided by the
samples that each has stored in it by its own count. The peak of our resident set is that since its start (VmHWM), and
lateness is what the pipeline's own pulse tells: how long after its due instant a probe began, over all probes so far.
Targets: processor time a sample at most 6 times Prometheus's, peak at most 400 MiB, lateness at most 1 s at p99.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.exporters import ENDPOINTS, SERIES_EACH
from benchmarks.figure import Figure, tell
from benchmarks.processes import bomc_run, cpu_s, make_home, peak_mib, pulse
from tests.servers import prometheus as prometheus_server
from tests.servers.process import answers, free_port, program, running, wait_until

EVERY_S = 15
WARM_UP_S, WINDOW_S = 45.0, 120.0
TARGET_CPU_RATIO, TARGET_PEAK_MIB, TARGET_LATENESS_S = 6.0, 400.0, 1.0


class Used(NamedTuple):
    """What a process has used and done so far."""

    cpu_s: float
    samples: float


def configuration(port: int) -> dict[str, Any]:
    """Our files: a target an endpoint, two checks over all."""
    probe = {"collect": "prometheus_exporter", "every": f"{EVERY_S}s", "timeout": "10s"}
    return {
        "targets.yaml": {
            "targets": [
                {
                    "name": f"node-{number}",
                    "kind": "exporter",
                    "probes": [{**probe, "with": {"url": f"http://127.0.0.1:{port}/metrics/{number}"}}],
                }
                for number in range(ENDPOINTS)
            ]
        },
        "checks.yaml": {
            "checks": [
                {"name": "load high", "judge": "limit", "indicator": "device_load", "with": {"above": {"warning": 80}}},
                {
                    "name": "load rises",
                    "judge": "rate",
                    "indicator": "device_load",
                    "with": {"above": {"warning": 1000}},
                },
            ]
        },
    }


def prometheus_configuration(port: int, rules: Path) -> str:
    """The same for Prometheus; written as JSON, which YAML contains."""
    groups = [
        {
            "name": "all",
            "rules": [
                {"alert": "LoadHigh", "expr": "device_load > 80"},
                {"alert": "LoadRises", "expr": "rate(device_load[1m]) > 1000"},
            ],
        }
    ]
    rules.write_text(json.dumps({"groups": groups}))
    targets = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {"__metrics_path__": f"/metrics/{number}", "instance": f"node-{number}"},
        }
        for number in range(ENDPOINTS)
    ]
    return json.dumps(
        {
            "global": {"scrape_interval": f"{EVERY_S}s", "evaluation_interval": f"{EVERY_S}s"},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "nodes", "static_configs": targets}],
        }
    )


def appended(url: str) -> float:
    """Samples that Prometheus has stored so far, by its own count; the few that its rules make are among them."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("prometheus_tsdb_head_samples_appended_total"):
                return float(line.rpartition(" ")[2])
    return 0.0


def measure(window_s: float = WINDOW_S) -> list[Figure]:
    """Run both beside each other and compare what they used."""
    program(["prometheus"], "prometheus")
    with tempfile.TemporaryDirectory(prefix="bomc-bench-") as name:
        folder, port = Path(name), free_port()
        home = folder / "home"
        make_home(home, configuration(port))
        exporters = [sys.executable, "-m", "benchmarks.exporters", str(port)]
        with (
            running(exporters, lambda: answers(port), folder / "exporters.log"),
            prometheus_server.start(
                folder, configuration=prometheus_configuration(port, folder / "rules.yml")
            ) as server,
            bomc_run(home) as pid,
        ):

            def used() -> tuple[Used, Used]:
                return (
                    Used(cpu_s(pid), float(pulse(home).get("samples", 0))),
                    Used(cpu_s(server.pid), appended(server.url)),
                )

            started = time.monotonic()
            wait_until(lambda: time.monotonic() - started >= WARM_UP_S, "the warm-up", WARM_UP_S + 10)
            before = used()
            begun = time.monotonic()
            wait_until(lambda: time.monotonic() - begun >= window_s, "the window", window_s + 10)
            after = used()
            taken_s = time.monotonic() - begun
            peaks = peak_mib(pid), peak_mib(server.pid)
            life = pulse(home)
    ours, theirs = (Used(b.cpu_s - a.cpu_s, b.samples - a.samples) for a, b in zip(before, after, strict=True))
    expected = ENDPOINTS * SERIES_EACH * taken_s / EVERY_S
    if min(ours.samples, theirs.samples) < 0.8 * expected:
        raise AssertionError(f"{ours.samples:.0f} and {theirs.samples:.0f} samples of {expected:.0f}: one fell behind")
    mine_us, theirs_us = ours.cpu_s / ours.samples * 1e6, theirs.cpu_s / theirs.samples * 1e6
    detail = (
        f"ours {mine_us:.1f} us a sample ({ours.cpu_s:.2f} s for {ours.samples:,.0f}), Prometheus {theirs_us:.1f} us "
        f"({theirs.cpu_s:.2f} s for {theirs.samples:,.0f}), {taken_s:.0f} s"
    )
    late_s = life.get("lateness_p99_s")
    return [
        Figure("processor time a sample / Prometheus's", mine_us / theirs_us, "", TARGET_CPU_RATIO, "at most", detail),
        Figure("peak memory", peaks[0], "MiB", TARGET_PEAK_MIB, "at most", f"Prometheus {peaks[1]:.0f} MiB"),
        Figure(
            "lateness of probes at p99",
            float("nan") if late_s is None else float(late_s),
            "s",
            TARGET_LATENESS_S,
            "at most",
            f"{life.get('probes')} probes, {life.get('given_up')} given up, {life.get('transitions')} transitions",
        ),
    ]


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; exit status 1 when a target is missed, 2 when Prometheus is not installed."""
    parser = argparse.ArgumentParser(description="processor time and memory beside Prometheus")
    parser.add_argument("--window", type=float, default=WINDOW_S, help="seconds, at least 60")
    chosen = parser.parse_args(arguments)
    return tell(lambda: measure(max(60.0, chosen.window)))


if __name__ == "__main__":
    sys.exit(main())
