"""Getting the demo ready and running its order service: configuration, past days, ports, and the service's process.

The service's standard input is a pipe from this process, and it ends when that pipe does, so it never outlives us.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from string import Template

from bomc.demo.nightly import close_days
from bomc.demo.ports import DemoError, Ports, ask, choose_ports, read_ports, write_ports
from bomc.demo.shop.database import open_database
from bomc.demo.shop.days import ZONE
from bomc.demo.shop.orders import recover

FILES = (
    "bomc.yaml",
    "targets.yaml",
    "checks.yaml",
    "routes.yaml",
    "oncall.yaml",
    "duty.yaml",
    "job_plans.yaml",
    "heartbeats.yaml",
    "maintenance.yaml",
    "controls/mobile-payment.yaml",
    "controls/day-totals.yaml",
)
READY_S = 30.0
STOP_S = 15.0
LOG_BYTES = 5_000_000
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Prepared:
    """A home folder in which the demo can run."""

    home: Path
    config: Path
    ports: Ports
    database_url: str
    delivered: tuple[Path, ...]  # exchange folders of business days that are new since the start before

    @property
    def log(self) -> Path:
        """Where the service's own messages go."""
        return self.home / "demo" / "shop.log"


def prepare(
    home: Path,
    port: int,
    clock: Callable[[], datetime],
    database_url: str | None = None,
    *,
    patience_s: float = STOP_S,
) -> Prepared:
    """Make everything the demo needs that is not there yet, and leave alone what is; `port` is the console's.

    A service whose parent just died is given `patience_s` to end; nobody else may be running the demo in that home.
    Raises DemoError with a sentence when it cannot be made ready.
    """
    today = clock().astimezone(ZONE).date()
    folder, config = home / "demo", home / "config"
    folder.mkdir(parents=True, exist_ok=True)
    config.mkdir(exist_ok=True)
    before = read_ports(folder / "ports.json")
    if before:
        _wait_for_end(before, patience_s)
    ports = choose_ports(port, before)
    _configure(config, ports, before)
    write_ports(folder / "ports.json", ports)
    url = database_url or f"sqlite:///{folder / 'shop.db'}"
    engine = open_database(url)
    try:
        recover(engine)
        delivered = close_days(engine, home, today)
    finally:
        engine.dispose()
    return Prepared(home, config, ports, url, tuple(delivered))


def _wait_for_end(ports: Ports, patience_s: float) -> None:
    """Wait until the order service of that start is gone. Raises DemoError when it stays: somebody runs it."""
    deadline = time.monotonic() + patience_s
    while is_demo_shop(ports):
        if time.monotonic() > deadline:
            raise DemoError(f"the demo of this home is running already, on port {ports.console}; stop it first")
        time.sleep(POLL_S)


def is_demo_shop(ports: Ports) -> bool:
    """Whether the demo's order service answers on its status port."""
    answer = ask(ports.status, "/status?format=json")
    if answer is None or answer[0] != 200:
        return False
    try:
        status = json.loads(answer[1])
    except ValueError:
        return False
    return isinstance(status, dict) and status.get("demo") is True


def _configure(config: Path, ports: Ports, before: Ports | None) -> None:
    """Copy the configuration files that are not there; in those that are, follow ports that have changed."""
    names = {"console_port": ports.console, "shop_port": ports.shop, "status_port": ports.status}
    for name in FILES:
        target = config / name
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            template = resources.files("bomc.demo.config").joinpath(name).read_text(encoding="utf-8")
            target.write_text(Template(template).substitute(names), encoding="utf-8")
        elif before and before != ports:
            old = target.read_text(encoding="utf-8")
            new = follow_ports(old, before, ports)
            if new != old:
                target.write_text(new, encoding="utf-8")


def follow_ports(text: str, before: Ports, now: Ports) -> str:
    """The same configuration with the demo's own addresses on their new ports; nothing else is touched."""
    moved = {before.console: now.console, before.shop: now.shop, before.status: now.status}
    pattern = re.compile(r"(127\.0\.0\.1:|\bhost: 127\.0\.0\.1, port: )(\d+)\b")
    return pattern.sub(lambda hit: f"{hit[1]}{moved.get(int(hit[2]), int(hit[2]))}", text)


def start_shop(prepared: Prepared, *options: str) -> subprocess.Popen[bytes]:
    """Start the order service and wait until it answers; `options` are more words for its command line.

    Raises DemoError with the end of its log when it ends or does not answer in time.
    """
    log = prepared.log
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own module with our own arguments
            [*_command(prepared), *options], stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + READY_S
    while not is_demo_shop(prepared.ports):
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            stop_shop(process)
            what = "ended at once" if ended else f"did not answer within {READY_S:g} s"
            raise DemoError(f"the demo's order service {what}; its log says:\n{_tail(log)}")
        time.sleep(POLL_S)
    if process.poll() is not None:
        raise DemoError(f"the demo's order service ended at once; its log says:\n{_tail(log)}")
    return process


def _command(prepared: Prepared) -> Sequence[str]:
    ports = prepared.ports
    places = ("--home", str(prepared.home), "--database", prepared.database_url)
    listening = ("--port", str(ports.shop), "--status-port", str(ports.status))
    return (sys.executable, "-m", "bomc.demo.shop", *places, *listening, "--until-stdin-closes")


def _tail(log: Path) -> str:
    return log.read_bytes()[-2000:].decode(errors="replace").strip() or "(nothing)"


def ensure_shop(process: subprocess.Popen[bytes], prepared: Prepared, *options: str) -> subprocess.Popen[bytes]:
    """The same process while it lives, else a new one in its place. Raises DemoError as start_shop does."""
    return process if process.poll() is None else start_shop(prepared, *options)


def stop_shop(process: subprocess.Popen[bytes]) -> None:
    """End the order service: politely by closing its input, and by force when it does not end in time."""
    if process.stdin:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
