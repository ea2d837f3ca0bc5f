"""Whether a result is what its run wrote: checked anywhere, offline, with nothing but the folder.

`verify` takes the folder of one day, or a folder of such folders, which is a chain. It computes again every hash, every
total that the lines give, and the ties of each party, and compares. A fault is a sentence. What could not be checked, for
want of files, is said among what was checked, and is no fault.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from reconciliation import certificate as certificates
from reconciliation.certificate import Certificate, CertificateError
from reconciliation.evidence import lines_faults, rejects_faults
from reconciliation.reports import checksums
from reconciliation.scanning import checksum

_PLACES: Final = ("rejected", "duplicates", "standing")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was checked and what is wrong, in sentences; `sound` when nothing is."""

    sound: bool
    checked: tuple[str, ...]
    faults: tuple[str, ...]


def verify(folder: Path, *, previous: Path | None = None, inputs: Path | None = None) -> Verdict:
    """Check the result in `folder`, or each of the results in the folders below it and their chain.

    `previous` is the result before it (of the oldest, for a chain); without it, the folders beside that are named by
    their days are looked at. `inputs` is a folder that holds the delivered files, at any depth.
    """
    if (folder / certificates.FILE).is_file() or not folder.is_dir():
        checked, faults, found = _one(folder, inputs)
        if found is not None:
            linked, broken = _links(folder, found, previous)
            checked, faults = checked + linked, faults + broken
    else:
        checked, faults = _chain(folder, previous, inputs)
    return Verdict(not faults, tuple(checked), tuple(faults))


def _one(folder: Path, inputs: Path | None) -> tuple[list[str], list[str], Certificate | None]:
    """One result by itself: sentences checked, faults, and its certificate unless that is damaged."""
    try:
        found = certificates.load(folder)
        faults = [*_ties(folder, found), *_outputs(folder, found)]
        checked = [f"{folder}: the hash of the certificate, and the {len(found['outputs'])} files that it names"]
        if "lines" in found:
            faults += lines_faults(folder, found)
            faults += rejects_faults(folder, found)
            checked.append(f"{folder}: the totals of every class and party, from the lines, in count and in money")
    except CertificateError as error:
        return [], [str(error)], None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return [], [f"{folder / certificates.FILE} lacks what a certificate holds: {error!r}"], None
    if (folder / checksums.FILE).is_file():
        faults += checksums.faults(folder)
        checked.append(f"{folder}: the files that {checksums.FILE} lists")
    if folder.name != found["business_day"] and _day(folder.name) is not None:
        faults.append(f"{folder} holds the result of {found['business_day']}: results were exchanged or renamed")
    if inputs is not None:
        faults += _inputs(folder, found, inputs)
        checked.append(f"{folder}: the delivered files in {inputs}")
    return checked, faults, found


def _ties(folder: Path, found: Certificate) -> list[str]:
    """The arithmetic of each party, and whether the certificate itself says that it ties."""
    faults = []
    for name, party in found.get("parties", {}).items():
        for unit, total, ending in (("rows", "rows", ""), ("minor units", "amount_minor", "_amount_minor")):
            placed = sum(party[f"{place}{ending}"] for place in _PLACES)
            if party[total] != placed:
                faults.append(
                    f"{folder}: {name} has {party[total]:,} {unit}, but rejected, duplicates and standing make {placed:,}"
                )
    for name in ("rows_tie", "amounts_tie"):
        if "parties" in found and found.get(name) is not True:
            faults.append(f"{folder}: the certificate says {name} is {found.get(name)!r}; such a run proves nothing")
    return faults


def _outputs(folder: Path, found: Certificate) -> list[str]:
    """A sentence for each output that is missing or is not the one that was written."""
    faults = []
    for name, digest in found["outputs"].items():
        place = folder / Path(name).name
        try:
            if checksum(place) != digest:
                faults.append(f"{place} was changed after it was written: its SHA-256 is not that of the certificate")
        except OSError as error:
            faults.append(f"{place} cannot be read: {error.strerror or error}")
    return faults


def _inputs(folder: Path, found: Certificate, inputs: Path) -> list[str]:
    """A sentence for each delivered file that is not among the inputs as it was."""
    wanted = [(name, party["file"], party["sha256"]) for name, party in found.get("parties", {}).items()]
    wanted += [
        (name, Path(str(quantity.get("source") or "")).name, quantity["sha256"])
        for name, quantity in found.get("quantities", {}).items()
        if quantity.get("sha256")
    ]
    there: dict[str, list[Path]] = {}
    for path in sorted(inputs.rglob("*")):
        if path.is_file():
            there.setdefault(path.name, []).append(path)
    faults = []
    for name, file, digest in wanted:
        candidates = there.get(file, [])
        if not candidates:
            faults.append(f"{folder}: {file} of {name} is not in {inputs}")
        elif all(checksum(path) != digest for path in candidates):
            faults.append(f"{folder}: {file} of {name} in {inputs} is not the file that was reconciled")
    return faults


def _links(folder: Path, found: Certificate, previous: Path | None) -> tuple[list[str], list[str]]:
    """The link to the result before, and from the result after, where they are."""
    checked, faults = [], []
    day = _day(found["business_day"])
    beside = folder.absolute().parent
    before = previous
    if before is None and day is not None and folder.absolute().name == day.isoformat():
        neighbour = beside / (day - timedelta(days=1)).isoformat()
        before = neighbour if (neighbour / certificates.FILE).is_file() else None
        after = beside / (day + timedelta(days=1)).isoformat()
        if (after / certificates.FILE).is_file():
            faults += _follows(folder, found, after)
            checked.append(f"{after}: that its certificate follows this one")
    if before is not None:
        faults += _preceded(before, folder, found)
        checked.append(f"{folder}: that its certificate follows that of {before}")
    elif found.get("previous_hash") is None:
        checked.append(f"{folder}: its certificate is the first of its chain")
    else:
        checked.append(f"{folder}: the result before it is not here, so that its link was not checked")
    return checked, faults


def _follows(folder: Path, found: Certificate, after: Path) -> list[str]:
    try:
        later = certificates.load(after)
    except CertificateError as error:
        return [str(error)]
    if later.get("control") != found.get("control") or later.get("previous_hash") == found["hash"]:
        return []
    return [f"{after} was made after another certificate than that of {folder}: one of them was replaced"]


def _preceded(before: Path, folder: Path, found: Certificate) -> list[str]:
    try:
        earlier = certificates.load(before)
    except CertificateError as error:
        return [str(error)]
    if earlier.get("control") != found.get("control"):
        return [f"{before} is a result of {earlier.get('control')}, and {folder} of {found.get('control')}"]
    return _link_fault(before, earlier, folder, found)


def _link_fault(before: Path, earlier: Certificate, folder: Path, found: Certificate) -> list[str]:
    if found.get("previous_hash") == earlier["hash"]:
        return []
    if found.get("previous_hash") is None:
        return [f"{folder} says that it is the first of its chain, although {before} is before it"]
    return [f"{folder} does not follow {before}: a result between them was removed, or one of them was replaced"]


def _chain(folder: Path, previous: Path | None, inputs: Path | None) -> tuple[list[str], list[str]]:
    """Every result below a folder, from the oldest to the newest of each control, and the links between them."""
    checked: list[str] = []
    faults: list[str] = []
    controls: dict[str, list[tuple[Path, Certificate]]] = {}
    for place in sorted(path.parent for path in folder.glob(f"*/{certificates.FILE}")):
        said, wrong, found = _one(place, inputs)
        checked += said
        faults += wrong
        if found is not None:
            controls.setdefault(str(found.get("control")), []).append((place, found))
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and _day(path.name) is not None):
        if not (place / certificates.FILE).is_file():
            faults.append(f"{place} is the folder of a day and has no certificate")
    if not checked and not faults:
        faults.append(f"{folder} holds no result: no {certificates.FILE} there or one folder below")
    for days in controls.values():
        days.sort(key=lambda entry: str(entry[1]["business_day"]))
        if previous is not None:
            faults += _preceded(previous, *days[0])
        elif days[0][1].get("previous_hash") is not None:
            checked.append(f"{days[0][0]}: results before it are not here, so that its link was not checked")
        faults += _days(days)
        checked += _gaps(days)
        checked.append(f"{folder}: the links between {len(days)} certificates of {days[0][1].get('control')}")
    return checked, faults


def _days(days: Sequence[tuple[Path, Certificate]]) -> list[str]:
    faults = []
    for (before, earlier), (place, found) in itertools.pairwise(days):
        if earlier["business_day"] == found["business_day"]:
            faults.append(f"{before} and {place} are both results of {found['business_day']}")
        faults += _link_fault(before, earlier, place, found)
    return faults


def _gaps(days: Sequence[tuple[Path, Certificate]]) -> list[str]:
    """A sentence for each stretch of days without a result, whether or not the chain goes over it."""
    said = []
    for (_, earlier), (_, found) in itertools.pairwise(days):
        one, other = _day(earlier["business_day"]), _day(found["business_day"])
        if one is not None and other is not None and (other - one).days > 1:
            said.append(f"{found.get('control')}: there is no result between {one} and {other}")
    return said


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None
