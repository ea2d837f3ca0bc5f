"""One pass over the bytes of a delivered file: its checksum, and what a fast reader must know before it is trusted.

A columnar reader accepts things that the standard record does not allow (a NUL, a stray quote, one comma too many), and
it does not say on which line a record stood. The counts kept here prove, after a fast read, that every record took
exactly one line of exactly as many fields as the header; where they do not, `mending` reads the file line by line.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

_CHUNK_BYTES = 1 << 20  # fits the processor's cache, so that several looks at a chunk cost little more than one
_NEWLINE, _COMMA = 0x0A, 0x2C
_STRAY_QUOTE = re.compile(rb'"(?=[^,\r\n"])(?<=[^,\n"]")')  # neither opens nor closes a field, nor is it doubled


@dataclass(frozen=True, slots=True)
class Scan:
    """What the bytes say. `odd` names the first thing that only the exact reader can judge, or is None."""

    sha256: str
    lines: int
    commas: int
    quoted: bool
    odd: str | None = None


def open_bytes(path: Path) -> BinaryIO:
    """The file's content as a stream of bytes; a name ending in `.gz` is decompressed on the way."""
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


def checksum(path: Path) -> str:
    """SHA-256 of the file as delivered. Raises OSError when it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def scan(path: Path) -> Scan:
    """Read the whole file once. Raises OSError (also for a damaged gzip file) when it cannot be read."""
    import numpy

    digest = None if path.suffix == ".gz" else hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = commas = returns = pairs = 0
    quoted, odd, tail, ended = False, None, b"", True
    found = numpy.empty(_CHUNK_BYTES, numpy.bool_)
    for chunk in _chunks(path):
        if digest is not None:
            digest.update(chunk)
        values = numpy.frombuffer(chunk, numpy.uint8)
        lines += int(numpy.count_nonzero(numpy.equal(values, _NEWLINE, out=found[: len(chunk)])))
        commas += int(numpy.count_nonzero(numpy.equal(values, _COMMA, out=found[: len(chunk)])))
        ended = chunk.endswith(b"\n")
        if b"\r" in chunk:
            returns += chunk.count(b"\r")
        if returns:
            pairs += (tail + chunk).count(b"\r\n") - tail.count(b"\r\n")
        if odd is None:
            quoted = quoted or b'"' in chunk
            odd = _oddity(chunk, tail, quoted, decoder)
        tail = (tail + chunk[-2:])[-2:]
    if not ended:
        lines += 1
    if odd is None and decoder.getstate()[0]:
        odd = "the text ends in the middle of a character"
    if odd is None and returns and returns != pairs:
        odd = "a carriage return stands inside a line"
    return Scan(digest.hexdigest() if digest else checksum(path), lines, commas, quoted, odd)


def ends_lines_with_comma(path: Path) -> bool:
    """Whether any line of the file ends with a comma."""
    tail = b""
    for chunk in _chunks(path):
        window = tail + chunk
        if b",\n" in window or b",\r\n" in window:
            return True
        tail = window[-2:]
    return tail.endswith(b",")


def _chunks(path: Path) -> Iterator[bytearray]:
    """The content in pieces, each of which is valid until the next is asked for: they share one buffer."""
    buffer = bytearray(_CHUNK_BYTES)
    try:
        with open_bytes(path) as file:
            while size := cast(io.BufferedIOBase, file).readinto(buffer):
                yield buffer if size == _CHUNK_BYTES else buffer[:size]
    except (EOFError, zlib.error) as error:
        raise OSError(f"the gzip stream is damaged: {error}") from error


def _oddity(chunk: bytearray, tail: bytes, quoted: bool, decoder: codecs.IncrementalDecoder) -> str | None:
    if b"\0" in chunk:
        return "a NUL character stands in the text"
    if not chunk.isascii() or decoder.getstate()[0]:
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            return "the text is not UTF-8 throughout"
    if quoted and _STRAY_QUOTE.search(tail + chunk):
        return "a quote stands inside an unquoted field"
    return None
