"""The end of what was told through a fall-back: whoever was told that it fires is told that it is over, once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts.config import ReceiverConfig, RoutesFile
from alerts.delivery.outbox import deliver_due
from alerts.delivery.sending import Io
from core.store.open import open_store, reading
from core.store.tables import alert, fallback_told
from tests.alerts.delivery.test_fallback import handle, pair, run
from tests.alerts.receivers import Hook, hook
from tests.alerts.world import NOON, after, events, routes, with_series


def _ends(receiver: Hook) -> list[tuple[str, list[str]]]:
    """What a receiver was told: the state of each message with its alerts."""
    return [
        (got.body["status"], sorted(f"{one['labels']['target']} {one['status']}" for one in got.body["alerts"]))
        for got in receiver.got
        if got.answer == 200
    ]


def _passed_on(store: Engine, file: RoutesFile, first: Hook, *hosts: str) -> None:
    """These fire while the first channel fails, the fall-back is told, and the first channel is well again."""
    handle(store, file, NOON, *hosts)
    run(store, file, NOON, after(minutes=3))
    first.answer = 200


def _over(store: Engine, file: RoutesFile, minutes: float, *hosts: str) -> None:
    """These are over; messages and deliveries follow."""
    handle(store, file, after(minutes=minutes), *hosts, status="ok")
    run(store, file, after(minutes=minutes), after(minutes=minutes + 1))


def test_who_was_told_instead_is_told_the_end_once_the_first_channel_is_well(store: Engine) -> None:
    """After that one, in one message for all that is over, with a key of its own; then it is owed nothing any more."""
    with_series(store)
    with hook(500) as first, hook() as second:
        file = pair(first, second)
        _passed_on(store, file, first, "a", "b", "c")
        _over(store, file, 5, "a", "b")
        assert _ends(second) == [
            ("firing", ["a firing", "b firing", "c firing"]),
            ("resolved", ["a resolved", "b resolved"]),
        ]
        assert sorted(_ends(first)) == [("resolved", ["a resolved"]), ("resolved", ["b resolved"])]
        why = "receiver ops was not reached when it began; the end is told here as well"
        assert second.got[1].body["notice"] == why
        assert second.got[1].key not in {one.key for one in (*first.got, second.got[0])}
        assert _owed(store) == ["c"]
        _over(store, file, 8, "c")
        assert _ends(second)[2:] == [("resolved", ["c resolved"])]
        assert _owed(store) == []
        handle(store, file, after(minutes=20), "a")
        run(store, file, after(minutes=20), after(minutes=21))
        _over(store, file, 25, "a")
        assert len(second.got) == 3, "what the first channel was told itself is its own"
    told = [detail for _, _, detail in events(store, "notified") if detail.startswith("receiver second, resolved")]
    assert len(told) == 3


def _owed(store: Engine) -> list[str]:
    query = select(alert.c.target).join(fallback_told, fallback_told.c.alert_id == alert.c.id).order_by(alert.c.id)
    with reading(store) as connection:
        return list(connection.scalars(query))


def test_an_end_that_is_passed_on_is_not_told_again(store: Engine) -> None:
    """The first channel still fails when it is over: the fall-back has the end from what waited there."""
    with_series(store)
    with hook(500) as first, hook() as second:
        file = pair(first, second)
        _passed_on(store, file, first, "a")
        first.answer = 500
        _over(store, file, 5, "a")
        assert _ends(second) == [("firing", ["a firing"]), ("resolved", ["a resolved"])]
        assert _owed(store) == []
        first.answer = 200
        run(store, file, after(minutes=9), after(minutes=10))
        assert (len(second.got), _ends(first)) == (2, [])


def test_what_was_over_before_the_fall_back_was_told_is_owed_nothing(store: Engine) -> None:
    """It is told of the end only, as it was told last."""
    with_series(store)
    with hook(500) as first, hook() as second:
        file = pair(first, second)
        handle(store, file, NOON, "a")
        deliver_due(store, file, lambda: NOON, Io())
        handle(store, file, after(seconds=30), "a", status="ok")
        run(store, file, after(seconds=30), after(minutes=3))
        assert _ends(second) == [("resolved", ["a resolved"])]
        assert _owed(store) == []


def test_over_a_restart_the_end_is_still_told(store: Engine, store_url: str) -> None:
    """The process dies between the first channel's answer and the word to the fall-back: another one tells it, once."""
    with_series(store)
    with hook(500) as first, hook() as second:
        file = pair(first, second)
        _passed_on(store, file, first, "a")
        handle(store, file, after(minutes=5), "a", status="ok")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("alerts.delivery.outbox._tell_ends", lambda *_: None)
            assert deliver_due(store, file, lambda: after(minutes=5), Io()).sent == 1
        assert len(_ends(second)) == 1
        elsewhere = open_store(store_url)
        run(elsewhere, file, after(minutes=6), after(minutes=7))
        run(elsewhere, file, after(minutes=8), after(minutes=9))
        elsewhere.dispose()
        assert _ends(second)[1:] == [("resolved", ["a resolved"])]


SILENT_FIRST: dict[str, dict[str, Any]] = {
    "it wants no ends": {"send_resolved": False},
    "it is gone": {},
}


@pytest.mark.parametrize("settings", SILENT_FIRST.values(), ids=SILENT_FIRST.keys())
def test_where_the_first_channel_is_told_no_end_the_fall_back_is(store: Engine, settings: dict[str, Any]) -> None:
    """As soon as the alert is over, not while it fires."""
    with_series(store)
    with hook(500) as first, hook() as second:
        _passed_on(store, pair(first, second), first, "a", "b")
        receivers = [
            {"name": "ops", "webhook_configs": [{"url": first.url, **settings}] if settings else []},
            {"name": "second", "webhook_configs": [{"url": second.url}]},
        ]
        file = routes(receivers=receivers, group_by=["target"], group_wait="0s", group_interval="1s")
        run(store, file, after(minutes=4), after(minutes=5))
        assert len(_ends(second)) == 1
        _over(store, file, 6, "a")
        assert _ends(second)[1:] == [("resolved", ["a resolved"])]
        assert _ends(first) == []
        assert _owed(store) == ["b"]


def test_what_fires_again_at_once_has_one_end(store: Engine) -> None:
    """The first channel is told of the new occurrence instead of the end of the old one; at its end both are told."""
    with_series(store)
    with hook(500) as first, hook() as second:
        file = pair(first, second, group_interval="5m")
        _passed_on(store, file, first, "a")
        handle(store, file, after(minutes=4), "a", status="ok")
        handle(store, file, after(minutes=4.5), "a")
        handle(store, file, after(minutes=5))
        run(store, file, after(minutes=5), after(minutes=6))
        assert _ends(first) == [("firing", ["a firing"])]
        assert _ends(second) == [("firing", ["a firing"])]
        handle(store, file, after(minutes=8), "a", status="ok")
        handle(store, file, after(minutes=10))
        run(store, file, after(minutes=10), after(minutes=11))
        assert _ends(first)[1:] == _ends(second)[1:] == [("resolved", ["a resolved"])]


def test_along_a_chain_everybody_is_told_the_end(store: Engine) -> None:
    """The fall-back's fall-back was told, for the second one failed too."""
    with_series(store)
    with hook(500) as first, hook(500) as second, hook() as third:
        receivers = [
            {"name": "ops", "webhook_configs": [{"url": first.url}], "fallback": "second"},
            {"name": "second", "webhook_configs": [{"url": second.url}], "fallback": "third"},
            {"name": "third", "webhook_configs": [{"url": third.url}]},
        ]
        file = routes(receivers=receivers, group_by=["target"], group_wait="0s", group_interval="1s")
        handle(store, file, NOON, "a")
        run(store, file, NOON, after(minutes=6))
        assert _ends(third) == [("firing", ["a firing"])]
        first.answer = second.answer = 200
        _over(store, file, 10, "a")
        assert [_ends(one)[-1] for one in (first, second, third)] == [("resolved", ["a resolved"])] * 3
        assert _owed(store) == []


NOT_TOLD: dict[str, tuple[dict[str, Any], bool]] = {
    "it wanted no ends from the first": ({"send_resolved": False}, False),
    "it wants none any more": ({}, True),
}


@pytest.mark.parametrize(("settings", "later"), NOT_TOLD.values(), ids=NOT_TOLD.keys())
def test_a_fall_back_that_wants_no_ends_is_told_none(store: Engine, settings: dict[str, Any], later: bool) -> None:
    """Where that was changed meanwhile, the alert's history says why it was not told."""
    with_series(store)
    with hook(500) as first, hook() as second:
        quiet = {"name": "second", "webhook_configs": [{"url": second.url, "send_resolved": False}]}
        file = pair(first, second)
        silent = file.model_copy(update={"receivers": [file.receivers[0], ReceiverConfig.model_validate(quiet)]})
        _passed_on(store, file if later else silent, first, "a")
        _over(store, silent, 5, "a")
        assert _ends(second) == [("firing", ["a firing"])]
        assert _owed(store) == []
    kept = [detail for _, _, detail in events(store, "kept_quiet") if "told of no ends any more" in detail]
    assert len(kept) == later
