"""Every alert that is open, with how long a pushed one holds; for API v2, whose filters are matchers and not columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, select

from alerts.labels import in_column
from alerts.routes.matchers import Matcher
from core.store.tables import alert, pushed_alert
from dashboards.queries.rows import Row

_COLUMNS = {"alertname": alert.c.check_name, "target": alert.c.target, "severity": alert.c.severity}


def open_alerts(connection: Connection, matchers: Iterable[Matcher] = ()) -> Iterator[Row]:
    """Those that can satisfy the matchers, and perhaps others, since the store knows few labels by themselves. By
    fingerprint: id, fingerprint, labels, annotations, opened_at, updated_at; due_at, generator_url, pushed_at of
    one that was pushed, else null."""
    statement = (
        select(
            alert.c.id,
            alert.c.fingerprint,
            alert.c.labels,
            alert.c.annotations,
            alert.c.opened_at,
            alert.c.updated_at,
            pushed_alert.c.due_at,
            pushed_alert.c.generator_url,
            pushed_alert.c.pushed_at,
        )
        .join(pushed_alert, pushed_alert.c.alert_id == alert.c.id, isouter=True)
        .where(alert.c.resolved_at.is_(None))
        .order_by(alert.c.fingerprint)
    )
    for one in matchers:
        if one.operator == "=" and one.name in _COLUMNS and in_column(one.name, one.value):
            statement = statement.where(_COLUMNS[one.name] == one.value)
    for row in connection.execute(statement).mappings():
        yield dict(row)
