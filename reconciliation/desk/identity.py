"""What makes a break the same break: its control, key, kind, class, and the records that each party has of it.

Amounts, the business day and line numbers are left out: the same break found again by a re-run, by a later day, or in a
file whose rows changed places has the same identity.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from reconciliation.breaks import LEADING, OF_PARTY
from reconciliation.matching import EXPECTED_FILE

_ID: Final = "_record_id"

Line = Mapping[str, Any]
Record = Mapping[str, Any]


def fingerprint(control: str, line: Line) -> str:
    """The break's identity as 64 hexadecimal digits; `line` is one of `breaks.parquet`, or has `records` by party."""
    ids = {party: record["record_id"] for party, record in records(line).items()}
    content = [control, line["business_key"], line["kind"], line["class"], sorted(ids.items())]
    canonical = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def records(line: Line) -> dict[str, dict[str, Any]]:
    """The records of a line by party, instants as ISO texts in UTC; parties without a record are left out."""
    if "records" in line:
        return {party: dict(record) for party, record in line["records"].items()}
    parties = [name.removesuffix(_ID) for name, value in line.items() if name.endswith(_ID) and value is not None]
    return {party: {name: _plain(line.get(f"{party}_{name}")) for name in OF_PARTY} for party in parties}


def awaited_by(line: Line) -> int | None:
    """The adjustment whose expected records alone make up a line, since what they wait for did not come; else None."""
    of_parties = records(line).values()
    numbers = {record.get("line") if record.get("file") == EXPECTED_FILE else None for record in of_parties}
    return numbers.pop() if len(numbers) == 1 else None


def as_line(leading: Mapping[str, Any], by_party: Mapping[str, Record], parties: Iterable[str]) -> dict[str, Any]:
    """The line of `breaks.parquet` that these records make: every column of every party, None where there is nothing."""
    line = {name: leading[name] for name in LEADING}
    for party in parties:
        record = by_party.get(party, {})
        line |= {f"{party}_{name}": _typed(name, record.get(name)) for name in OF_PARTY}
    return line


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _typed(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value).astimezone(UTC) if name == "occurred_at" and isinstance(value, str) else value
