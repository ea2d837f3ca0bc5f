"""A private MariaDB: `start(folder)`, then `fresh_database(server)` for an empty database of one's own."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pymysql

from tests.servers.process import Server, first_that_starts, private_folder, program, running, tail, unprivileged

USER = "bomc"
_numbers = itertools.count(1)


@contextlib.contextmanager
def start(folder: Path | None = None) -> Iterator[Server]:
    """Run a private MariaDB whose account has every right. As root it runs as the user mysql."""
    server = program(["mariadbd", "mysqld"], "mariadb-server")
    installer = program(["mariadb-install-db", "mysql_install_db"], "mariadb-server")
    owner = unprivileged("mysql", "mariadb-server")
    password = secrets.token_hex(12)
    with private_folder(folder, owner) as private:
        log = private / "install.log"
        with log.open("wb") as output:
            done = subprocess.run(
                [
                    *(installer, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"),
                    f"--datadir={private / 'tables'}",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                user=owner,
                cwd=private,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{installer} failed:\n{tail(log)}")
        first = private / "first.sql"
        first.write_text(
            f"create or replace user {USER}@'%' identified by '{password}';\n"
            f"grant all privileges on *.* to {USER}@'%' with grant option;\n"
            f"alter user root@localhost identified by '{password}';\n"
        )
        if owner:
            shutil.chown(first, owner)
        with first_that_starts(lambda port: serve(server, private, owner, password, port)) as running_server:
            yield running_server


@contextlib.contextmanager
def serve(server: str, folder: Path, owner: str | None, password: str, port: int) -> Iterator[Server]:
    """Run the tables of that folder on one port."""
    command = [server, "--no-defaults", f"--datadir={folder / 'tables'}", f"--port={port}"]
    command += ["--bind-address=127.0.0.1", f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
    command += [f"--init-file={folder / 'first.sql'}", "--skip-name-resolve", "--innodb-buffer-pool-size=32M"]
    command += ["--innodb-flush-log-at-trx-commit=0", "--secure-file-priv=", f"--tmpdir={folder}"]
    log = folder / "mariadbd.log"
    with running(command, lambda: accepts(port, password), log, owner=owner, cwd=folder) as pid:
        url = f"mysql+pymysql://{USER}:{password}@127.0.0.1:{port}/mysql"
        yield Server("127.0.0.1", port, url, USER, password, folder, {"log": log}, pid)


def connect(port: int, password: str) -> pymysql.Connection[pymysql.cursors.Cursor]:
    """A connection with every right."""
    return pymysql.connect(host="127.0.0.1", port=port, user=USER, password=password, connect_timeout=5)


def accepts(port: int, password: str) -> bool:
    """Whether our own server, which knows this password, lets us in."""
    try:
        connect(port, password).close()
    except pymysql.Error:
        return False
    return True


def fresh_database(server: Server) -> str:
    """The SQLAlchemy URL of a new, empty database on that server."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with contextlib.closing(connect(server.port, server.password)) as connection:
        connection.cursor().execute(f"create database {name}")
    return f"mysql+pymysql://{server.user}:{server.password}@127.0.0.1:{server.port}/{name}"
