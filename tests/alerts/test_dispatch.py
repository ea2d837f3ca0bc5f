"""Groups are told when Alertmanager would tell them, each alert to each of its receivers, and no end without a beginning."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, event, select

from alerts import commands, dispatch, pipeline
from alerts.config import RoutesFile
from alerts.delivery.messages import Message
from alerts.muting import muting
from alerts.muting.muting import Mute, Mutes
from alerts.pipeline import Handled
from core.model import Finding, Result, Status, instant_ms
from core.store.open import reading, writing
from core.store.tables import alert, alert_event, delivery, notify_group
from tests.alerts.test_lifecycle import _without_series
from tests.alerts.world import NOON, after, alerts, deliveries, events, finding, outbox, routes, told, with_series

URL = "https://console.example.org"


def _handle(store: Engine, file: RoutesFile, now: datetime, *findings: Finding) -> Handled:
    with writing(store) as connection:
        return pipeline.handle(connection, findings, file, now, URL)


def _tick(store: Engine, file: RoutesFile, now: datetime) -> Handled:
    with writing(store) as connection:
        return pipeline.tick(connection, file, now, URL)


def test_a_group_waits_for_company_and_is_told_once(store: Engine) -> None:
    """Alerts of one group within group_wait are one message; nothing comes before that."""
    with_series(store)
    file = routes(group_wait="30s")
    first = _handle(store, file, NOON, finding(host="a"))
    assert (first.deliveries, first.next_due) == (0, after(seconds=30))
    _handle(store, file, after(seconds=20), finding(host="b", at=after(seconds=20)))
    assert _tick(store, file, after(seconds=29.999)).deliveries == 0
    assert _tick(store, file, after(seconds=30)).deliveries == 1
    assert [told(row) for row in deliveries(store)] == [("ops", "firing", ["firing a critical", "firing b critical"])]


def test_without_group_wait_the_message_is_there_in_the_same_call(store: Engine) -> None:
    """group_wait 0s: finding and outbox row are one transaction."""
    with_series(store)
    handled = _handle(store, routes(group_wait="0s"), NOON, finding())
    assert (len(handled.changed), handled.deliveries, handled.next_due) == (1, 1, after(hours=4))


def test_an_alert_that_has_waited_already_is_told_at_once(store: Engine) -> None:
    """When the alert began longer ago than group_wait, its group does not wait again."""
    with_series(store)
    assert _handle(store, routes(group_wait="30s"), after(minutes=1), finding(at=NOON)).deliveries == 1


def test_the_body_is_alertmanagers_version_4(store: Engine) -> None:
    """Receivers that understand Alertmanager's webhook understand ours."""
    with_series(store)
    file = routes({"matchers": ["severity=critical"], "receiver": "pager"}, group_wait="0s")
    _handle(store, file, NOON, finding(host="a"), finding(host="b"))
    (row,) = deliveries(store)
    first, second = alerts(store)
    body = row.message["body"]
    shown = body.pop("alerts")
    common = {name: value for name, value in first.labels.items() if second.labels[name] == value}
    assert body == {
        "version": "4",
        "groupKey": 'pager:{}/{severity="critical"}:{alertname="disk-full"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "pager",
        "groupLabels": {"alertname": "disk-full"},
        "commonLabels": common,
        "commonAnnotations": {name: text for name, text in first.annotations.items() if name != "summary"},
        "externalURL": URL,
    }
    assert shown[0] == {
        "status": "firing",
        "labels": first.labels,
        "annotations": first.annotations,
        "startsAt": "2026-03-02T12:00:00.000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": f"{URL}/alerts?alert={first.id}",
        "fingerprint": first.fingerprint,
    }
    assert row.message["reason"] == 'first message: 2 alerts firing; route {}/{severity="critical"} matches'


def test_a_new_alert_waits_out_the_interval_of_its_group(store: Engine) -> None:
    """After a message the next one of the group comes group_interval later, and shows all that fires."""
    with_series(store)
    file = routes(group_wait="10s", group_interval="5m")
    _handle(store, file, NOON, finding(host="a"))
    _tick(store, file, after(seconds=10))
    handled = _handle(store, file, after(seconds=20), finding(host="b", at=after(seconds=20)))
    assert handled.next_due == after(minutes=5, seconds=10)
    _tick(store, file, after(minutes=5, seconds=10))
    assert told(deliveries(store)[-1])[2] == ["firing a critical", "firing b critical"]


def test_an_idle_group_waits_only_for_company(store: Engine) -> None:
    """Long after its last message a group behaves as a new one: group_wait, and never two messages within the interval."""
    with_series(store)
    file = routes(group_wait="10s", group_interval="5m")
    _handle(store, file, NOON, finding(host="a"))
    _tick(store, file, after(seconds=10))
    assert _handle(store, file, after(hours=1), finding(host="b", at=after(hours=1))).next_due == after(
        hours=1, seconds=10
    )


def test_the_end_is_told_to_who_was_told_the_beginning(store: Engine) -> None:
    """A resolve follows group_interval after the message, and the group then ends."""
    with_series(store)
    file = routes(group_wait="0s", group_interval="1m")
    _handle(store, file, NOON, finding())
    _handle(store, file, after(seconds=10), finding("ok", at=after(seconds=10), reason="0.5, within 0.9"))
    last = _tick(store, file, after(minutes=1))
    assert last.next_due is None
    assert [told(row)[1:] for row in deliveries(store)] == [
        ("firing", ["firing host-1 critical"]),
        ("resolved", ["resolved host-1 critical"]),
    ]
    (shown,) = deliveries(store)[-1].message["body"]["alerts"]
    assert (shown["endsAt"], shown["annotations"]["reason"]) == ("2026-03-02T12:00:10.000Z", "0.5, within 0.9")


def test_what_ends_before_it_is_told_is_not_told_and_the_history_says_so(store: Engine) -> None:
    """No resolve without a firing message; the alert's own history has the reason."""
    with_series(store)
    file = routes(group_wait="30s")
    _handle(store, file, NOON, finding())
    _handle(store, file, after(seconds=5), finding("ok", at=after(seconds=5)))
    assert _tick(store, file, after(seconds=30)) == Handled((), 0, None)
    assert [detail for _, _, detail in events(store, "kept_quiet")] == [
        "resolved before ops was told of it, so there is nothing to tell"
    ]


def test_a_channel_that_wants_no_resolves_gets_none(store: Engine) -> None:
    """Of two channels of one receiver each gets what it asks for."""
    with_series(store)
    hooks = [{"url": "http://127.0.0.1:9/a"}, {"url": "http://127.0.0.1:9/b", "send_resolved": False}]
    file = routes(receivers=[{"name": "ops", "webhook_configs": hooks}], group_wait="0s", group_interval="1s")
    _handle(store, file, NOON, finding(host="a"), finding(host="b"))
    _handle(store, file, after(seconds=5), finding("ok", host="a"))
    _handle(store, file, after(seconds=9), finding("ok", host="b"), finding(host="c"))
    _handle(store, file, after(seconds=19), finding("ok", host="c"))
    both = ["firing a critical", "firing b critical"]
    expected = [
        (0, both),
        (1, both),
        (0, ["firing b critical", "resolved a critical"]),
        (0, ["firing c critical", "resolved b critical"]),
        (1, ["firing c critical"]),
        (0, ["resolved c critical"]),
    ]
    assert [(row.settings, told(row)[2]) for row in deliveries(store)] == expected
    assert len({row.key for row in deliveries(store)}) == len(expected)


def test_an_unchanged_group_is_repeated(store: Engine) -> None:
    """What still fires is told again every repeat_interval, with another key."""
    with_series(store)
    file = routes(group_wait="0s", repeat_interval="1h")
    _handle(store, file, NOON, finding())
    assert [_tick(store, file, after(minutes=m)).deliveries for m in (59, 60, 61, 119, 120)] == [0, 1, 0, 0, 1]
    assert len({row.key for row in deliveries(store)}) == 3


def test_an_acknowledged_alert_is_not_repeated_until_it_is_given_back(store: Engine) -> None:
    """Acknowledging stops repeats, giving back lets them go on."""
    with_series(store)
    file = routes(group_wait="0s", group_interval="5m", repeat_interval="1h")
    _handle(store, file, NOON, finding())
    with writing(store) as connection:
        commands.acknowledge(connection, alerts(store)[0].id, "li", "on it", after(minutes=1))
    assert _tick(store, file, after(hours=2)).deliveries == 0
    with writing(store) as connection:
        commands.unacknowledge(connection, alerts(store)[0].id, "li", "", after(hours=2))
    assert _tick(store, file, after(hours=2, minutes=5)).deliveries == 1


def test_a_graver_alert_is_told_though_acknowledged(store: Engine) -> None:
    """A rise of the severity is news even to who has the alert; a fall is not."""
    with_series(store)
    file = routes(group_wait="0s", group_interval="1m")
    _handle(store, file, NOON, finding("warning"))
    with writing(store) as connection:
        commands.acknowledge(connection, alerts(store)[0].id, "li", "", after(minutes=1))
    _handle(store, file, after(minutes=2), finding("critical"))
    _handle(store, file, after(minutes=4), finding("warning"))
    _handle(store, file, after(minutes=6), finding("critical"))
    shown = [told(row)[2] for row in deliveries(store)]
    assert shown == [["firing host-1 warning"], ["firing host-1 critical"], ["firing host-1 critical"]]
    assert deliveries(store)[1].message["body"]["alerts"][0]["annotations"]["acknowledged_by"] == "li"


BY_SEVERITY = (
    {"matchers": ["severity=critical"], "receiver": "pager"},
    {"matchers": ["severity=warning"], "receiver": "mail"},
)


def test_an_alert_that_moves_to_another_receiver_ends_for_the_first(store: Engine) -> None:
    """Warning to critical: the pager hears of it, and who had the warning hears where it went; and back again."""
    with_series(store)
    file = routes(*BY_SEVERITY, group_wait="0s", group_interval="1s")
    _handle(store, file, NOON, finding("warning"))
    _handle(store, file, after(minutes=1), finding("critical"))
    _handle(store, file, after(minutes=2), finding("warning"))
    _handle(store, file, after(minutes=3), finding("ok"))
    assert sorted(told(row) for row in deliveries(store)) == sorted(
        [
            ("mail", "firing", ["firing host-1 warning"]),
            ("pager", "firing", ["firing host-1 critical"]),
            ("mail", "resolved", ["resolved host-1 critical"]),
            ("mail", "firing", ["firing host-1 warning"]),
            ("pager", "resolved", ["resolved host-1 warning"]),
            ("mail", "resolved", ["resolved host-1 warning"]),
        ]
    )
    ended = next(row for row in deliveries(store) if told(row)[:2] == ("mail", "resolved"))
    assert ended.message["body"]["alerts"][0]["annotations"]["reason"] == "it is critical now, and pager has it"


def test_an_alert_that_moves_within_one_receiver_does_not_end_for_it(store: Engine) -> None:
    """Grouped by severity, a graver alert is told as firing, and not as resolved besides."""
    with_series(store)
    file = routes(group_by=["alertname", "severity"], group_wait="0s", group_interval="1s")
    _handle(store, file, NOON, finding("warning"))
    _handle(store, file, after(minutes=1), finding("critical"))
    _handle(store, file, after(minutes=2), finding("ok"))
    assert [told(row)[2] for row in deliveries(store)] == [
        ["firing host-1 warning"],
        ["firing host-1 critical"],
        ["resolved host-1 critical"],
    ]
    assert "another route to ops has it now" in events(store, "kept_quiet")[0][2]


def test_an_alert_that_returns_before_its_end_is_told_stays_firing(store: Engine) -> None:
    """A new occurrence is told; the old one's end would only contradict it."""
    with_series(store)
    file = routes(group_wait="0s", group_interval="5m")
    _handle(store, file, NOON, finding())
    _handle(store, file, after(seconds=10), finding("ok"))
    _handle(store, file, after(seconds=20), finding())
    _tick(store, file, after(minutes=5))
    assert [told(row)[2] for row in deliveries(store)] == [["firing host-1 critical"]] * 2
    assert "it fires again as alert" in events(store, "kept_quiet")[0][2]


def test_an_alert_without_data_is_not_resolved(store: Engine) -> None:
    """UNKNOWN ends nothing: no message says so, and repeats go on."""
    with_series(store)
    file = routes(group_wait="0s", group_interval="1s", repeat_interval="1h")
    _handle(store, file, NOON, finding())
    _handle(store, file, after(minutes=1), finding("unknown", value=None, reason="no data for 60 s"))
    _tick(store, file, after(hours=1))
    assert [told(row)[1] for row in deliveries(store)] == ["firing", "firing"]
    assert deliveries(store)[-1].message["body"]["alerts"][0]["annotations"]["reason"] == "no data for 60 s"


def test_continue_tells_both_receivers(store: Engine) -> None:
    """An alert with two routes has two groups, each with its own timers."""
    with_series(store)
    file = routes(
        {"matchers": ["severity=critical"], "receiver": "pager", "group_wait": "0s", "continue": True},
        {"matchers": ["team=storage"], "receiver": "mail", "group_wait": "1m"},
    )
    assert _handle(store, file, NOON, finding()).deliveries == 1
    assert _tick(store, file, after(minutes=1)).deliveries == 1
    assert [row.receiver for row in deliveries(store)] == ["pager", "mail"]


def test_a_receiver_without_channel_shows_in_the_history(store: Engine) -> None:
    """The console alone: no row of the outbox, and the alert's history says why nobody was told."""
    with_series(store)
    file = routes(receivers=[{"name": "ops"}], group_wait="0s", repeat_interval="1h")
    _handle(store, file, NOON, finding())
    assert _tick(store, file, after(hours=1)).deliveries == 0
    assert [detail for _, _, detail in events(store, "kept_quiet")] == [
        "receiver ops has no channel; it shows in the console only"
    ]


def test_the_worst_alerts_are_shown_when_a_message_is_cut(store: Engine) -> None:
    """max_alerts keeps the gravest, counts the rest, and the history still has them all."""
    with_series(store)
    hook = {"url": "http://127.0.0.1:9/", "max_alerts": 2}
    file = routes(receivers=[{"name": "ops", "webhook_configs": [hook]}], group_wait="0s")
    found = [finding("warning", host="a"), finding("critical", host="b"), finding("warning", host="c")]
    _handle(store, file, NOON, *found)
    (row,) = deliveries(store)
    assert told(row)[2] == ["firing b critical", "firing a warning"]
    assert row.message["body"]["truncatedAlerts"] == 1
    assert len(row.message["firing"]) == 3


def test_groups_survive_a_restart(store: Engine) -> None:
    """All state is rows: another process with the same store goes on where the first one stopped."""
    with_series(store)
    file = routes(group_wait="30s")
    _handle(store, file, NOON, finding())
    store.dispose()
    again = routes(group_wait="30s")
    with writing(store) as connection:
        assert pipeline.resume(connection, again, after(seconds=1), URL) == Handled((), 0, after(seconds=30))
    assert _tick(store, again, after(hours=1)).deliveries == 1


def test_another_routes_file_moves_open_alerts(store: Engine) -> None:
    """After a change of the tree the new receiver is told, and the old one is told where the alert went."""
    with_series(store)
    _handle(store, routes(group_wait="0s"), NOON, finding())
    changed = routes({"matchers": ["severity=critical"], "receiver": "pager"}, group_wait="0s")
    with writing(store) as connection:
        pipeline.resume(connection, changed, after(minutes=1), URL)
    assert [told(row) for row in deliveries(store)][1:] == [
        ("ops", "resolved", ["resolved host-1 critical"]),
        ("pager", "firing", ["firing host-1 critical"]),
    ] or [told(row) for row in deliveries(store)][1:] == [
        ("pager", "firing", ["firing host-1 critical"]),
        ("ops", "resolved", ["resolved host-1 critical"]),
    ]


def test_a_receiver_taken_out_of_the_file_is_not_told_and_the_history_says_so(store: Engine) -> None:
    """Its group ends; nothing fails."""
    with_series(store)
    before = routes({"matchers": ["severity=critical"], "receiver": "pager"}, group_wait="0s")
    _handle(store, before, NOON, finding())
    with writing(store) as connection:
        pipeline.resume(connection, routes(group_wait="0s"), after(minutes=1), URL)
    assert told(deliveries(store)[-1])[0] == "ops"
    assert "pager, who was told of it, is no longer in routes.yaml" in events(store, "kept_quiet")[0][2]


def test_ten_thousand_findings_in_one_call(store: Engine) -> None:
    """A storm of 10,000 alerts from 50 causes is 50 messages, every alert in one of them, in few statements."""
    with_series(store)
    file = routes(group_wait="0s", group_by=["target"])
    storm = [finding(host=f"h{number % 50}", mount=f"/{number}") for number in range(10_000)]
    handled = _handle(store, file, NOON, *storm)
    assert (len(handled.changed), handled.deliveries) == (10_000, 50)
    assert sum(len(row.message["firing"]) for row in deliveries(store)) == 10_000


def test_nothing_to_do_is_five_small_questions(store: Engine) -> None:
    """An empty call reads five things by an index and writes nothing; on PostgreSQL it takes the writers' lock besides."""
    with_series(store)
    seen: list[str] = []
    event.listen(store, "before_cursor_execute", lambda _c, _cur, statement, *_: seen.append(statement))
    assert _handle(store, routes(), NOON) == Handled((), 0, None)
    asked = [statement.split()[0] for statement in seen if not statement.startswith("BEGIN")]
    assert asked == ["SELECT"] * (6 if store.dialect.name == "postgresql" else 5)


STEPS = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=90),  # seconds since the step before
        st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from(["ok", "warning", "critical", "unknown"])), max_size=3
        ),
    ),
    min_size=1,
    max_size=12,
)


@given(steps=STEPS, by_severity=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_alert_is_lost_and_no_end_is_told_without_a_beginning(
    store: Engine, steps: list[tuple[int, list[tuple[str, str]]]], by_severity: bool
) -> None:
    """Whatever happens when: what stays open is told within group_wait or group_interval, ends follow beginnings."""
    file = routes(*(BY_SEVERITY if by_severity else ()), group_wait="10s", group_interval="60s")
    patience = timedelta(seconds=60)
    with store.connect().execution_options(bomc_writes=True) as connection:
        doing = connection.begin()
        now = NOON
        for seconds, changes in [*steps, (200, [])]:
            until = now + timedelta(seconds=seconds)
            while (due := pipeline.next_due(connection)) is not None and due <= until:
                pipeline.tick(connection, file, max(due, now))
            now = until
            found = [_without_series(host, Status(status), False) for host, status in changes]
            pipeline.handle(connection, [_at(one, now) for one in found], file, now)
        _check_promises(connection, patience)
        doing.rollback()


def _at(made: Finding, now: datetime) -> Finding:
    status = Status(made.new)
    return replace(made, new=status, result=Result(status, 1.0, "because", instant_ms(now)))


def _check_promises(connection: Any, patience: timedelta) -> None:
    believed: dict[str, set[int]] = defaultdict(set)
    first_told: dict[int, datetime] = {}
    for row in outbox(connection):
        firing, resolved = set(row.message["firing"]), set(row.message["resolved"])
        assert resolved <= believed[row.receiver], "an end was told to somebody who knew of no beginning"
        assert not firing & resolved
        believed[row.receiver] -= resolved
        believed[row.receiver] |= firing
        for number in firing:
            first_told.setdefault(number, row.created_at)
    for row in connection.execute(select(alert)):
        if row.resolved_at is None or row.resolved_at - row.opened_at > patience:
            assert row.id in first_told, f"alert {row.id} was never told"
            assert first_told[row.id] - row.opened_at <= patience
    still_open = set(connection.scalars(select(alert.c.id).where(alert.c.resolved_at.is_(None))))
    quiet = set(connection.scalars(select(alert_event.c.alert_id).where(alert_event.c.kind == "kept_quiet")))
    for receiver, numbers in believed.items():
        assert numbers - still_open <= quiet, f"{receiver} was never told of an end"
    assert len({row.key for row in outbox(connection)}) == len(outbox(connection))


def test_an_ended_group_waits_for_nothing(store: Engine) -> None:
    """An ended group keeps its row, empty, and costs no flush any more."""
    with_series(store)
    file = routes(group_wait="0s", group_interval="1s")
    _handle(store, file, NOON, finding())
    _handle(store, file, after(minutes=1), finding("ok"))
    with reading(store) as connection:
        (row,) = connection.execute(select(notify_group)).all()
    assert (row.next_flush_at, row.notified_at, row.notified_firing, row.notified_resolved) == (None, None, {}, [])
    with writing(store) as connection:
        connection.execute(delete(delivery))
    assert _handle(store, file, after(hours=1), finding(at=after(hours=1))).deliveries == 1


def test_what_mutes_an_alert_on_several_routes_is_asked_once(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three receivers of the same alert: only a route with hours of its own has a question of its own."""
    with_series(store)
    asked: list[str] = []
    original = Mutes.of

    def of(self: Mutes, labels: dict[str, str], *rest: Any) -> tuple[Mute, ...]:
        asked.append(labels["target"])
        return original(self, labels, *rest)

    monkeypatch.setattr(Mutes, "of", of)
    child = {"continue": True}
    file = routes(*({**child, "receiver": name} for name in ("a", "b", "c")), group_wait="0s")
    assert _handle(store, file, NOON, finding(host="h1"), finding(host="h2")).deliveries == 3
    assert sorted(asked) == ["h1", "h2"]


def test_a_message_is_made_once_for_channels_that_want_the_same(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three channels, one of which wants no ends: two messages while the group fires; and none when there is nothing to
    tell, however many alerts are in it."""
    with_series(store)
    made: list[int] = []
    original = dispatch.compose

    def compose(*given: Any, **named: Any) -> Message:
        made.append(len(given[3]))
        return original(*given, **named)

    monkeypatch.setattr(dispatch, "compose", compose)
    channels = [{"url": f"http://127.0.0.1:9/{name}"} for name in "ab"]
    channels.append({"url": "http://127.0.0.1:9/c", "send_resolved": False})
    file = routes(receivers=[{"name": "ops", "webhook_configs": channels}], group_wait="0s", group_interval="1m")
    assert _handle(store, file, NOON, finding(host="h1"), finding(host="h2")).deliveries == 3
    assert made == [2, 2]
    assert _tick(store, file, after(minutes=2)).deliveries == 0
    assert made == [2, 2]


def test_silences_are_read_once_in_a_transaction(store: Engine) -> None:
    """However many ask: groups and escalations of one tick."""
    with reading(store) as connection:
        seen: list[str] = []
        event.listen(connection, "before_cursor_execute", lambda _c, _u, statement, *_: seen.append(statement))
        active = muting.read_once(connection, NOON)
        for _ in range(2):
            muting.load(connection, routes(), NOON, [], [], active)
        assert sum("FROM silence" in one for one in seen) == 1


def test_an_alert_that_opens_a_ticket_and_is_told_asks_for_silences_once(store: Engine) -> None:
    """Whether its ticket waits and whether it is told follow from one reading."""
    with_series(store)
    file = routes(group_wait="0s", ticket={"kind": "fault"})
    seen: list[str] = []
    with writing(store) as connection:
        event.listen(connection, "before_cursor_execute", lambda _c, _u, statement, *_: seen.append(statement))
        made = pipeline.handle(connection, [finding()], file, NOON)
    assert made.deliveries
    assert sum("FROM silence" in one for one in seen) == 1
