"""The audit trail: an append-only chain in which every row carries the SHA-256 of the row before it.

An edited, deleted or reordered row breaks the chain by itself. A cut tail or a chain that was rebuilt from some row on
does not: for these, `verify` compares with heads that were exported earlier and kept elsewhere. The database refuses
UPDATE and DELETE besides; the chain is for those who get past it. A trail that cannot be written raises, and so takes
the doing that it should have told of down with it: no audit, no act.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection, func, insert, select, text

from core.model import instant_ms
from core.store.tables.people import audit

GENESIS = "0" * 64
"""What the first row names as the hash of the row before it."""

LOCK_KEY = 0x626F6D63_61756474
"""Number of PostgreSQL's advisory lock under which rows are chained: the letters `bomcaudt`."""

_JSON = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the trail at one moment, to be kept elsewhere: id and hash of the last row, and the number of rows."""

    row: int
    hash: str
    rows: int


def record(
    connection: Connection, *, at: datetime, who: str, action: str, object: str, detail: Mapping[str, object]
) -> None:
    """Append one doing to the trail, in the transaction of the doing itself.

    `detail` is anything that JSON can carry. On PostgreSQL writers of the trail queue for the rest of their
    transaction, as on SQLite every writer does, so that each row follows the one committed before it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
    previous = connection.scalar(select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)) or GENESIS
    plain = orjson.loads(orjson.dumps(dict(detail), option=_JSON))
    link = _link(previous, _floor_ms(at), who, action, object, plain)
    connection.execute(
        insert(audit).values(
            at=at, who=who, action=action, object=object, detail=plain, previous_hash=previous, hash=link
        )
    )


def head(connection: Connection) -> Head:
    """The end of the trail as it stands, for export; an empty trail's head is row 0."""
    rows = connection.execute(select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)).one_or_none()
    if rows is None:
        return Head(0, GENESIS, 0)
    return Head(rows.id, rows.hash, _count(connection, rows.id))


def verify(connection: Connection, exported: Iterable[Head] = ()) -> list[str]:
    """Every fault of the trail as a sentence, none when it is whole and agrees with all exported heads."""
    faults: list[str] = []
    expected = GENESIS
    before = 0
    hashes: dict[int, tuple[str, int]] = {0: (GENESIS, 0)}
    wanted = {head.row: head for head in exported}
    query = select(audit).order_by(audit.c.id).execution_options(yield_per=1000)
    for count, row in enumerate(connection.execute(query), start=1):
        if row.previous_hash != expected:
            faults.append(
                f"Audit row {row.id} does not follow row {before or 'nothing'}: "
                "a row between them is missing, or they changed places."
            )
        if row.hash != _link(row.previous_hash, instant_ms(row.at), row.who, row.action, row.object, row.detail):
            faults.append(f"Audit row {row.id} was changed after it was written: its hash is not that of its content.")
        if row.id in wanted:
            hashes[row.id] = (row.hash, count)
        expected, before = row.hash, row.id
    for known in wanted.values():
        faults.extend(_against(known, hashes))
    return faults


def _against(known: Head, hashes: Mapping[int, tuple[str, int]]) -> list[str]:
    found = hashes.get(known.row)
    if found is None:
        return [f"Audit row {known.row}, the exported head, is gone: the trail's end was cut off or the row deleted."]
    if found[0] != known.hash:
        return [f"Audit row {known.row} is not the one that was exported as the head: the chain was rebuilt."]
    if found[1] != known.rows:
        return [f"Up to audit row {known.row} there are {found[1]} rows, {known.rows} when its head was exported."]
    return []


def _count(connection: Connection, upto: int) -> int:
    return connection.execute(select(func.count()).where(audit.c.id <= upto)).scalar_one()


def _floor_ms(at: datetime) -> int:
    # Cut as the store cuts, so that the hash is of what can be read back.
    return instant_ms(at.replace(microsecond=at.microsecond // 1000 * 1000))


def _link(previous: str, at_ms: int, who: str, action: str, object: str, detail: object) -> str:
    content = {"at": at_ms, "who": who, "action": action, "object": object, "detail": detail, "previous": previous}
    return hashlib.sha256(orjson.dumps(content, option=_JSON)).hexdigest()
