"""Arrival watched by itself: which file was due when, what came of it, and a word on each file that is not as it should be.

A party's file of a business day is *expected* until it is due, then *missing*; it comes *on_time* (at the due instant at
the latest) or *late*. It is *twice* when a second file came for the same party and day, with the same content or another,
and *changed* when other content came under the same path after the first. The worst holds: changed, twice, late, on_time.
That yesterday's content came again as today's is no matter of arrival: its rows and its manifest name the wrong day.

Indicators (samples of the control's target, labels control, party and business_day, 0 or 1):
`reconciliation.arrival.missing`, `.late`, `.changed`, `.twice`. While a file is expected nothing is known and nothing is
said; a missing file is missing = 1 alone.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from core.model import Indicator, Kind, Sample, labels_of
from core.store.tables.reconciliation import file_delivery
from core.store.upsert import upsert

SETTLE: Final = timedelta(seconds=10)
"""A file that was written to within this time may still be growing, and is looked at later."""
_OWNER: Final = "revenue assurance"
_CONTROLS_AT_ONCE: Final = 500


class State(StrEnum):
    """What became of one expected file."""

    EXPECTED = "expected"
    ON_TIME = "on_time"
    LATE = "late"
    MISSING = "missing"
    TWICE = "twice"
    CHANGED = "changed"


TOLD: Final = (State.MISSING, State.LATE, State.CHANGED, State.TWICE)
INDICATORS: Final = tuple(
    Indicator(f"reconciliation.arrival.{state}", "1", Kind.GAUGE, "reconciliation", words, _OWNER)
    for state, words in zip(
        TOLD,
        (
            "1 when a party's file of a business day did not come in time and is not there yet",
            "1 when a party's file of a business day came after it was due",
            "1 when a party's file of a business day was replaced after it had come",
            "1 when a party delivered more than one file for a business day",
        ),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One file that one party owes one control for one business day."""

    control: str
    party: str
    business_day: date
    path: str  # as the control writes it, with the day put in
    due_at: datetime  # aware


@dataclass(frozen=True, slots=True)
class Delivery:
    """One content that was seen at one path."""

    control: str
    party: str
    business_day: date
    path: str
    sha256: str
    size_bytes: int
    arrived_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """The state of one expected file with its reason, and all that is wrong with it, of which the state is the worst."""

    expectation: Expectation
    state: State
    reason: str
    faults: frozenset[State] = frozenset()
    arrived_at: datetime | None = None
    deliveries: tuple[Delivery, ...] = ()  # in the order in which they arrived


def state(expectation: Expectation, deliveries: Iterable[Delivery], now: datetime) -> Arrival:
    """What became of the file by `now`; deliveries of others may be among them, and their order does not matter."""
    mine = sorted(
        (each for each in deliveries if _key(each) == _key(expectation)),
        key=lambda each: (each.arrived_at, each.seen_at, each.path, each.sha256),
    )
    due = f"{expectation.due_at:%Y-%m-%d %H:%M %Z}"
    what = f"The {expectation.party} file of {expectation.business_day}"
    if not mine:
        if now <= expectation.due_at:
            return Arrival(expectation, State.EXPECTED, f"{what} is due at {due}.")
        reason = f"{what} was due at {due} and is not there; {expectation.path} is looked for. Ask {expectation.party} for it."
        return Arrival(expectation, State.MISSING, reason, frozenset({State.MISSING}))
    first = mine[0]
    came = f"{first.arrived_at.astimezone(expectation.due_at.tzinfo):%Y-%m-%d %H:%M %Z}"
    lateness = first.arrived_at - expectation.due_at
    if lateness > timedelta():
        found = {State.LATE: f"{what} came at {came}, {_length(lateness)} after it was due."}
    else:
        found = {State.ON_TIME: f"{what} came at {came}; it was due at {due}."}
    if (twice := _twice(mine, what)) is not None:
        found[State.TWICE] = twice
    if (changed := _changed(mine, what)) is not None:
        found[State.CHANGED] = changed
    worst = next(each for each in (State.CHANGED, State.TWICE, State.LATE, State.ON_TIME) if each in found)
    reasons = [found[worst], *(words for each, words in found.items() if each not in (worst, State.ON_TIME))]
    faults = frozenset(found) - {State.ON_TIME}
    return Arrival(expectation, worst, " ".join(reasons), faults, first.arrived_at, tuple(mine))


def _key(of: Expectation | Delivery) -> tuple[str, str, date]:
    return of.control, of.party, of.business_day


def _twice(mine: Sequence[Delivery], what: str) -> str | None:
    paths = sorted({each.path for each in mine})
    if len(paths) < 2:
        return None
    contents = [{each.sha256 for each in mine if each.path == path} for path in paths]
    alike = "with the same content" if set.intersection(*contents) else "with different content"
    return f"{what} came more than once, {alike}: {', '.join(paths)}. Ask the sender which one holds."


def _changed(mine: Sequence[Delivery], what: str) -> str | None:
    by_path: defaultdict[str, list[Delivery]] = defaultdict(list)
    for each in mine:
        by_path[each.path].append(each)
    words = [
        f"{what} changed after it had come: {path} had {several[0].size_bytes:,} bytes"
        f" ({several[0].sha256[:12]}) and now {several[-1].size_bytes:,} ({several[-1].sha256[:12]})."
        for path, several in sorted(by_path.items())
        if len(several) > 1
    ]
    return f"{' '.join(words)} Ask the sender why, and run the day again." if words else None


def _length(of: timedelta) -> str:
    minutes, seconds = divmod(int(of.total_seconds()), 60)
    if not minutes:
        return f"{seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


@dataclass(frozen=True, slots=True)
class Look:
    """A file as it stands at one moment; with the same print it was not written to in between."""

    path: Path
    fingerprint: tuple[int, int, int, int]  # inode, bytes, and the times of content and of inode in ns
    sha256: str
    modified_at: datetime


Known = MutableMapping[Path, Look]
"""What a process has looked at before, so that a file is read again only after it was touched. It may be lost."""


def look(path: Path, now: datetime, known: Known | None = None) -> Look | None:
    """The file and its SHA-256, read only when it is not known; None when it is not there or may still be growing."""
    before = _fingerprint(path)
    if before is None:
        return None
    modified_at = datetime.fromtimestamp(before[2] / 1e9, UTC)
    if timedelta() <= now - modified_at < SETTLE:
        return None
    if known is not None and path in known and known[path].fingerprint == before:
        return known[path]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if _fingerprint(path) != before:
        return None  # written to while it was read
    found = Look(path, before, digest, modified_at)
    if known is not None:
        known[path] = found
    return found


def _fingerprint(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def record(connection: Connection, expectation: Expectation, looked: Look, now: datetime, home: Path = Path()) -> bool:
    """Keep a delivery unless it is kept already; whether it is a new one. A file's time in the future counts as now."""
    path = looked.path.relative_to(home) if looked.path.is_relative_to(home) else looked.path
    added = connection.execute(
        upsert(connection, file_delivery)
        .values(
            control=expectation.control,
            party=expectation.party,
            business_day=expectation.business_day.isoformat(),
            path=path.as_posix(),
            sha256=looked.sha256,
            size_bytes=looked.fingerprint[1],
            arrived_at=min(looked.modified_at, now),
            seen_at=now,
        )
        .on_conflict_do_nothing()
        .returning(file_delivery.c.id)
    )
    return added.first() is not None


def observe(
    connection: Connection,
    expectation: Expectation,
    path: Path,
    now: datetime,
    *,
    home: Path = Path(),
    known: Known | None = None,
) -> bool:
    """Look at a file and keep it as a delivery; whether it is a new one. Large files: `look` first, `record` afterwards.

    `known` is kept by the caller between its looks: a file whose size, times and inode are in it is not read again.
    """
    looked = look(path, now, known)
    return looked is not None and record(connection, expectation, looked, now, home)


def copies(path: Path) -> list[Path]:
    """Files beside an expected one whose names say that they are the same delivered again.

    `a.csv` is delivered again as `a (1).csv`, `a_2.csv`, `a-copy.csv`, `a.csv.1`, `a.csv.gz`; what a fetch leaves beside
    a file, and manifests, are none.
    """
    stem, dot, rest = path.name.partition(".")
    number = r"(?:[ _-]?\(\d+\)|[ _-]\d{1,2}|[ _-]?copy(?:[ _-]?\d+)?)"
    pattern = re.compile(
        rf"(?:{re.escape(stem)}{number}{re.escape(dot + rest)}|{re.escape(path.name)}\.(?:\d{{1,2}}|gz|zip))",
        re.IGNORECASE,
    )
    if not path.parent.is_dir():
        return []
    return sorted(each for each in path.parent.iterdir() if pattern.fullmatch(each.name) and each.is_file())


def arrivals(connection: Connection, expectations: Sequence[Expectation], now: datetime) -> list[Arrival]:
    """What became of each expected file, in the order of the expectations."""
    if not expectations:
        return []
    controls = sorted({each.control for each in expectations})
    days = sorted({each.business_day.isoformat() for each in expectations})
    found: defaultdict[tuple[str, str, date], list[Delivery]] = defaultdict(list)
    for start in range(0, len(controls), _CONTROLS_AT_ONCE):
        query = select(file_delivery).where(
            file_delivery.c.control.in_(controls[start : start + _CONTROLS_AT_ONCE]),
            file_delivery.c.business_day.between(days[0], days[-1]),
        )
        for row in connection.execute(query):
            delivery = Delivery(
                row.control,
                row.party,
                date.fromisoformat(row.business_day),
                row.path,
                row.sha256,
                row.size_bytes,
                row.arrived_at,
                row.seen_at,
            )
            found[_key(delivery)].append(delivery)
    return [state(each, found[_key(each)], now) for each in expectations]


def samples(found: Iterable[Arrival], at_ms: int) -> list[Sample]:
    """The arrivals as samples at one instant (milliseconds since the epoch, UTC), each business day its own series."""
    told = []
    for arrival in found:
        if arrival.state is State.EXPECTED:
            continue
        of = arrival.expectation
        labels = labels_of({"control": of.control, "party": of.party, "business_day": of.business_day.isoformat()})
        states = (State.MISSING,) if arrival.state is State.MISSING else TOLD
        told += [
            Sample(f"reconciliation.arrival.{each}", float(each in arrival.faults), at_ms, labels) for each in states
        ]
    return told
