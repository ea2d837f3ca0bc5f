"""Groups in the store: which alerts are told together, when next, and what was told last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, insert, or_, select, update

from alerts.labels import in_column
from alerts.notification import Entry
from alerts.occurrences import AnyRow, chunks
from core.store.tables import alert, notify_group

NARROW_UP_TO = 20  # so many groups are looked up by their labels; more of them by reading every open alert once
_BY_COLUMN = {"alertname": alert.c.check_name, "target": alert.c.target, "severity": alert.c.severity}


@dataclass(frozen=True, slots=True)
class Group:
    """One group. `next_flush_at` is none while it is empty; `id` is none before it is stored."""

    id: int | None
    key: str
    receiver: str
    labels: Mapping[str, str]
    created_at: datetime
    next_flush_at: datetime | None
    notified_at: datetime | None = None
    firing: Mapping[int, str] | None = None  # alerts that the last message showed as firing, with their severities
    resolved: tuple[int, ...] = ()
    muted: Mapping[int, str] = field(
        default_factory=dict
    )  # open alerts that were kept quiet at the latest flush, by what

    @property
    def told(self) -> Mapping[int, str]:
        """Alerts that the receiver believes to be firing."""
        return self.firing or {}

    @property
    def entry(self) -> Entry | None:
        """What the receiver was told last, none when it was told nothing since the group began."""
        return None if self.notified_at is None else Entry(self.told, self.resolved, self.notified_at)

    def ended(self) -> Group:
        """The same group, empty: its next alert begins it anew."""
        return replace(self, next_flush_at=None, notified_at=None, firing={}, resolved=(), muted={})


def nudge(connection: Connection, ended: Mapping[str, datetime]) -> None:
    """Have groups looked at again where what muted one of their alerts ends: `ended` are instants by the keys of mutes."""
    if not ended:
        return
    waiting = notify_group.c.next_flush_at.is_not(None) & notify_group.c.muted.is_not(None)
    query = select(notify_group.c.id, notify_group.c.next_flush_at, notify_group.c.muted).where(waiting)
    spaced = [key for key in ended if " " in key]
    sooner = []
    for number, due_at, muted in connection.execute(query):
        said = " ".join((muted or {}).values())
        keys = ended.keys() & set(said.split(" ")) | {key for key in spaced if key in said}
        ends = [ended[key] for key in keys]
        if ends and min(ends) < due_at:
            sooner.append({"number": number, "at": min(ends)})
    if sooner:
        statement = update(notify_group).where(notify_group.c.id == bindparam("number"))
        connection.execute(statement.values(next_flush_at=bindparam("at")), sooner)


def by_key(connection: Connection, keys: Collection[str]) -> dict[str, Group]:
    """The stored ones among these groups, locked until the transaction ends."""
    found: dict[str, Group] = {}
    for chunk in chunks(keys):
        query = select(notify_group).where(notify_group.c.key.in_(chunk)).with_for_update()
        found.update((row.key, _group(row)) for row in connection.execute(query))
    return found


def due(connection: Connection, now: datetime) -> list[Group]:
    """Groups whose time has come, the longest due first."""
    query = select(notify_group).where(notify_group.c.next_flush_at <= now)
    query = query.order_by(notify_group.c.next_flush_at, notify_group.c.id).with_for_update()
    return [_group(row) for row in connection.execute(query)]


def save(connection: Connection, groups: Iterable[Group]) -> None:
    """Write groups, new and old."""
    changed = list(groups)
    new = [_columns(group) for group in changed if group.id is None]
    old = [{f"new_{name}": value for name, value in _columns(g).items()} | {"number": g.id} for g in changed if g.id]
    if new:
        connection.execute(insert(notify_group), new)
    if old:
        names = _columns(changed[0])
        statement = update(notify_group).where(notify_group.c.id == bindparam("number"))
        connection.execute(statement.values({name: bindparam(f"new_{name}") for name in names}), old)


def open_alerts(connection: Connection, groups: Sequence[Group]) -> list[AnyRow]:
    """Every open alert that can be in one of these groups, and perhaps some others."""
    query = select(alert).where(alert.c.resolved_at.is_(None))
    conditions = [_narrow(group.labels) for group in groups] if len(groups) <= NARROW_UP_TO else [None]
    if all(one is not None for one in conditions):
        query = query.where(or_(*(one for one in conditions if one is not None)))
    return list(connection.execute(query))


def alerts_by_id(connection: Connection, ids: Collection[int]) -> dict[int, AnyRow]:
    """These alerts, by id."""
    found: dict[int, AnyRow] = {}
    for chunk in chunks(ids):
        found.update((row.id, row) for row in connection.execute(select(alert).where(alert.c.id.in_(chunk))))
    return found


def _narrow(labels: Mapping[str, str]) -> ColumnElement[bool] | None:
    parts = [column == labels[name] for name, column in _BY_COLUMN.items() if in_column(name, labels.get(name, ""))]
    return and_(*parts) if parts else None


def _group(row: AnyRow) -> Group:
    return Group(
        id=row.id,
        key=row.key,
        receiver=row.receiver,
        labels=row.labels,
        created_at=row.created_at,
        next_flush_at=row.next_flush_at,
        notified_at=row.notified_at,
        firing={int(number): severity for number, severity in row.notified_firing.items()},
        resolved=tuple(row.notified_resolved),
        muted={int(number): key for number, key in (row.muted or {}).items()},
    )


def _columns(group: Group) -> dict[str, Any]:
    return {
        "key": group.key,
        "receiver": group.receiver,
        "labels": dict(group.labels),
        "created_at": group.created_at,
        "next_flush_at": group.next_flush_at,
        "notified_at": group.notified_at,
        "notified_firing": {str(number): severity for number, severity in group.told.items()},
        "notified_resolved": list(group.resolved),
        "muted": {str(number): key for number, key in group.muted.items()} or None,
    }
