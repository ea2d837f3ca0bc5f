"""What an alert hangs on, what keeps it quiet, in what order the list shows it, and the load that alerts are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event

from core.people import users
from core.store.open import open_store, reading, writing
from dashboards.components.alert_tree import Line, arranged
from dashboards.queries import alarm_load, alerts, causes, silences
from tests.dashboards.alert_world import FIRST, SHELVED, SILENCED, STALE, furnish, routes
from tests.dashboards.conftest import NOW
from tests.dashboards.seeded import seed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The seeded store with causes, a silence and a shelf; nobody writes to it."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('causes') / 'store.db'}")
    seed(engine, NOW)
    with writing(engine) as connection:
        users.add(connection, name="li.wei", role="operator", password="seven brown otters", by="test", now=NOW)
    furnish(engine, NOW)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(world: Engine) -> Iterator[Connection]:
    with reading(world) as made:
        yield made


@pytest.fixture
def now() -> datetime:
    return NOW


def test_symptoms_hang_on_what_is_above_them(connection: Connection, now: datetime) -> None:
    """By a parent that is down; by the gravest alert of the target below, whatever its check; never on a lighter one."""
    rows = alerts.alerts(connection, now, {})
    found = causes.standings(connection, routes(), rows, now)
    assert {number: one.cause for number, one in found.items() if one.cause is not None} == {
        102: FIRST,
        103: FIRST,
        SHELVED: SILENCED,  # hall-web runs on crm-app-02; both are warnings
    }
    kinds = {number: [mute.kind for mute in one.mutes] for number, one in found.items() if one.mutes}
    assert kinds == {102: ["dependency"], 103: ["dependency"], SILENCED: ["silence"], SHELVED: ["shelved"]}


def test_the_number_of_statements_does_not_grow_with_the_alerts(world: Engine, now: datetime) -> None:
    """One alert or twelve: the same statements, but for the depth of the topology."""

    def counted(filters: dict[str, str]) -> int:
        seen: list[str] = []
        with reading(world) as connection:
            rows = alerts.alerts(connection, now, filters)
            event.listen(world, "before_cursor_execute", lambda *given: seen.append(given[2]))
            causes.standings(connection, routes(), rows, now)
        return len(seen)

    assert counted({}) <= counted({"target": "billing-db"}) + 1


MUTED = {
    "silenced": ({"muted": "silence"}, {SILENCED}),
    "shelved": ({"muted": "shelved"}, {SHELVED}),
    "by a parent": ({"muted": "dependency"}, {102, 103}),
    "any": ({"muted": "yes"}, {102, 103, SILENCED, SHELVED}),
    "by a silence that is not there": ({"silence": "x"}, set()),
}


@pytest.mark.parametrize(("filters", "expected"), MUTED.values(), ids=MUTED.keys())
def test_filters_for_what_is_kept_quiet(
    connection: Connection, now: datetime, filters: dict[str, str], expected: set[int]
) -> None:
    assert causes.wanted(filters)
    assert set(causes.fitting(connection, routes(), filters, now)) == expected
    shown = alerts.alerts(connection, now, {}, causes.fitting(connection, routes(), filters, now))
    assert {row["id"] for row in shown} == expected


def test_a_silence_leads_to_its_alerts(connection: Connection, now: datetime) -> None:
    """The number beside an active silence is that of the alerts which its link shows."""
    found, muted = silences.listed(connection, now, "active")
    assert [muted.get(one.id) for one in found] == [1]
    assert causes.fitting(connection, routes(), {"silence": found[0].id}, now) == [SILENCED]
    coming, none = silences.listed(connection, now, "pending")
    assert (len(coming), none) == (1, {})
    (aside,) = silences.shelved(connection, now)
    assert (aside["alert"]["id"], aside["who"]) == (SHELVED, "zhang.min")


def test_the_load_of_alarms(connection: Connection, now: datetime) -> None:
    """Stale ones are counted as their link shows them; the judgement is by operator."""
    load = alerts.load(connection, now)
    one, four = (alarm_load.burden(connection, load, people, now) for people in (1, 4))
    assert [row["id"] for row in alerts.alerts(connection, now, {"stale": "yes"})] == [STALE]
    assert one["stale"] == 1
    opened = alerts.alerts(connection, now, {"state": "all", "opened": "10m"})
    assert len(opened) == load["ten_minutes"]
    assert (one["each_now"], four["each_now"]) == (load["ten_minutes"], load["ten_minutes"] / 4)
    assert (one["judgement"], four["judgement"]) == ("busy", "fine")
    assert alarm_load.burden(connection, load | {"ten_minutes": 11}, 1, now)["judgement"] == "flood"
    assert sum(one["spread"].values()) == load["day"]


def _rows(*ids: int) -> list[dict[str, Any]]:
    return [{"id": one} for one in ids]


TREES: dict[str, tuple[dict[int, int | None], list[int], list[tuple[int, int, tuple[int, ...], bool]]]] = {
    # causes, unfolded -> (id, depth, members, folded)
    "nothing hangs": ({}, [], [(1, 0, (), False), (2, 0, (), False), (3, 0, (), False)]),
    "folded": ({2: 1, 3: 1}, [], [(1, 0, (2, 3), True)]),
    "unfolded": ({2: 1, 3: 1}, [1], [(1, 0, (2, 3), False), (2, 1, (), False), (3, 1, (), False)]),
    "unfolded by the one that is looked at": (
        {2: 1, 3: 2},
        [3],
        [(1, 0, (2, 3), False), (2, 1, (), False), (3, 2, (), False)],
    ),
    "a cause that is not in the list": ({2: 9}, [], [(1, 0, (), False), (2, 0, (), False), (3, 0, (), False)]),
    "each other's cause": ({1: 2, 2: 1}, [], [(1, 0, (2,), True), (3, 0, (), False)]),
    "its own cause": ({1: 1}, [], [(1, 0, (), False), (2, 0, (), False), (3, 0, (), False)]),
}


@pytest.mark.parametrize(("known", "unfolded", "expected"), TREES.values(), ids=TREES.keys())
def test_causes_stand_over_their_symptoms(
    known: dict[int, int | None], unfolded: list[int], expected: list[tuple[int, int, tuple[int, ...], bool]]
) -> None:
    lines = arranged(_rows(1, 2, 3), known, unfolded)
    assert [(line.row["id"], line.depth, line.members, line.folded) for line in lines] == expected


@given(st.dictionaries(st.integers(1, 12), st.one_of(st.none(), st.integers(1, 14))), st.sets(st.integers(1, 12)))
def test_every_alert_stands_exactly_once(known: dict[int, int | None], unfolded: set[int]) -> None:
    """Shown, or folded under one that is shown; whatever hangs on what, in rings too."""
    ids = list(range(1, 13))
    lines: list[Line] = arranged(_rows(*ids), known, unfolded)
    shown = [line.row["id"] for line in lines]
    hidden = [one for line in lines if line.folded for one in line.members]
    assert sorted(shown + hidden) == ids
    assert sorted(line.row["id"] for line in arranged(_rows(*ids), known, (), everything=True)) == ids
