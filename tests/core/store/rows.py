"""Rows for the tests of the store."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, insert

from core.store.tables import audit, indicator, series, target

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def an_indicator(connection: Connection, name: str, description: str = "") -> None:
    """An indicator of that name."""
    row = {"name": name, "unit": "1", "kind": "gauge", "category": "", "description": description, "owner": ""}
    connection.execute(insert(indicator), [row])


def an_audit_row(connection: Connection) -> None:
    """Something that an admin did."""
    row = {"at": NOON, "who": "admin", "action": "x", "object": "y", "detail": {}, "previous_hash": "", "hash": "h"}
    connection.execute(insert(audit), [row])


def some_series(connection: Connection, count: int) -> list[int]:
    """That many series of one target; their numbers."""
    made = {"name": "host-1", "kind": "host", "labels": {}, "site": "", "system": "", "demo": False}
    connection.execute(insert(target), [{"id": 1, **made, "runs_on": [], "depends_on": []}])
    rows = [
        {"target_id": 1, "indicator": "x", "labels": {"n": str(n)}, "probe": "host-1/x", "created_at": NOON}
        for n in range(count)
    ]
    statement = insert(series).returning(series.c.id, sort_by_parameter_order=True)
    return list(connection.execute(statement, rows).scalars())
