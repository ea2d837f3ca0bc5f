"""The standard record: the one format that any party can be asked for, and a writer for it.

A file is CSV (UTF-8, header, RFC 4180, one record a line) or Parquet; beside `FILE` stands `FILE.manifest.json` with
party, business_day, rows, amount_minor (the sum over the rows whose amount is valid) and sha256 of the file as delivered.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

PARTIES: Final = ("billing", "platform", "payment")
KINDS: Final = ("payment", "refund")
STATUSES: Final = ("success", "failed", "pending")

REQUIRED: Final = (
    "record_id",
    "business_key",
    "kind",
    "business_day",
    "occurred_at",
    "amount_minor",
    "currency",
    "status",
)
DIMENSIONS: Final = ("account", "channel", "product", "region")
OPTIONAL: Final = ("fee_minor", *DIMENSIONS)
COLUMNS: Final = (*REQUIRED, *OPTIONAL)

LARGEST_AMOUNT: Final = 2**63 - 1


def manifest_path(path: Path) -> Path:
    """Where the manifest of a delivered file stands."""
    return path.with_name(path.name + ".manifest.json")


def write(path: Path, party: str, business_day: date, rows: Iterable[Mapping[str, object]]) -> Path:
    """Write records as a standard CSV file with its manifest, and return the manifest's path.

    A row maps column names to values; a column that is absent or None is left empty. Values are written as they are, so
    that a demonstration can deliver bad rows too; only an amount that is an integer in range counts in amount_minor. Bytes
    that are no UTF-8 may stand in a text as `surrogateescape` decodes them, and are written as they were.
    """
    count = amount_minor = 0
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: "" if row.get(name) is None else row[name] for name in COLUMNS})
            count += 1
            amount_minor += valid_amount(str(row.get("amount_minor", ""))) or 0
    return write_manifest(path, party, business_day, count, amount_minor)


def write_manifest(path: Path, party: str, business_day: date, rows: int, amount_minor: int) -> Path:
    """Write the manifest of a file that is complete, and return the manifest's path."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    stated = {
        "party": party,
        "business_day": business_day.isoformat(),
        "rows": rows,
        "amount_minor": amount_minor,
        "sha256": digest,
    }
    target = manifest_path(path)
    target.write_text(json.dumps(stated, indent=1) + "\n", encoding="utf-8")
    return target


def valid_amount(text: str) -> int | None:
    """The amount that a cell states, or None when it is not an integer of 0 or more within 64 bits."""
    if not (text.isascii() and text.isdigit()):
        return None
    amount = int(text) if len(text.lstrip("0")) <= 19 else LARGEST_AMOUNT + 1
    return amount if amount <= LARGEST_AMOUNT else None
