"""A remote host over SSH: the recorded output, the real sshd, pinned keys, and hosts that hang at every stage."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import paramiko
import pytest
from pydantic import ValidationError

from collectors import CollectError, Io, collect
from collectors.bounded import ssh
from collectors.linux_ssh import INDICATORS, Config, Raw, parse, script
from tests.collectors.readings import NOW, recorded, table
from tests.servers import hostile
from tests.servers.process import Server
from tests.servers.sshd import make_key

pytestmark = pytest.mark.xdist_group("sshd")


def config(server: Server, **changes: object) -> Config:
    settings: dict[str, object] = {
        "host": "127.0.0.1",
        "port": server.port,
        "user": server.user,
        "key_file": server.files["client_key"],
        "host_key": server.files["host_key_pub"].read_text(),
    }
    return Config.model_validate({**settings, **changes})


def test_the_recorded_output_of_a_host_gives_its_indicators() -> None:
    values = table(parse(Raw(recorded("linux_ssh.txt"), "there", per_core=True), NOW))
    assert values[("host.uptime_s",)] == 2089.31
    assert values[("host.cpu.cores",)] == 2
    assert values[("host.load.1m",)] == 1.56
    assert values[("host.load.15m",)] == 0.23
    assert values[("host.processes",)] == 101
    assert values[("host.cpu.used_ratio",)] == 1.0  # 24 ticks user and 17 system of 41 between the two readings
    assert values[("host.cpu.mode_ratio", "user")] == pytest.approx(24 / 41)
    assert values[("host.cpu.core_used_ratio", "1")] == 1.0
    assert values[("host.memory.total_bytes",)] == 24684096 * 1024
    assert values[("host.memory.used_ratio",)] == pytest.approx(1 - 21590248 / 24684096)
    assert values[("host.swap.total_bytes",)] == 0
    assert ("host.swap.used_ratio",) not in values
    assert values[("host.disk.size_bytes", "/", "ext4")] == 264212084 * 1024
    assert values[("host.disk.used_ratio", "/", "ext4")] == pytest.approx(27557468 / (27557468 + 78833444))
    assert values[("host.disk.inodes_used_ratio", "/", "ext4")] == pytest.approx(492388 / 16777216)
    assert values[("host.disk.read_bytes", "vda")] == 7384682 * 512
    assert values[("host.disk.busy_s", "vda")] == 70.864
    assert values[("host.network.received_bytes", "eth0")] == 951836716
    assert {key[1] for key in values if key[0].startswith("host.disk.")} == {"/", "vda"}, "tmpfs is no disk"
    assert {key[0] for key in values} <= {indicator.name for indicator in INDICATORS}


def test_a_mount_with_spaces_an_old_kernel_and_no_inodes_are_read() -> None:
    output = recorded("linux_ssh.txt").replace("MemAvailable:", "MemForgotten:").replace("% /\n", "% /data one\n")
    output = output.replace("16777216 492388 16284828    3%", "0 0 0 -")
    values = table(parse(Raw(output, "there"), NOW))
    assert values[("host.memory.available_bytes",)] == (19522048 + 14760 + 2162300) * 1024
    assert ("host.disk.used_ratio", "/data one", "ext4") in values
    assert ("host.disk.inodes_used_ratio", "/data one", "ext4") not in values


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("", "it said 'nothing'"),
        ("This account is currently not available.\n", "not available"),
        (script(first=True), "did not finish the command"),
        ("@@ stat\ncpu 1 2\n@@ end\n", "not /proc of Linux"),
        ("@@ end\n", "not /proc of Linux"),
    ],
)
def test_what_is_not_the_output_of_the_command_is_refused(output: str, why: str) -> None:
    with pytest.raises(CollectError, match=why):
        parse(Raw(output, "there"), NOW)


def test_an_output_cut_anywhere_is_refused_and_never_crashes() -> None:
    whole = recorded("linux_ssh.txt")
    for end in range(0, len(whole) - 8, 97):
        with pytest.raises(CollectError):
            parse(Raw(whole[:end], "there"), NOW)


def test_the_real_host_says_what_this_machine_says(sshd: Server) -> None:
    io = Io(20)
    values = table(collect("linux_ssh", config(sshd), NOW, io))
    ssh.disconnect(io)
    here = table(collect("this_machine", collectors_config(), NOW, Io(20)))
    for name in ("host.cpu.cores", "host.memory.total_bytes", "host.swap.total_bytes"):
        assert values[(name,)] == here[(name,)]
    assert values[("host.uptime_s",)] == pytest.approx(here[("host.uptime_s",)], abs=20)
    root = [key for key in here if key[:2] == ("host.disk.size_bytes", "/")]
    assert values[root[0]] == here[root[0]]
    assert 0 <= values[("host.cpu.used_ratio",)] <= 1


def collectors_config() -> object:
    from collectors.this_machine import Config as Machine

    return Machine()


def test_the_next_run_uses_the_same_connection_and_a_dead_one_is_replaced(sshd: Server) -> None:
    memory: dict[str, object] = {}
    log = sshd.files["log"]
    before = log.read_text().count("Accepted publickey")
    for _ in range(3):
        collect("linux_ssh", config(sshd), NOW, Io(20, memory=memory))
    assert log.read_text().count("Accepted publickey") == before + 1
    memory[ssh.KEPT].transport.close()  # type: ignore[attr-defined]
    collect("linux_ssh", config(sshd), NOW, Io(20, memory=memory))
    assert log.read_text().count("Accepted publickey") == before + 2
    ssh.disconnect(Io(1, memory=memory))


def test_an_unknown_host_key_is_refused_before_login_and_its_fingerprint_is_named(sshd: Server, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("")
    before = sshd.files["log"].read_text().count("Accepted publickey")
    offered = paramiko.PKey.from_path(str(sshd.files["host_key"])).fingerprint
    with pytest.raises(CollectError, match="is not pinned; compare it on the host") as caught:
        collect("linux_ssh", config(sshd, host_key="", known_hosts=tmp_path / "known_hosts"), NOW, Io(20))
    assert offered in str(caught.value)
    assert offered.startswith("SHA256:")
    assert sshd.files["log"].read_text().count("Accepted publickey") == before, "nobody may have logged in"


def test_a_changed_host_key_is_refused_and_no_command_runs(tmp_path: Path) -> None:
    pinned = make_key(tmp_path / "pinned")
    make_key(tmp_path / "client")
    make_key(tmp_path / "offered")
    with hostile.ssh(paramiko.PKey.from_path(str(tmp_path / "offered")), "never") as server:
        settings = Config(
            host="127.0.0.1", port=server.port, user="watcher", key_file=tmp_path / "client", host_key=pinned
        )
        with pytest.raises(CollectError, match=r"is not the pinned one.*No command was run"):
            collect("linux_ssh", settings, NOW, Io(10))
        assert server.connections == 1
        assert server.commands == []


def test_a_known_hosts_file_pins_by_host_and_port(sshd: Server, tmp_path: Path) -> None:
    key = sshd.files["host_key_pub"].read_text()
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {key}")
    io = Io(20, home=tmp_path)
    values = table(collect("linux_ssh", config(sshd, host_key="", known_hosts="known_hosts"), NOW, io))
    ssh.disconnect(io)
    assert values[("host.cpu.cores",)] == os.cpu_count()


def test_a_wrong_key_and_a_wrong_password_are_refused_without_showing_them(
    sshd: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(tmp_path / "stranger")
    with pytest.raises(CollectError, match="refuses the login"):
        collect("linux_ssh", config(sshd, key_file=tmp_path / "stranger"), NOW, Io(20))
    monkeypatch.setenv("SSH_PASSWORD", "wrong-canary")
    with pytest.raises(CollectError, match="refuses the login") as caught:
        collect("linux_ssh", config(sshd, key_file=None, password="env:SSH_PASSWORD"), NOW, Io(20))
    assert "wrong-canary" not in str(caught.value)


def test_a_key_that_is_locked_with_a_passphrase_gets_in(
    sshd: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", str(path)], check=True)
    with (sshd.folder / "authorized_keys").open("a") as file:
        file.write(path.with_suffix(".pub").read_text())
    monkeypatch.setenv("PASSPHRASE", "open sesame")
    io = Io(20)
    assert collect("linux_ssh", config(sshd, key_file=path, passphrase="env:PASSPHRASE"), NOW, io)
    ssh.disconnect(io)


def test_a_missing_key_file_is_a_sentence(sshd: Server, tmp_path: Path) -> None:
    with pytest.raises(CollectError, match=r"the key file .* cannot be used"):
        collect("linux_ssh", config(sshd, key_file=tmp_path / "nothing"), NOW, Io(20))


@pytest.mark.parametrize("stage", ["auth", "session", "exec", "exit"])
def test_a_host_that_hangs_is_left_at_the_deadline_and_leaves_no_thread(stage: str, tmp_path: Path) -> None:
    host_key = make_key(tmp_path / "host")
    make_key(tmp_path / "client")
    with hostile.ssh(paramiko.PKey.from_path(str(tmp_path / "host")), stage) as server:
        settings = Config(
            host="127.0.0.1", port=server.port, user="watcher", key_file=tmp_path / "client", host_key=host_key
        )
        mine = {thread for thread in threading.enumerate() if "Transport" in type(thread).__name__}
        started = time.monotonic()
        with pytest.raises(CollectError, match=r"did not finish within 1.5 s"):
            collect("linux_ssh", settings, NOW, Io(1.5))
        assert time.monotonic() - started < 4
        ours = {t for t in threading.enumerate() if isinstance(t, paramiko.Transport) and not t.server_mode} - mine
        for thread in ours:
            thread.join(5)
        assert not [thread for thread in ours if thread.is_alive()]


def test_a_host_that_floods_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host_key = make_key(tmp_path / "host")
    make_key(tmp_path / "client")
    with hostile.ssh(paramiko.PKey.from_path(str(tmp_path / "host")), "flood") as server:
        settings = Config(
            host="127.0.0.1", port=server.port, user="watcher", key_file=tmp_path / "client", host_key=host_key
        )
        monkeypatch.setattr("collectors.bounded.limits.refuse_flood.__defaults__", (2**20,))
        with pytest.raises(CollectError, match="sent more than 1,048,576 bytes"):
            collect("linux_ssh", settings, NOW, Io(30))
        assert server.sent < 16 * 2**20


def test_the_command_ends_on_the_host_when_its_time_is_over(sshd: Server, tmp_path: Path) -> None:
    """The remote `timeout` ends the command even though the client went away without a word."""
    mark = tmp_path / "alive"
    io = Io(2)
    with pytest.raises(CollectError, match="did not finish within 2 s"):
        ssh.run(config(sshd), io, f"echo $$ > {mark}; sleep 300")
    shell = int(mark.read_text())
    deadline = time.monotonic() + 10
    while Path(f"/proc/{shell}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{shell}").exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"host_key": ""}, "never trusted at first sight"),
        ({"key_file": None}, "either key_file or password"),
        ({"password": "env:P"}, "either key_file or password"),
        ({"host_key": "AAAA"}, "needs the type and the key"),
        ({"password": "hunter2", "key_file": None}, "pattern"),
    ],
)
def test_settings_that_cannot_be_trusted_are_refused(changes: dict[str, object], why: str) -> None:
    settings = {"host": "h", "user": "u", "key_file": "k", "host_key": "ssh-ed25519 AAAA"}
    with pytest.raises(ValidationError, match=why):
        Config.model_validate({**settings, **changes})
