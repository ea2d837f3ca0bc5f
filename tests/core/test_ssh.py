"""Pinned host keys, private keys and the login, as far as they need no server of ours; the collectors and the fetch meet one."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest

from core.ssh import SshError, handshake, log_in, parse_key, pinned_keys, read_key
from tests.servers.sshd import make_key


def left_s(_: str) -> float:
    return 10.0


class Welcoming(paramiko.ServerInterface):
    """Lets one password in and notes every attempt."""

    def __init__(self) -> None:
        self.attempts: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        self.attempts.append(username)
        return paramiko.AUTH_SUCCESSFUL if password == "right" else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.attempts.append(username)
        return paramiko.AUTH_FAILED


@contextmanager
def connected(host_keys: list[Path]) -> Iterator[tuple[paramiko.Transport, Welcoming]]:
    """A client that has not shaken hands yet, and the server at the other end of a pair of sockets."""
    ours, theirs = socket.socketpair()
    server, door = paramiko.Transport(theirs), Welcoming()
    for path in host_keys:
        server.add_server_key(paramiko.PKey.from_path(str(path)))
    client = paramiko.Transport(ours)
    opening = threading.Event()
    server.start_server(event=opening, server=door)
    try:
        yield client, door
    finally:
        client.close()
        server.close()


def test_a_key_is_pinned_by_itself_or_by_host_and_port(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    kind, text = key.split()
    known = tmp_path / "known_hosts"
    known.write_text(f"bank {key}\n[bank]:2222 ssh-ed25519 {text}\n")
    assert pinned_keys("bank", 22, host_key=f"{key} comment") == {(kind, text)}
    assert pinned_keys("bank", 22, known_hosts=known) == {(kind, text)}
    assert pinned_keys("bank", 2222, known_hosts=known) == {(kind, text)}
    assert pinned_keys("bank", 2223, known_hosts=known) == set()
    assert pinned_keys("other", 22, known_hosts=known) == set()


def test_a_file_of_pinned_keys_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SshError, match=r"the known_hosts file .* cannot be read"):
        pinned_keys("bank", 22, known_hosts=tmp_path / "nothing")


def test_the_pinned_kind_of_key_is_asked_for_and_a_login_follows(tmp_path: Path) -> None:
    """A host has several keys; the one that is pinned is the one to see, whatever the host would offer first."""
    make_key(tmp_path / "ed25519")
    for kind in ("rsa", "ecdsa"):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(tmp_path / kind)], check=True)
    for kind in ("rsa", "ecdsa", "ed25519"):
        pinned = pinned_keys("bank", 22, host_key=(tmp_path / f"{kind}.pub").read_text())
        with connected([tmp_path / each for each in ("ed25519", "rsa", "ecdsa")]) as (client, door):
            handshake(client, pinned, "bank:22", left_s)
            log_in(client, "reader", "right", "reader@bank:22", left_s)
            assert client.is_authenticated()
            assert door.attempts == ["reader"]


@pytest.mark.parametrize(("pin", "why"), [(True, "is not the pinned one"), (False, "is not pinned; compare it")])
def test_another_host_key_is_refused_before_a_user_name_is_sent(tmp_path: Path, pin: bool, why: str) -> None:
    make_key(tmp_path / "host")
    pinned = pinned_keys("bank", 22, host_key=make_key(tmp_path / "other")) if pin else set()
    with connected([tmp_path / "host"]) as (client, door):
        with pytest.raises(SshError, match=rf"the host key of bank:22 \(ssh-ed25519 SHA256:.*{why}"):
            handshake(client, pinned, "bank:22", left_s)
        assert door.attempts == []


def test_a_refused_login_is_a_sentence_without_the_password(tmp_path: Path) -> None:
    pinned = pinned_keys("bank", 22, host_key=make_key(tmp_path / "host"))
    make_key(tmp_path / "mine")
    for proof in ("wrong-canary", read_key(tmp_path / "mine")):
        with connected([tmp_path / "host"]) as (client, _):
            handshake(client, pinned, "bank:22", left_s)
            with pytest.raises(SshError, match="reader@bank:22 refuses the login") as caught:
                log_in(client, "reader", proof, "reader@bank:22", left_s)
            assert "canary" not in str(caught.value)


def test_a_key_file_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(locked)], check=True)
    (tmp_path / "nonsense").write_text("hello")
    for path, passphrase in ((locked, None), (locked, "wrong"), (tmp_path / "nonsense", None), (tmp_path / "no", None)):
        with pytest.raises(SshError, match=r"the key file .* cannot be used"):
            read_key(path, passphrase)
    with pytest.raises(SshError, match="the private key cannot be used"):
        parse_key("hello")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_a_private_key_of_each_kind_is_read_from_its_file_and_from_its_text(
    tmp_path: Path, kind: str, passphrase: str
) -> None:
    path = tmp_path / kind
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path)], check=True)
    public = path.with_suffix(".pub").read_text().split()[1]
    assert read_key(path, passphrase or None).get_base64() == public
    assert parse_key(path.read_text(), passphrase or None).get_base64() == public
