"""One condition has one open occurrence; UNKNOWN never closes it; every change is an event with its reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from alerts import labels
from alerts.lifecycle import apply, decide
from alerts.occurrences import Occurrence
from core.model import Finding, Status
from core.store.open import writing
from core.store.tables import alert, alert_event
from tests.alerts.world import NOON, after, alerts, events, finding, with_series

OPEN_CRITICAL = ("firing", "critical")
OPEN_WARNING = ("firing", "warning")
OPEN_UNKNOWN = ("firing", "unknown")
WITHOUT_DATA = ("unknown", "critical")
NOTHING = None

CASES: dict[str, tuple[tuple[str, str] | None, str, bool, tuple[str | None, str], list[str]]] = {
    "nothing open, OK": (NOTHING, "ok", False, (None, ""), []),
    "nothing open, warning": (NOTHING, "warning", False, ("firing", "warning"), ["opened"]),
    "nothing open, critical": (NOTHING, "critical", False, ("firing", "critical"), ["opened"]),
    "nothing open, unknown": (NOTHING, "unknown", False, (None, ""), []),
    "nothing open, unknown of an absence check": (NOTHING, "unknown", True, ("firing", "unknown"), ["opened"]),
    "critical, OK": (OPEN_CRITICAL, "ok", False, ("resolved", "critical"), ["resolved"]),
    "critical, warning": (OPEN_CRITICAL, "warning", False, ("firing", "warning"), ["severity"]),
    "critical, critical again": (OPEN_CRITICAL, "critical", False, ("firing", "critical"), []),
    "warning, critical": (OPEN_WARNING, "critical", False, ("firing", "critical"), ["severity"]),
    "critical, unknown": (OPEN_CRITICAL, "unknown", False, ("unknown", "critical"), ["unknown"]),
    "critical, unknown of an absence check": (OPEN_CRITICAL, "unknown", True, ("unknown", "critical"), ["unknown"]),
    "without data, unknown again": (WITHOUT_DATA, "unknown", False, ("unknown", "critical"), []),
    "without data, critical": (WITHOUT_DATA, "critical", False, ("firing", "critical"), ["known"]),
    "without data, warning": (WITHOUT_DATA, "warning", False, ("firing", "warning"), ["known", "severity"]),
    "without data, OK": (WITHOUT_DATA, "ok", False, ("resolved", "critical"), ["resolved"]),
    "absence, unknown again": (OPEN_UNKNOWN, "unknown", True, ("firing", "unknown"), []),
    "absence, OK": (OPEN_UNKNOWN, "ok", True, ("resolved", "unknown"), ["resolved"]),
    "absence, critical": (OPEN_UNKNOWN, "critical", True, ("firing", "critical"), ["severity"]),
}


def _occurrence(state: str, severity: str) -> Occurrence:
    return Occurrence(1, "f", "disk-full", 1, "host-1", NOON, False, state=state, severity=severity)


@pytest.mark.parametrize(("now_open", "new", "absence", "expected", "kinds"), CASES.values(), ids=CASES.keys())
def test_what_a_finding_does(
    now_open: tuple[str, str] | None, new: str, absence: bool, expected: tuple[str | None, str], kinds: list[str]
) -> None:
    """Each status, with nothing open and with each kind of open alert, has its state, severity, events and reason."""
    current = _occurrence(*now_open) if now_open else None
    decision = decide(current, finding(new, unknown_alerts=absence), after(minutes=5))
    assert (decision.state, decision.severity) == expected
    assert [kind for kind, _ in decision.events] == kinds
    assert decision.why
    assert all(reason for _, reason in decision.events)


def _apply(store: Engine, now: datetime, *findings: Finding) -> None:
    with writing(store) as connection:
        apply(connection, findings, now)


def test_an_alert_carries_all_that_its_readers_need(store: Engine) -> None:
    """Labels for routes, annotations in words, the value, and the instant of the sample that opened it."""
    with_series(store)
    _apply(store, after(seconds=2), finding(at=after(seconds=1)))
    (row,) = alerts(store)
    assert row.labels == {
        "alertname": "disk-full",
        "severity": "critical",
        "target": "host-1",
        "target_kind": "host",
        "indicator": "filesystem.used_ratio",
        "site": "north",
        "system": "billing",
        "rack": "r7",
        "mount": "/data",
        "team": "storage",
    }
    assert row.annotations == {
        "summary": "host-1, filesystem.used_ratio (mount=/data): 0.97, above the critical limit 0.9",
        "reason": "0.97, above the critical limit 0.9",
        "description": "Share of the file system in use",
        "unit": "1",
        "value": "0.97",
        "runbook": "https://wiki.example.org/disk",
    }
    assert (row.state, row.severity, row.value, row.demo) == ("firing", "critical", 0.97, False)
    assert (row.opened_at, row.updated_at, row.resolved_at) == (after(seconds=1), after(seconds=2), None)
    assert events(store) == [(row.id, "opened", "critical: 0.97, above the critical limit 0.9")]


def test_a_whole_life_is_one_row_with_its_history(store: Engine) -> None:
    """Opened, graver, without data, with data again, resolved; then the next one is another occurrence."""
    with_series(store)
    story = ["warning", "critical", "unknown", "critical", "ok", "warning"]
    for minute, status in enumerate(story):
        _apply(store, after(minutes=minute), finding(status, at=after(minutes=minute), reason=f"it is {status}"))
    first, second = alerts(store)
    kinds = [(number, kind) for number, kind, _ in events(store)]
    assert kinds == [
        *((first.id, kind) for kind in ("opened", "severity", "unknown", "known", "resolved")),
        (second.id, "opened"),
    ]
    assert (first.state, first.resolved_at, second.state) == ("resolved", after(minutes=4), "firing")
    assert first.fingerprint == second.fingerprint
    assert events(store, "resolved") == [(first.id, "resolved", "it is ok; it was open for 0:04:00")]


def test_one_batch_may_hold_a_whole_life(store: Engine) -> None:
    """Findings of one condition in one batch are taken in their order."""
    with_series(store)
    _apply(store, NOON, finding("critical"), finding("ok"), finding("warning"), finding("ok"), finding("critical"))
    assert sorted(row.state for row in alerts(store)) == ["firing", "resolved", "resolved"]
    assert len(events(store, "opened")) == 3


def test_an_open_alert_may_end_and_begin_again_in_one_batch(store: Engine) -> None:
    """The old row is resolved before the new one is written."""
    with_series(store)
    _apply(store, NOON, finding("critical"))
    _apply(store, after(minutes=1), finding("ok"), finding("warning"))
    assert [(row.state, row.severity) for row in alerts(store)] == [("resolved", "critical"), ("firing", "warning")]


def test_the_fingerprint_is_of_the_condition() -> None:
    """Severity, value and labels of the check do not change it; check, target, indicator and series do."""
    one = labels.fingerprint_of(finding("critical"))
    assert labels.fingerprint_of(finding("warning", value=0.8, labels=())) == one
    others = {labels.fingerprint_of(other) for other in (finding(check="x"), finding(host="x"), finding(mount="x"))}
    assert one not in others
    assert len(others) == 3


def test_our_labels_win_and_theirs_are_kept_under_another_name() -> None:
    """A series label called `severity` cannot change where an alert goes, and is not lost either."""
    found = labels.labels_for(finding(labels=(("severity", "none"), ("target", "x"), ("empty", ""))), "critical")
    assert (found["severity"], found["exported_severity"]) == ("critical", "none")
    assert (found["target"], found["exported_target"]) == ("host-1", "x")
    assert "empty" not in found


def test_the_checks_own_summary_is_used() -> None:
    """A summary that somebody wrote is better than ours."""
    assert labels.annotations_for(finding(annotations=(("summary", "Disk!"),)))["summary"] == "Disk!"


def test_demo_data_is_marked(store: Engine) -> None:
    """An alert of a demo target says so in its row and in its labels."""
    with_series(store)
    _apply(store, NOON, finding(demo=True))
    (row,) = alerts(store)
    assert row.demo is True
    assert row.labels["demo"] == "true"


def test_an_alert_does_not_begin_in_the_future_nor_end_before_it_began(store: Engine) -> None:
    """Samples with odd instants still give a sensible span."""
    with_series(store)
    _apply(store, NOON, finding(at=after(hours=1)))
    _apply(store, after(minutes=1), finding("ok", at=after(hours=-1)))
    (row,) = alerts(store)
    assert (row.opened_at, row.resolved_at) == (NOON, NOON)


STATUSES = st.sampled_from(list(Status))
BATCHES = st.lists(
    st.lists(st.tuples(st.sampled_from("abc"), STATUSES, st.booleans()), max_size=6), min_size=1, max_size=8
)


@given(batches=BATCHES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_openings_and_resolutions_alternate(store: Engine, batches: list[list[tuple[str, Status, bool]]]) -> None:
    """Whatever comes in whatever batches: at most one open row a condition, and it is open exactly when it should be."""
    with store.connect().execution_options(bomc_writes=True) as connection:
        doing = connection.begin()
        is_open: dict[str, bool] = {}
        for number, batch in enumerate(batches):
            findings = []
            for host, status, absence in batch:
                findings.append(_without_series(host, status, absence))
                before = is_open.get(host, False)
                if status is Status.UNKNOWN:
                    is_open[host] = before or absence
                else:
                    is_open[host] = status is not Status.OK
            apply(connection, findings, after(minutes=number))
        rows = connection.execute(select(alert)).all()
        assert sorted(row.target for row in rows if row.resolved_at is None) == sorted(
            h for h, on in is_open.items() if on
        )
        query = select(alert_event.c.kind, alert.c.target, alert_event.c.alert_id)
        query = query.join(alert, alert.c.id == alert_event.c.alert_id).order_by(alert_event.c.id)
        history = connection.execute(query).all()
        for row in rows:
            own = [one.kind for one in history if one.alert_id == row.id]
            assert (own.count("opened"), own.count("resolved")) == (1, int(row.resolved_at is not None))
            assert (row.state == "resolved") is (row.resolved_at is not None)
        doing.rollback()


def _without_series(host: str, status: Status, absence: bool) -> Finding:
    made = finding(status, host=host, unknown_alerts=absence)
    return Finding(
        check=made.check,
        series_id=None,  # type: ignore[arg-type]  # the property needs no rows of series
        target=made.target,
        indicator=made.indicator,
        series_labels=made.series_labels,
        old=made.old,
        new=made.new,
        result=made.result,
        unknown_alerts=absence,
    )


def test_instants_come_back_in_utc(store: Engine) -> None:
    """What the store gives back is an aware instant, on every database."""
    with_series(store)
    _apply(store, NOON, finding())
    assert alerts(store)[0].opened_at.tzinfo is UTC
