"""Builds a business day's three files for tests, runs the control on them, and reads the result back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from reconciliation import three_way
from reconciliation.outcome import Outcome
from reconciliation.request import Request
from reconciliation.standard_record import PARTIES, manifest_path, write
from reconciliation.three_way import run

DAY = date(2026, 11, 1)
NOON = "2026-11-01T12:00:00+08:00"

Row = dict[str, object]


def record(key: str, record_id: str | None = None, **changed: object) -> Row:
    """A sound record at noon of the day, of 10.00 yuan; `record_id` is the key unless given."""
    row: Row = {
        "record_id": key if record_id is None else record_id,
        "business_key": key,
        "kind": "payment",
        "business_day": DAY.isoformat(),
        "occurred_at": NOON,
        "amount_minor": 1000,
        "currency": "CNY",
        "status": "success",
        "fee_minor": 6,
        "account": "13800000000",
    }
    return {**row, **changed}


def deliver(folder: Path, rows: Mapping[str, Iterable[Row]], day: date = DAY) -> Request:
    """Write the three files with their manifests into a folder, and return the request to reconcile them."""
    folder.mkdir(parents=True, exist_ok=True)
    for party in PARTIES:
        write(folder / f"{party}.csv", party, day, rows.get(party, ()))
    return request(folder, day)


def request(folder: Path, day: date = DAY) -> Request:
    """The request for the three files of a folder."""
    billing, platform, payment = (folder / f"{party}.csv" for party in PARTIES)
    return three_way.request(day, billing, platform, payment, folder / "out", memory_limit_bytes=512 << 20)


def elsewhere(request: Request, **paths: Path) -> Request:
    """The request with other files for the parties named."""
    files = tuple(replace(file, path=paths.get(file.name, file.path)) for file in request.parties)
    return replace(request, parties=files)


def reconcile(folder: Path, rows: Mapping[str, Iterable[Row]], **changed: Any) -> Outcome:
    """Deliver and run."""
    return run(replace(deliver(folder, rows), **changed))


def lines(outcome: Outcome, name: str = "breaks.csv") -> list[dict[str, str]]:
    """The lines of an output, as text."""
    with outcome.paths[name].open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rewrite(path: Path, change: Callable[[bytes], bytes], **stated: object) -> None:
    """Change a delivered file's bytes and state its new checksum, with any other changes to the manifest."""
    import hashlib

    path.write_bytes(change(path.read_bytes()))
    place = manifest_path(path)
    manifest = json.loads(place.read_text())
    manifest |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **stated}
    place.write_text(json.dumps(manifest))
