"""The console's own heartbeat, outward: whoever listens there notices when this console falls silent.

A beat is sent only while the pipeline writes and its workers live. A beat that is not taken twice in a row is an alert here,
since then nobody would notice. Silence there means: this console, its machine or its way out is gone.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx
from sqlalchemy import Connection, delete

from alerts.heartbeats import OUTWARD
from bomc.configuration.models import OwnHeartbeat
from core.model import Finding, Indicator, Result, Status, Target, instant_ms, labels_of
from core.secrets import SecretError, read_secret
from core.store.tables import pulse
from core.store.upsert import upsert

log = logging.getLogger("bomc.heartbeat")
CHECK = "heartbeat-outward"
TRY_S = 10.0
AGAIN = timedelta(seconds=30)  # what is known is told again, in case the transaction that told it did not last
FAILING = Indicator("heartbeat.outward_failing", "1", category="heartbeat", description="1 when it is not taken")


@dataclass(frozen=True, slots=True)
class Beats:
    """How the beats fare: the last one that was taken, since when none is, and why."""

    sent_at: datetime | None = None
    failing_since: datetime | None = None
    error: str = ""


class Outward:
    """Sends the beats, and tells alerts how they fare. `unwell` says why none should be sent; none: all is well."""

    def __init__(
        self, settings: OwnHeartbeat | None, clock: Callable[[], datetime], unwell: Callable[[], str | None]
    ) -> None:
        self._settings, self._clock, self._unwell = settings, clock, unwell
        self._lock = threading.Lock()
        self._beats = Beats()
        self._known: tuple[Beats, Status | None] | None = None
        self._known_at = clock()

    def beat(self) -> None:
        """Send one beat, unless this console is unwell; never raises."""
        if self._settings is None:
            return
        began = self._clock()
        error = self._unwell() or self._send(self._settings)
        with self._lock:
            since = self._beats.failing_since or began
            self._beats = Beats(self._beats.sent_at, since, error) if error else Beats(self._clock())
        if error:
            log.warning("The outward heartbeat was not sent: %s. It is tried again.", error)

    def _send(self, settings: OwnHeartbeat) -> str:
        """Why the beat was not taken; empty when it was. The address may be a secret, so it is never part of it."""
        try:
            url = read_secret(settings.url)
        except SecretError as error:
            return str(error)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return f"what {settings.url} holds is no http:// or https:// address"
        try:
            answered = asyncio.run(_ask(settings.method, url))
        except (TimeoutError, httpx.TimeoutException):
            return f"{parts.hostname} did not answer within {TRY_S:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return f"{parts.hostname} cannot be reached ({type(error).__name__})"
        return "" if answered < 300 else f"{parts.hostname} answered {answered}"

    def findings(self, connection: Connection, now: datetime) -> list[Finding]:
        """What changed for alerts, in the writer's transaction; how the beats fare is kept for the page."""
        with self._lock:
            beats = self._beats
        status = self._status(beats, now)
        known = (beats, status)
        if known == self._known and now - self._known_at < AGAIN:
            return []
        self._known, self._known_at = known, now
        _keep(connection, beats, now, configured=self._settings is not None)
        return [] if status is None else [_finding(status, beats, now)]

    def _status(self, beats: Beats, now: datetime) -> Status | None:
        """What alerts are to know; none while that is open: no beat yet, or the first failed one."""
        if self._settings is None:
            return Status.OK
        if beats.failing_since is not None:
            return Status.CRITICAL if now - beats.failing_since >= self._settings.every else None
        return Status.OK if beats.sent_at is not None else None


async def _ask(method: str, url: str) -> int:
    async with (
        asyncio.timeout(TRY_S),
        httpx.AsyncClient(timeout=TRY_S, trust_env=False) as client,
        client.stream(method, url, headers={"User-Agent": "bomc"}) as response,
    ):
        return response.status_code


def _keep(connection: Connection, beats: Beats, now: datetime, *, configured: bool) -> None:
    if not configured:
        connection.execute(delete(pulse).where(pulse.c.name == OUTWARD))
        return
    since = beats.failing_since.isoformat() if beats.failing_since else None
    sent = beats.sent_at.isoformat() if beats.sent_at else None
    row = {"name": OUTWARD, "at": now, "detail": {"sent_at": sent, "failing_since": since, "error": beats.error}}
    statement = upsert(connection, pulse)
    fresh = {"at": statement.excluded.at, "detail": statement.excluded.detail}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=fresh), [row])


def _finding(status: Status, beats: Beats, now: datetime) -> Finding:
    failing = status is Status.CRITICAL
    reason = beats.error if failing else "the heartbeat is taken again, or none is configured"
    summary = "Nobody outside hears this console's heartbeat"
    return Finding(
        check=CHECK,
        series_id=None,
        target=Target("bomc", "service"),
        indicator=FAILING,
        series_labels=(),
        old=Status.OK,
        new=status,
        result=Result(status, float(failing), reason, instant_ms(now)),
        annotations=labels_of({"summary": summary, "runbook": "See `heartbeat` of bomc.yaml, and the way out."}),
    )


def listening_since(
    last_pulse: datetime | None, now: datetime, gap: timedelta = timedelta(minutes=1)
) -> datetime | None:
    """Since when somebody listens to jobs: from now on if the pipeline gave no sign of life lately, else all along."""
    return now if last_pulse is None or now - last_pulse > gap else None
