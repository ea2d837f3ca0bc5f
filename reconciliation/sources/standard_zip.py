"""Standard records in a zip archive: one `.csv` or `.parquet` member, and perhaps its manifest.

The SHA-256 is that of the archive as delivered; a record's line is its line in the member. The manifest may stand beside
the archive, as for every standard record, or inside as `NAME.manifest.json`, where its sha256 is the member's; one of the
two must be there, and each that is there must tie.

Nothing is extracted under a name of the archive's. An archive with other members, absolute paths, links, passwords or
a member that unpacks to far more than records do is refused.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciliation.scanning import Scan, checksum
from reconciliation.sources import Delivered, Opened, Source, SourceError, standard_csv, standard_parquet, zips
from reconciliation.standard_record import manifest_path

if TYPE_CHECKING:
    from reconciliation.engines import Engine
    from reconciliation.validation import Day

MANIFEST: Final = False
SUFFIXES: Final = (".csv.zip", ".zip")

_STATED: Final = {"party": str, "business_day": str, "rows": int, "amount_minor": int, "sha256": str}
_LARGEST_MEMBER = 64 << 30
_LARGEST_MANIFEST = 1 << 20
_LARGEST_RATIO = 200  # records pack ten to thirty times; a bomb a thousand times
_SMALL = 16 << 20
_LONGEST_HEADER_BYTES = 1 << 16
_MOST_MEMBERS = 64
_DRIVE = re.compile(r"^[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class _Members:
    records: zipfile.ZipInfo
    manifest: zipfile.ZipInfo | None
    source: Source
    suffix: str


def scan(path: Path) -> Scan:
    """The checksum of the archive, after its member was unpacked once and found whole.

    Raises SourceError when the archive is refused, OSError when it cannot be read.
    """
    delivered = checksum(path)
    with _archive(path) as (archive, members):
        if members.manifest is None and not manifest_path(path).exists():
            raise SourceError(f"it has no manifest, and {manifest_path(path).name} is missing; ask the sender for it")
        with archive.open(members.records) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        if members.manifest is not None and (stated := _stated(archive, members.manifest)["sha256"]).lower() != digest:
            raise SourceError(f"the SHA-256 of its records is {digest} and the manifest in it states {stated}")
    return Scan(delivered, lines=0, commas=0, quoted=False)


def columns(path: Path) -> tuple[str, ...]:
    """The names in the member's header. Raises SourceError when they are not those of a standard record."""
    with (
        _archive(path) as (archive, members),
        tempfile.TemporaryDirectory() as folder,
        archive.open(members.records) as file,
    ):
        copy = Path(folder) / f"header{members.suffix}"
        with copy.open("wb") as target:
            if members.source is standard_csv:
                target.write(file.readline(_LONGEST_HEADER_BYTES))
            else:
                shutil.copyfileobj(file, target, 1 << 20)
        names = members.source.columns(copy)
    if not all(names) or len({name.casefold() for name in names}) != len(names):
        raise SourceError("its header has a column without a name, or names that differ in case alone")
    return names


def ways(engine: Engine, delivered: Delivered, day: Day, folder: Path) -> Iterator[Opened]:
    """Those of the member. Raises SourceError when it cannot be read or is not what the manifest inside says."""
    own = folder / f"{delivered.party}.unpacked"
    own.mkdir()
    claimed: dict[str, int] | None = None
    with _archive(delivered.path) as (archive, members):
        copy = own / f"records{members.suffix}"
        with archive.open(members.records) as file, copy.open("wb") as target:
            shutil.copyfileobj(file, target, 1 << 20)
        if members.manifest is not None:
            stated = _stated(archive, members.manifest)
            _check_subject(stated, delivered.party, day)
            claimed = {name: stated[name] for name in ("rows", "amount_minor")}
    inner = replace(delivered, path=copy, scan=members.source.scan(copy))
    for opened in members.source.ways(engine, inner, day, own):
        yield replace(opened, delivered=delivered, claimed=claimed)


@contextmanager
def _archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, _Members]]:
    """The open archive and its members; what goes wrong with its bytes inside the block becomes a SourceError."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, _members(archive)
    except zips.DAMAGE as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # no fault of the archive: it is not there, or the disk is full
        raise SourceError(f"it is no zip archive, or it is damaged ({error}); ask for it again") from error


def _members(archive: zipfile.ZipFile) -> _Members:
    """The one member with records and its manifest. Raises SourceError when anything else is there."""
    listed = archive.infolist()
    if len(listed) > _MOST_MEMBERS:
        raise SourceError(f"it has {len(listed)} members; one with records is expected")
    files = [member for member in listed if not member.is_dir()]
    for member in files:
        _check_member(member)
    manifests = [member for member in files if member.filename.endswith(".manifest.json")]
    records = [member for member in files if member not in manifests]
    if len(records) != 1 or len(manifests) > 1:
        names = ", ".join(repr(member.filename) for member in files[:5]) or "none"
        raise SourceError(f"it must hold one .csv or .parquet, and no more than a manifest besides; it holds {names}")
    for suffix, source in ((".csv", standard_csv), (".parquet", standard_parquet)):
        if records[0].filename.lower().endswith(suffix):
            return _Members(records[0], manifests[0] if manifests else None, source, suffix)
    raise SourceError(f"its member {records[0].filename!r} is neither .csv nor .parquet")


def _check_member(member: zipfile.ZipInfo) -> None:
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/"):
        raise SourceError(f"its member {member.filename!r} names a place outside the archive; the file is not used")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise SourceError(f"its member {member.filename!r} is a link; the file is not used")
    if member.flag_bits & 0x1:
        raise SourceError(f"its member {member.filename!r} is encrypted; ask for it without a password")
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > _LARGEST_MEMBER or (member.file_size > _SMALL and ratio > _LARGEST_RATIO):
        raise SourceError(
            f"its member {member.filename!r} unpacks {ratio:.0f} times to {member.file_size} bytes, as no records do; "
            "the file is not used"
        )


def _stated(archive: zipfile.ZipFile, manifest: zipfile.ZipInfo) -> dict[str, Any]:
    """The manifest inside the archive. Raises SourceError when it is none."""
    if manifest.file_size > _LARGEST_MANIFEST:
        raise SourceError(f"its manifest has {manifest.file_size} bytes; a manifest is a few lines")
    try:
        stated = json.loads(archive.read(manifest))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"its manifest cannot be read as JSON ({error}); ask for it again") from error
    if not isinstance(stated, dict) or any(type(stated.get(name)) is not kind for name, kind in _STATED.items()):
        raise SourceError(f"its manifest must have {', '.join(_STATED)}; ask for a correct one")
    return stated


def _check_subject(stated: dict[str, Any], party: str, day: Day) -> None:
    """Raises SourceError when the manifest is of another party or day."""
    if stated["party"] != party or stated["business_day"] != day.business_day.isoformat():
        raise SourceError(
            f"its manifest is of {stated['party']!r} on {stated['business_day']}, not of {party} on {day.business_day}"
        )
