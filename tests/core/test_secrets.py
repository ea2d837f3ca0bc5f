"""Secrets by reference: found, or a sentence that names the place and never the secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.secrets import LARGEST_BYTES, SecretError, is_reference, read_secret


def test_a_secret_is_read_from_the_environment_and_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line's end is not part of it; spaces are."""
    monkeypatch.setenv("BOMC_TEST_SECRET", " s3cret ")
    (tmp_path / "secret").write_text("p@ss word\r\n", encoding="utf-8")
    assert read_secret("env:BOMC_TEST_SECRET") == " s3cret "
    assert read_secret(f"file:{tmp_path / 'secret'}") == "p@ss word"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "not UTF-8"), (b"x" * (LARGEST_BYTES + 1), "larger than")],
)
def test_a_file_that_holds_no_usable_secret_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """Empty, not text, or so large that it must be the wrong file: never cut short silently."""
    place = tmp_path / "secret"
    place.write_bytes(content)
    with pytest.raises(SecretError, match=words):
        read_secret(f"file:{place}")


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("env:BOMC_TEST_NOT_SET", "BOMC_TEST_NOT_SET is not set"),
        ("file:/nowhere/at/all", "No such file"),
        ("file:bad\0name", "cannot be read"),
        ("hunter2", "env:NAME or file:PATH"),
        ("", "env:NAME or file:PATH"),
    ],
)
def test_a_secret_that_is_not_there_is_a_sentence(reference: str, words: str) -> None:
    """It says where it was expected; a secret given as itself is not repeated."""
    with pytest.raises(SecretError, match=words) as refused:
        read_secret(reference)
    assert "hunter2" not in str(refused.value)


def test_what_is_a_reference() -> None:
    """By its prefix."""
    assert is_reference("env:X")
    assert is_reference("file:x")
    assert not is_reference("http://x")
