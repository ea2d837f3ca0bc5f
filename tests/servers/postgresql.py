"""A private PostgreSQL: `start(folder)`, then `fresh_database(server)` for an empty database of one's own."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.servers.process import Missing, Server, first_that_starts, private_folder, running, tail, unprivileged

SUPERUSER = "bomc"
_numbers = itertools.count(1)


def binaries() -> Path:
    """The folder of initdb and postgres, the newest version installed. Raises Missing when there is none."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    if not folders:
        raise Missing("PostgreSQL is not installed (package postgresql); run `sh tests/install-servers.sh`")
    return max(folders, key=lambda folder: (folder.parent.name.isdigit(), folder.parent.name.zfill(4)))


def initialise(folder: Path, owner: str | None, password: str) -> None:
    """Make a database cluster in that folder whose only account is the superuser with this password."""
    secret = folder / "password"
    secret.write_text(password)
    if owner:
        shutil.chown(secret, owner)
    log = folder / "initdb.log"
    with log.open("wb") as output:
        done = subprocess.run(
            [
                *(str(binaries() / "initdb"), "-D", str(folder / "cluster"), "-U", SUPERUSER),
                *("--pwfile", str(secret), "--auth=md5"),
                *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            user=owner,
            cwd=folder,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{tail(log)}")


def accepts(port: int, password: str) -> bool:
    """Whether our own server, which knows this password, answers a query."""
    try:
        with psycopg.connect(dsn(port, password), connect_timeout=2) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def dsn(port: int, password: str, database: str = "postgres") -> str:
    """The libpq URL of one database of a private server."""
    return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/{database}"


@contextlib.contextmanager
def start(folder: Path | None = None, *, settings: tuple[str, ...] = ()) -> Iterator[Server]:
    """Run a private PostgreSQL; `settings` are extra `name=value` pairs. As root it runs as the user postgres."""
    binaries()
    owner = unprivileged("postgres", "postgresql")
    password = secrets.token_urlsafe(12)
    with private_folder(folder, owner) as private:
        initialise(private, owner, password)
        with first_that_starts(lambda port: serve(private, owner, password, port, settings)) as server:
            yield server


@contextlib.contextmanager
def serve(folder: Path, owner: str | None, password: str, port: int, settings: tuple[str, ...]) -> Iterator[Server]:
    """Run the cluster of that folder on one port."""
    options = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "fsync=off"]
    options += ["shared_buffers=32MB", "max_connections=100", "synchronous_commit=off", "full_page_writes=off"]
    options += ["autovacuum=off", *settings]
    command = [str(binaries() / "postgres"), "-D", str(folder / "cluster")]
    command += [part for option in options for part in ("-c", option)]
    log = folder / "postgres.log"
    with running(
        command, lambda: accepts(port, password), log, owner=owner, stop_signal=signal.SIGINT, cwd=folder
    ) as pid:
        url = f"postgresql+psycopg://{SUPERUSER}:{password}@127.0.0.1:{port}/postgres"
        yield Server("127.0.0.1", port, url, SUPERUSER, password, folder, {"log": log}, pid)


def fresh_database(server: Server) -> str:
    """The SQLAlchemy URL of a new, empty database on that server."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(dsn(server.port, server.password), autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return f"postgresql+psycopg://{server.user}:{server.password}@127.0.0.1:{server.port}/{name}"
