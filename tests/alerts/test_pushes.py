"""The life of a pushed alert: merged, resolved, lapsed; in the store, with its groups and tickets like any other."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, update

from alerts import pipeline
from alerts.config import RoutesFile
from alerts.pushed import read
from alerts.pushes import Span, Taken, decide, target_of
from core.store.open import reading, writing
from core.store.tables import alert, alert_event, delivery, notify_group, pushed_alert, ticket
from tests.alerts.world import NOON, after, finding, routes, with_series

TIMEOUT = timedelta(minutes=5)
LABELS = {"alertname": "DiskFull", "instance": "db-1:9100", "severity": "critical"}


def span(starts: float, ends: float, timeout: bool = False) -> Span:
    """Minutes from noon."""
    return Span(after(minutes=starts), after(minutes=ends), timeout)


OPEN = span(-10, 5, timeout=True)
GIVEN = span(-10, 5)
CASES: list[tuple[str, Span | None, Span, tuple[float | None, Span | None]]] = [
    ("nothing is open and it fires", None, span(-1, 5), (None, span(-1, 5))),
    ("nothing is open and it had ended", None, span(-2, -1), (None, None)),
    ("nothing is open and it ends now", None, span(-2, 0), (None, None)),
    ("a start to come becomes now", None, span(3, 9), (None, span(0, 9))),
    ("pushed again: the newer end", OPEN, span(-10, 9), (None, span(-10, 9))),
    ("pushed again: an earlier start", OPEN, span(-12, 9), (None, span(-12, 9))),
    ("pushed again: a later start keeps the earlier", OPEN, span(-3, 9), (None, span(-10, 9))),
    ("a given later end is kept", GIVEN, span(-10, 3), (None, span(-10, 5))),
    ("an end by timeout gives way to an earlier one", OPEN, span(-10, 3), (None, span(-10, 3))),
    ("its sender says that it is over", OPEN, span(-10, -1), (-1, None)),
    ("over, with only an end", OPEN, span(-1, -1), (-1, None)),
    ("over before it began: of an earlier time", OPEN, span(-12, -11), (None, None)),
    ("it had lapsed unseen, and goes on", span(-10, -2), span(-10, 5), (None, span(-10, 5))),
    ("it had lapsed unseen, and another begins", span(-10, -2), span(-1, 5), (-2, span(-1, 5))),
    ("it had lapsed unseen, and another was short", span(-10, -4), span(-2, -1), (-4, None)),
    ("it had lapsed unseen, and was over before", span(-10, -2), span(-10, -3), (-2, None)),
    ("a start after the end that is to come is the same", OPEN, span(6, 9), (None, span(-10, 9))),
]


@pytest.mark.parametrize(("name", "current", "push", "expected"), CASES, ids=[case[0] for case in CASES])
def test_what_a_push_does(
    name: str, current: Span | None, push: Span, expected: tuple[float | None, Span | None]
) -> None:
    verdict = decide(current, push, NOON)
    ended, left = expected
    assert verdict.ended_at == (None if ended is None else after(minutes=ended))
    assert (verdict.span and (verdict.span.starts_at, verdict.span.ends_at)) == (
        left and (left.starts_at, left.ends_at)
    )
    assert verdict.why


spans = st.tuples(st.integers(-60, 60), st.integers(0, 60), st.booleans()).map(
    lambda parts: span(parts[0], parts[0] + parts[1], parts[2])
)


@given(st.one_of(st.none(), spans), spans)
def test_a_verdict_never_loses_what_fires(current: Span | None, push: Span) -> None:
    """A push that fires now leaves an alert open, unless it speaks of before the open one; none begins in the future."""
    if current is not None and current.starts_at > NOON:
        current = Span(NOON, max(NOON, current.ends_at), current.timeout)
    verdict = decide(current, push, NOON)
    if push.ends_at > NOON and not (current and push.ends_at < current.starts_at):
        assert verdict.span is not None
        assert verdict.span.ends_at > NOON
        assert verdict.span.starts_at <= NOON
    if verdict.ended_at is not None:
        assert current is not None
        assert verdict.ended_at <= NOON


class Desk:
    """A store that is pushed to."""

    def __init__(self, engine: Engine, file: RoutesFile | None = None) -> None:
        self.engine, self.file = engine, file or routes(group_wait="0s")

    def push(self, *alerts: Mapping[str, Any], at: datetime = NOON, who: str = "token:prometheus") -> Taken:
        found = read(orjson.dumps(alerts), at, TIMEOUT)
        assert found.refused == ()
        with writing(self.engine) as connection:
            return pipeline.push(connection, found.alerts, who, self.file, at)

    def tick(self, at: datetime) -> pipeline.Handled:
        with writing(self.engine) as connection:
            return pipeline.tick(connection, self.file, at)

    def rows(self, table: Any = alert) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.execute(select(table).order_by(*table.primary_key)))

    def events(self) -> list[tuple[str, str, str]]:
        return [(row.kind, row.who, row.detail) for row in self.rows(alert_event)]


def test_a_pushed_alert_goes_the_way_of_any_other(store: Engine) -> None:
    """Alert, event, group, message and ticket; renewed without a word; resolved by its sender."""
    file = routes(group_wait="0s", group_interval="1m", ticket={"kind": "fault", "priority": "high"})
    desk = Desk(store, file)
    pushed = {"labels": LABELS, "annotations": {"summary": "The disk is full"}, "startsAt": NOON}
    desk.push(pushed)
    (row,) = desk.rows()
    assert (row.check_name, row.target, row.severity, row.state) == ("DiskFull", "db-1:9100", "critical", "firing")
    assert row.labels == LABELS
    assert row.opened_at == NOON
    assert desk.events()[0] == ("opened", "token:prometheus", "critical: The disk is full")
    assert desk.rows(delivery) == []  # the pipeline makes the messages
    assert desk.tick(after(seconds=1)).deliveries == 1
    assert [one.title for one in desk.rows(ticket)] == ["The disk is full"]

    desk.push(pushed | {"annotations": {"summary": "Fuller"}}, at=after(minutes=1))
    (row,) = desk.rows()
    assert row.annotations == {"summary": "Fuller"}
    assert sum(kind == "opened" for kind, _, _ in desk.events()) == 1

    desk.push(pushed | {"endsAt": after(minutes=2)}, at=after(minutes=3))
    (row,) = desk.rows()
    assert (row.state, row.resolved_at) == ("resolved", after(minutes=2))
    assert desk.tick(after(minutes=4)).deliveries == 1
    assert desk.rows(delivery)[1].message["resolved"] == [row.id]
    assert desk.rows(ticket)[0].state == "closed"


def test_an_alert_whose_sender_falls_silent_is_resolved_and_says_so(store: Engine) -> None:
    """Without an end resolve_timeout after the latest push, with one at that end; never before, and only once."""
    desk = Desk(store)
    desk.push({"labels": LABELS}, {"labels": {**LABELS, "instance": "db-2"}, "endsAt": after(minutes=3)})
    desk.push({"labels": LABELS}, at=after(minutes=2))
    desk.tick(after(minutes=2, seconds=59))
    assert [row.state for row in desk.rows()] == ["firing", "firing"]
    desk.tick(after(minutes=3))
    desk.tick(after(minutes=6, seconds=59))
    assert [row.state for row in desk.rows()] == ["firing", "resolved"]
    assert desk.tick(after(minutes=7)).changed != ()
    assert desk.tick(after(minutes=7, seconds=1)).changed == ()
    resolved = [detail for kind, who, detail in desk.events() if kind == "resolved"]
    assert "the end that its sender gave, 2026-03-02 12:03:00 UTC, passed" in resolved[0]
    assert "fell silent for longer than resolve_timeout" in resolved[1]
    assert all("nobody said that it is over" in detail for detail in resolved)
    assert [row.resolved_at for row in desk.rows()] == [after(minutes=7), after(minutes=3)]
    assert [row.due_at for row in desk.rows(pushed_alert)] == [None, None]


def test_pushes_that_come_while_no_pipeline_runs_keep_it_open(store: Engine) -> None:
    """Nobody resolved it meanwhile, so the push that overlaps goes on with the same occurrence."""
    desk = Desk(store)
    desk.push({"labels": LABELS, "startsAt": NOON, "endsAt": after(minutes=4)})
    desk.push({"labels": LABELS, "startsAt": NOON, "endsAt": after(minutes=14)}, at=after(minutes=10))
    assert [(row.state, row.opened_at) for row in desk.rows()] == [("firing", NOON)]
    desk.push({"labels": LABELS, "startsAt": after(minutes=20)}, at=after(minutes=21))
    first, second = desk.rows()
    assert (first.state, first.resolved_at) == ("resolved", after(minutes=14))
    assert (second.state, second.opened_at) == ("firing", after(minutes=20))


def test_one_batch_may_hold_an_alert_several_times(store: Engine) -> None:
    """Taken in its order: open, over, and again."""
    desk = Desk(store)
    desk.push(
        {"labels": LABELS, "startsAt": after(minutes=-9)},
        {"labels": LABELS, "startsAt": after(minutes=-9), "endsAt": after(minutes=-5)},
        {"labels": LABELS, "startsAt": after(minutes=-2)},
        {"labels": LABELS, "startsAt": after(minutes=-3)},
    )
    assert [(row.state, row.opened_at) for row in desk.rows()] == [
        ("resolved", after(minutes=-9)),
        ("firing", after(minutes=-3)),
    ]


@pytest.mark.parametrize(
    ("stated", "severity"),
    [("critical", "critical"), ("warning", "warning"), ("unknown", "unknown"), ("page", "warning"), ("", "warning")],
)
def test_a_severity_that_is_none_of_ours_counts_as_warning_and_its_label_stays(
    store: Engine, stated: str, severity: str
) -> None:
    """And its group finds it by the label as it was pushed."""
    desk = Desk(store, routes(group_wait="0s", group_by=["severity"]))
    labels = {"alertname": "X", **({"severity": stated} if stated else {})}
    desk.push({"labels": labels})
    (row,) = desk.rows()
    assert (row.severity, row.labels) == (severity, labels)
    assert desk.tick(NOON).deliveries == 1


def test_labels_of_any_length_are_grouped_and_told(store: Engine) -> None:
    """Longer than a database can index: the alert is told all the same, and two that differ at the end are two groups."""
    desk = Desk(store, routes(group_wait="0s", group_by=["..."]))
    long = "告警" * 4000
    desk.push({"labels": {"target": long + "1", "alertname": long}}, {"labels": {"target": long + "2"}})
    assert len(desk.rows(notify_group)) == 2
    assert desk.tick(NOON).deliveries == 2
    assert len(target_of({"target": long})) == 300


def test_an_alert_of_a_check_is_not_taken_over_by_a_push(store: Engine) -> None:
    """Should two sets of labels ever have one fingerprint, the push is refused in words and nothing is mixed up."""
    desk = Desk(with_series(store))
    with writing(store) as connection:
        pipeline.handle(connection, [finding()], desk.file, NOON)
    desk.push({"labels": LABELS})
    with writing(store) as connection:
        connection.execute(update(alert).where(alert.c.id == 2).values(fingerprint="x"))
        mine = read(orjson.dumps([{"labels": LABELS}]), NOON, TIMEOUT).alerts[0]
        connection.execute(update(alert).where(alert.c.id == 1).values(fingerprint=mine.fingerprint))
    taken = desk.push({"labels": LABELS}, {"labels": {"alertname": "Y"}})
    assert [str(one)[:17] for one in taken.refused] == ["alerts[0].labels:"]
    assert len(desk.rows()) == 3


def test_pushes_at_the_same_time_make_one_alert(store: Engine) -> None:
    """Two senders of a pair push the same new alerts at once, while the pipeline ticks: no error, one open each."""
    desk = Desk(store)
    pushed = [{"labels": {"alertname": f"A{number % 7}", "n": str(number)}} for number in range(60)]

    def work(order: int) -> None:
        for turn in range(3):
            desk.push(*pushed[::order], at=after(seconds=turn))
            desk.tick(after(seconds=turn))

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, (1, -1, 1))) == [None] * 3
    with reading(store) as connection:
        assert connection.scalar(select(func.count()).select_from(alert)) == 60
        assert (
            connection.scalar(select(func.count()).select_from(alert_event).where(alert_event.c.kind == "opened")) == 60
        )
