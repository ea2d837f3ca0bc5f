"""Getting into a host over SSH whose key was pinned before: the handshake, the check of the key, the login.

An unknown or changed host key is refused before a user name or any secret is sent, so nothing can run. Whoever opens the
TCP connection bounds the whole in time: `left_s(doing)` gives the seconds left and raises when there are none.
"""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Final

import paramiko

LeftS = Callable[[str], float]
PORT: Final = 22


class SshError(Exception):
    """The host was not entered: what is wrong and what to do, in a sentence without secrets."""


def pinned_keys(host: str, port: int, host_key: str = "", known_hosts: Path | None = None) -> set[tuple[str, str]]:
    """Type and base64 text of each key that the host may have; `host_key` is one, else known_hosts is looked into.

    Raises SshError when the file cannot be read.
    """
    if host_key:
        kind, text = host_key.split()[:2]
        return {(kind, text)}
    try:
        hosts = paramiko.HostKeys(str(known_hosts))
    except (OSError, paramiko.SSHException, ValueError) as fault:
        raise SshError(f"the known_hosts file {known_hosts} cannot be read: {fault}") from fault
    found = hosts.lookup(host if port == PORT else f"[{host}]:{port}")
    return {(kind, key.get_base64()) for kind, key in found.items()} if found else set()


def handshake(transport: paramiko.Transport, pinned: set[tuple[str, str]], address: str, left_s: LeftS) -> None:
    """Agree on keys with the host, asking for the kind that is pinned. Raises SshError when its key is not pinned."""
    options = transport.get_security_options()
    wanted = [kind for kind in options.key_types if any(_same_family(kind, pin) for pin, _ in pinned)]
    options.key_types = [*wanted, *(kind for kind in options.key_types if kind not in wanted)]
    transport.start_client(timeout=left_s(f"the SSH handshake with {address}"))
    offered = transport.get_remote_server_key()
    if (offered.get_name(), offered.get_base64()) not in pinned:
        known = "is not the pinned one; if the host was not reinstalled, somebody stands in between"
        unknown = "is not pinned; compare it on the host and add it to known_hosts"
        raise SshError(
            f"the host key of {address} ({offered.get_name()} {offered.fingerprint})"
            f" {known if pinned else unknown}. No command was run"
        )


def _same_family(algorithm: str, pinned: str) -> bool:
    return algorithm == pinned or (pinned == "ssh-rsa" and algorithm.startswith("rsa-sha2"))


def read_key(path: Path, passphrase: str | None = None) -> paramiko.PKey:
    """The private key of a file. Raises SshError when it cannot be used."""
    try:
        if passphrase is None:
            return paramiko.PKey.from_path(str(path))
        return _parsed(path.read_text(encoding="utf-8"), passphrase)  # from_path cannot read an encrypted key
    except (OSError, ValueError, TypeError, paramiko.SSHException) as fault:
        raise SshError(f"the key file {path} cannot be used: {fault}") from fault


def parse_key(text: str, passphrase: str | None = None) -> paramiko.PKey:
    """The private key that a text holds. Raises SshError when it holds none, or is locked with another passphrase."""
    try:
        return _parsed(text, passphrase)
    except (ValueError, TypeError, paramiko.SSHException) as fault:
        raise SshError(f"the private key cannot be used: {fault}") from fault


def _parsed(text: str, passphrase: str | None) -> paramiko.PKey:
    first: Exception | None = None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(StringIO(f"{text}\n"), passphrase)
        except (paramiko.SSHException, ValueError, TypeError, IndexError) as fault:
            first = first or fault
    raise paramiko.SSHException(str(first)) from first


def log_in(transport: paramiko.Transport, user: str, proof: paramiko.PKey | str, where: str, left_s: LeftS) -> None:
    """Log in with a key or a password. Raises SshError when the host refuses it."""
    transport.auth_timeout = left_s(f"the login on {where}")
    try:
        if isinstance(proof, str):
            transport.auth_password(user, proof, fallback=False)
        else:
            transport.auth_publickey(user, proof)
    except paramiko.AuthenticationException as fault:
        left_s(f"the login on {where}")
        raise SshError(f"{where} refuses the login: {fault}; check the account and its key or password") from fault
