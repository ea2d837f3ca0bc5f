"""A private Prometheus server; its own /metrics is a real exporter's page."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.servers.process import Server, first_that_starts, private_folder, program, running

CONFIGURATION = "global: {scrape_interval: 15s}\n"


@contextlib.contextmanager
def start(folder: Path | None = None, *, configuration: str = CONFIGURATION) -> Iterator[Server]:
    """Run Prometheus with this configuration."""
    prometheus = program(["prometheus"], "prometheus")
    with private_folder(folder) as private:
        (private / "prometheus.yml").write_text(configuration)
        with first_that_starts(lambda port: serve(prometheus, private, port)) as server:
            yield server


@contextlib.contextmanager
def serve(prometheus: str, folder: Path, port: int) -> Iterator[Server]:
    """Run Prometheus on one port."""
    command = [prometheus, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'series'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}"]
    log = folder / "prometheus.log"
    url = f"http://127.0.0.1:{port}"
    with running(command, lambda: is_ready(url), log, cwd=folder) as pid:
        yield Server("127.0.0.1", port, f"{url}/metrics", folder=folder, files={"log": log}, pid=pid)


def is_ready(url: str) -> bool:
    """Whether Prometheus says that it is ready."""
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
