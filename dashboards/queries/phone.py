"""One alert as the phone page shows it: itself, its ticket, the last hour of its series, and its latest events."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from alerts.delivery import pictures
from core.store.tables import alert, alert_event, indicator, series, ticket
from dashboards.queries.rows import Row, rows

EVENTS = 8


def card(connection: Connection, alert_id: int, now: datetime) -> Row | None:
    """What the page shows; None when there is no such alert.

    alert, ticket (None: it has none), kind (of its indicator), points [(at_ms, value)], limit (None: the reason names
    none), events, now.
    """
    row = connection.execute(select(alert).where(alert.c.id == alert_id)).mappings().one_or_none()
    if row is None:
        return None
    orders = select(ticket.c.id, ticket.c.assignee).where(ticket.c.alert_id == alert_id).order_by(ticket.c.id.desc())
    order = connection.execute(orders.limit(1)).mappings().one_or_none()
    kinds = select(indicator.c.kind).join(series, series.c.indicator == indicator.c.name)
    kind = connection.scalar(kinds.where(series.c.id == row["series_id"]))
    happened = select(alert_event).where(alert_event.c.alert_id == alert_id)
    happened = happened.order_by(alert_event.c.at.desc(), alert_event.c.id.desc()).limit(EVENTS)
    return {
        "alert": dict(row),
        "ticket": None if order is None else dict(order),
        "kind": kind or "gauge",
        "points": pictures.last_hour(connection, row["series_id"], now),
        "limit": pictures.limit_of(str(row["annotations"].get("reason", "")), str(row["annotations"].get("unit", ""))),
        "events": rows(connection.execute(happened).mappings()),
        "now": now,
    }
