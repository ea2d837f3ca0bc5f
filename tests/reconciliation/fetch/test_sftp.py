"""A file over SFTP from a real server: whole or not there, whatever the sender, the host and kills do."""

from __future__ import annotations

import errno
import json
import random
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path

import paramiko
import pytest
from pydantic import ValidationError

from reconciliation.fetch import FETCHERS, FetchError, fetcher, sftp
from reconciliation.fetch import part as parts
from reconciliation.fetch.sftp import Config, fetch
from reconciliation.standard_record import manifest_path
from tests.reconciliation.fetch.conftest import DAY, WRITTEN, Sender, sha256
from tests.servers import hostile
from tests.servers.process import free_port, wait_until
from tests.servers.sshd import make_key

pytestmark = pytest.mark.xdist_group("sftpd")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "exchange" / str(DAY) / "billing.csv"


def left_beside(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()}


def test_a_file_and_its_manifest_are_brought_with_the_time_of_the_sender(sender: Sender, target: Path) -> None:
    sender.put(b"a,b\n1,2\n")
    stated = sender.state(sha256(b"a,b\n1,2\n"))
    fetched = fetch(sender.config(), DAY, target)
    assert fetched is not None
    assert (fetched.size_bytes, fetched.sha256, fetched.changed) == (8, sha256(b"a,b\n1,2\n"), True)
    assert fetched.modified_at == datetime.fromtimestamp(WRITTEN, UTC)
    assert target.read_bytes() == b"a,b\n1,2\n"
    assert target.stat().st_mtime == WRITTEN
    assert fetched.manifest == manifest_path(target)
    assert manifest_path(target).read_bytes() == stated.read_bytes()
    assert left_beside(target) == {"billing.csv", "billing.csv.manifest.json", "billing.csv.fetched.json"}


def test_an_empty_file_and_one_of_several_windows_are_brought_whole(sender: Sender, target: Path) -> None:
    for content in (b"", random.Random(1).randbytes(sftp.WINDOW * 2 + sftp.CHUNK + 1)):
        sender.put(content)
        fetched = fetch(sender.config(), DAY, target)
        assert fetched is not None
        assert fetched.sha256 == sha256(content)
        assert target.read_bytes() == content


def test_nothing_there_yet_is_none_and_leaves_nothing(sender: Sender, target: Path) -> None:
    assert fetch(sender.config(), DAY, target) is None
    assert not target.parent.exists()


def test_a_file_whose_manifest_is_required_waits_for_it(sender: Sender, target: Path) -> None:
    sender.put(b"1")
    assert fetch(sender.config(manifest="required"), DAY, target) is None
    assert not target.exists()
    sender.state(sha256(b"1"))
    assert fetch(sender.config(manifest="required"), DAY, target) is not None


def test_a_manifest_that_comes_after_its_file_is_brought_without_the_file(sender: Sender, target: Path) -> None:
    sender.put(b"1")
    fetch(sender.config(), DAY, target)
    assert not manifest_path(target).exists()
    inode = target.stat().st_ino
    sender.state(sha256(b"1"))
    fetched = fetch(sender.config(), DAY, target)
    assert fetched is not None
    assert not fetched.changed
    assert manifest_path(target).exists()
    assert target.stat().st_ino == inode


def test_an_unchanged_file_is_not_brought_twice_and_a_changed_one_is(sender: Sender, target: Path) -> None:
    sender.put(b"first")
    fetch(sender.config(), DAY, target)
    inode = target.stat().st_ino
    again = fetch(sender.config(), DAY, target)
    assert again is not None
    assert (again.changed, again.sha256, target.stat().st_ino) == (False, sha256(b"first"), inode)
    sender.put(b"other", WRITTEN + 1)
    changed = fetch(sender.config(), DAY, target)
    assert changed is not None
    assert changed.changed
    assert target.read_bytes() == b"other"


def test_a_manifest_of_the_file_before_is_gone_when_the_new_file_has_none(sender: Sender, target: Path) -> None:
    sender.put(b"first")
    stated = sender.state(sha256(b"first"))
    fetch(sender.config(), DAY, target)
    stated.unlink()
    sender.put(b"other", WRITTEN + 1)
    fetch(sender.config(), DAY, target)
    assert target.read_bytes() == b"other"
    assert not manifest_path(target).exists()


def test_a_file_that_does_not_tie_to_its_manifest_waits_and_the_one_in_place_stays(
    sender: Sender, target: Path
) -> None:
    sender.put(b"first")
    sender.state(sha256(b"first"))
    fetch(sender.config(), DAY, target)
    sender.put(b"other", WRITTEN + 1)
    with pytest.raises(FetchError, match=r"its manifest states .* fetched anew") as caught:
        fetch(sender.config(), DAY, target)
    assert caught.value.retryable
    assert target.read_bytes() == b"first"
    assert json.loads(manifest_path(target).read_bytes())["sha256"] == sha256(b"first")
    sender.state(sha256(b"other"))
    fetch(sender.config(), DAY, target)
    assert target.read_bytes() == b"other"


def test_a_file_that_grows_while_it_is_looked_at_is_not_taken(sender: Sender, target: Path) -> None:
    path = sender.put(b"1,2\n" * 1000)
    over = threading.Event()

    def grow() -> None:
        while not over.wait(0.05):
            with path.open("ab") as file:
                file.write(b"3,4\n")

    growing = threading.Thread(target=grow)
    growing.start()
    try:
        with pytest.raises(FetchError, match="still growing or was replaced") as caught:
            fetch(sender.config(settle="500ms"), DAY, target)
    finally:
        over.set()
        growing.join()
    assert caught.value.retryable
    assert not target.exists()
    fetched = fetch(sender.config(settle="200ms"), DAY, target)
    assert fetched is not None
    assert target.read_bytes() == path.read_bytes()


def interrupted(sender: Sender, target: Path, content: bytes, safe: int) -> None:
    """What an attempt leaves that brought `safe` bytes and some more and was then killed."""
    sender.put(content)
    target.parent.mkdir(parents=True)
    parts.part_path(target).write_bytes(content[: safe + 100])
    remote = f"{sender.server.user}@127.0.0.1:{sender.server.port}/{sender.folder}/billing-{DAY}.csv"
    origin = {"remote": remote.replace("//", "/"), "size": len(content), "mtime": WRITTEN}
    parts.progress_path(target).write_text(json.dumps({"origin": origin, "safe": safe}))


def test_an_interrupted_transfer_goes_on_where_it_was(sender: Sender, target: Path) -> None:
    content = random.Random(2).randbytes(300_000)
    interrupted(sender, target, content, 200_000)
    fetched = fetch(sender.config(), DAY, target)
    assert fetched is not None
    assert fetched.resumed_at_bytes == 200_000
    assert target.read_bytes() == content


@pytest.mark.parametrize("how", ["other size", "other time", "part too short", "note torn", "note of another"])
def test_an_interrupted_transfer_of_another_file_begins_again(sender: Sender, target: Path, how: str) -> None:
    content = random.Random(3).randbytes(300_000)
    interrupted(sender, target, content, 200_000)
    note = parts.progress_path(target)
    if how == "other size":
        content = content[::-1] + b"more"
        sender.put(content)
    elif how == "other time":
        content = content[::-1]
        sender.put(content, WRITTEN + 1)
    elif how == "part too short":
        parts.part_path(target).write_bytes(content[:1000])
    elif how == "note torn":
        note.write_text(note.read_text()[:20])
    else:
        note.write_text(note.read_text().replace("billing-", "payment-"))
    fetched = fetch(sender.config(), DAY, target)
    assert fetched is not None
    assert fetched.resumed_at_bytes == 0
    assert target.read_bytes() == content


def test_bytes_damaged_in_an_earlier_attempt_do_not_tie_and_are_brought_anew(sender: Sender, target: Path) -> None:
    content = random.Random(4).randbytes(300_000)
    interrupted(sender, target, content, 200_000)
    sender.state(sha256(content))
    with parts.part_path(target).open("r+b") as part:
        part.write(b"damaged")
    with pytest.raises(FetchError, match="fetched anew"):
        fetch(sender.config(), DAY, target)
    assert not target.exists()
    fetched = fetch(sender.config(), DAY, target)
    assert fetched is not None
    assert target.read_bytes() == content


def test_kill_at_any_moment_leaves_no_half_file_and_the_next_attempt_goes_on(sender: Sender, target: Path) -> None:
    """SIGKILL when a random number of bytes has come, again and again, each time with what the kill before has left."""
    content = random.Random(5).randbytes(40 * 2**20)
    sender.put(content)
    sender.state(sha256(content))
    settings = target.parents[2] / "settings.json"
    settings.write_text(json.dumps(sender.settings()))
    command = [sys.executable, "-m", "tests.reconciliation.fetch.fetching", str(settings), str(target)]
    part = parts.part_path(target)
    chance = random.Random(6)
    killed = 0
    for after in sorted(chance.randrange(len(content)) for _ in range(5)):
        process = subprocess.Popen(command, cwd=ROOT)
        try:
            while process.poll() is None and not (part.exists() and part.stat().st_size >= after):
                time.sleep(0.001)
        finally:
            process.kill()
            killed += process.wait() < 0
        assert not target.exists() or target.read_bytes() == content
    assert killed >= 3
    assert not target.exists(), "it was killed before the whole file had come"
    fetched = fetch(sender.config(), DAY, target)
    assert fetched is not None
    assert fetched.resumed_at_bytes >= sftp.SAFE_EVERY
    assert target.read_bytes() == content


@pytest.mark.parametrize("moment", range(12))
def test_kill_between_any_two_steps_of_taking_its_place(
    sender: Sender, target: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """A changed file replaces another: at each rename, unlink and note, whoever looks sees none or a whole one that ties."""
    sender.put(b"first")
    sender.state(sha256(b"first"))
    fetch(sender.config(), DAY, target)
    sender.put(b"other!", WRITTEN + 1)
    sender.state(sha256(b"other!"))
    steps = 0

    class Killed(BaseException):
        pass

    def tied() -> bool:
        stated = json.loads(manifest_path(target).read_bytes())["sha256"] if target.exists() else ""
        return not target.exists() or sha256(target.read_bytes()) == stated

    for name in ("replace", "unlink"):
        original = getattr(Path, name)

        def step(self: Path, *args: object, original: object = original, **more: object) -> object:
            nonlocal steps
            if steps == moment:
                raise Killed
            steps += 1
            done = original(self, *args, **more)  # type: ignore[operator]
            assert tied()
            return done

        monkeypatch.setattr(Path, name, step)
    try:
        fetch(sender.config(), DAY, target)
    except Killed:
        pass
    else:
        assert moment >= 5, "the fetch has at least these steps"
    monkeypatch.undo()
    assert tied()
    fetch(sender.config(), DAY, target)
    assert target.read_bytes() == b"other!"
    assert tied()
    assert not parts.part_path(target).exists()


def test_two_processes_never_write_the_same_file(sender: Sender, target: Path) -> None:
    sender.put(b"1")
    target.parent.mkdir(parents=True)
    with parts.own(target, "it"), pytest.raises(FetchError, match="by another process already") as caught:
        fetch(sender.config(), DAY, target)
    assert caught.value.retryable
    assert fetch(sender.config(), DAY, target) is not None


def test_a_file_above_the_limit_is_refused_before_a_byte_of_it_comes(sender: Sender, target: Path) -> None:
    sender.put(b"12345")
    with pytest.raises(FetchError, match="has 5 bytes and at most 4 are taken") as caught:
        fetch(sender.config(max_bytes=4), DAY, target)
    assert not caught.value.retryable
    assert not target.parent.exists()
    assert fetch(sender.config(max_bytes=5), DAY, target) is not None


def test_a_folder_in_its_place_and_a_giant_manifest_are_refused(sender: Sender, target: Path) -> None:
    with pytest.raises(FetchError, match="is no file; check path"):
        fetch(sender.config(path=str(sender.folder)), DAY, target)
    sender.put(b"1")
    sender.state("0" * sftp.LARGEST_MANIFEST)
    with pytest.raises(FetchError, match="is it a manifest"):
        fetch(sender.config(), DAY, target)


def test_an_unknown_or_changed_host_key_is_refused_before_anybody_logs_in(sender: Sender, tmp_path: Path) -> None:
    sender.put(b"1")
    other = make_key(tmp_path / "other")
    (tmp_path / "known_hosts").write_text("")
    before = sender.logins()
    with pytest.raises(FetchError, match=r"is not the pinned one.*No command was run") as caught:
        fetch(sender.config(host_key=other), DAY, tmp_path / "a.csv")
    assert not caught.value.retryable
    with pytest.raises(FetchError, match="is not pinned; compare it on the host"):
        fetch(sender.config(host_key="", known_hosts="known_hosts"), DAY, tmp_path / "a.csv", home=tmp_path)
    assert sender.logins() == before
    (tmp_path / "known_hosts").write_text(
        f"[127.0.0.1]:{sender.server.port} {sender.server.files['host_key_pub'].read_text()}"
    )
    assert fetch(sender.config(host_key="", known_hosts="known_hosts"), DAY, tmp_path / "a.csv", home=tmp_path)


def test_a_wrong_key_and_a_wrong_password_are_refused_without_showing_them(
    sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(tmp_path / "stranger")
    for changes in ({"key": f"file:{tmp_path / 'stranger'}"}, {"key": None, "password": "env:SFTP_PASSWORD"}):
        monkeypatch.setenv("SFTP_PASSWORD", "wrong-canary")
        with pytest.raises(FetchError, match="refuses the login") as caught:
            fetch(sender.config(**changes), DAY, tmp_path / "a.csv")
        assert not caught.value.retryable
        assert "wrong-canary" not in str(caught.value)


def test_a_secret_that_is_not_there_or_is_no_key_is_a_sentence(sender: Sender, tmp_path: Path) -> None:
    (tmp_path / "nonsense").write_text("hello")
    for place, why in ((tmp_path / "nothing", "cannot be read"), (tmp_path / "nonsense", "cannot be used")):
        with pytest.raises(FetchError, match=why) as caught:
            fetch(sender.config(key=f"file:{place}"), DAY, tmp_path / "a.csv")
        assert not caught.value.retryable


def test_an_encrypted_key_of_each_kind_is_read_with_its_passphrase(
    sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSPHRASE", "open sesame")
    for number, kind in enumerate(("ed25519", "ecdsa", "rsa")):
        path = tmp_path / kind
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "open sesame", "-f", str(path)], check=True)
        with (sender.server.folder / "authorized_keys").open("a") as file:
            file.write(path.with_suffix(".pub").read_text())
        sender.put(f"{number}".encode())
        fetched = fetch(sender.config(key=f"file:{path}", passphrase="env:PASSPHRASE"), DAY, tmp_path / f"{number}")
        assert fetched is not None


def test_a_host_that_refuses_connections_can_be_tried_again(sender: Sender, target: Path) -> None:
    with pytest.raises(FetchError, match=r"broke off.*refused") as caught:
        fetch(sender.config(port=free_port()), DAY, target)
    assert caught.value.retryable


@pytest.mark.parametrize("stage", ["banner", "auth", "session"])
def test_a_host_that_hangs_is_left_when_the_time_is_over(
    sender: Sender, target: Path, tmp_path: Path, stage: str
) -> None:
    host_key = make_key(tmp_path / "host")
    hanging = hostile.silent() if stage == "banner" else hostile.ssh(paramiko.PKey.from_path(tmp_path / "host"), stage)
    with hanging as server:
        started = time.monotonic()
        with pytest.raises(FetchError, match=r"did not finish within 1.5 s") as caught:
            fetch(sender.config(port=server.port, host_key=host_key, timeout="1500ms"), DAY, target)
        assert caught.value.retryable
        assert time.monotonic() - started < 5


def test_an_answer_that_is_none_breaks_the_transfer_off(
    sender: Sender, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a connection that was cut in the middle of a packet may leave to be read."""

    def garbled(*_args: object) -> None:
        raise paramiko.SFTPError("Garbage packet received")

    sender.put(b"content")
    monkeypatch.setattr(sftp, "_bring", garbled)
    with pytest.raises(FetchError, match="broke off: Garbage packet received") as caught:
        fetch(sender.config(), DAY, target)
    assert caught.value.retryable


def test_a_transfer_longer_than_its_time_stops_and_the_next_goes_on(
    sender: Sender, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = random.Random(7).randbytes(8 * sftp.WINDOW)
    sender.put(content)
    monkeypatch.setattr(sftp, "SAFE_EVERY", sftp.WINDOW)
    plain = parts.make_safe

    def slow(*args: object) -> None:
        plain(*args)  # type: ignore[arg-type]
        threading.Event().wait(0.4)

    monkeypatch.setattr(parts, "make_safe", slow)
    with pytest.raises(FetchError, match="did not finish within 2 s"):
        fetch(sender.config(timeout="2s"), DAY, target)
    assert not target.exists()
    monkeypatch.setattr(parts, "make_safe", plain)
    fetched = fetch(sender.config(), DAY, target)
    assert fetched is not None
    assert fetched.resumed_at_bytes >= sftp.WINDOW
    assert target.read_bytes() == content


# The library asks ahead from a thread of its own, which says on its own that the connection broke.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_connection_that_breaks_in_the_middle_can_be_tried_again_and_goes_on(
    sender: Sender, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = random.Random(8).randbytes(4 * sftp.WINDOW)
    sender.put(content)
    monkeypatch.setattr(sftp, "SAFE_EVERY", sftp.WINDOW)
    plain = parts.make_safe

    def breaking(*args: object) -> None:
        plain(*args)  # type: ignore[arg-type]
        for thread in threading.enumerate():
            if isinstance(thread, paramiko.Transport) and thread.is_active():
                thread.sock.close()

    monkeypatch.setattr(parts, "make_safe", breaking)
    with pytest.raises(FetchError, match="broke off") as caught:
        fetch(sender.config(), DAY, target)
    assert caught.value.retryable
    assert not target.exists()
    monkeypatch.setattr(parts, "make_safe", plain)
    fetched = fetch(sender.config(), DAY, target)
    assert fetched is not None
    assert fetched.resumed_at_bytes == sftp.WINDOW
    assert target.read_bytes() == content


def test_the_connection_is_closed_after_each_fetch(sender: Sender, target: Path) -> None:
    sender.put(b"1")
    fetch(sender.config(), DAY, target)

    def gone() -> bool:
        return not [each for each in threading.enumerate() if isinstance(each, paramiko.Transport) and each.active]

    wait_until(gone, "every transport ended", 10)


def test_a_file_that_may_not_be_read_is_no_matter_of_time(
    sender: Sender, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests may run as the superuser, to whom no server denies a file: the denial is put in by hand."""

    def denied(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(sftp, "_look", denied)
    with pytest.raises(FetchError, match="may not be read") as caught:
        fetch(sender.config(), DAY, target)
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"host_key": ""}, "never trusted at first sight"),
        ({"key": None}, "either key or password"),
        ({"password": "env:P"}, "either key or password"),
        ({"host_key": "AAAA"}, "needs the type and the key"),
        ({"key": "-----BEGIN"}, "pattern"),
        ({"path": "a/{month}.csv"}, "no other braces"),
        ({"path": "a/{day.__class__}.csv"}, "no other braces"),
        ({"path": "a/{}.csv"}, "no other braces"),
        ({"path": "a/{day"}, "no other braces"),
    ],
)
def test_settings_that_cannot_be_trusted_are_refused(changes: dict[str, object], why: str) -> None:
    settings = {"host": "h", "user": "u", "key": "env:K", "host_key": "ssh-ed25519 AAAA", "path": "a/{day}.csv"}
    with pytest.raises(ValidationError, match=why):
        Config.model_validate({**settings, **changes})


def test_the_day_is_written_as_the_sender_writes_it(sender: Sender, target: Path) -> None:
    (sender.folder / "20261101.csv").write_bytes(b"1")
    assert fetch(sender.config(path=f"{sender.folder}/{{day:%Y%m%d}}.csv"), date(2026, 11, 1), target) is not None


def test_the_ways_to_fetch_are_found_by_name() -> None:
    assert fetcher("sftp").Config is Config
    with pytest.raises(LookupError, match="the ways are sftp, sql_query"):
        fetcher("carrier_pigeon")
    there = {path.stem for path in Path(parts.__file__).parent.glob("*.py")} - {"__init__", "part"}
    assert {name.rpartition(".")[2] for name in FETCHERS} == there
    for name in there:
        assert callable(fetcher(name).fetch)


def test_settings_are_read_without_loading_the_ssh_library() -> None:
    """Reading a control's file must not cost what a transfer costs."""
    code = "import sys, reconciliation.fetch.sftp, reconciliation.fetch.sql_query; print('paramiko' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
