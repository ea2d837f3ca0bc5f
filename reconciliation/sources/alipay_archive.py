"""The files of an Alipay bill: the members of its zip, whose names are GBK without the flag that says so, and their lines.

A member that would grow to far more than a bill does is not unpacked, and nothing is written under a name of the zip's.
"""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from reconciliation.sources import HEAD_BYTES, SourceError, check_text

_LONGEST_LINE_BYTES = 1 << 20
_LARGEST_BYTES = 16 << 30
_MOST_MEMBERS = 64
_HIGHEST_RATIO = 250  # bills shrink to a tenth or a fortieth; a bomb to a thousandth
_SMALL_BYTES = 4 << 20  # a member of so little harms nobody, whatever its ratio
REFUSALS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    UnicodeDecodeError,
    RuntimeError,  # encrypted, or packed in a way that cannot be read
)


def member_name(info: zipfile.ZipInfo) -> str:
    """The true name of a member: without the UTF-8 flag, what zipfile took for code page 437 is GBK."""
    if info.flag_bits & 0x800:
        return info.filename
    return info.filename.encode("cp437", "replace").decode("gb18030", "replace")


def members_of(archive: zipfile.ZipFile) -> tuple[zipfile.ZipInfo, zipfile.ZipInfo | None]:
    """The details and, where there is one, the summary. Raises SourceError for a zip that cannot be a bill."""
    members = archive.infolist()
    if any(info.filename == "[Content_Types].xml" for info in members):
        raise SourceError("it is a workbook under another name; download the bill again")
    if len(members) > _MOST_MEMBERS:
        raise SourceError(f"the zip has {len(members)} members, and a bill has two; download the bill again")
    tables = [info for info in members if member_name(info).lower().endswith(".csv")]
    details = [info for info in tables if "汇总" not in member_name(info)]
    summaries = [info for info in tables if "汇总" in member_name(info)]
    if len(details) != 1 or len(summaries) > 1:
        names = ", ".join(member_name(info) for info in members)
        raise SourceError(f"the zip must hold one details file and at most one summary (汇总), and holds: {names}")
    for info in (*details, *summaries):
        if info.flag_bits & 1:
            raise SourceError(f"{member_name(info)} is encrypted; deliver the zip as Alipay made it")
        too_dense = info.file_size > _SMALL_BYTES and info.file_size > _HIGHEST_RATIO * max(info.compress_size, 1)
        if info.file_size > _LARGEST_BYTES or too_dense:
            raise SourceError(
                f"{member_name(info)} would grow from {info.compress_size} to {info.file_size} bytes,"
                " which no bill does; it is not unpacked"
            )
    return details[0], summaries[0] if summaries else None


def lines_of(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not empty; bytes that are no GBK become the replacement character."""
    check_text(file.read(HEAD_BYTES))
    file.seek(0)
    number = size = 0
    while raw := file.readline(_LONGEST_LINE_BYTES):
        number += 1
        size += len(raw)
        if size > _LARGEST_BYTES or (len(raw) == _LONGEST_LINE_BYTES and not raw.endswith(b"\n")):
            raise SourceError(f"line {number} or the whole is too long for a bill; download it again")
        if text := raw.decode("gb18030", "replace").rstrip("\r\n"):
            yield number, text
