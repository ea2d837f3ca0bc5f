"""What every doing at the desk leaves behind: an event of each case, and one row of the audit trail for the doing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from sqlalchemy import Connection, insert

from core.people import audit
from core.store.tables import break_event

WHO: Final = "reconciliation"
"""Who did what no person did."""
_AT_ONCE: Final = 5_000  # values in one statement; SQLite takes 32,766

Value = TypeVar("Value")


class DeskError(Exception):
    """The doing is refused; the sentence says why and what to do instead."""


def written(text: str, what: str) -> str:
    """The text without blanks around it. Raises DeskError when nothing is left of it."""
    if not text.strip():
        raise DeskError(f"This needs {what}; nothing was written.")
    return text.strip()


def write_down(
    connection: Connection,
    case_ids: Sequence[int],
    who: str,
    kind: str,
    detail: str,
    now: datetime,
    facts: Mapping[str, object],
) -> None:
    """Record a doing as an event of each case and as one row of the trail, which names the cases and adds `facts`."""
    events(connection, case_ids, who, kind, detail, now)
    one = len(case_ids) == 1
    audit.record(
        connection,
        at=now,
        who=who,
        action=f"break_{kind}",
        object=f"break_case/{case_ids[0]}" if one else "break_case",
        detail={**facts} if one else {**facts, "cases": list(case_ids)},
    )


def events(connection: Connection, case_ids: Sequence[int], who: str, kind: str, detail: str, now: datetime) -> None:
    """Append the same event to each of these cases."""
    if case_ids:
        rows = [{"case_id": number, "at": now, "who": who, "kind": kind, "detail": detail} for number in case_ids]
        connection.execute(insert(break_event), rows)


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """The values in lists that fit into one statement."""
    left = iter(values)
    while part := list(islice(left, _AT_ONCE)):
        yield part
