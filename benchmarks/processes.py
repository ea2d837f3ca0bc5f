"""`bomc run` as a real process on a home folder made for it, and what a process has used so far."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.servers.process import NotReady, running

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Processor seconds, user and system, that a process has used in all its threads (/proc/PID/stat, proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def peak_mib(pid: int) -> float:
    """The largest resident set that a process has had, MiB (VmHWM, proc(5))."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise NotReady(f"the process {pid} has no VmHWM: it has ended")


def make_home(home: Path, files: Mapping[str, Any]) -> None:
    """Write configuration files (as JSON, which YAML contains) and make the store."""
    config = home / "config"
    config.mkdir(parents=True)
    for name, content in files.items():
        (config / name).write_text(json.dumps(content, indent=1))
    command = [sys.executable, "-m", "bomc", "db", "upgrade", "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise NotReady(f"bomc db upgrade ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")


@contextlib.contextmanager
def bomc_run(home: Path) -> Iterator[int]:
    """Run the pipeline on that home; yields its process id once it has written samples."""
    command = [sys.executable, "-m", "bomc", "run", "--home", str(home)]
    with running(command, lambda: pulse(home).get("samples", 0) > 0, home / "run.log") as pid:
        yield pid


def pulse(home: Path) -> dict[str, Any]:
    """The pipeline's latest sign of life in the store of that home; empty before the first."""
    found = ask(home, "SELECT detail FROM pulse WHERE name = 'pipeline'")
    return dict(json.loads(found[0][0])) if found else {}


def ask(home: Path, query: str) -> list[Any]:
    """What a query finds in the store of that home."""
    with contextlib.closing(sqlite3.connect(f"file:{home / 'bomc.db'}?mode=ro", uri=True, timeout=10)) as connection:
        return connection.execute(query).fetchall()
