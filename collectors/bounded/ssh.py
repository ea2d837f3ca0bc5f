"""One command on a host over SSH, bounded as a whole in time and size; the host key must be one that was pinned before.

An unknown or changed host key is refused before a user name or any secret is sent, so no command can run. What waits
without limit in the library (a banner that never comes, an exec request without answer, an exit status that is never
sent) ends because the connection is cut when the run's time is over. The connection is kept in the probe's memory and
used again by its next run.
"""

from __future__ import annotations

import logging
import math
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
from pydantic import BaseModel, ConfigDict, Field, model_validator

from collectors.bounded import tcp
from collectors.bounded.limits import cut_off, refuse_flood, shut
from collectors.errors import CollectError
from collectors.io import Io
from core import ssh
from core.secrets import SecretRef

CHUNK = 65_536
SILENT = "collectors.ssh"  # the library's log, kept quiet since each failure is told by its CollectError
logging.getLogger(SILENT).setLevel(logging.CRITICAL)
KEPT = "ssh"  # where a connection lies in the probe's memory


class Access(BaseModel):
    """How to get into a host; part of the Config of every collector that speaks SSH."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(min_length=1, description="Name or address of the host")
    port: int = Field(22, ge=1, le=65535, description="Port of its SSH server")
    user: str = Field(min_length=1, description="Account to log in with; it needs no rights but to read /proc")
    key_file: Path | None = Field(None, description="File of the private key")
    passphrase: SecretRef | None = Field(None, description="Passphrase of the private key, as env:NAME or file:PATH")
    password: SecretRef | None = Field(None, description="Password in place of a key, as env:NAME or file:PATH")
    host_key: str = Field("", description="The host's public key, as `ssh-keyscan` prints it: `ssh-ed25519 AAAA...`")
    known_hosts: Path | None = Field(None, description="File of pinned host keys in OpenSSH's format")
    allow: list[tcp.Network] = Field(
        [], description="Networks (CIDR) this probe may connect to; when empty, any but link-local ones"
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Access:
        if not self.host_key and not self.known_hosts:
            raise ValueError("give host_key or known_hosts: a host is never trusted at first sight")
        if bool(self.key_file) == bool(self.password):
            raise ValueError("give either key_file or password")
        if self.host_key and len(self.host_key.split()) < 2:
            raise ValueError("host_key needs the type and the key: `ssh-ed25519 AAAA...`")
        return self


@dataclass
class _Open:
    """What has to be closed when the time is over; grows while the connection is made."""

    connection: tcp.Connected | None = None
    transport: paramiko.Transport | None = None
    channels: list[paramiko.Channel] = field(default_factory=list)

    def close(self) -> None:
        if self.connection:
            shut(self.connection.socket)
        if self.transport:
            self.transport.close()
        elif self.connection:
            self.connection.socket.close()


def run(access: Access, io: Io, script: str) -> str:
    """The output of one shell script on the host, started there under `timeout` so that nothing stays behind.

    Raises CollectError when the host key is not the pinned one, the login is refused, the time is over, or the output
    is too large. An exit status other than zero is the script's own affair.
    """
    where = f"{access.user}@{access.host}:{access.port}"
    doing = f"the command on {where}"
    kept = io.memory.pop(KEPT, None)
    at_work = kept if isinstance(kept, _Open) else _Open()
    try:
        with cut_off(io, at_work.close, doing):
            try:
                channel = _session(access, io, at_work, where)
                output = _output(channel, io, script, doing)
            except (paramiko.SSHException, OSError, EOFError) as fault:
                io.left_s(doing)
                raise CollectError(f"{where} broke off the SSH connection: {fault or type(fault).__name__}") from fault
    except BaseException:
        at_work.close()
        raise
    io.memory[KEPT] = at_work
    return output


def disconnect(io: Io) -> None:
    """Close the connection that a probe keeps, if there is one."""
    kept = io.memory.pop(KEPT, None)
    if isinstance(kept, _Open):
        kept.close()


def _session(access: Access, io: Io, at_work: _Open, where: str) -> paramiko.Channel:
    """A channel on the kept connection, or on a new one when that has died."""
    if at_work.transport is not None and at_work.transport.is_active():
        try:
            return at_work.transport.open_session(timeout=io.left_s(f"opening a session on {where}") / 3)
        except (paramiko.SSHException, OSError, EOFError):
            io.left_s(f"opening a session on {where}")  # it died quietly: a new connection has the rest of the time
    at_work.close()
    at_work.connection = at_work.transport = None
    at_work.connection = tcp.connect(access.host, access.port, io, access.allow)
    transport = paramiko.Transport(at_work.connection.socket)
    transport.set_log_channel(SILENT)
    at_work.transport = transport
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = io.left_s("the SSH login")
    try:
        pinned = ssh.pinned_keys(
            access.host, access.port, access.host_key, io.path(access.known_hosts) if access.known_hosts else None
        )
        ssh.handshake(transport, pinned, f"{access.host}:{access.port}", io.left_s)
        ssh.log_in(transport, access.user, _proof(access, io), where, io.left_s)
    except ssh.SshError as fault:
        raise CollectError(str(fault)) from fault
    return transport.open_session(timeout=io.left_s(f"opening a session on {where}"))


def _proof(access: Access, io: Io) -> paramiko.PKey | str:
    """The key to log in with, or the password."""
    if access.key_file:
        return ssh.read_key(io.path(access.key_file), io.secret(access.passphrase) if access.passphrase else None)
    return io.secret(access.password or "")


def _output(channel: paramiko.Channel, io: Io, script: str, doing: str) -> str:
    """Everything the script prints, until the host has closed the channel."""
    try:
        seconds = math.ceil(io.left_s(doing))
        channel.exec_command(f"env LC_ALL=C timeout -k 1 {seconds} sh -c {shlex.quote(script)}")
        output = bytearray()
        while True:
            channel.settimeout(io.left_s(doing))
            chunk = channel.recv(CHUNK)
            if not chunk:
                break
            output += chunk
            refuse_flood(len(output), doing)
            while channel.recv_stderr_ready():
                channel.recv_stderr(CHUNK)  # nobody reads it, but a full window would hold the command up
        channel.status_event.wait(io.left_s(doing))
        return output.decode("utf-8", errors="replace")
    finally:
        channel.close()
