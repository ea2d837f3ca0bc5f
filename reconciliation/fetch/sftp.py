"""A file from a host over SFTP: the host's key pinned, an interrupted transfer resumed, never a half file in its place.

The file grows as `TARGET.part`; an attempt after an interrupted one goes on where that one had come to, or begins again
when the remote file is another (size or mtime).
It is taken only when its size and mtime are the same in two looks at least `settle` apart, it has that size, and it ties
to the sender's manifest. The manifest is read last, as senders write it last; a file it does not fit waits.
A file that stands in its place and has not changed on the host is not brought again.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import socket
import stat
import string
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from io import BufferedRandom
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from core.duration import Duration, parse_duration
from core.secrets import SecretRef
from reconciliation.fetch import Fetched, FetchError, TimeLimit, secret
from reconciliation.fetch import part as parts
from reconciliation.standard_record import manifest_path

if TYPE_CHECKING:
    import paramiko

CHUNK: Final = 32_768  # the most that every server answers in one read
WINDOW: Final = 64 * CHUNK  # asked for at once, so that a distant host is not waited for at each chunk
SAFE_EVERY: Final = 8 * 2**20  # bytes between two moments at which what came is put safely on disk
LARGEST_MANIFEST: Final = 65_536
SILENT: Final = "reconciliation.sftp"  # the library's log, kept quiet since each failure is told by its FetchError


class Config(BaseModel):
    """Where a party's file is fetched from."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(min_length=1, description="Name or address of the host")
    port: int = Field(22, ge=1, le=65535, description="Port of its SSH server")
    user: str = Field(min_length=1, description="Account to log in with; it needs to read one folder")
    key: SecretRef | None = Field(None, description="Private key, as file:PATH or env:NAME")
    passphrase: SecretRef | None = Field(None, description="Passphrase of the private key, as env:NAME or file:PATH")
    password: SecretRef | None = Field(None, description="Password in place of a key, as env:NAME or file:PATH")
    host_key: str = Field("", description="The host's public key, as `ssh-keyscan` prints it: `ssh-ed25519 AAAA...`")
    known_hosts: Path | None = Field(None, description="File of pinned host keys in OpenSSH's format")
    path: str = Field(min_length=1, description="The file on the host; {day} is 2026-11-01, {day:%Y%m%d} is 20261101")
    manifest: Literal["required", "if_there", "never"] = Field(
        "if_there", description="Whether PATH.manifest.json must be there before the file is taken"
    )
    max_bytes: int = Field(20 * 2**30, ge=1, description="A larger file is refused")
    settle: Duration = Field(parse_duration("2s"), description="For how long size and mtime must have stayed the same")
    connect_timeout: Duration = Field(parse_duration("15s"), description="Limit of reaching the host and logging in")
    timeout: Duration = Field(parse_duration("30m"), description="Limit of the whole fetch; the next one goes on")

    @field_validator("path")
    @classmethod
    def _names_nothing_but_the_day(cls, path: str) -> str:
        try:
            fields = {name for _, name, _, _ in string.Formatter().parse(path) if name is not None}
            if fields - {"day"}:
                raise ValueError
            path.format(day=date(2026, 11, 1))
        except (ValueError, IndexError, KeyError):
            raise ValueError("path may hold {day} or {day:%Y%m%d} and no other braces") from None
        return path

    @model_validator(mode="after")
    def _is_complete(self) -> Config:
        if not self.host_key and not self.known_hosts:
            raise ValueError("give host_key or known_hosts: a host is never trusted at first sight")
        if bool(self.key) == bool(self.password):
            raise ValueError("give either key or password")
        if self.host_key and len(self.host_key.split()) < 2:
            raise ValueError("host_key needs the type and the key: `ssh-ed25519 AAAA...`")
        return self


@dataclass(frozen=True, slots=True)
class Look:
    """What a file on the host is at one moment; two equal looks are taken for the same content."""

    remote: str  # user@host:port/path
    size: int
    mtime: int  # seconds since the epoch


def fetch(config: Config, business_day: date, target: Path, *, party: str = "", home: Path = Path()) -> Fetched | None:
    """Bring the day's file to `target` and its manifest beside it; None while the sender has not put it there.

    Raises FetchError when the host is not the pinned one, refuses the login, breaks off or is too slow, when the file
    is too large, still growing, or does not tie to its manifest.
    """
    import paramiko

    limit = TimeLimit(config.timeout.total_seconds())
    remote = config.path.format(day=business_day)
    name = f"{config.user}@{config.host}:{config.port}/{remote.lstrip('/')}"
    try:
        with _connected(config, limit, home) as client:
            return _bring(client, config, limit, remote, name, target)
    except (paramiko.SSHException, paramiko.SFTPError, EOFError, OSError) as fault:
        limit.left_s(f"fetching {name}")
        if isinstance(fault, OSError) and fault.filename is not None:
            raise FetchError(f"{fault.filename} cannot be written: {fault.strerror}", retryable=True) from fault
        if isinstance(fault, OSError) and fault.errno in (errno.EACCES, errno.EPERM):
            raise FetchError(f"{name} may not be read: {fault}; check the account's rights", retryable=False) from fault
        raise FetchError(f"fetching {name} broke off: {fault or type(fault).__name__}", retryable=True) from fault


def _bring(
    client: paramiko.SFTPClient, config: Config, limit: TimeLimit, remote: str, name: str, target: Path
) -> Fetched | None:
    looked_at_s = time.monotonic()
    first = _look(client, remote, name)
    if first is None:
        return None
    if config.manifest == "required" and _look(client, f"{remote}.manifest.json", f"{name}.manifest.json") is None:
        return None
    if first.size > config.max_bytes:
        raise FetchError(
            f"{name} has {first.size:,} bytes and at most {config.max_bytes:,} are taken; is it the right file?"
            " If so, raise max_bytes",
            retryable=False,
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    origin = asdict(first)
    digest = parts.standing(target, origin, first.size)
    if digest is not None:
        manifest = _manifest(client, config, remote, name)
        if manifest is not None and manifest != _read_bytes(manifest_path(target)):
            _tie(manifest, digest, name, target)
            parts.put_manifest(target, manifest)
        return _fetched(target, first, digest, manifest is not None, changed=False)
    with parts.own(target, name) as part:
        started_at = parts.resume_at(part, target, origin, first.size)
        _download(client, remote, first, part, target, started_at, limit)
        _wait(looked_at_s + config.settle.total_seconds() - time.monotonic(), limit, name)
        if _look(client, remote, name) != first:
            raise FetchError(f"{name} is still growing or was replaced while it was read; it waits", retryable=True)
        part.seek(0)
        digest = hashlib.file_digest(part, "sha256").hexdigest()  # of what is on disk, an earlier attempt's bytes too
        manifest = _manifest(client, config, remote, name)
        if manifest is not None:
            _tie(manifest, digest, name, target)
        os.utime(part.fileno(), (first.mtime, first.mtime))  # it keeps the time at which the sender finished it
        parts.take_place(target, origin, digest, manifest)
    return _fetched(target, first, digest, manifest is not None, changed=True, resumed_at=started_at)


def _fetched(target: Path, look: Look, digest: str, stated: bool, *, changed: bool, resumed_at: int = 0) -> Fetched:
    modified_at = datetime.fromtimestamp(look.mtime, UTC)
    return Fetched(
        target, look.size, digest, modified_at, manifest_path(target) if stated else None, changed, resumed_at
    )


def _download(
    client: paramiko.SFTPClient, remote: str, look: Look, part: BufferedRandom, target: Path, at: int, limit: TimeLimit
) -> None:
    """Bring the bytes from `at` on, put them safely on disk every now and then, and note how many they are."""
    safe = at
    part.seek(at)
    channel = client.get_channel()
    with client.open(remote, "rb") as source:
        while at < look.size:
            left = limit.left_s(f"fetching {look.remote}")
            if channel is not None:
                channel.settimeout(left)
            end = min(at + WINDOW, look.size)
            for piece in source.readv([(start, min(CHUNK, end - start)) for start in range(at, end, CHUNK)]):
                part.write(piece)
                at += len(piece)
            if at != end:
                raise FetchError(f"{look.remote} ended at byte {at:,} of {look.size:,}; it waits", retryable=True)
            if at - safe >= SAFE_EVERY or at == look.size:
                parts.make_safe(part, target, asdict(look), at)
                safe = at


def _manifest(client: paramiko.SFTPClient, config: Config, remote: str, name: str) -> bytes | None:
    """The sender's manifest as it is now; None when there is none and none is asked for."""
    if config.manifest == "never":
        return None
    look = _look(client, f"{remote}.manifest.json", f"{name}.manifest.json")
    if look is None:
        if config.manifest == "required":
            raise FetchError(f"{name}.manifest.json has gone while the file was read; it waits", retryable=True)
        return None
    if look.size > LARGEST_MANIFEST:
        raise FetchError(f"{name}.manifest.json has {look.size:,} bytes; is it a manifest?", retryable=False)
    with client.open(f"{remote}.manifest.json", "rb") as source:
        return source.read(LARGEST_MANIFEST)


def _tie(manifest: bytes, digest: str, name: str, target: Path) -> None:
    """Raises FetchError when the manifest states another SHA-256; a manifest that cannot be read is arrival's affair."""
    try:
        stated = json.loads(manifest)["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if not isinstance(stated, str) or stated.lower() != digest:
        parts.part_path(target).unlink(missing_ok=True)
        raise FetchError(
            f"{name} has the SHA-256 {digest} and its manifest states {str(stated)[:64]}; either is not yet the new one,"
            " or the file was damaged. It is fetched anew",
            retryable=True,
        )


@contextlib.contextmanager
def _connected(config: Config, limit: TimeLimit, home: Path) -> Iterator[paramiko.SFTPClient]:
    """A session on the pinned host, cut when the time is over."""
    import paramiko

    from core import ssh

    logging.getLogger(SILENT).setLevel(logging.CRITICAL)
    address, where = f"{config.host}:{config.port}", f"{config.user}@{config.host}:{config.port}"
    entering = TimeLimit(min(config.connect_timeout.total_seconds(), limit.left_s(f"reaching {address}")))
    known_hosts = home / config.known_hosts.expanduser() if config.known_hosts else None
    with contextlib.ExitStack() as stack:
        try:
            pinned = ssh.pinned_keys(config.host, config.port, config.host_key, known_hosts)
            proof = _proof(config)
            opened = socket.create_connection((config.host, config.port), entering.left_s(f"reaching {address}"))
            stack.callback(opened.close)
            stack.enter_context(limit.cutting(lambda: opened.shutdown(socket.SHUT_RDWR), f"fetching from {where}"))
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport = paramiko.Transport(opened)
            stack.callback(transport.close)
            transport.set_log_channel(SILENT)
            transport.banner_timeout = transport.handshake_timeout = entering.left_s(f"the SSH handshake with {where}")
            with entering.cutting(lambda: opened.shutdown(socket.SHUT_RDWR), f"logging in on {where}"):
                ssh.handshake(transport, pinned, address, entering.left_s)
                ssh.log_in(transport, config.user, proof, where, entering.left_s)
                client = paramiko.SFTPClient.from_transport(transport)
        except ssh.SshError as fault:
            raise FetchError(str(fault), retryable=False) from fault
        if client is None:
            raise FetchError(f"{where} has no SFTP; ask its administrator for it", retryable=False)
        stack.callback(client.close)
        yield client


def _proof(config: Config) -> paramiko.PKey | str:
    """The key to log in with, or the password."""
    from core import ssh

    if config.password:
        return secret(config.password)
    return ssh.parse_key(secret(config.key or ""), secret(config.passphrase) if config.passphrase else None)


def _look(client: paramiko.SFTPClient, remote: str, name: str) -> Look | None:
    try:
        found = client.stat(remote)
    except FileNotFoundError:
        return None
    if found.st_mode is not None and not stat.S_ISREG(found.st_mode):
        raise FetchError(f"{name} is no file; check path", retryable=False)
    if found.st_size is None or found.st_mtime is None:
        raise FetchError(f"the host does not tell size and time of {name}; fetch it another way", retryable=False)
    return Look(name, found.st_size, found.st_mtime)


def _wait(seconds: float, limit: TimeLimit, name: str) -> None:
    if seconds > 0:
        time.sleep(min(seconds, limit.left_s(f"fetching {name}")))


def _read_bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
