"""Messages that were not delivered, or wait to be, and the channels that fail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from core.store.tables import alert, channel_trouble, delivery
from dashboards.queries.rows import Row, rows

LIMIT = 200
SHOWN_ALERTS = 20


def load(connection: Connection) -> Row:
    """How many messages are dead, how many wait, and how many channels fail."""
    counts = select(
        select(func.count()).select_from(delivery).where(delivery.c.state == "dead").scalar_subquery().label("dead"),
        select(func.count())
        .select_from(delivery)
        .where(delivery.c.state == "pending")
        .scalar_subquery()
        .label("waiting"),
        select(func.count()).select_from(channel_trouble).scalar_subquery().label("failing"),
    )
    return dict(connection.execute(counts).mappings().one())


def letters(connection: Connection, filters: Mapping[str, str]) -> list[Row]:
    """At most 200 messages, the newest first. Filters: state (dead, pending; dead if not given), receiver."""
    state = filters.get("state", "dead")
    query = select(delivery).where(delivery.c.state == (state if state in ("dead", "pending") else "dead"))
    if filters.get("receiver"):
        query = query.where(delivery.c.receiver == filters["receiver"])
    query = query.order_by(func.coalesce(delivery.c.done_at, delivery.c.created_at).desc(), delivery.c.id.desc())
    return [_letter(row) for row in rows(connection.execute(query.limit(LIMIT)).mappings())]


def receivers(connection: Connection) -> list[str]:
    """Everybody for whom a message is dead or waits, by name."""
    query = select(delivery.c.receiver).where(delivery.c.state.in_(("dead", "pending"))).distinct()
    return sorted(connection.scalars(query))


def one(connection: Connection, number: int) -> Row | None:
    """A message with the alerts that it tells of: alerts [{id, target, check_name, annotations, severity, state}]."""
    found = connection.execute(select(delivery).where(delivery.c.id == number)).mappings().one_or_none()
    if found is None:
        return None
    row = _letter(dict(found))
    told = select(alert.c.id, alert.c.target, alert.c.check_name, alert.c.annotations, alert.c.severity, alert.c.state)
    told = told.where(alert.c.id.in_(row["alert_ids"][:SHOWN_ALERTS])).order_by(alert.c.id)
    return row | {"alerts": rows(connection.execute(told).mappings())}


def troubles(connection: Connection) -> list[Row]:
    """Channels whose latest try failed, those that fail longest first."""
    query = select(channel_trouble).order_by(channel_trouble.c.failing_since)
    return rows(connection.execute(query).mappings())


def last_try(row: Row) -> datetime:
    """When something last became of a message."""
    at: datetime = row["done_at"] or row["resent_at"] or row["created_at"]
    return at


def _letter(row: Row) -> Row:
    message = row.pop("message")
    told = list(dict.fromkeys((*message["firing"], *message["resolved"])))
    body = message["body"]
    title = " ".join(
        [*body["commonLabels"].get("alertname", "").split(), *body["commonLabels"].get("target", "").split()]
    )
    return row | {"alert_ids": told, "status": body["status"], "demo": message["demo"], "title": title}
