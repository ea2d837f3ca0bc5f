"""Files that people add: the type is told from the content, and a name is only a name, for tickets and jobs alike."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.files import clean_name, facts_of, type_of

CONTENTS = [
    (b"\x89PNG\r\n\x1a\n....", "image/png"),
    (b"\xff\xd8\xff\xe0", "image/jpeg"),
    (b"%PDF-1.7", "application/pdf"),
    (b"PK\x03\x04....", "application/zip"),
    (b"RIFF....WEBPVP8 ", "image/webp"),
    ("系统日志\n".encode(), "text/plain; charset=utf-8"),
    (b"<html><script>alert(1)</script>", "text/plain; charset=utf-8"),
    (b"<svg onload=x>", "text/plain; charset=utf-8"),
    (b"MZ\x90\x00\x03", None),
    (b"\x7fELF\x02", None),
    ("日志".encode("gbk"), None),
]


@pytest.mark.parametrize(("content", "media_type"), CONTENTS)
def test_a_files_type_is_told_from_its_content(content: bytes, media_type: str | None) -> None:
    assert type_of(content) == media_type


NAMES = [
    ("../../etc/passwd", "passwd"),
    ("C:\\logs\\a.txt", "a.txt"),
    ('a"b\r\nX: y.txt', "a_b__X_ y.txt"),
    ("...", "file"),
    ("", "file"),
    ("现场照片 (1).png", "现场照片 (1).png"),
]


@pytest.mark.parametrize(("name", "kept"), NAMES)
def test_a_name_is_only_a_name(name: str, kept: str) -> None:
    assert clean_name(name) == kept


@given(st.text())
def test_no_name_reaches_a_header_or_another_folder(name: str) -> None:
    kept = clean_name(name)
    assert kept
    assert not set(kept) & set('/\\"\r\n\0:;')


def test_what_is_kept_of_a_file_is_its_clean_name_its_digest_and_its_size() -> None:
    digest = hashlib.sha256(b"log").hexdigest()
    assert facts_of("/tmp/a.log", b"log") == {"name": "a.log", "sha256": digest, "size_bytes": 3}
