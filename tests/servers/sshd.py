"""A private OpenSSH server that lets the user of the tests in with a key made for it."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.servers.process import Missing, Server, answers, first_that_starts, private_folder, program, running


def make_key(path: Path) -> str:
    """Make an ed25519 key pair and return its public half, `ssh-ed25519 AAAA...`."""
    keygen = program(["ssh-keygen"], "openssh-client")
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)], check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


@contextlib.contextmanager
def start(folder: Path | None = None) -> Iterator[Server]:
    """Run sshd. `files` has client_key, host_key and host_key_pub; `password` is empty, since only keys get in."""
    sshd = program(["sshd"], "openssh-server")
    account = pwd.getpwuid(os.geteuid())
    if account.pw_shell.endswith(("/nologin", "/false")):
        raise Missing(f"the account {account.pw_name} has no login shell, so no sshd lets it in")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it when it starts as root
    with private_folder(folder) as private:
        make_key(private / "host_key")
        public = make_key(private / "client_key")
        (private / "authorized_keys").write_text(f"{public}\n")
        with first_that_starts(lambda port: serve(sshd, private, port)) as server:
            yield server


@contextlib.contextmanager
def serve(sshd: str, folder: Path, port: int) -> Iterator[Server]:
    """Run sshd on one port with the keys of that folder."""
    options = {
        "ListenAddress": "127.0.0.1",
        "Port": str(port),
        "PidFile": "none",
        "AuthorizedKeysFile": str(folder / "authorized_keys"),
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "yes",
        "PermitRootLogin": "yes",
        "UseDNS": "no",
        "MaxStartups": "100",
        "LogLevel": "VERBOSE",
        "SetEnv": f"HOME={folder}",
    }
    command = [sshd, "-D", "-e", "-f", "/dev/null", "-h", str(folder / "host_key")]
    command += [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    log = folder / "sshd.log"
    with running(command, lambda: answers(port), log) as pid:
        files = {name: folder / name for name in ("client_key", "host_key")}
        files |= {"host_key_pub": folder / "host_key.pub", "log": log}
        yield Server(
            "127.0.0.1", port, f"ssh://127.0.0.1:{port}", pwd.getpwuid(os.geteuid()).pw_name, "", folder, files, pid
        )
