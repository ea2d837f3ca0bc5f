"""The world of a probe: secrets come from references, and one deadline holds for the whole run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from collectors import CollectError, Io, read_secret


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOMC_TEST_SECRET", "s3cret")
    assert read_secret("env:BOMC_TEST_SECRET") == "s3cret"


def test_a_secret_is_read_from_a_file_without_the_line_end(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3 cret\n")
    assert read_secret(f"file:{tmp_path / 'secret'}") == "s3 cret"


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "not UTF-8"), (None, "No such file")]
)
def test_an_unusable_secret_file_is_a_sentence(tmp_path: Path, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    with pytest.raises(CollectError, match=why):
        read_secret(f"file:{tmp_path / 'secret'}")


def test_a_missing_variable_is_named_and_a_bare_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOMC_TEST_SECRET", raising=False)
    with pytest.raises(CollectError, match="BOMC_TEST_SECRET is not set"):
        read_secret("env:BOMC_TEST_SECRET")
    with pytest.raises(CollectError) as caught:
        read_secret("hunter2")
    assert "hunter2" not in str(caught.value)


def test_the_deadline_counts_from_the_start_of_the_run() -> None:
    io = Io(10, started_s=time.monotonic() - 4)
    assert 5.5 < io.left_s("asking") <= 6


def test_a_passed_deadline_says_what_was_being_done() -> None:
    with pytest.raises(CollectError, match="asking the host did not finish within 2 s"):
        Io(2, started_s=time.monotonic() - 3).left_s("asking the host")


def test_relative_paths_lie_in_the_home_folder_and_absolute_ones_stay(tmp_path: Path) -> None:
    assert Io(1, home=tmp_path).path(Path("keys/known_hosts")) == tmp_path / "keys/known_hosts"
    assert Io(1, home=tmp_path).path(Path("/etc/hosts")) == Path("/etc/hosts")
