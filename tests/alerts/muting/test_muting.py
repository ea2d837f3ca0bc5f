"""What is muted is not told, not lost, and told when nothing mutes it any more, over any restart."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, select

from alerts import pipeline
from alerts.config import RoutesFile
from alerts.muting import muting, silences
from alerts.muting.silences import Spec
from alerts.routes.matchers import parse_matchers
from alerts.routes.routing import route
from core.model import Finding
from core.store.open import writing
from core.store.tables import alert, alert_event, target
from tests.alerts.test_dispatch import _handle, _tick
from tests.alerts.test_lifecycle import _without_series
from tests.alerts.world import NOON, after, alerts, deliveries, events, finding, outbox, told, with_series
from tests.alerts.world import routes as _routes

INHIBIT = [
    {"source_matchers": ["alertname=host-down"], "target_matchers": ["alertname=disk-full"], "equal": ["target"]}
]
DEPENDENCIES = {"matchers": ["alertname=host-down", "severity=critical"], "settle": "2m"}
NIGHT = {
    "name": "night",
    "time_intervals": [{"times": [{"start_time": "11:00", "end_time": "12:30"}], "location": "Etc/UTC"}],
}
TIMERS = {"group_wait": "0s", "group_interval": "5m", "repeat_interval": "4h"}


def routes(*children: dict[str, Any], more: dict[str, Any] | None = None, **root: Any) -> RoutesFile:
    """A routes.yaml with these parts besides the routes."""
    plain = _routes(*children, **{**TIMERS, **root}).model_dump(mode="json", by_alias=True, exclude_unset=True)
    return RoutesFile.model_validate({**plain, **(more or {})})


def _silence(store: Engine, text: str, now: datetime, until: datetime) -> str:
    with writing(store) as connection:
        return silences.create(connection, Spec(parse_matchers(text), now, until, "work on it"), "li.wei", now)


def _open_targets(store: Engine, parents: dict[str, list[str]]) -> None:
    with writing(store) as connection:
        made = {"kind": "host", "labels": {}, "site": "", "system": "", "demo": False, "depends_on": []}
        rows = [
            {"id": n, "name": name, "runs_on": above, **made} for n, (name, above) in enumerate(parents.items(), 100)
        ]
        connection.execute(insert(target), rows)


def _down(host: str = "host-1", new: str = "critical", at: datetime = NOON) -> Finding:
    return finding(new, host=host, check="host-down", at=at, reason="no answer")


def _shown(store: Engine) -> list[list[str]]:
    return [told(row)[2] for row in deliveries(store)]


def test_an_effect_is_not_told_while_its_cause_is_open(store: Engine) -> None:
    """Both open at once: only the cause is told; after its end the effect is told, if it still fires, and once."""
    with_series(store)
    file = routes(more={"inhibit_rules": INHIBIT})
    handled = _handle(store, file, NOON, finding(), _down())
    assert (handled.deliveries, handled.next_due) == (1, after(minutes=5))
    assert [row.labels["alertname"] for row in alerts(store)] == ["disk-full", "host-down"]
    assert told(deliveries(store)[0])[2] == ["firing host-1 critical"]
    for minutes in (5, 10, 15):
        assert _tick(store, file, after(minutes=minutes)).deliveries == 0
    assert _handle(store, file, after(minutes=17), _down(new="ok", at=after(minutes=17))).deliveries == 2
    assert _tick(store, file, after(minutes=20)).deliveries == 0
    names = [row.message["body"]["groupLabels"]["alertname"] for row in deliveries(store)]
    assert (names[0], sorted(names[1:])) == ("host-down", ["disk-full", "host-down"])
    number = alerts(store)[0].id
    assert [(one, kind) for one, kind, _ in events(store, "kept_quiet", "let_through")] == [
        (number, "kept_quiet"),
        (number, "let_through"),
    ]
    assert events(store, "kept_quiet")[0][2] == (
        "receiver ops: inhibited by alert 2 (host-down, host-1), which is open: inhibit rule 1"
    )
    assert events(store, "let_through")[0][2] == "receiver ops: no longer kept quiet: its cause is over"


def test_nothing_inhibited_is_told_after_a_restart_nor_while_its_cause_waits(store: Engine) -> None:
    """The cause has not been told yet itself, and the process that knew of it is gone: its effect stays quiet."""
    with_series(store)
    parts = {"more": {"inhibit_rules": INHIBIT}}
    down = {"matchers": ["alertname=host-down"], "receiver": "pager", "group_wait": "10m"}
    _handle(store, routes(down, **parts), NOON, _down(), finding())
    for minutes in (1, 5, 9):
        store.dispose()
        again = routes(down, **parts)
        with writing(store) as connection:
            assert pipeline.resume(connection, again, after(minutes=minutes)).deliveries == 0
    _tick(store, routes(down, **parts), after(minutes=10))
    assert [row.receiver for row in deliveries(store)] == ["pager"]


def test_an_effect_that_ends_with_its_cause_is_never_told(light: Engine) -> None:
    """And its history says why."""
    with_series(light)
    file = routes(more={"inhibit_rules": INHIBIT})
    _handle(light, file, NOON, finding(), _down())
    _handle(light, file, after(minutes=6), finding("ok"), _down(new="ok"))
    _tick(light, file, after(hours=9))
    assert {row.message["body"]["groupLabels"]["alertname"] for row in deliveries(light)} == {"host-down"}
    assert events(light, "kept_quiet")[-1][2] == "resolved before ops was told of it, so there is nothing to tell"


def test_a_silenced_alert_is_told_when_the_silence_ends(store: Engine) -> None:
    """At the instant, since it is known, and over a restart in between."""
    with_series(store)
    _silence(store, "target=host-1", NOON, after(minutes=7))
    _handle(store, routes(), NOON, finding())
    _tick(store, routes(), after(minutes=5))
    store.dispose()
    with writing(store) as connection:
        handled = pipeline.resume(connection, routes(), after(minutes=5, seconds=1))
    assert (handled.deliveries, handled.next_due) == (0, after(minutes=7))
    assert _tick(store, routes(), after(minutes=7)).deliveries == 1
    kinds = [kind for _, kind, _ in events(store, "kept_quiet", "let_through")]
    assert kinds == ["kept_quiet", "let_through"]
    assert "silenced by li.wei until 2026-03-02 12:07 UTC: work on it" in events(store, "kept_quiet")[0][2]


def test_a_silence_that_is_ended_by_hand_lets_through_at_once(light: Engine) -> None:
    """The next look at the groups tells what it kept quiet."""
    with_series(light)
    id = _silence(light, "target=host-1", NOON, after(hours=7))
    _handle(light, routes(), NOON, finding())
    with writing(light) as connection:
        silences.expire(connection, id, "li.wei", after(minutes=1))
    assert _tick(light, routes(), after(minutes=1)).deliveries == 1


def test_what_is_let_through_waits_out_the_interval_of_its_group(light: Engine) -> None:
    """Two messages of one group are never closer than group_interval, whatever ends in between; its history knows at once."""
    with_series(light)
    id = _silence(light, "target=b", NOON, after(hours=7))
    _handle(light, routes(), NOON, finding(host="a"), finding(host="b"))
    with writing(light) as connection:
        silences.expire(connection, id, "li.wei", after(minutes=1))
    handled = _tick(light, routes(), after(minutes=1))
    assert (handled.deliveries, handled.next_due) == (0, after(minutes=5))
    assert len(events(light, "let_through")) == 1
    assert _tick(light, routes(), after(minutes=5)).deliveries == 1
    assert _shown(light) == [["firing a critical"], ["firing a critical", "firing b critical"]]


def test_a_cause_that_ends_and_another_that_stays(light: Engine) -> None:
    """Its effects are looked at and stay quiet, now by the other one."""
    with_series(light)
    rule = {"source_matchers": ["alertname=host-down"], "target_matchers": ["alertname=disk-full"]}
    file = routes(more={"inhibit_rules": [rule]})
    _handle(light, file, NOON, _down("x"), _down("y"), finding())
    _handle(light, file, after(minutes=6), _down("x", "ok", after(minutes=6)))
    assert [row.message["body"]["groupLabels"]["alertname"] for row in deliveries(light)] == ["host-down"] * 2
    assert "(host-down, y)" in events(light, "kept_quiet")[-1][2]


def test_the_end_of_an_alert_that_was_told_is_told_though_it_is_silenced(light: Engine) -> None:
    """A silence made afterwards stops the repeats and keeps nobody waiting for an end."""
    with_series(light)
    _handle(light, routes(), NOON, finding(host="a"), finding(host="b"))
    _silence(light, 'target=~"a|b",site=north', after(minutes=1), after(hours=20))
    _tick(light, routes(), after(hours=4))
    assert _tick(light, routes(), after(hours=9)).deliveries == 0
    _handle(light, routes(), after(hours=10), finding("ok", host="a"))
    _tick(light, routes(), after(hours=10, minutes=5))
    assert _shown(light)[1:] == [["resolved a critical"]]
    assert "1 alert resolved; 1 alert still firing, and kept quiet" in deliveries(light)[1].message["reason"]
    _tick(light, routes(), after(hours=20))
    assert _shown(light)[2:] == [["firing b critical"]]


def test_an_alert_that_returns_silenced_is_over_for_who_was_told_of_it(light: Engine) -> None:
    """The end of the first occurrence is told; the second one, muted, does not stand in for it."""
    with_series(light)
    _handle(light, routes(), NOON, finding())
    _silence(light, "target=host-1", after(minutes=1), after(minutes=30))
    _handle(light, routes(), after(minutes=2), finding("ok"))
    _handle(light, routes(), after(minutes=3), finding(at=after(minutes=3)))
    for minutes in range(5, 31, 5):
        _tick(light, routes(), after(minutes=minutes))
    assert _shown(light) == [["firing host-1 critical"], ["resolved host-1 critical"], ["firing host-1 critical"]]


def test_a_new_alert_does_not_wait_for_the_silence_of_its_group(light: Engine) -> None:
    """It is told after group_wait, alone; the muted one beside it is not in the message."""
    with_series(light)
    file = routes(group_wait="10s")
    _silence(light, "target=a", NOON, after(hours=2))
    _handle(light, file, NOON, finding(host="a"))
    _tick(light, file, after(seconds=10))
    _handle(light, file, after(minutes=1), finding(host="b", at=after(minutes=1)))
    assert _tick(light, file, after(minutes=1, seconds=10)).deliveries == 1
    assert _shown(light) == [["firing b critical"]]
    _tick(light, file, after(hours=2))
    assert _shown(light)[1:] == [["firing a critical", "firing b critical"]]


def test_a_severity_that_rose_under_a_silence_is_told_at_its_end(light: Engine) -> None:
    """Who knew of a warning hears of the critical once the silence is over."""
    with_series(light)
    _handle(light, routes(), NOON, finding("warning"))
    _silence(light, "target=host-1", after(minutes=1), after(minutes=30))
    _handle(light, routes(), after(minutes=10), finding("critical"))
    assert len(deliveries(light)) == 1
    _tick(light, routes(), after(minutes=15))
    _tick(light, routes(), after(minutes=30))
    assert _shown(light)[1:] == [["firing host-1 critical"]]


HOURS: dict[str, tuple[dict[str, Any], datetime, datetime]] = {
    "mute until the interval ends": ({"mute_time_intervals": ["night"]}, NOON, after(minutes=30)),
    "active once the interval begins": ({"active_time_intervals": ["night"]}, after(hours=-2), after(hours=-1)),
}


@pytest.mark.parametrize(("route", "at", "told_at"), HOURS.values(), ids=HOURS.keys())
def test_a_route_is_mute_by_the_clock(light: Engine, route: dict[str, Any], at: datetime, told_at: datetime) -> None:
    """Its alerts are told at the first minute that allows it; a route below it does not inherit its hours."""
    with_series(light)
    below = {"matchers": ["target=b"], "receiver": "pager"}
    child = {"matchers": ["severity=critical"], "receiver": "mail", "routes": [below], **route}
    file = routes(child, more={"time_intervals": [NIGHT]})
    handled = _handle(light, file, at, finding(host="a", at=at), finding(host="b", at=at))
    while handled.next_due is not None and handled.next_due < told_at:
        handled = _tick(light, file, handled.next_due)
        assert handled.deliveries == 0
    assert handled.next_due == told_at
    _tick(light, file, told_at)
    assert [(row.receiver, row.created_at) for row in deliveries(light)] == [("pager", at), ("mail", told_at)]
    assert len(events(light, "kept_quiet")) == 1


def test_a_parent_that_is_down_is_told_alone_and_its_recovery_is_no_storm(store: Engine) -> None:
    """Of fifty alerts of children and grandchildren none is told; those that recover in time never are; one that still
    fires is, once, after the settling time."""
    with_series(store)
    names = {"switch": [], **{f"h{n}": ["switch"] for n in range(10)}, **{f"vm{n}": [f"h{n % 10}"] for n in range(40)}}
    _open_targets(store, names)
    file = routes(more={"dependencies": DEPENDENCIES})
    children = [name for name in names if name != "switch"]
    _handle(store, file, NOON, *(finding(host=name) for name in children), _down("switch"))
    assert _shown(store) == [["firing switch critical"]]
    store.dispose()
    with writing(store) as connection:
        assert pipeline.resume(connection, file, after(minutes=8)).deliveries == 0
    _handle(store, file, after(minutes=9), _down("switch", "ok", after(minutes=9)))
    with writing(store) as connection:
        assert pipeline.resume(connection, file, after(minutes=9, seconds=10)).next_due == after(minutes=11)
    for minutes, recovered in ((9, children[:20]), (10, children[20:49])):
        found = [finding("ok", host=name, at=after(minutes=minutes)) for name in recovered]
        _handle(store, file, after(minutes=minutes, seconds=30), *found)
    assert _tick(store, file, after(minutes=10, seconds=59)).deliveries == 0
    _tick(store, file, after(minutes=11))
    _tick(store, file, after(minutes=14))
    assert _shown(store) == [["firing switch critical"], ["resolved switch critical"], ["firing vm39 critical"]]
    reasons = [detail for number, _, detail in events(store, "kept_quiet", "let_through") if number == 50]
    assert reasons[:1] == ["receiver ops: suppressed: its parent switch is down (alert 51, host-down)"]
    assert len(reasons) <= 3


def test_one_verdict_names_every_reason(light: Engine) -> None:
    """Silence, cause and parent at once, for who asks: each with its kind and what it is by."""
    with_series(light)
    _open_targets(light, {"switch": [], "vm": ["switch"]})
    id = _silence(light, "target=vm", NOON, after(hours=1))
    parts = {"inhibit_rules": INHIBIT, "dependencies": DEPENDENCIES, "time_intervals": [NIGHT]}
    child = {"matchers": ["target=vm"], "mute_time_intervals": ["night"], "receiver": "mail"}
    file = routes(child, more=parts)
    _handle(light, file, NOON, finding(host="vm"), _down("vm"), _down("switch"))
    with writing(light) as connection:
        mutes = muting.load(connection, file, NOON)
    labels = alerts(light)[0].labels
    (decision,) = route(file.tree, labels)
    found = mutes.of(labels, decision)
    assert [(one.kind, one.by) for one in found] == [
        ("inhibition", alerts(light)[1].fingerprint),
        ("dependency", "switch"),
        ("interval", "night"),
        ("silence", id),
    ]
    assert mutes.of(alerts(light)[2].labels, decision)[0].kind == "interval"
    assert len(mutes.of(labels)) == 3


STEP = st.tuples(
    st.integers(min_value=1, max_value=120),
    st.lists(
        st.tuples(
            st.sampled_from(["disk-full", "host-down"]),
            st.sampled_from(["a", "b", "sw"]),
            st.sampled_from(["ok", "warning", "critical"]),
        ),
        max_size=3,
    ),
    st.sampled_from(["", "", "silence a", "silence b", "expire", "restart"]),
)


@given(steps=st.lists(STEP, min_size=1, max_size=12))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_alert_is_muted_or_told_and_never_lost(
    light: Engine, steps: list[tuple[int, list[tuple[str, str, str]], str]]
) -> None:
    """Whatever is muted when, and wherever the process restarts: no message shows a muted alert as firing; what is open
    when every mute is over has been told; every end of what was told is told; no end without a beginning."""
    rule = {**INHIBIT[0], "equal": ["target"]}
    file = routes(
        group_wait="10s", group_interval="60s", more={"inhibit_rules": [rule], "dependencies": {**DEPENDENCIES}}
    )
    with light.connect().execution_options(bomc_writes=True) as connection:
        doing = connection.begin()
        made = {"kind": "host", "labels": {}, "site": "", "system": "", "demo": False, "depends_on": []}
        rows = [{"name": name, "runs_on": above, **made} for name, above in {"sw": [], "a": ["sw"], "b": ["a"]}.items()]
        connection.execute(insert(target), rows)
        now = NOON
        for seconds, changes, doing_of_people in [*steps, (700, [], ""), (200, [], "")]:
            now = _run_until(connection, file, now, now + timedelta(seconds=seconds))
            _people(connection, file, doing_of_people, now)
            found = [_at(check, host, status, now) for check, host, status in changes]
            _checked(connection, file, now, lambda found=found, now=now: pipeline.handle(connection, found, file, now))  # type: ignore[misc]
        _check_promises(connection, file, now)
        doing.rollback()


def _run_until(connection: Connection, file: RoutesFile, now: datetime, until: datetime) -> datetime:
    while (due := pipeline.next_due(connection)) is not None and due <= until:
        now = max(due, now)
        _checked(connection, file, now, lambda now=now: pipeline.tick(connection, file, now))  # type: ignore[misc]
    return until


def _checked(connection: Connection, file: RoutesFile, now: datetime, act: Any) -> None:
    """Do it, and hold every message it made against what is muted at that instant."""
    before = len(outbox(connection))
    act()
    mutes = muting.load(connection, file, now)
    for row in outbox(connection)[before:]:
        for number in row.message["firing"]:
            labels = connection.scalar(select(alert.c.labels).where(alert.c.id == number))
            assert mutes.of(labels) == (), f"alert {number} is muted and told"


def _people(connection: Connection, file: RoutesFile, doing: str, now: datetime) -> None:
    if doing.startswith("silence"):
        spec = Spec(parse_matchers(f"target={doing[-1]}"), now, now + timedelta(minutes=10), "why")
        silences.create(connection, spec, "li", now)
    elif doing == "expire":
        for one in silences.active(connection, now):
            silences.expire(connection, one.id, "li", now)
    elif doing == "restart":
        pipeline.resume(connection, file, now)


def _at(check: str, host: str, status: str, now: datetime) -> Finding:
    from dataclasses import replace

    from core.model import Result, Status, instant_ms

    made = _without_series(host, Status(status), False)
    return replace(made, check=check, result=Result(Status(status), 1.0, "because", instant_ms(now)))


def _check_promises(connection: Connection, file: RoutesFile, now: datetime) -> None:
    believed: set[int] = set()
    mutes = muting.load(connection, file, now)
    last: dict[int, list[datetime]] = defaultdict(list)
    for row in outbox(connection):
        firing, resolved = set(row.message["firing"]), set(row.message["resolved"])
        assert resolved <= believed, "an end was told of which nobody knew the beginning"
        believed = (believed - resolved) | firing
        for number in firing:
            last[number].append(row.created_at)
    open_now = {row.id: row for row in connection.execute(select(alert).where(alert.c.resolved_at.is_(None)))}
    loud = {number for number, row in open_now.items() if not mutes.of(row.labels)}
    assert loud <= set(last), "an open alert that nothing mutes was never told"
    quiet = connection.execute(select(alert_event.c.alert_id, alert_event.c.detail))
    told_instead = {number for number, detail in quiet if "fires again as alert" in detail}
    assert believed - told_instead <= set(open_now), "an end was never told"
    kinds = select(alert_event.c.alert_id, alert_event.c.kind).where(
        alert_event.c.kind.in_(["kept_quiet", "let_through"])
    )
    histories: dict[int, list[str]] = defaultdict(list)
    for number, kind in connection.execute(kinds.order_by(alert_event.c.id)):
        histories[number].append(kind)
    for number in loud:
        assert not histories[number] or histories[number][-1] == "let_through"
