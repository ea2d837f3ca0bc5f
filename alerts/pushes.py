"""The life of a pushed alert: opened or renewed by each push of it, resolved by one that says so, or when none comes.

A push that overlaps the open occurrence is merged into it (earliest start, latest annotations, latest end), one that
does not begins another occurrence. Whoever pushes must push again: an alert whose end passes is resolved, because that
is what its sender's protocol means by silence, and the reason says that nobody said so. Severity is the label
`severity`; a value that is none of ours counts as warning, and the label stays.
Sources: types/types.go (Merge) and provider/mem of Prometheus Alertmanager.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from alerts import occurrences
from alerts.labels import CHANGE_MARK, LONGEST_TARGET
from alerts.lifecycle import FIRING, RESOLVED, Changes, changes_of
from alerts.occurrences import Occurrence, chunks
from alerts.pushed import CLASH, Pushed, Refusal
from alerts.severity import RANK, WARNING
from core.duration import show_duration
from core.store.tables import alert, pushed_alert

WHO = "alerts"
TARGET_LABELS = ("target", "instance", "host", "node", "service", "job")
"""The first of these that a pushed alert has says what it is about."""
LAPSED_AT_ONCE = 5_000
Mark = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Annotations for a pushed alert that opens, from its labels."""


@dataclass(frozen=True, slots=True)
class Span:
    """How long a pushed alert holds: until `ends_at`, which its sender gave unless `timeout`."""

    starts_at: datetime
    ends_at: datetime
    timeout: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a push does: end the open occurrence at `ended_at`, and leave or open one with `span`; and why."""

    why: str
    ended_at: datetime | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a push: the alerts that changed, how many were only renewed, and what could not be taken after all."""

    changes: Changes
    refused: tuple[Refusal, ...] = ()


@dataclass(slots=True)
class _Held:
    """An open occurrence with its span, while a batch is being taken."""

    occurrence: Occurrence
    span: Span
    generator_url: str
    began_at: datetime  # as it stands in the store
    url_changed: bool = False
    foreign: bool = False  # it was not pushed: a check of ours opened it


def decide(current: Span | None, push: Span, now: datetime) -> Verdict:
    """What a push does to the open occurrence of its alert, or to the lack of one. Pure."""
    over = push.ends_at <= now
    if current is None:
        if over:
            return Verdict("it had ended before it was pushed, and no alert is open for it")
        return Verdict("nobody had pushed it before, or it was resolved", span=_begun(push, now))
    if push.ends_at < current.starts_at:
        return Verdict("it speaks of a time before the open occurrence, which stays as it is")
    if current.ends_at <= now and push.starts_at > current.ends_at:
        span = None if over else _begun(push, now)
        return Verdict(_lapse_reason(current), ended_at=current.ends_at, span=span)
    if over:
        late = current.ends_at <= now and current.ends_at > push.ends_at
        return Verdict("its sender says that it is over", ended_at=current.ends_at if late else push.ends_at)
    return Verdict("it was pushed again", span=_merged(current, push))


def _begun(push: Span, now: datetime) -> Span:
    return replace(push, starts_at=min(push.starts_at, now))


def _merged(current: Span, push: Span) -> Span:
    """Earliest start; the later end, but one that nobody gave gives way to the newer."""
    keeps = not current.timeout and current.ends_at > push.ends_at
    last = current if keeps else push
    return Span(min(current.starts_at, push.starts_at), last.ends_at, last.timeout)


def take(
    connection: Connection, pushed: Sequence[Pushed], who: str, now: datetime, mark: Mark = lambda labels: {}
) -> Taken:
    """Bring the alerts up to date with a push, in its order, in the caller's transaction; few statements for all.

    An alert that opens is given the annotations of `mark` besides its own, and keeps them while it is open."""
    held = _load(connection, {one.fingerprint for one in pushed})
    touched: dict[int, _Held] = {}  # by id of the object: changed in what the table of alerts holds
    renewed: dict[int, _Held] = {}
    refused: list[Refusal] = []
    for one in pushed:
        current = held.get(one.fingerprint)
        if current is not None and not _same(current, one):
            refused.append(_clash(one))
            continue
        push = Span(one.starts_at, one.ends_at, one.timeout)
        verdict = decide(None if current is None else current.span, push, now)
        if verdict.ended_at is not None and current is not None:
            _end(current, verdict.ended_at, verdict.why, who, now)
            touched[id(current)] = renewed[id(current)] = current
            del held[one.fingerprint]
            current = None
        if verdict.span is None:
            continue
        if current is None:
            current = held[one.fingerprint] = _open(one, mark(one.labels), verdict.span, who, now)
            touched[id(current)] = current
        elif _renew(current, one, verdict.span, now):
            touched[id(current)] = current
        renewed[id(current)] = current
    _save(connection, list(touched.values()), list(renewed.values()), who, now)
    return Taken(changes_of([one.occurrence for one in touched.values()]), tuple(refused))


def lapse(connection: Connection, now: datetime) -> Changes:
    """Resolve the pushed alerts whose end has passed without another push of them; some thousands at a time."""
    query = select(alert.c.fingerprint).join(pushed_alert, pushed_alert.c.alert_id == alert.c.id)
    query = query.where(pushed_alert.c.due_at <= now).order_by(pushed_alert.c.due_at).limit(LAPSED_AT_ONCE)
    names = list(connection.scalars(query))
    if not names:
        return Changes()
    over = list(_load(connection, names).values())
    for one in over:
        _end(one, one.span.ends_at, _lapse_reason(one.span), WHO, now)
    _save(connection, over, over, None, now)
    return changes_of([one.occurrence for one in over])


def _lapse_reason(span: Span) -> str:
    if span.timeout:
        return "its sender gave no end and fell silent for longer than resolve_timeout; nobody said that it is over"
    at = span.ends_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"the end that its sender gave, {at}, passed without another push; nobody said that it is over"


def _load(connection: Connection, names: Sequence[str] | set[str]) -> dict[str, _Held]:
    """The open occurrences of these fingerprints, locked."""
    found = occurrences.load_open(connection, names)
    rows: dict[int, Any] = {}
    for chunk in chunks(one.saved_id for one in found.values()):
        query = select(pushed_alert).where(pushed_alert.c.alert_id.in_(chunk))
        rows.update((row.alert_id, row) for row in connection.execute(query))
    held = {}
    for name, one in found.items():
        row = rows.get(one.saved_id)
        span = Span(one.opened_at, one.opened_at if row is None else row.due_at, row is not None and row.timeout)
        held[name] = _Held(one, span, row.generator_url if row else "", one.opened_at, foreign=row is None)
    return held


def _same(current: _Held, one: Pushed) -> bool:
    return not current.foreign and current.occurrence.labels == one.labels


def _clash(one: Pushed) -> Refusal:
    sentence = f"another open alert has the fingerprint {one.fingerprint} and other labels; change a label of this one"
    return Refusal(f"alerts[{one.place}].labels", CLASH, sentence)


def _open(one: Pushed, mark: Mapping[str, str], span: Span, who: str, now: datetime) -> _Held:
    stated = one.labels.get("severity", "")
    severity = stated if stated in RANK else WARNING
    said = one.annotations.get("summary") or one.annotations.get("description") or "no summary was pushed with it"
    mapped = f" (its label says severity={stated})" if stated and stated != severity else ""
    occurrence = Occurrence(
        id=None,
        fingerprint=one.fingerprint,
        check_name=one.labels.get("alertname") or "unnamed",
        series_id=None,
        target=target_of(one.labels),
        opened_at=span.starts_at,
        demo=False,
        state=FIRING,
        severity=severity,
        updated_at=now,
        labels=dict(one.labels),
        annotations={**mark, **one.annotations},
    )
    occurrence.events.append((now, "opened", who, f"{severity}{mapped}: {said}"))
    return _Held(occurrence, span, one.generator_url, span.starts_at)


def target_of(labels: Mapping[str, str]) -> str:
    """What a pushed alert is about, cut to what can be indexed: one of TARGET_LABELS, else its name."""
    found = next((labels[name] for name in TARGET_LABELS if labels.get(name)), labels.get("alertname") or "unnamed")
    return found[:LONGEST_TARGET]


def _renew(current: _Held, one: Pushed, span: Span, now: datetime) -> bool:
    """Merge a push; whether that changes more than the end."""
    occurrence = current.occurrence
    earlier = span.starts_at < current.span.starts_at
    annotations = {**_kept_mark(occurrence), **one.annotations}
    changed = earlier or occurrence.annotations != annotations
    current.span = span
    if one.generator_url and one.generator_url != current.generator_url:
        current.generator_url, current.url_changed = one.generator_url, True
    if changed:
        occurrence.annotations, occurrence.opened_at, occurrence.updated_at = annotations, span.starts_at, now
    return changed


def _kept_mark(occurrence: Occurrence) -> dict[str, str]:
    """The mark that the alert was given when it opened; its sender knows nothing of it."""
    mark = occurrence.annotations.get(CHANGE_MARK, "")
    return {CHANGE_MARK: mark} if mark and not set(mark) - set("0123456789, ") else {}


def _end(current: _Held, ended_at: datetime, why: str, who: str, now: datetime) -> None:
    occurrence = current.occurrence
    lasted = timedelta(seconds=max(0, round((ended_at - occurrence.opened_at).total_seconds())))
    occurrence.state, occurrence.updated_at = RESOLVED, now
    occurrence.resolved_at = max(occurrence.opened_at, min(now, ended_at))
    occurrence.events.append((now, "resolved", who, f"{why}; it was open for {show_duration(lasted)}"))


def _save(
    connection: Connection, touched: Sequence[_Held], renewed: Sequence[_Held], who: str | None, now: datetime
) -> None:
    """Write what changed; `who` is none when it was nobody's push."""
    new = {id(one) for one in touched if one.occurrence.id is None}
    occurrences.save(connection, [one.occurrence for one in touched], now)
    moved = [one for one in touched if id(one) not in new and one.occurrence.opened_at != one.began_at]
    if moved:
        statement = update(alert).where(alert.c.id == bindparam("number")).values(opened_at=bindparam("began"))
        rows = [{"number": one.occurrence.saved_id, "began": one.occurrence.opened_at} for one in moved]
        connection.execute(statement, rows)
    fresh = [_row(one, who, now) for one in renewed if id(one) in new]
    if fresh:
        connection.execute(insert(pushed_alert), fresh)
    _renew_rows(connection, [one for one in renewed if id(one) not in new], who, now)


def _renew_rows(connection: Connection, held: Sequence[_Held], who: str | None, now: datetime) -> None:
    """Write the new ends: those of one sender are mostly the same instant, so this is a statement an end."""
    alike: dict[tuple[datetime | None, bool], list[int]] = {}
    for one in held:
        row = _row(one, who, now)
        alike.setdefault((row["due_at"], row["timeout"]), []).append(row["alert_id"])
    by = {} if who is None else {"pushed_at": now, "pushed_by": who}
    for (due_at, timeout), ids in alike.items():
        for chunk in chunks(ids):
            statement = update(pushed_alert).where(pushed_alert.c.alert_id.in_(chunk))
            connection.execute(statement.values(due_at=due_at, timeout=timeout, **by))
    moved = [{"number": one.occurrence.saved_id, "url": one.generator_url} for one in held if one.url_changed]
    if moved:
        statement = update(pushed_alert).where(pushed_alert.c.alert_id == bindparam("number"))
        connection.execute(statement.values(generator_url=bindparam("url")), moved)


def _row(one: _Held, who: str | None, now: datetime) -> dict[str, Any]:
    return {
        "alert_id": one.occurrence.saved_id,
        "due_at": None if one.occurrence.resolved_at is not None else one.span.ends_at,
        "timeout": one.span.timeout,
        "generator_url": one.generator_url,
        "pushed_at": now,
        "pushed_by": who,
    }
