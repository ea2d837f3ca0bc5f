"""The life of an alert: opened, changing severity, losing its data and finding it again, resolved. All of it is rows.

One condition (fingerprint) has at most one open occurrence. UNKNOWN never resolves: an open alert whose series stops
stays open in the state `unknown`, and only an absence check (`unknown_alerts`) opens an alert for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from alerts import labels, occurrences
from alerts.occurrences import Occurrence
from alerts.severity import UNKNOWN
from core.model import Finding, Status

FIRING = "firing"
SUSPENDED = "unknown"
RESOLVED = "resolved"
WHO = "alerts"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a condition: its state and severity afterwards, and the events, each with its reason in words.

    No events: nothing changes, and `why` says why not. `state` is none when no alert is open and none opens.
    """

    state: str | None
    severity: str
    events: tuple[tuple[str, str], ...]
    why: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Ids of the alerts that a batch of findings touched; one that opened and resolved within the batch is in both."""

    opened: tuple[int, ...] = ()
    moved: tuple[int, ...] = ()  # their severity changed
    resolved: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()  # all of the above, and those that lost or found their data

    def __add__(self, other: Changes) -> Changes:
        """Both, in this order."""
        return Changes(
            self.opened + other.opened,
            self.moved + other.moved,
            self.resolved + other.resolved,
            self.changed + other.changed,
        )


def decide(current: Occurrence | None, finding: Finding, now: datetime) -> Decision:
    """What the finding does to the open occurrence of its condition, or to the lack of one. Pure."""
    status, reason = finding.new, finding.result.reason
    if current is None:
        return _decide_closed(finding)
    if status is Status.OK:
        lasted = timedelta(seconds=max(0, round((now - current.opened_at).total_seconds())))
        return Decision(RESOLVED, current.severity, (("resolved", f"{reason}; it was open for {lasted}"),), reason)
    if status is Status.UNKNOWN:
        return _decide_unknown(current, finding)
    events = []
    if current.state == SUSPENDED:
        events.append(("known", f"its data is back: {reason}"))
    if current.severity != status.value:
        events.append(("severity", f"{current.severity} -> {status.value}: {reason}"))
    why = reason if events else f"it is open as {current.severity} already"
    return Decision(FIRING, status.value, tuple(events), why)


def _decide_closed(finding: Finding) -> Decision:
    status, reason = finding.new, finding.result.reason
    if status is Status.OK:
        return Decision(None, "", (), "no alert is open for it")
    if status is Status.UNKNOWN and not finding.unknown_alerts:
        return Decision(None, "", (), "there is nothing to judge, and this check does not alert on that")
    return Decision(FIRING, status.value, (("opened", f"{status.value}: {reason}"),), reason)


def _decide_unknown(current: Occurrence, finding: Finding) -> Decision:
    if current.state == SUSPENDED or current.severity == UNKNOWN:
        return Decision(current.state, current.severity, (), "it is open without data already")
    reason = f"its series stopped, so it stays open: {finding.result.reason}"
    return Decision(SUSPENDED, current.severity, (("unknown", reason),), reason)


def apply(connection: Connection, findings: Sequence[Finding], now: datetime) -> Changes:
    """Bring the alerts up to date with findings, in their order, in the caller's transaction."""
    if not findings:
        return Changes()
    names = [labels.fingerprint_of(finding) for finding in findings]
    current = occurrences.load_open(connection, names)
    touched: list[Occurrence] = []
    for name, finding in zip(names, findings, strict=True):
        occurrence = current.get(name)
        decision = decide(occurrence, finding, now)
        if not decision.events or decision.state is None:
            continue
        if occurrence is None:
            occurrence = current[name] = _open(name, finding, now)
        if not occurrence.events:
            touched.append(occurrence)
        _change(occurrence, finding, decision, now)
        if decision.state == RESOLVED:
            del current[name]
    occurrences.save(connection, touched, now)
    return changes_of(touched)


def _open(name: str, finding: Finding, now: datetime) -> Occurrence:
    return Occurrence(
        id=None,
        fingerprint=name,
        check_name=finding.check,
        series_id=finding.series_id,
        target=finding.target.name,
        opened_at=min(now, _at(finding)),
        demo=finding.target.demo,
    )


def _change(occurrence: Occurrence, finding: Finding, decision: Decision, now: datetime) -> None:
    """Write a decision onto the occurrence in memory."""
    occurrence.state = decision.state or FIRING
    occurrence.severity = decision.severity
    occurrence.value = finding.result.value
    occurrence.updated_at = now
    occurrence.events += [(now, kind, WHO, detail) for kind, detail in decision.events]
    if decision.state == RESOLVED:
        occurrence.resolved_at = max(occurrence.opened_at, min(now, _at(finding)))
        occurrence.annotations = {**occurrence.annotations, "reason": finding.result.reason}
    else:
        occurrence.labels = labels.labels_for(finding, decision.severity)
        occurrence.annotations = labels.annotations_for(finding)


def changes_of(touched: Sequence[Occurrence]) -> Changes:
    """What happened to these occurrences, which are saved, by the events that they got."""
    kinds = [(one.saved_id, {kind for _, kind, _, _ in one.events}) for one in touched]
    return Changes(
        opened=tuple(number for number, seen in kinds if "opened" in seen),
        moved=tuple(number for number, seen in kinds if "severity" in seen),
        resolved=tuple(number for number, seen in kinds if "resolved" in seen),
        changed=tuple(number for number, _ in kinds),
    )


def _at(finding: Finding) -> datetime:
    return EPOCH + timedelta(milliseconds=finding.result.at_ms)
