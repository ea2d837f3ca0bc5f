"""The growing file: where it lies, how far it has come, whose it is, and how it takes its place when it is whole.

Beside TARGET stand, while it grows, `TARGET.part` and `TARGET.part.json` (of which remote file it is, and how many of its
bytes are safely on disk), and, once taken, `TARGET.fetched.json` (of which remote file it is, and its SHA-256).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from io import BufferedRandom
from pathlib import Path
from typing import Any

from reconciliation.fetch import FetchError
from reconciliation.standard_record import manifest_path

Origin = Mapping[str, Any]
"""What tells a remote file from any other: its name, size and time; compared as a whole."""


def part_path(target: Path) -> Path:
    """Where a file grows until it is whole."""
    return target.with_name(f"{target.name}.part")


def progress_path(target: Path) -> Path:
    """Where it is noted how far the growing file has come."""
    return target.with_name(f"{target.name}.part.json")


def fetched_path(target: Path) -> Path:
    """Where it is noted what the file in its place is."""
    return target.with_name(f"{target.name}.fetched.json")


@contextlib.contextmanager
def own(target: Path, name: str) -> Iterator[BufferedRandom]:
    """The growing file, held by this process alone. Raises FetchError when another process holds it."""
    place = part_path(target)
    with open(os.open(place, os.O_RDWR | os.O_CREAT, 0o640), "r+b") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = os.path.samestat(os.fstat(part.fileno()), place.stat())
        except (BlockingIOError, FileNotFoundError):
            mine = False
        if not mine:
            raise FetchError(f"{name} is being fetched by another process already; it waits", retryable=True)
        yield part


def resume_at(part: BufferedRandom, target: Path, origin: Origin, size: int) -> int:
    """How many bytes of an earlier attempt at the same remote file still stand; what is behind them is cut off."""
    noted = _read(progress_path(target))
    safe = noted.get("safe") if noted.get("origin") == origin else 0
    at = safe if isinstance(safe, int) and 0 < safe <= min(size, os.fstat(part.fileno()).st_size) else 0
    part.truncate(at)
    if not at:  # the part is empty before its note is changed: the note never speaks of another file's bytes
        os.fsync(part.fileno())
        _write(progress_path(target), {"origin": origin, "safe": 0})
    return at


def make_safe(part: BufferedRandom, target: Path, origin: Origin, at: int) -> None:
    """Put what came so far on disk, and only then note that it is there."""
    part.flush()
    os.fsync(part.fileno())
    _write(progress_path(target), {"origin": origin, "safe": at})


def standing(target: Path, origin: Origin, size: int) -> str | None:
    """The SHA-256 of the file in its place when it is that remote file; None when it is not, or nothing is there."""
    noted = _read(fetched_path(target))
    there = target.is_file() and target.stat().st_size == size
    digest = noted.get("sha256") if there and noted.get("origin") == origin else None
    return digest if isinstance(digest, str) else None


def take_place(target: Path, origin: Origin, digest: str, manifest: bytes | None) -> None:
    """Put a whole, checked file in its place, its manifest before it.

    A file that stood there goes first: whoever looks at any moment, even after a kill, finds no file, or a whole one
    beside the manifest that belongs to it.
    """
    part = part_path(target)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    target.unlink(missing_ok=True)
    _write(fetched_path(target), {"origin": origin, "sha256": digest})
    put_manifest(target, manifest)
    part.replace(target)
    sync_folder(target.parent)
    progress_path(target).unlink(missing_ok=True)


def put_manifest(target: Path, manifest: bytes | None) -> None:
    """The manifest in its place, whole; none when there is none, since that of an earlier file does not belong here."""
    place = manifest_path(target)
    if manifest is None:
        place.unlink(missing_ok=True)
        return
    made = part_path(place)
    with made.open("wb") as file:
        file.write(manifest)
        file.flush()
        os.fsync(file.fileno())
    made.replace(place)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> dict[str, Any]:
    """A note of our own; one that cannot be read is as good as none, since the file is then brought anew."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, note: Mapping[str, Any]) -> None:
    made = path.with_name(f"{path.name}.new")
    made.write_text(json.dumps(note), encoding="utf-8")
    made.replace(path)
