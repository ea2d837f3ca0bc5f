"""Two silences of the demo: one that holds and mutes the job that was left undone on purpose, and one that is to come."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.muting.silences import Spec, create
from alerts.routes.matchers import parse_all


def make(connection: Connection, now: datetime) -> list[str]:
    """Make both and return their ids."""
    missed = Spec(
        parse_all(['alertname="job-plan-missed"', 'target="demo-desk"']),
        now,
        now + timedelta(hours=12),
        "演示：漏做的晚班巡检已知，不再通知。Demo: the missed evening round is known, nobody need be told again.",
    )
    coming = Spec(
        parse_all(['target="demo-shop-db"', 'alertname="probe-failing"']),
        now + timedelta(hours=3),
        now + timedelta(hours=5),
        "演示：今晚切换订单库。Demo: the order database is switched over tonight.",
    )
    return [create(connection, missed, "operator", now), create(connection, coming, "manager", now)]
