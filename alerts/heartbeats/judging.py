"""How a job stands, from what was heard of it: a pure function of its heartbeat, its pings and the time, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.heartbeats.config import Heartbeat
from core.duration import show_duration

SUCCESS, FAIL, START = "success", "fail", "start"
WAITING, UP, RUNNING, DUE, LATE, FAILED = "waiting", "up", "running", "due", "late", "failed"


@dataclass(frozen=True, slots=True)
class Ping:
    """One time that a job was heard of. `exit_status` is none when it gave none."""

    at: datetime
    kind: str
    exit_status: int | None = None
    output: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """How it stands: waiting, up, running, due, late or failed; why; when it is expected next; what it said last."""

    status: str
    reason: str
    expected_at: datetime | None
    output: str = ""


def state(
    heartbeat: Heartbeat,
    pings: Sequence[Ping],
    now: datetime,
    *,
    watched_since: datetime,
    listening_since: datetime | None = None,
) -> State:
    """How a job stands at `now`.

    `pings` are at least its latest of each kind, in any order. `watched_since` is when it was first watched: it counts as
    heard of then. What was to be heard while nobody listened is waited for from `listening_since` on.
    """
    known = sorted((ping for ping in pings if ping.at <= now), key=lambda ping: ping.at)
    done = next((ping for ping in reversed(known) if ping.kind != START), None)
    started = next((ping for ping in reversed(known) if ping.kind == START), None)
    expected_at = heartbeat.expected_after(max(done.at if done else watched_since, watched_since))
    said = done.output if done else ""
    grace = show_duration(heartbeat.grace)
    if started is not None and (done is None or started.at > done.at):
        until = max(started.at, listening_since or started.at) + heartbeat.grace
        if now > until:
            reason = f"it began at {_utc(started.at)} and has not ended within {grace}"
            return State(LATE, reason, expected_at, said)
        return State(RUNNING, f"it began at {_utc(started.at)}", expected_at, said)
    late = _lateness(heartbeat, done, expected_at, listening_since, now)
    if late is not None:
        return State(LATE, late, expected_at, said)
    if done is not None and done.kind == FAIL:
        how = f" with exit status {done.exit_status}" if done.exit_status is not None else ""
        return State(FAILED, f"it said at {_utc(done.at)} that it failed{how}", expected_at, said)
    if expected_at is not None and now > expected_at:
        return State(DUE, f"it was expected at {_utc(expected_at)}, and has {grace} more", expected_at, said)
    if done is None:
        return State(WAITING, "it has not been heard of yet", expected_at)
    return State(UP, f"it was heard of at {_utc(done.at)}", expected_at, said)


def _lateness(
    heartbeat: Heartbeat,
    done: Ping | None,
    expected_at: datetime | None,
    listening_since: datetime | None,
    now: datetime,
) -> str | None:
    """Why it is late; none when it is not."""
    if expected_at is None or now <= max(expected_at, listening_since or expected_at) + heartbeat.grace:
        return None
    heard = f"it was last heard of at {_utc(done.at)}" if done else "it has never been heard of"
    return f"{heard}, was expected at {_utc(expected_at)}, and {show_duration(heartbeat.grace)} of grace are over"


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
