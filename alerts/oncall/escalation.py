"""Whether an escalation goes on, waits, stops or ends: pure decisions of its standing, its alert and the time, each with
its reason. `escalating` does what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from alerts.oncall.config import Escalation, OnCallFile, Step
from core.duration import show_duration

RUNNING, HELD, SPENT, ENDED = "running", "held", "spent", "ended"
SOON = timedelta(seconds=10)
"""How often the messages of a step are looked at while they are on their way."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an escalation has come; `step` is the one to be tried next, one beyond the last is the catch-all."""

    state: str
    step: int
    round: int
    last_round: int
    next_at: datetime
    told: str | None = None  # receiver of the latest step
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of the latest step as the outbox has it: pending, sent or dead."""

    state: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the alert and the world now."""

    resolved: bool = False
    acknowledged_by: str | None = None
    wanted: bool = True  # a route of the alert still names the policy, and oncall.yaml has it
    muted: str | None = None  # why nobody is to be told of it at the moment
    away: str | None = None  # why the person told last has gone away since
    messages: tuple[Sent, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done, and why. `wait` comes with the instant at which to look again."""

    act: Literal["end", "hold", "step", "wait"]
    reason: str
    look_at: datetime | None = None


def decide(standing: Standing, facts: Facts, unreachable: timedelta, now: datetime) -> Verdict:
    """What becomes of an escalation that is looked at."""
    if facts.resolved:
        return Verdict("end", "the alert is resolved")
    if not facts.wanted:
        return Verdict("end", "no route of the alert names this policy any more")
    if facts.acknowledged_by is not None:
        return Verdict("hold", f"{facts.acknowledged_by} has acknowledged the alert")
    if standing.state == SPENT:
        return Verdict("wait", "all steps were in vain and the catch-all has been told", now + SOON)
    if facts.muted is not None:
        return Verdict("wait", f"nobody is told of it at the moment: {facts.muted}", now + SOON)
    if standing.state == HELD:
        return Verdict("step", "nobody has the alert any more, so the next step comes at once")
    lost = _lost(standing, facts, unreachable, now)
    if lost is not None:
        return Verdict("step", lost)
    if now < standing.next_at:
        until = standing.next_at if _arrived(standing, facts) else min(standing.next_at, now + SOON)
        return Verdict("wait", f"{standing.told or 'the first step'} has until then", until)
    if standing.told_at is None:
        return Verdict("step", "nobody was told yet")
    return Verdict("step", f"{standing.told} did not acknowledge within {show_duration(_length(standing, now))}")


def _lost(standing: Standing, facts: Facts, unreachable: timedelta, now: datetime) -> str | None:
    """Why there is no use in waiting for who was told last; none when there is."""
    if standing.told_at is None:
        return None
    if facts.away is not None:
        return f"{standing.told} is away since: {facts.away}"
    if not facts.messages or _arrived(standing, facts):
        return None
    error = next((one.error for one in facts.messages if one.error), "no channel has taken it")
    if all(one.state == "dead" for one in facts.messages):
        return f"{standing.told} cannot be reached: {error}"
    if now - standing.told_at >= unreachable:
        return f"{standing.told} is not reached within {show_duration(unreachable)}: {error}"
    return None


def _arrived(standing: Standing, facts: Facts) -> bool:
    return standing.told_at is None or any(one.state == "sent" for one in facts.messages)


def _length(standing: Standing, now: datetime) -> timedelta:
    return timedelta(seconds=round((now - (standing.told_at or now)).total_seconds()))


def steps(file: OnCallFile, policy: Escalation, within: tuple[str, ...] = ()) -> tuple[Step, ...]:
    """The steps with those of other policies put in their places; a policy within itself, which is refused when the file
    is read, adds nothing."""
    found: list[Step] = []
    for step in policy.steps:
        if step.policy is None:
            found.append(step)
        elif step.policy not in (*within, policy.name) and step.policy in file.escalation:
            found += steps(file, file.escalation[step.policy], (*within, policy.name))
    return tuple(found)


def begun(policy: Escalation, now: datetime, opened_at: datetime, after_round: int = -1) -> Standing:
    """An escalation at its beginning; `after_round` is the last round that an earlier one of this alert had."""
    first = after_round + 1
    return Standing(RUNNING, 0, first, first + policy.repeat, max(now, opened_at + policy.after))


def advanced(standing: Standing, chain: Sequence[Step]) -> Standing:
    """With the next step in turn: of this round, of the next one, or the catch-all."""
    if standing.step + 1 < len(chain):
        return replace(standing, step=standing.step + 1)
    if standing.round < standing.last_round:
        return replace(standing, step=0, round=standing.round + 1)
    return replace(standing, step=len(chain))
