"""Starting and stopping a server process: free ports, bounded waiting, output kept for the failure message."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

READY_S = 60.0  # a server on a busy two-core machine is given this long to answer
ATTEMPTS = 5  # a port that was free can be taken before the server binds it


class Missing(Exception):
    """The server is not installed on this machine; the message says which package brings it."""


class NotReady(Exception):
    """The server ended, or did not answer in time; the message has the end of its output."""


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, and what a client needs to get in. Empty fields do not apply to it."""

    host: str
    port: int
    url: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    folder: Path = Path()
    files: Mapping[str, Path] = field(default_factory=dict)  # keys, certificates, logs, by what they are
    pid: int = 0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody holds at this moment, below those that the system gives to clients.

    A client that polls a port from the system's own range can be given that very port and connect to itself.
    """
    while True:
        port = secrets.choice(range(12_000, 32_000))
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            return port


def answers(port: int) -> bool:
    """Whether something accepts a TCP connection on that port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as opened:
            return bool(opened.getsockname() != opened.getpeername())
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], what: str, within_s: float = READY_S) -> None:
    """Poll until the condition holds. Raises NotReady when it does not within that many seconds."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise NotReady(f"{what} did not come true within {within_s:g} s")
        time.sleep(0.02)


def program(names: Sequence[str], package: str) -> str:
    """The path of the first of these programs that is installed. Raises Missing when none is."""
    for name in names:
        found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/sbin")
        if found:
            return found
    raise Missing(f"{names[0]} is not installed (package {package}); run `sh tests/install-servers.sh`")


@contextlib.contextmanager
def private_folder(parent: Path | None, owner: str | None = None) -> Iterator[Path]:
    """A new empty folder, removed afterwards. Owned by another user, it lies where that user can reach it."""
    made = Path(tempfile.mkdtemp(prefix="bomc-server-", dir=None if owner or parent is None else parent))
    try:
        if owner:
            entry = pwd.getpwnam(owner)
            os.chown(made, entry.pw_uid, entry.pw_gid)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def unprivileged(owner: str, package: str) -> str | None:
    """The user a server must run as that refuses root: that user when we are root, else nobody but ourselves (None)."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(owner)
    except KeyError:
        raise Missing(f"there is no user {owner} (package {package})") from None
    return owner


@contextlib.contextmanager
def running(
    command: Sequence[str],
    ready: Callable[[], bool],
    log: Path,
    *,
    owner: str | None = None,
    environment: Mapping[str, str] | None = None,
    stop_signal: int = signal.SIGTERM,
    cwd: Path | None = None,
) -> Iterator[int]:
    """Run the command until the block ends and yield its process id once `ready` answers true.

    It dies with the test process that started it, even when that one is killed. Raises NotReady with the end of its
    output when it exits first or is not ready in time.
    """
    setpriv = shutil.which("setpriv")
    guard = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*guard, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            user=owner,
            group=pwd.getpwnam(owner).pw_gid if owner else None,
            extra_groups=[] if owner else None,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + READY_S
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                ended = f"ended with {process.returncode}" if process.returncode is not None else "is not ready"
                raise NotReady(f"{command[0]} {ended}:\n{tail(log)}")
            time.sleep(0.02)
        if process.poll() is not None:
            raise NotReady(f"{command[0]} ended with {process.returncode}:\n{tail(log)}")
        yield process.pid
    finally:
        stop(process, stop_signal)


def stop(process: subprocess.Popen[bytes], stop_signal: int, within_s: float = 10) -> None:
    """End a server politely, then by force, with every process it started in its own session."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(within_s)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(within_s)


def tail(log: Path, size: int = 3000) -> str:
    """The end of a log, for a failure's message."""
    return log.read_bytes()[-size:].decode(errors="replace") if log.exists() else "(no output)"


@contextlib.contextmanager
def first_that_starts(begin: Callable[[int], contextlib.AbstractContextManager[Server]]) -> Iterator[Server]:
    """Enter `begin(port)` with a free port, and with another one when it does not start; the last failure is raised."""
    with contextlib.ExitStack() as stack:
        for attempt in range(ATTEMPTS):
            try:
                server = stack.enter_context(begin(free_port()))
                break
            except NotReady:
                if attempt == ATTEMPTS - 1:
                    raise
        yield server
