"""Alerts as the life cycle holds them in memory, and how they come from and go to the store in few statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Text, bindparam, cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from alerts.severity import UNKNOWN
from core.store.tables import alert, alert_event

CHUNK = 1000  # values in one IN list; below the limit of every database's variables
T = TypeVar("T")
AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row of some query, its columns as attributes."""

Event = tuple[datetime, str, str, str]
"""Instant, kind, who, detail."""


@dataclass(slots=True)
class Occurrence:
    """One alert, open or just resolved, with the events that its changes made. The only mutable thing here."""

    id: int | None  # none until it is saved
    fingerprint: str
    check_name: str
    series_id: int | None
    target: str
    opened_at: datetime
    demo: bool
    state: str = "firing"
    severity: str = UNKNOWN
    value: float | None = None
    updated_at: datetime | None = None
    resolved_at: datetime | None = None
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    @property
    def saved_id(self) -> int:
        """Its number in the store. Raises ValueError before it is saved."""
        if self.id is None:
            raise ValueError(f"the alert {self.fingerprint} has no number before it is saved")
        return self.id


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists of at most that size."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def load_open(connection: Connection, fingerprints: Iterable[str]) -> dict[str, Occurrence]:
    """The open occurrences of these conditions, locked against other writers until the transaction ends."""
    columns = [alert.c[name] for name in Occurrence.__dataclass_fields__ if name != "events"]
    found: dict[str, Occurrence] = {}
    for chunk in chunks(dict.fromkeys(fingerprints)):
        query = select(*columns).where(_among(connection, chunk), alert.c.resolved_at.is_(None))
        for row in connection.execute(query.with_for_update()):
            found[row.fingerprint] = Occurrence(**row._mapping)
    return found


def _among(connection: Connection, fingerprints: list[str]) -> ColumnElement[bool]:
    """Whether an alert has one of these. PostgreSQL is given a set to join: it tries a long list one by one for each row
    once it has prepared the statement, which makes a storm of alerts slow with the square of its size."""
    if connection.dialect.name == "sqlite":
        return alert.c.fingerprint.in_(fingerprints)
    return alert.c.fingerprint.in_(select(func.unnest(cast(fingerprints, ARRAY(Text)))))


def save(connection: Connection, touched: Sequence[Occurrence], now: datetime) -> None:
    """Write new and changed occurrences and all their events; new ones get their ids."""
    new = [one for one in touched if one.id is None]
    old = [one for one in touched if one.id is not None]
    if old:
        changing = ("state", "severity", "value", "updated_at", "resolved_at", "labels", "annotations")
        statement = update(alert).where(alert.c.id == bindparam("number"))
        statement = statement.values({name: bindparam(f"new_{name}") for name in changing})
        connection.execute(
            statement,
            [{"number": one.id, **{f"new_{name}": getattr(one, name) for name in changing}} for one in old],
        )
    # Resolved ones first: two occurrences of one condition may be new, and only one of them may be open.
    new.sort(key=lambda one: one.resolved_at is None)
    if new:
        ids = connection.execute(
            insert(alert).returning(alert.c.id, sort_by_parameter_order=True), [_row(one) for one in new]
        ).scalars()
        for one, number in zip(new, ids, strict=True):
            one.id = number
    record(connection, [(one.saved_id, *event) for one in touched for event in one.events])


def record(connection: Connection, events: Sequence[tuple[int, datetime, str, str, str]]) -> None:
    """Append events to the history of alerts: alert, instant, kind, who, detail."""
    if events:
        names = ("alert_id", "at", "kind", "who", "detail")
        connection.execute(insert(alert_event), [dict(zip(names, event, strict=True)) for event in events])


def _row(one: Occurrence) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Occurrence.__dataclass_fields__ if name not in ("id", "events")}
