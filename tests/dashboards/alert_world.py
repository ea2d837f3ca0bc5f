"""A store in which alerts have causes: a host under a database and a web server, a silence, a shelf and a proposal."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert

from alerts.config import RoutesFile
from alerts.muting import proposals, shelving, silences
from alerts.muting.silences import Spec
from alerts.routes.matchers import parse_all
from core.store.open import writing
from core.store.tables import alert

FIRST = 101
"""The alert about the host `billing-db-01`; those below hang on it, by the topology or by the inhibit rule."""
STALE, SILENCED, SHELVED = 104, 105, 106
WORLD = (
    # id, check, target, severity, minutes ago
    (FIRST, "host-down", "billing-db-01", "critical", 30),
    (102, "database-up", "billing-db", "critical", 28),
    (103, "sessions", "billing-db", "warning", 27),
    (STALE, "certificate", "web-hall", "warning", 1700),
    (SILENCED, "cpu", "crm-app-02", "warning", 8),
    (SHELVED, "threads", "hall-web", "warning", 6),
)


def routes() -> RoutesFile:
    """Routes under which a host that is down suppresses what stands on it."""
    return RoutesFile.model_validate(
        {
            "route": {"receiver": "ops", "group_by": ["alertname"]},
            "receivers": [{"name": "ops", "webhook_configs": [{"url": "http://127.0.0.1:9/hook"}]}],
            "dependencies": {"matchers": ['alertname="host-down"']},
        }
    )


def furnish(engine: Engine, now: datetime, proposer: str = "li.wei") -> dict[str, Any]:
    """Fill the seeded store; returns what the console has to know. `proposer` must have an account."""
    with writing(engine) as connection:
        connection.execute(insert(alert), [_alert(now, *row) for row in WORLD])
        wanted = Spec(parse_all(['target="crm-app-02"']), now, now + timedelta(hours=3), "Disks are replaced.")
        silences.create(connection, wanted, "zhang.min", now)
        coming = Spec(
            parse_all(['system="CRM"', 'alertname=~"cpu|load"']),
            now + timedelta(hours=2),
            now + timedelta(hours=6),
            "Load test of the release.",
        )
        silences.create(connection, coming, "zhang.min", now)
        until = now + timedelta(hours=5)
        shelving.shelve(connection, SHELVED, "zhang.min", "Known; the pool is resized on Tuesday.", until, now)
        everything = parse_all(['alertname=~".+"'])
        proposals.propose(connection, everything, timedelta(hours=1), "The core switch is replaced.", proposer, now)
    return {"routes": routes()}


def _alert(now: datetime, id: int, check: str, target: str, severity: str, minutes: int) -> dict[str, Any]:
    opened = now - timedelta(minutes=minutes)
    return {
        "id": id,
        "fingerprint": f"{id:016x}",
        "check_name": check,
        "target": target,
        "labels": {"alertname": check, "target": target, "severity": severity, "site": "east"},
        "annotations": {"summary": f"{target}: {check}", "reason": f"{check} is not as it should be."},
        "severity": severity,
        "state": "firing",
        "opened_at": opened,
        "updated_at": opened,
        "demo": False,
    }
