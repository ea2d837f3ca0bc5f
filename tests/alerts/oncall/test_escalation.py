"""Escalations: who is told next and when, that acknowledging stops them, and that nobody unreachable stops them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts import commands as alert_commands
from alerts import handing, pipeline
from alerts.config import RoutesFile
from alerts.delivery.outbox import deliver_due
from alerts.delivery.sending import Io
from alerts.muting import shelving, silences
from alerts.oncall import commands, escalating
from alerts.oncall.config import OnCallFile
from alerts.oncall.escalation import HELD, RUNNING, SPENT, Facts, Sent, Standing, decide
from alerts.routes.matchers import matcher
from core.model import Finding, Status
from core.store.open import open_store, reading, writing
from core.store.tables import alert_event, delivery, escalation
from tests.alerts.oncall.world import layer, plan
from tests.alerts.receivers import hook
from tests.alerts.world import NOON, after, events, finding, routes, with_series

DEAD = "http://127.0.0.1:9/hook"
MINUTES = timedelta(minutes=1)


def estate(*steps: Mapping[str, Any], urls: Mapping[str, str | None] | None = None, **fields: Any) -> RoutesFile:
    """Routes whose every alert begins the policy `city`, and people with a webhook each (None: none)."""
    channels = {"li.wei": DEAD, "zhang.min": DEAD, "zhao.lei": DEAD, **(urls or {})}
    people = [
        {"name": name, "webhook_configs": [{"url": url}] if url else []}
        for name, url in channels.items()
        if name != "desk"
    ]
    schedules = [plan(layer(people=["zhang.min", "li.wei"])), plan(layer(people=["zhao.lei"]), name="province")]
    policy = {"name": "city", "catch_all": "desk", "steps": list(steps) or list(LADDER), **fields}
    file = OnCallFile.model_validate({"people": people, "schedules": schedules, "escalations": [policy]})
    receivers = [
        {"name": "ops", "webhook_configs": []},
        {"name": "desk", "webhook_configs": [{"url": channels.get("desk") or DEAD}]},
    ]
    return routes(receivers=receivers, escalation="city").beside(file)


LADDER = ({"schedule": "platform"}, {"schedule": "province", "wait": "10m"})


def handle(store: Engine, file: RoutesFile, now: datetime, *findings: Finding) -> int:
    with writing(store) as connection:
        return pipeline.handle(connection, findings, file, now).deliveries


def tick(store: Engine, file: RoutesFile, now: datetime) -> int:
    with writing(store) as connection:
        return pipeline.tick(connection, file, now).deliveries


def told(store: Engine) -> list[tuple[str, float]]:
    """Receivers of the outbox with the minutes after noon at which they were told."""
    with reading(store) as connection:
        rows = connection.execute(select(delivery).order_by(delivery.c.id)).all()
    return [(row.receiver, (row.created_at - NOON) / MINUTES) for row in rows]


def mark(store: Engine, state: str, error: str | None = None) -> None:
    """What the outbox would have done with every message that waits."""
    with writing(store) as connection:
        waiting = delivery.update().where(delivery.c.state == "pending")
        connection.execute(waiting.values(state=state, last_error=error, attempts=1))


def walk(store: Engine, file: RoutesFile, start: float, end: float) -> None:
    """Ticks from one minute to another, everything being delivered at once."""
    at = start
    while at <= end:
        tick(store, file, after(minutes=at))
        mark(store, "sent")
        at += 1


def history(store: Engine) -> list[str]:
    return [detail for _, kind, detail in events(store, "escalation") if kind == "escalation"]


def states(store: Engine) -> list[tuple[str, int, int]]:
    with reading(store) as connection:
        return [(row.state, row.step, row.round) for row in connection.execute(select(escalation))]


def test_the_steps_come_one_after_the_other_and_the_catch_all_last(store: Engine) -> None:
    """Each step has its wait; two rounds; then the desk, once."""
    with_series(store)
    file = estate(repeat=1)
    handle(store, file, NOON, finding())
    mark(store, "sent")
    walk(store, file, 1, 45)
    assert told(store) == [
        ("person/zhang.min", 0),
        ("person/zhao.lei", 5),
        ("person/zhang.min", 15),
        ("person/zhao.lei", 20),
        ("desk", 30),
    ]
    assert states(store) == [(SPENT, 2, 1)]
    said = history(store)
    assert "city, step 1 of 2: zhang.min is on call in platform: turn 9 of layer base (nobody was told yet)" in said
    assert any("person/zhang.min did not acknowledge within 5m" in one for one in said)


def test_acknowledging_stops_it_and_giving_back_goes_on_at_once(store: Engine) -> None:
    with_series(store)
    file = estate()
    handle(store, file, NOON, finding())
    mark(store, "sent")
    with writing(store) as connection:
        alert_commands.acknowledge(connection, 1, "zhang.min", "on it", after(minutes=1))
    walk(store, file, 1, 16)
    assert told(store) == [("person/zhang.min", 0)]
    assert (states(store), history(store)[-1]) == ([(HELD, 1, 0)], "city stops: zhang.min has acknowledged the alert")
    with writing(store) as connection:
        alert_commands.unacknowledge(connection, 1, "zhang.min", "", after(minutes=17))
    walk(store, file, 17, 18)
    assert told(store)[1:] == [("person/zhao.lei", 17)]


def test_one_given_back_after_its_end_begins_anew(store: Engine) -> None:
    """With keys of its own, so that no message counts as sent already."""
    with_series(store)
    file = estate()
    handle(store, file, NOON, finding())
    walk(store, file, 0, 20)
    assert [name for name, _ in told(store)] == ["person/zhang.min", "person/zhao.lei", "desk"]
    with writing(store) as connection:
        alert_commands.acknowledge(connection, 1, "zhang.min", "", after(minutes=21))
    tick(store, file, after(minutes=21))
    with writing(store) as connection:
        alert_commands.unacknowledge(connection, 1, "zhang.min", "", after(minutes=22))
    walk(store, file, 22, 40)
    assert told(store)[3:] == [("person/zhang.min", 22), ("person/zhao.lei", 27), ("desk", 37)]


def test_a_resolved_alert_ends_it_and_who_was_told_hears_of_it(store: Engine) -> None:
    with_series(store)
    file = estate()
    handle(store, file, NOON, finding())
    walk(store, file, 0, 6)
    handle(store, file, after(minutes=7), finding(Status.OK, at=after(minutes=7), reason="0.3"))
    walk(store, file, 7, 20)
    assert told(store)[2:] == [("person/zhang.min", 7), ("person/zhao.lei", 7)]
    assert states(store)[0][0] == "ended"
    with reading(store) as connection:
        last = connection.execute(select(delivery).order_by(delivery.c.id.desc())).first()
    assert last is not None
    assert last.message["body"]["status"] == "resolved"


def test_nobody_on_call_or_all_away_still_tells_somebody(store: Engine) -> None:
    """Empty steps are passed in the same moment, each with its reason; the catch-all is told."""
    with_series(store)
    file = estate(repeat=2)
    with writing(store) as connection:
        for name in ("li.wei", "zhang.min", "zhao.lei"):
            commands.away(
                connection, file.oncall, name, NOON - MINUTES, after(days=1), "on leave", "zhao.lei", NOON - MINUTES
            )
    handle(store, file, NOON, finding())
    assert told(store) == [("desk", 0)]
    said = [one for one in history(store) if "nobody is on call in platform" in one]
    assert len(said) == 3
    assert "and so is everybody else of the layer; the next step comes at once" in said[0]


UNREACHABLE: list[tuple[str, dict[str, str | None], str, float]] = [
    ("dead in the outbox", {}, "dead", 0.25),
    ("not taken for two minutes", {}, "pending", 2),
    ("no channel", {"zhang.min": None}, "sent", 0),
]


@pytest.mark.parametrize(("name", "urls", "state", "minutes"), UNREACHABLE, ids=[case[0] for case in UNREACHABLE])
def test_who_cannot_be_reached_does_not_stop_it(
    store: Engine, name: str, urls: dict[str, str | None], state: str, minutes: float
) -> None:
    """The next step comes at once, and says why."""
    with_series(store)
    file = estate(urls=urls)
    handle(store, file, NOON, finding())
    mark(store, state, "connection refused")
    for quarter in range(1, 14):
        tick(store, file, after(minutes=quarter / 4))
    assert dict(told(store))["person/zhao.lei"] == minutes


def test_who_goes_away_while_they_have_it_is_passed(store: Engine) -> None:
    with_series(store)
    file = estate()
    handle(store, file, NOON, finding())
    mark(store, "sent")
    with writing(store) as connection:
        now = after(minutes=1)
        commands.away(connection, file.oncall, "zhang.min", now, after(days=1), "ill", "zhao.lei", now)
        handing.pass_on(connection, 1, "zhang.min", "ill", now)
    tick(store, file, after(minutes=1))
    assert told(store)[1:] == [("person/zhao.lei", 1)]
    assert "person/zhang.min is away since: ill" in history(store)[-1]
    assert [detail for _, _, detail in events(store, "passed_on")] == ["ill"]


def test_who_has_it_and_passes_it_on_sets_the_next_step_going(store: Engine) -> None:
    with_series(store)
    file = estate()
    handle(store, file, NOON, finding())
    mark(store, "sent")
    with writing(store) as connection:
        alert_commands.acknowledge(connection, 1, "zhang.min", "mine", after(minutes=1))
    tick(store, file, after(minutes=1))
    with writing(store) as connection:
        handing.pass_on(connection, 1, "zhang.min", "ill", after(minutes=2))
    tick(store, file, after(minutes=2))
    assert told(store)[1:] == [("person/zhao.lei", 2)]


def test_nobody_is_told_of_an_escalation_whose_alert_is_silenced(store: Engine) -> None:
    """What mutes the alert's messages mutes its escalation; when the silence ends, it goes on."""
    with_series(store)
    file = estate()
    matchers = (matcher("severity", "=", "critical"), matcher("alertname", "=~", ".+"))
    with writing(store) as connection:
        spec = silences.Spec(matchers, NOON, after(minutes=30), "known")
        silences.create(connection, spec, "li.wei", NOON)
    handle(store, file, NOON, finding())
    tick(store, file, after(minutes=10))
    assert told(store) == []
    tick(store, file, after(minutes=31))
    assert [receiver for receiver, _ in told(store)] == ["person/zhang.min"]


def test_nobody_is_told_of_an_escalation_whose_alert_is_shelved(store: Engine) -> None:
    with_series(store)
    file = estate()
    handle(store, file, NOON, finding())
    mark(store, "sent")
    with writing(store) as connection:
        shelving.shelve(connection, 1, "li.wei", "known", after(hours=2), after(minutes=1))
    tick(store, file, after(minutes=60))
    assert [receiver for receiver, _ in told(store)] == ["person/zhang.min"]
    tick(store, file, after(minutes=121))
    assert [receiver for receiver, _ in told(store)] == ["person/zhang.min", "person/zhao.lei"]


def test_the_process_may_die_between_any_two_moments(store_url: str) -> None:
    """A new process at every tick, and a transaction that is rolled back before each: the same messages, each once."""
    engine = open_store(store_url)
    with_series(engine)
    file = estate(repeat=1)
    handle(engine, file, NOON, finding())
    engine.dispose()
    for minute in range(1, 36):
        engine = open_store(store_url)
        now = after(minutes=minute)
        with engine.connect().execution_options(bomc_writes=True) as connection, connection.begin() as transaction:
            escalating.begin(connection, file, None, now)
            escalating.run(connection, file, now)
            transaction.rollback()
        with writing(engine) as connection:
            pipeline.resume(connection, file, now)
        mark(engine, "sent")
        engine.dispose()
    engine = open_store(store_url)
    with reading(engine) as connection:
        keys = list(connection.scalars(select(delivery.c.key)))
        begun = [one for one in history(engine) if "begins" in one]
    assert [name for name, _ in told(engine)] == ["person/zhang.min", "person/zhao.lei"] * 2 + ["desk"]
    assert (len(set(keys)), len(begun)) == (5, 1)
    engine.dispose()


def test_a_storm_is_one_message_for_each_receiver_and_half_a_minute(store: Engine) -> None:
    """300 alerts within a minute: nobody gets more than three messages, and each alert is told."""
    with_series(store)
    file = estate({"schedule": "platform", "wait": "30m"})
    for second in range(0, 60, 3):
        burst = [finding(host=f"h{second}-{number}", at=after(seconds=second)) for number in range(15)]
        handle(store, file, after(seconds=second), *burst)
        mark(store, "sent")
    walk(store, file, 1, 3)
    with reading(store) as connection:
        rows = connection.execute(select(delivery.c.message)).scalars().all()
    assert len(rows) <= 4
    assert sorted(number for row in rows for number in row["firing"]) == list(range(1, 301))


def test_a_muted_alert_waits_and_its_history_says_so_once(store: Engine) -> None:
    with_series(store)
    file = estate()
    with writing(store) as connection:
        pipeline.handle(connection, [finding()], routes(receivers=[{"name": "ops"}]), NOON)
        escalating.begin(connection, file, None, NOON)
    for minute in range(10):
        with writing(store) as connection:
            made = escalating.run(
                connection,
                file,
                after(minutes=minute),
                "",
                lambda _c, rows: {row.alert_id: "silence 7" for row in rows},
            )
            assert made == 0
    assert sum("silence 7" in one for one in history(store)) == 1
    tick(store, file, after(minutes=10))
    assert told(store) == [("person/zhang.min", 10)]


def test_a_policy_that_is_gone_ends_it_and_one_that_comes_begins(store: Engine) -> None:
    with_series(store)
    plain = routes(receivers=[{"name": "ops"}])
    handle(store, plain, NOON, finding())
    assert states(store) == []
    with writing(store) as connection:
        pipeline.resume(connection, estate(), after(minutes=1))
    assert states(store) == [(RUNNING, 1, 0)]
    walk(store, plain, 2, 8)
    assert (states(store)[0][0], history(store)[-1]) == (
        "ended",
        "city ends: no route of the alert names this policy any more",
    )


def test_the_messages_really_arrive_and_a_broken_hook_sends_it_on(store: Engine) -> None:
    """The outbox delivers to the person's own hook; one that answers 404 is dead, and the next is told at once."""
    with_series(store)
    with hook(404) as broken, hook() as good:
        file = estate(urls={"zhang.min": broken.url, "zhao.lei": good.url})
        handle(store, file, NOON, finding())
        deliver(store, file, NOON)
        tick(store, file, after(seconds=15))
        deliver(store, file, after(seconds=15))
        assert (len(broken.got), len(good.got)) == (1, 1)
        body = good.got[0].body
    assert (body["receiver"], body["status"], body["groupLabels"]) == (
        "person/zhao.lei",
        "firing",
        {"escalation": "city"},
    )
    assert "person/zhang.min cannot be reached" in body["alerts"][0]["annotations"]["escalation"]
    with reading(store) as connection:
        kinds = list(connection.scalars(select(alert_event.c.kind).order_by(alert_event.c.id)))
    assert kinds.count("notified") == 1
    assert kinds.count("not_delivered") == 1


def deliver(store: Engine, file: RoutesFile, now: datetime) -> None:
    deliver_due(store, file, lambda: now, Io(), rng=Random(7))


def test_three_levels_are_policies_put_into_one_another(store: Engine) -> None:
    """City, province and group: one policy names the next."""
    with_series(store)
    file = estate()
    levels = [
        {"name": "group", "catch_all": "desk", "steps": [{"person": "li.wei"}]},
        {"name": "province", "catch_all": "desk", "steps": [{"schedule": "province"}, {"policy": "group"}]},
        {"name": "city", "catch_all": "desk", "steps": [{"schedule": "platform"}, {"policy": "province"}]},
    ]
    made = file.oncall.model_dump(mode="json", by_alias=True) | {"escalations": levels}
    file = file.beside(OnCallFile.model_validate(made))
    handle(store, file, NOON, finding())
    walk(store, file, 0, 20)
    assert told(store) == [("person/zhang.min", 0), ("person/zhao.lei", 5), ("person/li.wei", 10), ("desk", 15)]


FIRST = Standing(RUNNING, 1, 0, 0, after(minutes=5), "person/li.wei", NOON)
TWO = 2 * MINUTES
# name, standing, facts, minutes after noon, act, words
DECISIONS: Sequence[tuple[str, Standing, Facts, float, str, str]] = [
    ("resolved wins over all", FIRST, Facts(resolved=True, acknowledged_by="x"), 9, "end", "resolved"),
    ("not wanted any more", FIRST, Facts(wanted=False, acknowledged_by="x"), 9, "end", "names this policy"),
    ("acknowledged", FIRST, Facts(acknowledged_by="li.wei"), 9, "hold", "li.wei has acknowledged"),
    ("muted", FIRST, Facts(muted="silence 3"), 9, "wait", "silence 3"),
    ("sent, in time", FIRST, Facts(messages=(Sent("sent"),)), 4.9, "wait", "has until then"),
    ("sent, time is over", FIRST, Facts(messages=(Sent("sent"),)), 5, "step", "did not acknowledge within 5m"),
    ("one of two channels took it", FIRST, Facts(messages=(Sent("dead", "x"), Sent("sent"))), 4, "wait", "has until"),
    ("on its way", FIRST, Facts(messages=(Sent("pending"),)), 1.9, "wait", "has until then"),
    ("on its way too long", FIRST, Facts(messages=(Sent("pending", "timed out"),)), 2, "step", "timed out"),
    ("dead", FIRST, Facts(messages=(Sent("dead", "410 Gone"),)), 0.1, "step", "410 Gone"),
    ("went away", FIRST, Facts(away="ill", messages=(Sent("sent"),)), 1, "step", "is away since: ill"),
    ("given back", Standing(HELD, 1, 0, 0, NOON, "x", NOON), Facts(), 1, "step", "nobody has the alert any more"),
    ("given back, muted", Standing(HELD, 1, 0, 0, NOON, "x", NOON), Facts(muted="night"), 1, "wait", "night"),
    ("before the first step", Standing(RUNNING, 0, 0, 0, after(minutes=5)), Facts(), 4, "wait", "the first step"),
    ("the first step", Standing(RUNNING, 0, 0, 0, after(minutes=5)), Facts(), 5, "step", "nobody was told yet"),
    ("spent", Standing(SPENT, 2, 0, 0, NOON, "desk", NOON), Facts(), 99, "wait", "in vain"),
]


@pytest.mark.parametrize(
    ("name", "standing", "facts", "minutes", "act", "words"), DECISIONS, ids=[case[0] for case in DECISIONS]
)
def test_each_decision_has_its_reason(
    name: str, standing: Standing, facts: Facts, minutes: float, act: str, words: str
) -> None:
    found = decide(standing, facts, TWO, after(minutes=minutes))
    assert found.act == act
    assert words in found.reason
    assert (found.look_at is not None) == (act == "wait")
