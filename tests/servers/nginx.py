"""A private nginx with its stub_status page at /status and one small page at /."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.servers.process import Server, answers, first_that_starts, private_folder, program, running, unprivileged

CONNECTIONS = 64

CONFIGURATION = """
daemon off;
pid {folder}/pid;
worker_processes 1;
error_log stderr;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location /status {{ stub_status; }}
        location / {{ return 200 "hello\\n"; }}
    }}
}}
"""


@contextlib.contextmanager
def start(folder: Path | None = None) -> Iterator[Server]:
    """Run nginx; as root it runs as the user www-data."""
    nginx = program(["nginx"], "nginx-light")
    owner = unprivileged("www-data", "nginx-light")
    with (
        private_folder(folder, owner) as private,
        first_that_starts(lambda port: serve(nginx, private, owner, port)) as server,
    ):
        yield server


@contextlib.contextmanager
def serve(nginx: str, folder: Path, owner: str | None, port: int) -> Iterator[Server]:
    """Run nginx on one port."""
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, connections=CONNECTIONS))
    log = folder / "nginx.log"
    command = [nginx, "-e", "stderr", "-p", str(folder), "-c", str(configuration)]
    with running(command, lambda: answers(port), log, owner=owner, stop_signal=signal.SIGQUIT) as pid:
        yield Server("127.0.0.1", port, f"http://127.0.0.1:{port}/status", folder=folder, files={"log": log}, pid=pid)
