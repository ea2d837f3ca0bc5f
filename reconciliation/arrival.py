"""Arrival: nothing is matched until every file is there, is whole, is the right one and ties to its manifest.

`inspect` looks at the bytes and the manifests and returns what was delivered with all that is wrong, at once;
`tie` compares the rows and the money, once they are read, with what the manifest states.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from reconciliation.request import PartyFile
from reconciliation.scanning import Scan
from reconciliation.sources import Delivered, Source, SourceError, source_of
from reconciliation.standard_record import manifest_path


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the sender states of a file."""

    party: str
    business_day: str
    rows: int
    amount_minor: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that is whole, the source that reads it, and what its manifest states; a format that states its own totals
    needs none."""

    delivered: Delivered
    source: Source
    manifest: Manifest | None


def inspect(
    files: Sequence[PartyFile],
    business_day: date,
    timezone: ZoneInfo,
    *,
    keep: tuple[str, ...] = (),
    meanwhile: Callable[[], object] = lambda: None,
) -> tuple[dict[str, Arrival], tuple[str, ...]]:
    """The arrivals by party, and a sentence for each fault of each file; `meanwhile` runs while the bytes are read,
    and `keep` are the columns that are wanted of each file besides those of every match."""
    arrivals: dict[str, Arrival] = {}
    faults: list[str] = []
    with ThreadPoolExecutor(max_workers=len(files)) as pool:
        sources = {file.name: source_of(file, business_day, timezone) for file in files}
        scans = {file.name: pool.submit(sources[file.name].scan, file.path) for file in files if file.path.is_file()}
        meanwhile()
        for file in files:
            party, path, source = file.name, file.path, sources[file.name]
            manifest, found = None, list[str]()
            if source.MANIFEST or manifest_path(path).exists():
                manifest, found = _manifest(party, path, business_day)
            faults += found
            if party not in scans:
                faults.append(f"{path}: the {party} file is missing; ask the sender for it")
                continue
            refused = bool(found)
            delivered, found = _delivered(party, path, source, scans[party], keep)
            faults += found
            if delivered is None or refused:
                continue
            if manifest is not None and manifest.sha256.lower() != delivered.scan.sha256:
                faults.append(
                    f"{path}: its SHA-256 is {delivered.scan.sha256} and the manifest states {manifest.sha256};"
                    " the file was damaged or replaced, ask for it again"
                )
            arrivals[party] = Arrival(delivered, source, manifest)
    return arrivals, tuple(faults)


def tie(arrival: Arrival, rows: int, amount_minor: int, uncertain_amount_minor: int) -> list[str]:
    """A sentence for each total that differs from the manifest's.

    The amount ties with or without the amounts of rows that have too few or too many fields, since nobody can tell
    whether what stands in the amount's place was meant as one.
    """
    stated = arrival.manifest
    if stated is None:
        return []
    claimed = {"rows": stated.rows, "amount_minor": stated.amount_minor}
    return differences(arrival.delivered.path, claimed, rows, amount_minor, uncertain_amount_minor)


def differences(
    path: Path,
    claimed: Mapping[str, int],
    rows: int,
    amount_minor: int,
    uncertain_amount_minor: int,
    where: str = "",
) -> list[str]:
    """The same for totals that are `claimed` as rows and amount_minor by a manifest, `where` it stands."""
    faults: list[str] = []
    if rows != claimed["rows"]:
        faults.append(
            f"{path}: it has {rows} rows and the manifest{where} states {claimed['rows']}; ask for the file again"
        )
    if claimed["amount_minor"] not in (amount_minor, amount_minor - uncertain_amount_minor):
        faults.append(
            f"{path}: its amounts add up to {amount_minor} minor units and the manifest{where} states"
            f" {claimed['amount_minor']}; ask for the file again"
        )
    return faults


def _delivered(
    party: str, path: Path, source: Source, scanned: Future[Scan], keep: tuple[str, ...]
) -> tuple[Delivered | None, list[str]]:
    try:
        return Delivered(party, path, source.columns(path), scanned.result(), keep), []
    except SourceError as error:
        return None, [f"{path}: {error}"]
    except (OSError, EOFError) as error:
        return None, [f"{path}: it cannot be read ({error}); ask for the file again"]


def _manifest(party: str, path: Path, business_day: date) -> tuple[Manifest | None, list[str]]:
    place = manifest_path(path)
    try:
        stated = json.loads(place.read_bytes())
    except FileNotFoundError:
        return None, [f"{place}: the manifest is missing; ask the sender for it"]
    except (OSError, ValueError, RecursionError) as error:
        return None, [f"{place}: the manifest cannot be read as JSON ({error}); ask for it again"]
    if not isinstance(stated, dict):
        return None, [
            f"{place}: the manifest is not a JSON object; it has party, business_day, rows, amount_minor, sha256"
        ]
    faults = [
        f"{place}: {name} is {'missing' if name not in stated else f'not {meant}'}; ask for a correct manifest"
        for name, kind, meant in (
            ("party", str, "a text"),
            ("business_day", str, "a text"),
            ("rows", int, "an integer"),
            ("amount_minor", int, "an integer"),
            ("sha256", str, "a text"),
        )
        if type(stated.get(name)) is not kind
    ]
    if faults:
        return None, faults
    manifest = Manifest(**{name: stated[name] for name in Manifest.__dataclass_fields__})
    if manifest.party != party:
        faults.append(f"{place}: the manifest is of party {manifest.party!r} and the file was given as {party}")
    if manifest.business_day != business_day.isoformat():
        faults.append(
            f"{place}: the manifest is of business day {manifest.business_day} and the run is of {business_day}"
        )
    return manifest, faults
