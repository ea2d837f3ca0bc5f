"""Up to which instant the begun shifts and due jobs are stored, so that a stop of any length loses none and doubles none."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from core.store.tables import duty_watch
from core.store.upsert import upsert


def seen_until(connection: Connection, kind: str, name: str) -> datetime | None:
    """Up to when it was looked at; None when never."""
    query = select(duty_watch.c.seen_until).where(duty_watch.c.kind == kind, duty_watch.c.name == name)
    found: datetime | None = connection.scalar(query.with_for_update())
    return found


def see(connection: Connection, kind: str, name: str, until: datetime) -> None:
    """Remember that it was looked at up to an instant; never goes back."""
    row = upsert(connection, duty_watch).values(kind=kind, name=name, seen_until=until)
    connection.execute(
        row.on_conflict_do_update(
            index_elements=["kind", "name"],
            set_={"seen_until": row.excluded.seen_until},
            where=duty_watch.c.seen_until < row.excluded.seen_until,
        )
    )
