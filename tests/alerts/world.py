"""What the tests of alerts need of the world: findings, rows that they hang on, routes, and a look at what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from alerts.config import RoutesFile
from alerts.occurrences import AnyRow
from core.model import Finding, Indicator, Labels, Result, Status, Target, instant_ms
from core.store.open import reading, writing
from core.store.tables import alert, alert_event, delivery, series, target

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
USED = Indicator("filesystem.used_ratio", "1", description="Share of the file system in use")


def after(**lengths: float) -> datetime:
    """Noon and so much later."""
    return NOON + timedelta(**lengths)


def finding(
    new: Status | str = Status.CRITICAL,
    *,
    host: str = "host-1",
    check: str = "disk-full",
    mount: str = "/data",
    at: datetime = NOON,
    old: Status | str = Status.OK,
    series_id: int = 1,
    value: float | None = 0.97,
    reason: str = "0.97, above the critical limit 0.9",
    labels: Labels = (("team", "storage"),),
    annotations: Labels = (("runbook", "https://wiki.example.org/disk"),),
    unknown_alerts: bool = False,
    demo: bool = False,
) -> Finding:
    """A finding about a full disk, but for what the test says."""
    return Finding(
        check=check,
        series_id=series_id,
        target=Target(host, "host", labels=(("rack", "r7"),), site="north", system="billing", demo=demo),
        indicator=USED,
        series_labels=(("mount", mount),),
        old=Status(old),
        new=Status(new),
        result=Result(Status(new), value, reason, instant_ms(at)),
        labels=labels,
        annotations=annotations,
        unknown_alerts=unknown_alerts,
    )


def with_series(engine: Engine, count: int = 1) -> Engine:
    """The store with one target and that many series, numbered from 1, for findings to hang on."""
    with writing(engine) as connection:
        made = {"name": "host-1", "kind": "host", "labels": {}, "site": "", "system": "", "demo": False}
        connection.execute(insert(target), [{"id": 1, **made, "runs_on": [], "depends_on": []}])
        made = {"target_id": 1, "indicator": USED.name, "probe": "host-1/disk", "created_at": NOON}
        rows = [{"id": number, "labels": {"n": str(number)}, **made} for number in range(1, count + 1)]
        connection.execute(insert(series), rows)
    return engine


def routes(
    *children: Mapping[str, Any], receivers: Sequence[Mapping[str, Any]] | None = None, **root: Any
) -> RoutesFile:
    """A routes.yaml whose top route goes to `ops`, with these routes below it."""
    names = {"ops"} | {name for child in children for name in _receivers(child)}
    channel = [{"url": "http://127.0.0.1:9/hook"}]
    made = receivers or [{"name": name, "webhook_configs": channel} for name in sorted(names)]
    top = {"receiver": "ops", "group_by": ["alertname"], **root, "routes": list(children)}
    return RoutesFile.model_validate({"route": top, "receivers": made})


def _receivers(route: Mapping[str, Any]) -> set[str]:
    own = {route["receiver"]} if "receiver" in route else set()
    return own.union(*(_receivers(child) for child in route.get("routes", ())))


def alerts(engine: Engine) -> list[AnyRow]:
    """All alerts, oldest first."""
    with reading(engine) as connection:
        return list(connection.execute(select(alert).order_by(alert.c.id)))


def events(engine: Engine, *kinds: str) -> list[tuple[int, str, str]]:
    """The history of all alerts: alert, kind, detail; of these kinds only, if any are given."""
    query = select(alert_event.c.alert_id, alert_event.c.kind, alert_event.c.detail).order_by(alert_event.c.id)
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(query) if not kinds or row.kind in kinds]


def deliveries(engine: Engine) -> list[AnyRow]:
    """All rows of the outbox, oldest first."""
    with reading(engine) as connection:
        return outbox(connection)


def outbox(connection: Connection) -> list[AnyRow]:
    """All rows of the outbox as this transaction sees them."""
    return list(connection.execute(select(delivery).order_by(delivery.c.id)))


def told(row: AnyRow) -> tuple[str, str, list[str]]:
    """A delivery in short: receiver, status, and `status target severity` of each alert in it."""
    body = row.message["body"]
    shown = [f"{one['status']} {one['labels']['target']} {one['labels']['severity']}" for one in body["alerts"]]
    return row.receiver, body["status"], shown
