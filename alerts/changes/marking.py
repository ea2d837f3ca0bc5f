"""Which alerts a change explains: those on its targets, or on what stands on them, that opened inside its window.

An alert is marked, never muted: it goes to whom it goes, and says `change 17`. Marks are derived from rows whenever they
are asked for, so a change that is planned late marks what opened before, and one that is cancelled takes its mark away.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select

from alerts.labels import CHANGE_MARK
from alerts.pushes import TARGET_LABELS
from core.model import Finding, Status, labels_of
from core.store.tables import planned_change, target

MARKING: Final = ("approved", "running", "done", "backed_out", "failed")
"""States of changes that explain alerts: a planned one may never be done."""
PORT: Final = re.compile(r":[0-9]{1,5}\Z")
"""What pushed alerts write after the name of a target: `db-1:9100`."""
LONGEST: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Window:
    """When and on what a change is at work; it ends with its result, and without one with its window."""

    change: int
    title: str
    state: str
    starts_at: datetime
    ends_at: datetime
    targets: frozenset[str]  # its own, and everything that stands on them


def window_end(state: str, ends_at: datetime, ended_at: datetime | None) -> datetime:
    """When the work of a change ended, else when its window does."""
    return ended_at if ended_at is not None and state in ("done", "backed_out", "failed") else ends_at


def windows(connection: Connection, start: datetime, end: datetime) -> list[Window]:
    """The windows that touch the time between two instants, by their begin."""
    query = select(planned_change).where(
        planned_change.c.state.in_(MARKING),
        planned_change.c.starts_at < end,
        planned_change.c.starts_at > start - 2 * LONGEST,
    )
    rows = connection.execute(query.order_by(planned_change.c.starts_at, planned_change.c.id)).all()
    touching = [row for row in rows if window_end(row.state, row.ends_at, row.ended_at) > start]
    if not touching:
        return []
    parents = _parents(connection)
    return [
        Window(
            row.id,
            f"{row.requirement} {row.title}",
            row.state,
            min(row.starts_at, row.began_at or row.starts_at),
            window_end(row.state, row.ends_at, row.ended_at),
            dependents(row.targets, parents),
        )
        for row in touching
    ]


def explained_by(name: str, opened_at: datetime, found: Iterable[Window]) -> list[int]:
    """The numbers of the changes that explain an alert about that target which opened then."""
    names = {name, PORT.sub("", name)}
    return [one.change for one in found if names & one.targets and one.starts_at <= opened_at < one.ends_at]


def dependents(names: Collection[str], parents: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """These targets and everything that runs on them or depends on them, however far up."""
    children: defaultdict[str, list[str]] = defaultdict(list)
    for child, above in parents.items():
        for parent in above:
            children[parent].append(child)
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += children[name]
    return frozenset(found)


def marked(connection: Connection, findings: Sequence[Finding], now: datetime) -> Sequence[Finding]:
    """The findings that open an alert inside a window, with the number of the change as an annotation for messages."""
    if not any(finding.new in (Status.WARNING, Status.CRITICAL, Status.UNKNOWN) for finding in findings):
        return findings
    found = windows(connection, now, now + timedelta(milliseconds=1))
    if not found:
        return findings
    return [_marked(finding, explained_by(finding.target.name, now, found)) for finding in findings]


def _marked(finding: Finding, changes: Sequence[int]) -> Finding:
    if not changes:
        return finding
    named = {**dict(finding.annotations), CHANGE_MARK: ", ".join(str(number) for number in changes)}
    return replace(finding, annotations=labels_of(named))


def pushed_mark(connection: Connection, now: datetime) -> Callable[[Mapping[str, str]], dict[str, str]]:
    """What a pushed alert that opens now is marked with, as an annotation: which target it is about stands in its labels,
    in any of TARGET_LABELS, with a port or without."""
    found = windows(connection, now, now + timedelta(milliseconds=1))

    def mark(labels: Mapping[str, str]) -> dict[str, str]:
        names = {labels[name] for name in TARGET_LABELS if labels.get(name)} if found else set()
        numbers = {number for name in names for number in explained_by(name, now, found)}
        return {CHANGE_MARK: ", ".join(str(number) for number in sorted(numbers))} if numbers else {}

    return mark


def _parents(connection: Connection) -> dict[str, list[str]]:
    query = select(target.c.name, target.c.runs_on, target.c.depends_on).where(target.c.retired_at.is_(None))
    return {row.name: [*row.runs_on, *row.depends_on] for row in connection.execute(query)}
