"""SHA256SUMS: the checksum of each output file of a result, in the format of `sha256sum -c` (GNU coreutils).

One line a file, sorted by name: the digest in hexadecimal, two blanks, the name. Files that are not there are not listed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from reconciliation.scanning import checksum

FILE: Final = "SHA256SUMS"
COVERED: Final = (
    "breaks.csv",
    "breaks.parquet",
    "causes.json",
    "certificate.json",
    "dimensions.parquet",
    "pairs.csv",
    "proposals.csv",
    "rejects.csv",
    "report.pdf",
    "report.xlsx",
)
_LINE: Final = re.compile(r"(?P<digest>[0-9a-f]{64}) [ *](?P<name>[^/\\]+)")


def text(folder: Path) -> str:
    """The lines for the files of a result that are there."""
    return "".join(f"{checksum(folder / name)}  {name}\n" for name in COVERED if (folder / name).is_file())


def faults(folder: Path) -> tuple[str, ...]:
    """A sentence for each file that differs from SHA256SUMS, is missing, or is not listed there."""
    place = folder / FILE
    try:
        lines = place.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        return (f"{place} cannot be read: {error}",)
    found: list[str] = []
    listed = set()
    for number, line in enumerate(lines, 1):
        entry = _LINE.fullmatch(line)
        if entry is None:
            found.append(f"{place}: line {number} is not a checksum and a file name")
            continue
        name = entry["name"]
        listed.add(name)
        if not (folder / name).is_file():
            found.append(f"{folder / name} is missing, and {FILE} lists it")
        elif checksum(folder / name) != entry["digest"]:
            found.append(f"{folder / name} was changed: its SHA-256 is not that of {FILE}")
    found += [
        f"{folder / name} is not listed in {FILE}"
        for name in COVERED
        if name not in listed and (folder / name).is_file()
    ]
    return tuple(found)
