"""Shelved, flapping, or acknowledged for a time: an alert is quiet for as long as was said, and comes back by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, select

from alerts import commands
from alerts.commands import AlertError
from alerts.muting import shelving
from alerts.muting.flapping import FlappingPolicy, flapping
from core.store.open import reading, writing
from core.store.tables import audit
from tests.alerts.muting.test_muting import routes
from tests.alerts.test_dispatch import _handle, _tick
from tests.alerts.world import NOON, after, alerts, deliveries, events, finding, told, with_series


def _shelve(store: Engine, now: datetime, until: datetime, reason: str = "known, spare part ordered") -> None:
    with writing(store) as connection:
        shelving.shelve(connection, 1, "li.wei", reason, until, now)


def _shown(store: Engine) -> list[str]:
    return [told(row)[1] for row in deliveries(store)]


def test_a_shelved_alert_comes_back_by_itself(store: Engine) -> None:
    """It is not repeated, opens and resolves unseen, and is told at the instant when its time is over; over a restart."""
    with_series(store)
    file = routes(repeat_interval="30m")
    _handle(store, file, NOON, finding())
    _shelve(store, after(minutes=1), after(hours=3))
    _handle(store, file, after(minutes=40), finding("ok", at=after(minutes=40)))
    _tick(store, file, after(minutes=45))
    _handle(store, file, after(hours=1), finding(at=after(hours=1)))
    store.dispose()
    due = _tick(store, file, after(hours=2, minutes=58)).next_due
    assert (_shown(store), due) == (["firing", "resolved"], after(hours=3))
    _tick(store, file, after(hours=3))
    assert _shown(store) == ["firing", "resolved", "firing"]
    assert "shelved by li.wei until 2026-03-02 15:00 UTC: known" in events(store, "kept_quiet")[-1][2]
    assert events(store, "let_through")[-1][2] == "receiver ops: no longer kept quiet: it is back from the shelf"


def test_a_shelved_alert_can_be_brought_back(light: Engine) -> None:
    """Before its time; both doings stand in its history and in the trail."""
    with_series(light)
    _handle(light, routes(group_wait="1h"), NOON, finding(at=NOON))
    _shelve(light, after(minutes=1), after(days=1))
    _shelve(light, after(minutes=2), after(hours=2), "only until the part is there")
    with reading(light) as connection:
        (one,) = shelving.shelved(connection, after(minutes=3)).values()
    assert (one.who, one.reason, one.until) == ("li.wei", "only until the part is there", after(hours=2))
    with writing(light) as connection:
        shelving.unshelve(connection, 1, "zhao.lei", after(minutes=4))
        assert shelving.shelved(connection, after(minutes=4)) == {}
        with pytest.raises(AlertError, match="is not shelved"):
            shelving.unshelve(connection, 1, "zhao.lei", after(minutes=5))
    assert [kind for _, kind, _ in events(light, "shelved", "unshelved")] == ["shelved", "shelved", "unshelved"]
    with reading(light) as connection:
        assert list(connection.scalars(select(audit.c.action).order_by(audit.c.id))) == ["shelve", "shelve", "unshelve"]


REFUSED: dict[str, tuple[int, str, timedelta, str]] = {
    "no reason": (1, " ", timedelta(hours=1), "needs a reason"),
    "the past": (1, "why", timedelta(0), "is shelved for a time"),
    "too long": (1, "why", timedelta(days=7, seconds=1), "at most 7 days"),
    "no such alert": (9, "why", timedelta(hours=1), "There is no alert 9"),
    "resolved": (2, "why", timedelta(hours=1), "is resolved already"),
}


@pytest.mark.parametrize(("number", "reason", "length", "part"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(light: Engine, number: int, reason: str, length: timedelta, part: str) -> None:
    """With a sentence, and nothing is shelved."""
    with_series(light)
    _handle(light, routes(), NOON, finding(host="a"), finding(host="b"))
    _handle(light, routes(), NOON, finding("ok", host="b"))
    with writing(light) as connection:
        with pytest.raises(AlertError, match=part):
            shelving.shelve(connection, number, "li.wei", reason, NOON + length, NOON)
        assert shelving.shelved(connection, NOON) == {}


POLICY = FlappingPolicy.model_validate({"changes": 4, "within": "1h", "calm": "10m"})
FLAPS: dict[str, tuple[list[int], int, int | None]] = {
    # minutes of the changes, the minute now -> the minute until which it is held
    "no changes": ([], 0, None),
    "one too few": ([0, 1, 2], 3, None),
    "enough": ([0, 1, 2, 3], 4, 13),
    "calm again": ([0, 1, 2, 3], 13, None),
    "not quite calm": ([0, 1, 2, 12], 21, 22),
    "too long ago": ([0, 40, 50, 59], 60, None),
    "just within the span": ([1, 40, 50, 59], 60, 69),
    "the order changes nothing": ([3, 1, 0, 2], 4, 13),
}


@pytest.mark.parametrize(("changes", "now", "until"), FLAPS.values(), ids=FLAPS.keys())
def test_what_flaps_and_until_when_it_is_held(changes: list[int], now: int, until: int | None) -> None:
    """At every boundary."""
    found = flapping(POLICY, [after(minutes=minute) for minute in changes], after(minutes=now))
    assert (found.until if found else None) == (None if until is None else after(minutes=until))


def test_an_alert_that_flaps_is_told_once_it_is_stable(store: Engine) -> None:
    """The first openings are told; from the fourth change on it is held, and told when it has fired for ten minutes."""
    with_series(store)
    file = routes(group_interval="1m", more={"flapping": {"changes": 4, "within": "1h", "calm": "10m"}})
    for minute in range(0, 20, 2):
        status = "critical" if minute % 4 == 0 else "ok"
        _handle(store, file, after(minutes=minute), finding(status, at=after(minutes=minute)))
    _handle(store, file, after(minutes=20), finding(at=after(minutes=20)))
    assert _shown(store) == ["firing", "resolved", "firing", "resolved"]
    now = after(minutes=20)
    while now < after(minutes=40):
        now = _tick(store, file, now).next_due or after(hours=9)
    assert [(told(row)[1], row.created_at) for row in deliveries(store)[4:]] == [("firing", after(minutes=30))]
    held = [detail for number, _, detail in events(store, "kept_quiet") if number == alerts(store)[-1].id]
    assert held == [
        "receiver ops: flapping: it opened and resolved 11 times within 1h; told if it still fires at 2026-03-02 12:30:00 UTC"
    ]


@pytest.mark.parametrize("policy", [{"changes": 2}, {"calm": "0s"}, {"within": "5m", "calm": "6m"}])
def test_a_policy_that_makes_no_sense_is_refused(policy: dict[str, Any]) -> None:
    """Two changes are one alert; calm must fit into the span."""
    with pytest.raises(ValidationError):
        FlappingPolicy.model_validate(policy)


def test_an_acknowledgement_for_a_time_ends_and_repeats_go_on(store: Engine) -> None:
    """At its end the alert is nobody's, its history says so, and it is repeated; over a restart in between."""
    with_series(store)
    file = routes(repeat_interval="30m")
    _handle(store, file, NOON, finding())
    with writing(store) as connection:
        commands.acknowledge(connection, 1, "li.wei", "looking", after(minutes=1), after(minutes=47))
    store.dispose()
    now = after(minutes=1)
    while now < after(minutes=47):
        now = _tick(store, file, now).next_due or after(hours=9)
        assert len(deliveries(store)) == 1
    _tick(store, file, now)
    (row,) = alerts(store)
    assert (now, row.acknowledged_by, row.acknowledged_until) == (after(minutes=47), None, None)
    assert _shown(store) == ["firing", "firing"]
    assert "acknowledged_by" not in deliveries(store)[1].message["body"]["alerts"][0]["annotations"]
    assert events(store, "acknowledged", "unacknowledged")[1][2] == "the time is over for which li.wei had it"


def test_an_acknowledgement_ends_sooner_than_its_group_is_due(light: Engine) -> None:
    """The group is looked at when the time is over, though nothing is to be repeated for hours."""
    with_series(light)
    _handle(light, routes(), NOON, finding(), finding(host="other", check="cpu"))
    with writing(light) as connection:
        commands.acknowledge(connection, 1, "li.wei", "looking", after(minutes=1), after(minutes=20))
    assert _tick(light, routes(), after(minutes=2)).next_due == after(minutes=20)
    _tick(light, routes(), after(minutes=20))
    assert alerts(light)[0].acknowledged_by is None
    assert len(deliveries(light)) == 2


def test_an_acknowledgement_without_end_stays(light: Engine) -> None:
    """It is sticky until the alert is resolved or given back; and an end in the past is refused."""
    with_series(light)
    _handle(light, routes(), NOON, finding())
    with writing(light) as connection:
        commands.acknowledge(connection, 1, "li.wei", "", NOON, after(hours=1))
        commands.acknowledge(connection, 1, "li.wei", "", NOON)
        with pytest.raises(AlertError, match="must be in the future"):
            commands.acknowledge(connection, 1, "li.wei", "", NOON, NOON)
    for hours in (1, 5, 50):
        _tick(light, routes(), after(hours=hours))
    assert (alerts(light)[0].acknowledged_by, len(deliveries(light))) == ("li.wei", 1)
