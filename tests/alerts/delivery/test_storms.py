"""Storms: the first messages leave at once, what follows is told together, a critical alert does not wait, nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from alerts import pipeline
from alerts.config import AppriseConfig, EmailConfig, RoutesFile, WebhookConfig
from alerts.delivery.merging import merge
from alerts.delivery.outbox import Delivered, deliver_due
from alerts.delivery.sending import Io
from alerts.delivery.storms import AFTER, EVERY, holds_until
from core.store.open import open_store, writing
from tests.alerts.delivery.test_pace import _message
from tests.alerts.receivers import Hook, hook
from tests.alerts.world import NOON, after, deliveries, finding, routes, with_series


def _folding(receiver: Hook, **settings: object) -> RoutesFile:
    channel = {"url": receiver.url, "timeout": "5s", "fold_storms": True, **settings}
    return routes(
        receivers=[{"name": "ops", "webhook_configs": [channel]}],
        group_by=["target"],
        group_wait="0s",
        group_interval="1s",
    )


def _step(store: Engine, file: RoutesFile, now: datetime, hosts: Sequence[int], status: str = "warning") -> Delivered:
    """New alerts on these hosts, a group each, and one pass of the outbox."""
    with writing(store) as connection:
        pipeline.handle(connection, [finding(status, host=f"a{n}") for n in hosts], file, now)
    return deliver_due(store, file, lambda: now, Io(), rng=Random(7))


def _told(receiver: Hook) -> list[set[str]]:
    """The targets of each message."""
    return [{one["labels"]["target"] for one in got.body["alerts"]} for got in receiver.got]


def _ago(*seconds: float) -> list[datetime]:
    return [NOON - timedelta(seconds=one) for one in seconds]


@pytest.mark.parametrize(
    ("uses", "waiting", "critical", "until"),
    [
        pytest.param([], AFTER, False, None, id="the first few leave by themselves"),
        pytest.param([], AFTER + 1, False, NOON, id="more than these at once are told together, at once"),
        pytest.param(_ago(50, 40, 30), 1, False, None, id="the fourth of a minute leaves by itself"),
        pytest.param(_ago(50, 40, 30, 5), 1, False, after(seconds=15), id="the fifth waits"),
        pytest.param(_ago(50, 40, 30, 5), 1, True, NOON, id="a critical one does not"),
        pytest.param(_ago(50, 40, 30, 25), 7, False, NOON, id="20 s after the latest, all that waits is told"),
        pytest.param(_ago(61, 62, 63, 64), 1, False, None, id="what was a minute ago does not count"),
    ],
)
def test_when_a_storm_holds_messages_back(
    uses: list[datetime], waiting: int, critical: bool, until: datetime | None
) -> None:
    """The decision, at each of its edges."""
    assert holds_until(uses, waiting, critical, NOON) == until


@given(st.lists(st.integers(0, 59), min_size=1, max_size=200))
def test_a_minute_of_messages_is_told_in_less_than_ten(seconds: list[int]) -> None:
    """Whenever they come: whoever asks every second and waits as told uses the channel fewer than ten times, and ends."""
    uses: list[datetime] = []
    waiting = 0
    for second in range(61 + 2 * round(EVERY.total_seconds())):
        now = after(seconds=second)
        waiting += seconds.count(second)
        until = holds_until(uses, waiting, False, now)
        if waiting and (until is None or until <= now):
            uses += [now] * (waiting if until is None else 1)
            waiting = 0
    assert waiting == 0
    assert len(uses) < 10


def test_a_storm_at_once_is_one_message_with_all_of_it(store: Engine) -> None:
    """Thirty groups in one moment: one message; three more then leave by themselves."""
    with_series(store)
    with hook() as receiver:
        file = _folding(receiver)
        assert _step(store, file, NOON, range(30)).sent == 1
        assert _step(store, file, after(seconds=2), range(30, 33)).sent == 3
    assert _told(receiver) == [{f"a{n}" for n in range(30)}, {"a30"}, {"a31"}, {"a32"}]
    assert {row.state for row in deliveries(store)} == {"merged", "sent"}


def test_a_storm_that_goes_on_is_told_together_over_a_restart(store: Engine, store_url: str) -> None:
    """Four leave at once; the rest waits for 20 s, says why, also for a process that was not there before."""
    with_series(store)
    with hook() as receiver:
        file = _folding(receiver)
        assert _step(store, file, NOON, range(4)).sent == 4
        assert _step(store, file, after(seconds=1), range(4, 6)).sent == 0
        elsewhere = open_store(store_url)
        assert _step(elsewhere, file, after(seconds=10), range(6, 8)) == Delivered(0, 0, 0, NOON + EVERY)
        assert "waits: a storm" in deliveries(elsewhere)[-1].note
        assert deliver_due(elsewhere, file, lambda: NOON + EVERY, Io(), rng=Random(7)).sent == 1
        elsewhere.dispose()
    assert _told(receiver)[4:] == [{"a4", "a5", "a6", "a7"}]


def test_a_critical_alert_takes_what_waits_along(store: Engine) -> None:
    """The first critical one of a storm leaves at once; another, seconds after, waits like everything else."""
    with_series(store)
    with hook() as receiver:
        file = _folding(receiver)
        _step(store, file, NOON, range(4))
        assert _step(store, file, after(seconds=1), [4]).sent == 0
        assert _step(store, file, after(seconds=3), [5], "critical").sent == 1
        assert _step(store, file, after(seconds=6), [6], "critical").sent == 0
    assert _told(receiver)[4:] == [{"a4", "a5"}]


def test_who_folds_unless_told_otherwise() -> None:
    """People's channels do, a machine's does not."""
    folds = {
        config: config.model_fields["fold_storms"].default for config in (AppriseConfig, EmailConfig, WebhookConfig)
    }
    assert folds == {AppriseConfig: True, EmailConfig: True, WebhookConfig: False}


def test_a_webhook_that_does_not_fold_gets_every_group_by_itself(store: Engine) -> None:
    """As with Alertmanager, however many there are."""
    with_series(store)
    with hook() as receiver:
        _step(store, _folding(receiver, fold_storms=False), NOON, range(12))
    assert sorted(map(sorted, _told(receiver))) == sorted([f"a{n}"] for n in range(12))


def test_what_each_group_cut_stays_counted() -> None:
    """Two groups that had no room for three and four alerts: the merged message says seven."""
    merged = merge([_message(1, "firing", cut=3), _message(2, "firing", cut=4), _message(2, "firing", cut=2)], "why")
    assert merged.body["truncatedAlerts"] == 7
