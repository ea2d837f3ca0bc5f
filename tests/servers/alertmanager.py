"""A private Alertmanager, alone in its cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.servers.process import Server, first_that_starts, private_folder, program, running
from tests.servers.prometheus import is_ready

CONFIGURATION = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@contextlib.contextmanager
def start(folder: Path | None = None, *, configuration: str = CONFIGURATION) -> Iterator[Server]:
    """Run Alertmanager with this configuration."""
    alertmanager = program(["prometheus-alertmanager", "alertmanager"], "prometheus-alertmanager")
    with private_folder(folder) as private:
        (private / "alertmanager.yml").write_text(configuration)
        with first_that_starts(lambda port: serve(alertmanager, private, port)) as server:
            yield server


@contextlib.contextmanager
def serve(alertmanager: str, folder: Path, port: int) -> Iterator[Server]:
    """Run Alertmanager on one port."""
    command = [alertmanager, f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'state'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    log = folder / "alertmanager.log"
    url = f"http://127.0.0.1:{port}"
    with running(command, lambda: is_ready(url), log, cwd=folder) as pid:
        yield Server("127.0.0.1", port, url, folder=folder, files={"log": log}, pid=pid)
