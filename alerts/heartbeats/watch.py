"""What alerts are told of jobs: late ones and failed ones, each once, and that they are well again.

Called in the transaction of the pipeline's one writer; what was told last is a row, so a restart tells nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from alerts.heartbeats import pings
from alerts.heartbeats.config import Heartbeat
from alerts.heartbeats.judging import FAILED, LATE, State
from core.model import Finding, Indicator, Result, Status, Target, instant_ms, labels_of
from core.store.tables import heartbeat

OK = "ok"
LATE_CHECK, FAILED_CHECK = "heartbeat-late", "heartbeat-failed"
KIND = "job"
_INDICATORS = {
    LATE: Indicator("heartbeat.late", "1", category="heartbeat", description="1 when a job was not heard of in time"),
    FAILED: Indicator("heartbeat.failed", "1", category="heartbeat", description="1 when a job said that it failed"),
}
_CHECKS = {LATE: LATE_CHECK, FAILED: FAILED_CHECK}


class Watch:
    """The jobs that are watched, and since when somebody listens to them."""

    def __init__(self, heartbeats: Sequence[Heartbeat], listening_since: datetime | None = None) -> None:
        self._heartbeats = tuple(heartbeats)
        self._by_name = {one.name: one for one in heartbeats}
        self._listening_since = listening_since

    def findings(self, connection: Connection, now: datetime) -> list[Finding]:
        """What changed since alerts were told last; the rows say afterwards that they were told."""
        if self._heartbeats:
            pings.watch(connection, self._by_name, now)
        told = {row.name: row.told for row in connection.execute(select(heartbeat.c.name, heartbeat.c.told))}
        if not told:
            return []
        states = pings.states(connection, self._heartbeats, now, self._listening_since)
        found: list[Finding] = []
        changed = []
        for name, before in sorted(told.items()):
            now_is = after(states.get(name), before)
            if now_is != before:
                found += _turned(name, self._by_name.get(name), states.get(name), before, now_is, now)
                changed.append({"job": name, "state": now_is})
        if changed:
            statement = update(heartbeat).where(heartbeat.c.name == bindparam("job"))
            connection.execute(statement.values(told=bindparam("state")), changed)
        return found


def after(state: State | None, before: str) -> str:
    """What alerts are to know: late, failed or ok. A job that begins again is not well until it has ended well."""
    if state is None:
        return OK  # it was taken out of heartbeats.yaml
    if state.status in (LATE, FAILED):
        return state.status
    return before if state.status in ("running", "due") else OK


def _turned(
    name: str, job: Heartbeat | None, state: State | None, before: str, now_is: str, now: datetime
) -> list[Finding]:
    """The end of what was told before, and the begin of what is now."""
    reason = state.reason if state is not None else "it was taken out of heartbeats.yaml"
    found = []
    if before in _CHECKS:
        found.append(_finding(name, job, before, Status.OK, reason, state, now))
    if now_is in _CHECKS and job is not None:
        found.append(_finding(name, job, now_is, Status(job.severity), reason, state, now))
    return found


def _finding(
    name: str, job: Heartbeat | None, what: str, status: Status, reason: str, state: State | None, now: datetime
) -> Finding:
    value = 0.0 if status is Status.OK else 1.0
    words = "is late" if what == LATE else "has failed"
    annotations = {"summary": f"The job {name} {words}", "output": state.output if state is not None else ""}
    labels = {}
    if job is not None:
        annotations["runbook"] = job.runbook
        labels = {**job.labels, **({"owner": job.owner} if job.owner else {})}
    return Finding(
        check=_CHECKS[what],
        series_id=None,
        target=Target(name, KIND, demo=job is not None and job.demo),
        indicator=_INDICATORS[what],
        series_labels=(),
        old=Status.OK,
        new=status,
        result=Result(status, value, reason, instant_ms(now)),
        labels=labels_of(labels),
        annotations=labels_of(annotations),
    )
