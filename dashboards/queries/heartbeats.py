"""How the jobs stand that are to be heard of, and the console's own heartbeat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from alerts.heartbeats import OUTWARD, pings
from core.store.tables import pulse
from dashboards.queries.rows import Row

if TYPE_CHECKING:
    from alerts.heartbeats.config import Heartbeat

WORST_FIRST = ("failed", "late", "due", "running", "waiting", "up")
HISTORY = 20


def jobs(connection: Connection, heartbeats: Sequence[Heartbeat], now: datetime) -> list[Row]:
    """A row a job, the worst first: name, owner, demo, rhythm, status, reason, expected_at, heard_at (None: never)."""
    states = pings.states(connection, heartbeats, now)
    heard = pings.latest(connection, [one.name for one in heartbeats])
    found = []
    for one in heartbeats:
        known, stands = heard.get(one.name, []), states[one.name]
        found.append(
            {
                "name": one.name,
                "owner": one.owner,
                "demo": one.demo,
                "rhythm": one.cron or "",
                "every_s": one.every.total_seconds() if one.every else None,
                "timezone": one.timezone,
                "grace_s": one.grace.total_seconds(),
                "runbook": one.runbook,
                "status": stands.status,
                "reason": stands.reason,
                "expected_at": stands.expected_at,
                "heard_at": max((ping.at for ping in known), default=None),
                "has_url": pings.has_url(connection, one.name),
            }
        )
    return sorted(found, key=lambda row: (WORST_FIRST.index(row["status"]), row["name"]))


def history(connection: Connection, name: str) -> list[Row]:
    """The latest 20 pings of a job, the newest first: at, kind, exit_status, output."""
    found = pings.history(connection, name, HISTORY)
    return [{"at": one.at, "kind": one.kind, "exit_status": one.exit_status, "output": one.output} for one in found]


def outward(connection: Connection) -> Row | None:
    """The console's own heartbeat: sent_at, failing_since (None: it does not fail), error; None when there is none."""
    detail = connection.scalar(select(pulse.c.detail).where(pulse.c.name == OUTWARD))
    if detail is None:
        return None
    return {
        "sent_at": _instant(detail.get("sent_at")),
        "failing_since": _instant(detail.get("failing_since")),
        "error": str(detail.get("error") or ""),
    }


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
