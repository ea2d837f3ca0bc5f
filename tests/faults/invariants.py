"""What must hold of a store and of what a receiver got, whenever and wherever the pipeline was killed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, func, select

from core.store.open import reading
from core.store.tables import alert, check_result, delivery, sample, series, ticket, transition
from tests.alerts.receivers import Got

WINDOW = re.compile(r"of the last \d+ samples")
Rows = list[tuple[Any, ...]]


def faults(engine: Engine, got: Sequence[Got], kills: int) -> list[str]:
    """Every broken invariant as a sentence; empty when all hold. `kills`: how often the pipeline was killed so far."""
    return [*_one_open_occurrence(engine), *_transitions_have_samples(engine), *_messages(engine, got, kills)]


def _one_open_occurrence(engine: Engine) -> list[str]:
    found = []
    with reading(engine) as connection:
        doubled = select(alert.c.fingerprint).where(alert.c.resolved_at.is_(None))
        doubled = doubled.group_by(alert.c.fingerprint).having(func.count() > 1)
        found += [f"fingerprint {row[0]} is open more than once" for row in connection.execute(doubled)]
        per_alert = select(ticket.c.alert_id).where(ticket.c.alert_id.is_not(None))
        per_alert = per_alert.group_by(ticket.c.alert_id).having(func.count() > 1)
        found += [f"alert {row[0]} has more than one ticket" for row in connection.execute(per_alert)]
        ticketed = select(alert.c.fingerprint).join_from(ticket, alert, alert.c.id == ticket.c.alert_id)
        without = select(alert.c.fingerprint).where(alert.c.fingerprint.not_in(ticketed)).distinct()
        found += [f"fingerprint {row[0]} has no ticket" for row in connection.execute(without)]
    return found


def _transitions_have_samples(engine: Engine) -> list[str]:
    """A transition names the instant of the sample that brought it; that sample is stored."""
    join = (sample.c.series_id == transition.c.series_id) & (sample.c.at_ms == transition.c.at_ms)
    query = select(transition.c.id, transition.c.check_name, transition.c.reason).outerjoin(sample, join)
    query = query.where(transition.c.value.is_not(None), sample.c.value.is_(None))
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    return [f"transition {row.id} of {row.check_name} ({row.reason}) has no sample" for row in rows]


def _messages(engine: Engine, got: Sequence[Got], kills: int) -> list[str]:
    """Each message of the outbox arrived, at most once more for each kill, and nothing else arrived."""
    with reading(engine) as connection:
        states = {row.key: row.state for row in connection.execute(select(delivery.c.key, delivery.c.state))}
    times = Counter(one.key for one in got)
    found = [f"message {key} is {state}, not sent" for key, state in states.items() if state != "sent"]
    found += [f"message {key} never arrived" for key in states if not times[key]]
    found += [f"message {key} arrived and is not in the outbox" for key in times if key not in states]
    doubles = sum(count - 1 for count in times.values())
    if doubles > kills:
        found.append(f"{doubles} messages arrived again after {kills} kills; one send is in flight at each")
    told: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for one in got:
        alerts = sorted((a["fingerprint"], a["startsAt"], a["status"]) for a in one.body["alerts"])
        told[one.body["groupKey"], tuple(alerts)].add(one.key)
    found += [f"{what} was told under {len(keys)} keys" for what, keys in told.items() if len(keys) > 1]
    return found


def judged(engine: Engine, indicator: str) -> tuple[Rows, Rows]:
    """Current results and transitions of one indicator, by check and labels, as comparable rows."""
    with reading(engine) as connection:
        now = select(check_result.c.check_name, series.c.labels, check_result.c.status, check_result.c.held)
        now = now.add_columns(check_result.c.value, check_result.c.reason, check_result.c.since_ms)
        now = now.join_from(check_result, series, series.c.id == check_result.c.series_id)
        results = connection.execute(now.where(series.c.indicator == indicator)).all()
        moved = select(transition.c.check_name, series.c.labels, transition.c.old, transition.c.new)
        moved = moved.add_columns(transition.c.value, transition.c.reason, transition.c.at_ms)
        moved = moved.join_from(transition, series, series.c.id == transition.c.series_id)
        changes = connection.execute(moved.where(series.c.indicator == indicator)).all()
    return _comparable(results), _comparable(changes)


def _comparable(rows: Sequence[Any]) -> Rows:
    """Sorted, without how many samples a window held: a board that begins anew may see older harmless ones again."""
    return sorted((row[0], tuple(sorted(row[1].items())), *(_plain(value) for value in row[2:])) for row in rows)


def _plain(value: Any) -> Any:
    return WINDOW.sub("of the last samples", value) if isinstance(value, str) else value
