"""Small whole estates for the tests of commands and stories, and a real `bomc` process over them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table, select
from typer.testing import CliRunner

from bomc.cli import app
from core.store.open import reading
from tests.servers.pages import Page, Site, handler_of
from tests.servers.process import free_port, running

COMMAND = (sys.executable, "-m", "bomc")


def environment(home: Path, port: int | None = None) -> dict[str, str]:
    """A private home, perhaps a private port, and texts that are not folded."""
    found = {**os.environ, "BOMC_HOME": str(home), "COLUMNS": "300", "NO_COLOR": "1"}
    found.pop("BOMC_PORT", None)
    return found if port is None else {**found, "BOMC_PORT": str(port)}


def bomc(home: Path, *arguments: str, given: str = "", port: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in a real process."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=given,
        capture_output=True,
        text=True,
        env=environment(home, port),
        timeout=120,
        check=False,
    )


def cli(home: Path, *arguments: str, given: str = "") -> tuple[int, str]:
    """The same in this process, which is quicker: exit status and all that was said."""
    environment = {"BOMC_HOME": str(home), "BOMC_PORT": "", "COLUMNS": "300"}
    done = CliRunner().invoke(app, list(arguments), input=given, env=environment, catch_exceptions=False)
    return done.exit_code, done.output


def write(home: Path, **files: str) -> Path:
    """The configuration files of a home: targets='...' is targets.yaml."""
    (home / "config").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (home / "config" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return home


@contextlib.contextmanager
def process(home: Path, command: str, port: int, ready: Callable[[], bool] | None = None) -> Iterator[int]:
    """A running `bomc up`, `serve` or `run`; ready when it says that it is up, unless told otherwise."""
    log = home / f"{command}.log"
    with running(
        [*COMMAND, command], ready or (lambda: b" up at " in log.read_bytes()), log, environment=environment(home, port)
    ) as number:
        yield number


@dataclass
class Source:
    """An HTTP source of its own that can go down and come back on the same port."""

    port: int = field(default_factory=free_port)
    server: ThreadingHTTPServer | None = None

    def up(self) -> None:
        """Begin to answer."""
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), BaseHTTPRequestHandler)
        self.server.daemon_threads = True
        site = Site(f"http://127.0.0.1:{self.port}", self.port, {"/": Page(b"well")})
        self.server.RequestHandlerClass = handler_of(site)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@contextlib.contextmanager
def source() -> Iterator[Source]:
    """A source that answers, gone afterwards."""
    made = Source()
    made.up()
    try:
        yield made
    finally:
        made.down()


def watching(home: Path, source_port: int, hook_url: str, store_url: str = "sqlite:///bomc.db") -> Path:
    """A home that asks a source every second, and tells a webhook and opens a ticket when it does not answer."""
    return write(
        home,
        bomc=f"store: {{url: {json.dumps(store_url)}}}\n",
        targets=f"""
targets:
  - name: shop
    kind: http
    probes:
      - {{collect: http, every: 1s, timeout: 1s, with: {{url: "http://127.0.0.1:{source_port}/"}}}}
""",
        checks="""
checks:
  - name: shop-down
    judge: limit
    indicator: probe.up
    with: {below: {critical: 1}, raise: 2 of 2, clear_margin: 0}
    summary: "{target} does not answer"
""",
        routes=f"""
route: {{receiver: duty, group_by: [alertname], group_wait: 0s, group_interval: 1s, ticket: {{kind: fault}}}}
receivers: [{{name: duty, webhook_configs: [{{url: "{hook_url}"}}]}}]
""",
    )


def rows(engine: Engine, table: Table) -> list[Any]:
    """All rows of a table."""
    with reading(engine) as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key.columns)))
