"""One cycle: everything of a batch or nothing, the whole story of an alert, restarts, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, update
from sqlalchemy.exc import OperationalError

from alerts import pipeline, pushed
from alerts.config import RoutesFile
from bomc.pipeline.cycle import Cycle
from bomc.pipeline.intake import FUTURE_TOLERANCE_MS
from bomc.pipeline.records import give_pulse
from core.model import Outcome, Sample, instant_ms, labels_of
from core.store.open import open_store, writing
from core.store.rollups import forget, roll_up
from core.store.tables import (
    alert,
    check_result,
    delivery,
    indicator,
    notify_group,
    probe_state,
    refusal,
    rollup,
    sample,
    series,
    target,
    ticket,
    transition,
)
from tests.bomc.pipeline.world import (
    FULL,
    NOON,
    ROUTES,
    SILENT,
    USED,
    after,
    check,
    everything,
    failed,
    outcome,
    rows,
    rules,
    run,
)
from tests.stores import NewStore


def statuses(engine: Engine, name: str = FULL) -> list[str]:
    """Old and new status of every transition of a check, in order."""
    return [f"{row.old} -> {row.new}" for row in rows(engine, transition) if row.check_name == name]


def open_alerts(engine: Engine) -> list[str]:
    return [f"{row.check_name} {row.target} {row.state}" for row in rows(engine, alert) if row.resolved_at is None]


def own_samples(engine: Engine) -> list[tuple[int, float]]:
    """Instant (ms after noon) and value of every sample of the memory."""
    [number] = [row.id for row in rows(engine, series) if row.indicator == USED] or [0]
    return [(row.at_ms - instant_ms(NOON), row.value) for row in rows(engine, sample) if row.series_id == number]


def test_the_whole_story_from_a_sample_to_a_closed_ticket(store: Engine) -> None:
    """Well, too full, told of and ticketed; lost, still open; well again, told of and closed."""
    cycle = Cycle(store, rules())
    assert run(cycle, after(0), outcome(after(0), 0.5)).deliveries == 0
    assert statuses(store) == []
    assert rows(store, check_result)[0].status == "ok"

    done = run(cycle, after(5), outcome(after(5), 0.95))
    assert done.deliveries == 1
    assert statuses(store) == ["ok -> critical"]
    assert open_alerts(store) == ["memory-full host-1 firing"]
    [message] = rows(store, delivery)
    assert message.message["body"]["status"] == "firing"
    [work] = rows(store, ticket)
    assert (work.state, work.kind, work.priority) == ("open", "fault", "high")
    assert "above the critical limit" in work.description

    run(cycle, after(10), failed(after(10)))
    assert open_alerts(store) == ["memory-full host-1 unknown"]
    assert rows(store, check_result)[0].reason == "nothing to judge: connection refused"

    run(cycle, after(400), outcome(after(400), 0.5))
    assert statuses(store) == ["ok -> critical", "critical -> unknown", "unknown -> ok"]
    assert open_alerts(store) == []
    run(cycle, after(1_000))
    assert [row.message["body"]["status"] for row in rows(store, delivery)][-1] == "resolved"
    [work] = rows(store, ticket)
    assert work.state == "closed"
    assert own_samples(store) == [(0, 0.5), (5_000, 0.95), (400_000, 0.5)]
    [probe] = rows(store, probe_state)
    assert (probe.runs, probe.failures, probe.samples, probe.error) == (4, 1, 3, None)


STAGES = ["sample", "check_result", "transition", "probe_state", "alert", "ticket", "notify_group", "delivery"]


@pytest.mark.parametrize("table", STAGES)
def test_a_transaction_that_fails_at_any_stage_leaves_nothing_and_is_simply_given_again(
    store: Engine, table: str
) -> None:
    """Whichever table refuses, the store is as before; the same batch then has its whole effect once."""
    cycle = Cycle(store, rules())
    run(cycle, after(0), outcome(after(0), 0.5))
    before = everything(store)
    batch = outcome(after(5), 0.95)

    def refuse(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if f"INTO {table} " in statement:
            raise OperationalError(statement, {}, Exception("the disk is full"))

    event.listen(store, "before_cursor_execute", refuse)
    with pytest.raises(OperationalError, match="the disk is full"):
        run(cycle, after(5), batch)
    event.remove(store, "before_cursor_execute", refuse)
    assert everything(store) == before

    assert run(cycle, after(6), batch).deliveries == 1
    assert statuses(store) == ["ok -> critical"]
    assert open_alerts(store) == ["memory-full host-1 firing"]
    assert len(rows(store, ticket)) == 1
    assert own_samples(store) == [(0, 0.5), (5_000, 0.95)]


LIFE = [0.5, 0.85, 0.85, 0.95, 0.95, None, 0.84, 0.5, 0.5, ..., ..., ..., ..., 0.95, 0.95, 0.5, 0.5]
"""A value every five seconds; None: the probe failed; ...: nothing came."""


def live(engine: Engine, restarts: bool) -> list[list[tuple[Any, ...]]]:
    """Transitions, results, alerts and samples after that life, with a new process before every batch or one for all."""
    checks = [
        check(above={"warning": 0.8, "critical": 0.9}, **{"raise": "2 of 3"}),
        check(SILENT, "absence", after="12s"),
    ]
    checks.append(check("memory-rate", "rate", above={"warning": 0.3}, per="5s"))
    cycle = Cycle(engine, rules(checks=checks))
    for place, value in enumerate(LIFE):
        now = after(5 * place)
        if restarts:
            cycle = Cycle(engine, rules(checks=checks))
        batch = [] if value is ... else [failed(now) if value is None else outcome(now, value)]
        run(cycle, now, *batch)
    seen = [(row.fingerprint, row.state, row.opened_at, row.resolved_at) for row in rows(engine, alert)]
    return [*([tuple(row) for row in rows(engine, table)] for table in (transition, check_result, sample)), seen]


def test_a_restart_at_every_point_ends_like_no_restart(store: Engine, new_sqlite: NewStore, tmp_path: Path) -> None:
    """A new process before every batch leaves the same samples, results, transitions and alerts."""
    with new_sqlite(tmp_path) as url:
        other = open_store(url)
        found, expected = live(store, restarts=True), live(other, restarts=False)
        other.dispose()
    assert found == expected
    assert len(found[0]) >= 8


REFUSED = [
    ("not a number", float("nan"), 0, "not_finite", "the value nan"),
    ("infinite", float("inf"), 0, "not_finite", "the value inf"),
    ("in the future", 0.5, FUTURE_TOLERANCE_MS + 1, "future", "60 s ahead of this machine's clock"),
    ("beyond all calendars", 0.5, 2**70, "future", "ahead of this machine's clock"),
    ("before all calendars", 0.5, -(2**70), "too_old", "before 1970"),
    ("before 1970", 0.5, -instant_ms(NOON) - 1, "too_old", "before 1970"),
]


@pytest.mark.parametrize(
    ("value", "offset_ms", "reason", "words"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_a_sample_that_cannot_be_is_refused_counted_and_shown(
    store: Engine, value: float, offset_ms: int, reason: str, words: str
) -> None:
    """Its neighbours in the batch are taken, and so is whatever comes next; the count grows with each."""
    cycle = Cycle(store, rules(checks=[check(), check(SILENT, "absence")]))
    bad = Sample(USED, value, instant_ms(NOON) + offset_ms)
    good = Sample("host.swap.used_ratio", 0.1, instant_ms(NOON))
    assert run(cycle, after(0), outcome(after(0), samples=[bad, good])).refused == 1
    run(cycle, after(1), outcome(after(1), samples=[bad] if offset_ms < 2**62 else [bad._replace(at_ms=2**65)]))
    run(cycle, after(70), outcome(after(70), 0.5))
    found = [(row.probe, row.reason, row.count) for row in rows(store, refusal)]
    assert found == [("host-1/memory", reason, 1 if reason == "future" and offset_ms < 2**62 else 2)]
    assert words in rows(store, refusal)[0].example
    assert any(value == 0.5 for _, value in own_samples(store))


def test_a_sample_just_ahead_of_our_clock_is_taken(store: Engine) -> None:
    """Clocks differ a little; exactly the tolerance is still in it."""
    cycle = Cycle(store, rules())
    ahead = Sample(USED, 0.5, instant_ms(NOON) + FUTURE_TOLERANCE_MS)
    assert run(cycle, after(0), outcome(after(0), samples=[ahead])).refused == 0


def test_what_comes_out_of_order_is_refused_and_counted(store: Engine) -> None:
    """An older instant, and the same one again, though in one batch or after a restart."""
    cycle = Cycle(store, rules())
    run(cycle, after(10), outcome(after(5), 0.5), outcome(after(5), 0.6), outcome(after(4), 0.7))
    run(Cycle(store, rules()), after(11), outcome(after(5), 0.8))
    assert own_samples(store) == [(5_000, 0.5)]
    [row] = [row for row in rows(store, refusal) if row.probe == "host-1/memory"]
    assert (row.reason, row.count) == ("out_of_order", 3)
    assert "is not after the latest sample" in row.example


def test_a_feed_that_restates_replaces_its_past_and_its_roll_ups(store: Engine) -> None:
    """The older value is stored anew, the roll-ups are made again, and no judgement goes back in time."""
    cycle = Cycle(store, rules())
    run(cycle, after(5), outcome(after(0), 0.5, restates=True), outcome(after(5), 0.6, restates=True))
    roll_up(store, after(10))
    run(cycle, after(20), outcome(after(0), 0.99, restates=True))
    assert own_samples(store) == [(0, 0.99), (5_000, 0.6)]
    [number] = [row.id for row in rows(store, series) if row.indicator == USED]
    found = [(row.min, row.max, row.count, row.last) for row in rows(store, rollup) if row.series_id == number]
    assert found == [(0.6, 0.99, 2, 0.6)] * 3
    assert statuses(store) == []
    assert rows(store, refusal) == []


def test_what_a_restarted_pipeline_tells_again_is_refused_nowhere(light: Engine) -> None:
    """A run of a control is told again at the next start, the older after the newer; so are the samples of its probe."""
    first, second = outcome(after(0), 0.5, restates=True), outcome(after(5), 0.6, restates=True)
    run(Cycle(light, rules()), after(5), first, second)
    known = sorted(tuple(row) for row in rows(light, sample))
    assert run(Cycle(light, rules()), after(20), first, second).refused == 0
    assert sorted(tuple(row) for row in rows(light, sample)) == known
    assert rows(light, refusal) == []


def test_one_instant_stated_twice_in_one_batch_is_taken_with_its_latest_value(store: Engine) -> None:
    """A feed that repeats itself does not make the batch impossible to store."""
    cycle = Cycle(store, rules())
    run(cycle, after(5), outcome(after(0), 0.9, restates=True), outcome(after(0), 0.2, restates=True))
    assert own_samples(store) == [(0, 0.2)]


def test_an_outcome_of_a_target_that_is_not_configured_leaves_nothing(store: Engine) -> None:
    """A probe that ended after its target was taken out."""
    cycle = Cycle(store, rules())
    run(cycle, after(0), outcome(after(0), 0.5, target="stranger"))
    assert rows(store, sample) == []
    assert rows(store, probe_state) == []
    assert [row.name for row in rows(store, target)] == ["host-1"]


def test_only_the_latest_run_of_a_probe_in_a_batch_decides_whether_it_failed(store: Engine) -> None:
    """After a backlog: a failure that a success followed leaves nothing UNKNOWN."""
    cycle = Cycle(store, rules())
    run(cycle, after(0), outcome(after(0), 0.5))
    run(cycle, after(20), failed(after(5)), outcome(after(10), 0.5))
    assert rows(store, check_result)[0].status == "ok"
    run(cycle, after(40), outcome(after(25), 0.5), failed(after(30)))
    assert rows(store, check_result)[0].status == "unknown"


def test_every_probe_has_samples_of_its_own_fate(store: Engine) -> None:
    """probe.up and probe.duration, also of one that brings nothing; their checks say what the probe says."""
    cycle = Cycle(store, rules(checks=[check("probe-failing", indicator="probe.up", below={"critical": 1})]))
    run(cycle, after(0), outcome(after(0), 0.5))
    run(cycle, after(5), failed(after(5), "no route to host"))
    [row] = rows(store, alert)
    assert row.annotations["reason"].endswith("the probe says: no route to host")
    assert row.labels["probe"] == "memory"


def test_what_the_probe_said_is_known_after_a_restart(store: Engine) -> None:
    """A pipeline that begins while the probe fails gives the same reason for the silence as one that went on."""
    file = rules(checks=[check(SILENT, "absence", after="12s")])
    run(Cycle(store, file), after(0), outcome(after(0), 0.5))
    give = {"probe": "memory"}
    Cycle(store, file).run([failed(after(5), "timed out")], after(5), None, give)
    Cycle(store, file).run([], after(13), None, give)
    assert "its probe says: timed out" in rows(store, alert)[0].annotations["reason"]


def test_silence_opens_an_alert_and_its_end_resolves_it(store: Engine) -> None:
    """Absence alerts on UNKNOWN, with the probe's error in the reason."""
    cycle = Cycle(store, rules(checks=[check(SILENT, "absence", after="12s")]))
    run(cycle, after(0), outcome(after(0), 0.5))
    run(cycle, after(5), failed(after(5), "timed out"))
    run(cycle, after(12))
    assert open_alerts(store) == []
    run(cycle, after(12.001))
    assert open_alerts(store) == ["memory-silent host-1 firing"]
    assert "its probe says: timed out" in rows(store, alert)[0].annotations["reason"]
    run(cycle, after(20), outcome(after(20), 0.5))
    assert open_alerts(store) == []


def test_our_own_down_time_is_not_the_targets_silence(store: Engine) -> None:
    """After an hour in which nothing ran, no series is called silent before it has had its time; then it is."""
    silent = rules(checks=[check(SILENT, "absence", after="12s")])
    cycle = Cycle(store, silent)
    run(cycle, after(0), outcome(after(0), 0.5))
    with writing(store) as connection:
        give_pulse(connection, after(1), {})
    cycle = Cycle(store, silent)
    run(cycle, after(3_600))
    run(cycle, after(3_611))
    assert open_alerts(store) == []
    run(cycle, after(3_613))
    assert open_alerts(store) == ["memory-silent host-1 firing"]


def two_alerts(store: Engine) -> None:
    """Two hosts, both too full."""
    cycle = Cycle(store, rules(["host-1", "host-2"]))
    run(cycle, after(0), outcome(after(0), 0.95), outcome(after(0), 0.95, target="host-2"))
    assert open_alerts(store) == ["memory-full host-1 firing", "memory-full host-2 firing"]


def test_alerts_of_a_target_that_was_taken_out_resolve_and_open_again_when_it_is_back(store: Engine) -> None:
    """Nothing else could ever resolve them; its history stays; put back, it is judged afresh."""
    two_alerts(store)
    run(Cycle(store, rules(["host-2"])), after(5))
    assert open_alerts(store) == ["memory-full host-2 firing"]
    assert "its target was taken out" in rows(store, alert)[0].annotations["reason"]
    assert [row.retired_at is not None for row in rows(store, target)] == [True, False]
    cycle = Cycle(store, rules(["host-1", "host-2"]))
    run(cycle, after(10), outcome(after(10), 0.95))
    assert sorted(open_alerts(store)) == ["memory-full host-1 firing", "memory-full host-2 firing"]


def test_alerts_of_a_check_that_was_taken_out_or_chooses_others_now_resolve(store: Engine) -> None:
    """Both when the check is gone and when it does not judge the series any more; what is left of it goes too."""
    two_alerts(store)
    chosen = check()
    narrower = type(chosen)(chosen.name, chosen.judge, chosen.indicator, chosen.params, {"target": ("host-2",)})
    run(Cycle(store, rules(["host-1", "host-2"], [narrower])), after(5))
    assert open_alerts(store) == ["memory-full host-2 firing"]
    assert "the configuration changed" in rows(store, alert)[0].annotations["reason"]
    run(Cycle(store, rules(["host-1", "host-2"], [])), after(10))
    assert open_alerts(store) == []
    assert "its check was taken out" in rows(store, alert)[1].annotations["reason"]
    assert rows(store, check_result) == []


def test_a_probe_that_was_renamed_goes_on_with_its_series(store: Engine) -> None:
    """The same series under the new name; its failure is the failure of these series."""
    run(Cycle(store, rules()), after(0), outcome(after(0), 0.5))
    cycle = Cycle(store, rules(probe="renamed"))
    run(cycle, after(5), outcome(after(5), 0.95, probe="renamed"))
    assert own_samples(store) == [(0, 0.5), (5_000, 0.95)]
    assert open_alerts(store) == ["memory-full host-1 firing"]
    run(cycle, after(10), failed(after(10), probe="renamed"))
    assert open_alerts(store) == ["memory-full host-1 unknown"]


def test_a_probe_that_was_taken_out_leaves_no_alert_that_nothing_can_resolve(store: Engine) -> None:
    """Its limits and its silence alike."""
    both = [check(), check(SILENT, "absence", after="12s")]
    run(Cycle(store, rules(checks=both)), after(0), outcome(after(0), 0.95))
    cycle = Cycle(store, rules(checks=both, probe="another"))
    run(cycle, after(100))
    assert open_alerts(store) == []


def test_a_series_whose_samples_are_all_forgotten_still_resolves_its_alert(store: Engine) -> None:
    """Down for longer than samples are kept, restarted meanwhile, and well again."""
    run(Cycle(store, rules()), after(0), outcome(after(0), 0.95))
    roll_up(store, after(1))
    week = 8 * 86_400
    roll_up(store, after(week))
    assert forget(store, after(week), timedelta(days=7), {}) > 0
    cycle = Cycle(store, rules())
    run(cycle, after(week), outcome(after(week), 0.5))
    assert open_alerts(store) == []


def test_new_indicators_are_learnt_and_known_ones_keep_their_units(store: Engine) -> None:
    """What the house declares is in the store; what a target brings by itself is added, without a unit."""
    at_ms = instant_ms(NOON)
    brought = [Sample(USED, 0.5, at_ms), Sample("its.own", 1.0, at_ms, labels_of({"b": "2", "a": "1"}))]
    run(Cycle(store, rules()), after(0), outcome(after(0), samples=brought))
    units = {row.name: row.unit for row in rows(store, indicator)}
    assert units["its.own"] == ""
    assert units[USED] != ""
    [row] = [row for row in rows(store, series) if row.indicator == "its.own"]
    assert row.labels == {"a": "1", "b": "2"}


def test_an_empty_batch_and_a_probe_without_samples_are_taken(store: Engine) -> None:
    """Nothing to do is no error."""
    cycle = Cycle(store, rules())
    assert run(cycle, after(0)).samples == 0
    assert run(cycle, after(1), outcome(after(1), samples=[])).samples == 2  # probe.up and probe.duration


def test_skips_are_counted_with_the_probe_they_belong_to(store: Engine) -> None:
    """Also of a probe that never ran; of strangers nothing is kept."""
    cycle = Cycle(store, rules(["host-1", "host-2"]))
    cycle.run([outcome(after(0), 0.5)], after(0), {"host-1/memory": 2, "host-2/memory": 1, "gone/memory": 7})
    cycle.run([], after(1), {"host-1/memory": 1})
    assert {row.probe: (row.runs, row.skipped) for row in rows(store, probe_state)} == {
        "host-1/memory": (1, 3),
        "host-2/memory": (0, 1),
    }


def twenty_thousand(at: datetime) -> list[Outcome]:
    """A large batch of one target."""
    at_ms = instant_ms(at)
    return [outcome(at, samples=[Sample(USED, 0.5, at_ms, (("n", str(n)),)) for n in range(3_000)])]


def test_a_large_batch_of_new_series_is_taken_in_one_go(store: Engine) -> None:
    """Thousands of new series at once, each judged."""
    cycle = Cycle(store, rules())
    assert run(cycle, after(0), *twenty_thousand(after(0))).samples == 3_002
    assert run(cycle, after(5), *twenty_thousand(after(5))).transitions == 0
    assert len(rows(store, check_result)) == 3_000


def test_another_routing_holds_from_the_next_batch_on(store: Engine) -> None:
    """What is open goes to whom it leads now, at once; what a console took by the one before, ten seconds later at the
    latest."""
    cycle = Cycle(store, rules())
    run(cycle, after(0), outcome(after(0), 0.95))
    assert [row.receiver for row in rows(store, delivery)] == ["ops"]
    night = ROUTES.model_dump(by_alias=True)
    night["route"]["receiver"] = night["receivers"][0]["name"] = "night"
    night["route"]["ticket"] = None
    cycle.reroute(RoutesFile.model_validate(night))
    assert run(cycle, after(5)).deliveries == 1
    assert [row.receiver for row in rows(store, delivery)] == ["ops", "night"]
    push = pushed.read(b'[{"labels": {"alertname": "A", "target": "t"}}]', after(6), timedelta(hours=1)).alerts
    with writing(store) as connection:
        pipeline.push(connection, push, "prometheus", ROUTES, after(6))
        connection.execute(update(notify_group).where(notify_group.c.receiver == "ops").values(next_flush_at=None))
    assert run(cycle, after(14)).deliveries == 0
    assert run(cycle, after(15)).deliveries == 1
    assert [row.receiver for row in rows(store, delivery)] == ["ops", "night", "night"]
