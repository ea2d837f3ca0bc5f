"""A sender's folder on a real SFTP server, and the settings that reach it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reconciliation.fetch.sftp import Config
from tests.servers.fixtures import installed
from tests.servers.process import Server, answers, first_that_starts, private_folder, program, running
from tests.servers.sshd import make_key

DAY = date(2026, 11, 1)
WRITTEN = 1_793_550_000  # when the sender finished its file, seconds since the epoch


@dataclass(frozen=True)
class Sender:
    """The host of a party: its folder, and how it is reached."""

    server: Server
    folder: Path

    def config(self, **changes: object) -> Config:
        """Settings that let us in; the file is FOLDER/billing-DAY.csv and is taken as soon as it is seen."""
        return Config.model_validate(self.settings(**changes))

    def settings(self, **changes: object) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.server.port,
            "user": self.server.user,
            "key": f"file:{self.server.files['client_key']}",
            "host_key": self.server.files["host_key_pub"].read_text(),
            "path": f"{self.folder}/billing-{{day}}.csv",
            "settle": "0s",
            "timeout": "60s",
            **changes,
        }

    def put(self, content: bytes, written: int = WRITTEN) -> Path:
        """The sender's file of the day, last written at that second."""
        path = self.folder / f"billing-{DAY}.csv"
        path.write_bytes(content)
        os.utime(path, (written, written))
        return path

    def state(self, sha256: str) -> Path:
        """The sender's manifest, with that checksum in it."""
        path = self.folder / f"billing-{DAY}.csv.manifest.json"
        path.write_text(json.dumps({"party": "billing", "business_day": str(DAY), "rows": 1, "sha256": sha256}))
        return path

    def logins(self) -> int:
        """How often anybody was let in."""
        return self.server.files["log"].read_text().count("Accepted ")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def start(folder: Path) -> Iterator[Server]:
    """An OpenSSH server with internal-sftp that lets the user of the tests in with a key."""
    sshd = program(["sshd"], "openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it when it starts as root
    with private_folder(folder) as private:
        make_key(private / "host_key")
        (private / "authorized_keys").write_text(f"{make_key(private / 'client_key')}\n")
        with first_that_starts(lambda port: serve(sshd, private, port)) as server:
            yield server


@contextlib.contextmanager
def serve(sshd: str, folder: Path, port: int) -> Iterator[Server]:
    """Run it on one port."""
    options = {
        "ListenAddress": "127.0.0.1",
        "Port": str(port),
        "PidFile": "none",
        "AuthorizedKeysFile": str(folder / "authorized_keys"),
        "StrictModes": "no",
        "UsePAM": "no",
        "PermitRootLogin": "yes",
        "UseDNS": "no",
        "MaxStartups": "100",
        "LogLevel": "VERBOSE",
        "Subsystem": "sftp internal-sftp",
    }
    command = [sshd, "-D", "-e", "-f", "/dev/null", "-h", str(folder / "host_key")]
    command += [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    log = folder / "sshd.log"
    user = pwd.getpwuid(os.geteuid()).pw_name
    files = {"client_key": folder / "client_key", "host_key_pub": folder / "host_key.pub", "log": log}
    with running(command, lambda: answers(port), log) as pid:
        yield Server("127.0.0.1", port, f"sftp://127.0.0.1:{port}", user, "", folder, files, pid)


@pytest.fixture(scope="session")
def sftpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with installed(start, tmp_path_factory, "sftpd") as server:
        yield server


@pytest.fixture
def sender(sftpd: Server, tmp_path: Path) -> Sender:
    """The host of a party, with an empty folder."""
    folder = tmp_path / "sender"
    folder.mkdir()
    return Sender(sftpd, folder)
