"""A new process, or another routes.yaml, and the groups that are there: what keeps its time, and what is looked at at once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from alerts import pipeline, pushed
from alerts.config import InhibitRuleConfig, RoutesFile
from core.model import Finding
from core.store.open import reading, writing
from core.store.tables import notify_group
from tests.alerts.world import after, deliveries, finding, routes, with_series


def handle(store: Engine, file: RoutesFile, now: datetime, *findings: Finding) -> None:
    with writing(store) as connection:
        pipeline.handle(connection, findings, file, now)


def resume(store: Engine, file: RoutesFile, now: datetime) -> int:
    """What a process that begins does first; how many messages that makes."""
    with writing(store) as connection:
        return pipeline.resume(connection, file, now).deliveries


def looks(store: Engine) -> dict[tuple[str, str], datetime | None]:
    """When each group is looked at next, by receiver and the name of its alerts."""
    with reading(store) as connection:
        rows = connection.execute(select(notify_group)).all()
    return {(row.receiver, row.labels["alertname"]): row.next_flush_at for row in rows}


def test_an_end_waits_out_the_interval_of_its_group_over_a_restart(store: Engine) -> None:
    """Nothing of the group is open any more, and what it told is still its own."""
    with_series(store)
    file = routes(group_wait="0s", group_interval="5m")
    handle(store, file, after(), finding())
    handle(store, file, after(minutes=1), finding("ok", at=after(minutes=1), old="critical"))
    assert resume(store, file, after(minutes=2)) == 0
    assert looks(store) == {("ops", "disk-full"): after(minutes=5)}
    assert resume(store, file, after(minutes=5)) == 1


def test_an_end_under_another_severity_waits_too(store: Engine) -> None:
    """The group that told of the alert as critical waits to tell that it is a warning now."""
    with_series(store)
    file = routes({"matchers": ["severity=critical"], "receiver": "pager"}, group_wait="10s", group_interval="5m")
    handle(store, file, after(), finding(at=after(minutes=-1)))
    handle(store, file, after(minutes=1), finding("warning", at=after(minutes=1), old="critical"))
    before = looks(store)
    assert before["pager", "disk-full"] == after(minutes=5)
    assert resume(store, file, after(seconds=65)) == 0
    assert looks(store) == before


def test_what_is_kept_quiet_is_looked_at_again_when_it_would_have_been(store: Engine) -> None:
    """Not so much sooner as group_wait is shorter than group_interval, and not later with each restart."""
    with_series(store)
    rule = {"source_matchers": ["alertname=host-down"], "target_matchers": ["alertname=disk-full"]}
    file = routes(group_wait="10s", group_interval="5m")
    file = file.model_copy(update={"inhibit_rules": [InhibitRuleConfig.model_validate(rule)]})
    handle(store, file, after(), finding(check="host-down", mount="/", at=after(minutes=-5)), finding())
    handle(store, file, after(seconds=10))
    before = looks(store)
    assert before["ops", "disk-full"] == after(minutes=5, seconds=10)
    for second in (30, 45):
        resume(store, file, after(seconds=second))
    assert looks(store) == before


@pytest.mark.parametrize("resolved", [False, True], ids=["open", "resolved meanwhile"])
def test_a_group_whose_route_is_gone_is_looked_at_at_once(store: Engine, resolved: bool) -> None:
    """What it told of is over for its receiver, whether somebody else has it now or it has ended."""
    with_series(store)
    before = routes({"matchers": ["alertname=disk-full"], "receiver": "pager"}, group_wait="0s", group_interval="5m")
    handle(store, before, after(), finding())
    if resolved:
        handle(store, before, after(seconds=5), finding("ok", at=after(seconds=5), old="critical"))
    changed = routes({"matchers": ["alertname=other"], "receiver": "pager"}, group_wait="0s", group_interval="5m")
    assert resume(store, changed, after(minutes=1)) == (1 if resolved else 2)


def test_an_alert_that_was_taken_by_another_routing_is_not_missed(store: Engine) -> None:
    """A console that reads another routes.yaml, or has not read the new one yet, makes groups that lead nowhere here. When
    the time of such a group comes, the alerts that it was made for get those that this routing leads to."""
    with_series(store, 2)
    theirs = routes({"matchers": ["alertname=disk-full"], "receiver": "old"}, group_wait="10s")
    ours = routes({"matchers": ["alertname=disk-full"], "receiver": "new"}, group_wait="30s")
    body = b'[{"labels": {"alertname": "disk-full", "severity": "critical"}}]'
    taken = pushed.read(body, after(), timedelta(hours=1)).alerts
    with writing(store) as connection:
        pipeline.push(connection, taken, "prometheus", theirs, after())
    assert list(looks(store)) == [("old", "disk-full")]
    handle(store, ours, after(seconds=10))
    assert looks(store) == {("old", "disk-full"): None, ("new", "disk-full"): after(seconds=40)}
    handle(store, ours, after(seconds=40))
    assert [row.receiver for row in deliveries(store)] == ["new"]
