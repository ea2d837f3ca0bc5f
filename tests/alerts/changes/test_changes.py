"""Changes go their way through two people, mark the alerts that they explain, and leave a ticket when nobody ends them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import Engine, insert, select

from alerts import pipeline
from alerts.changes import commands, marking, overdue
from alerts.changes.commands import ChangeError, Plan
from alerts.pushed import read as pushes_read
from core.store.open import reading, writing
from core.store.tables import alert, audit, change_event, planned_change, target, ticket, user
from tests.alerts.world import NOON, after, finding, routes, with_series

WINDOW = Plan(
    requirement="REQ-2026-118",
    title="New release of the shop",
    targets=["host-1"],
    starts_at=after(hours=1),
    ends_at=after(hours=3),
    back_out="Put the old release back.",
    contact="li.wei 13800000000",
)


SQLITE = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
"""For tables of cases in which the database has no part."""


@pytest.fixture
def world(store: Engine) -> Engine:
    """host-1 with a series, a database that runs on it, a shop that needs the database, and a host beside them."""
    with_series(store)
    made = {"kind": "host", "labels": {}, "site": "", "system": "", "demo": False}
    with writing(store) as connection:
        connection.execute(
            insert(target),
            [
                {"id": 2, "name": "db", "runs_on": ["host-1"], "depends_on": [], **made},
                {"id": 3, "name": "shop", "runs_on": [], "depends_on": ["db"], **made},
                {"id": 4, "name": "host-2", "runs_on": [], "depends_on": [], **made},
            ],
        )
    return store


def planned(store: Engine, **given: Any) -> int:
    with writing(store) as connection:
        return commands.plan(connection, replace(WINDOW, **given), "li.wei", NOON)


def running(store: Engine, **given: Any) -> int:
    number = planned(store, **given)
    with writing(store) as connection:
        commands.approve(connection, number, "boss", NOON)
        commands.begin(connection, number, "li.wei", after(hours=1))
    return number


def state(store: Engine, number: int) -> Any:
    with reading(store) as connection:
        return connection.execute(select(planned_change).where(planned_change.c.id == number)).one()


@pytest.mark.parametrize("result", commands.RESULTS)
def test_a_change_goes_its_way(world: Engine, result: str) -> None:
    number = running(world)
    with writing(world) as connection:
        commands.end(connection, number, "li.wei", result, "as planned", after(hours=2))
    found = state(world, number)
    assert (found.state, found.result, found.approved_by) == (result, "as planned", "boss")
    with reading(world) as connection:
        kinds = connection.scalars(select(change_event.c.kind).order_by(change_event.c.id)).all()
        trail = connection.scalars(select(audit.c.action).where(audit.c.object == f"change/{number}")).all()
    assert kinds == ["planned", "approved", "running", result]
    assert trail == [f"change_{kind}" for kind in kinds]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no requirement": ({"requirement": ""}, "needs a requirement number"),
    "no back-out plan": ({"back_out": " "}, "needs a back-out plan"),
    "no target": ({"targets": [" "]}, "at least one target"),
    "an unknown target": ({"targets": ["host-1", "host-9"]}, "no target host-9; names like it are: host-1, host-2"),
    "a name in other letters": ({"targets": ["HOST"]}, "no target HOST; names like it are: host-1"),
    "nothing like it": ({"targets": ["zz"]}, "no target zz, and none with a name like it; take one of targets.yaml"),
    "a window turned round": ({"ends_at": after(minutes=30)}, "ends before it begins"),
    "a window of the past": ({"starts_at": after(hours=-3), "ends_at": after(hours=-1)}, "over already"),
    "a window without end": ({"ends_at": after(days=40)}, "longer than 31 days"),
    "a naive time": ({"starts_at": datetime(2026, 3, 2, 13)}, "no time zone"),  # noqa: DTZ001
    "an unknown risk": ({"risk": "none"}, "no risk 'none'"),
    "an unknown kind": ({"kind": "wish"}, "no kind of change 'wish'"),
}


@SQLITE
@pytest.mark.parametrize(("given", "words"), REFUSED.values(), ids=REFUSED)
def test_a_plan_that_cannot_be_is_refused(world: Engine, given: dict[str, Any], words: str) -> None:
    with pytest.raises(ChangeError, match=words):
        planned(world, **given)


def test_two_people_are_needed(world: Engine) -> None:
    number = planned(world)
    with pytest.raises(ChangeError, match="another person must approve"), writing(world) as connection:
        commands.approve(connection, number, "li.wei", NOON)


def test_each_doing_asks_for_its_state(world: Engine) -> None:
    number = planned(world)
    doings: list[tuple[Any, str]] = [
        (lambda c: commands.begin(c, number, "li.wei", after(hours=1)), "is planned; to begin it, it must be approved"),
        (lambda c: commands.end(c, number, "li.wei", "done", "x", after(hours=1)), "to end it, it must be running"),
        (lambda c: commands.end(c, number, "li.wei", "well", "x", after(hours=1)), "no result 'well'"),
        (lambda c: commands.cancel(c, number, "li.wei", " ", NOON), "needs a reason"),
        (lambda c: commands.approve(c, 99, "boss", NOON), "There is no change 99"),
        (lambda c: commands.approve(c, number, "boss", after(hours=4)), "The window of change 1 is over"),
    ]
    for doing, words in doings:
        with pytest.raises(ChangeError, match=words), writing(world) as connection:
            doing(connection)
    with writing(world) as connection:
        commands.approve(connection, number, "boss", NOON)
    for at, words in ((NOON, "has not come yet"), (after(hours=3), "is over")):
        with pytest.raises(ChangeError, match=words), writing(world) as connection:
            commands.begin(connection, number, "li.wei", at)
    with writing(world) as connection:
        commands.cancel(connection, number, "li.wei", "not needed", NOON)
    with pytest.raises(ChangeError, match="is cancelled; to cancel it"), writing(world) as connection:
        commands.cancel(connection, number, "li.wei", "again", NOON)


OVERLAPS = {
    "in the middle": ((2, 4), ["host-1"], True),
    "touching at the end": ((3, 4), ["host-1"], False),
    "touching at the start": ((-1, 1), ["host-1"], False),
    "another target": ((1, 3), ["host-2"], False),
    "one of several targets": ((0, 9), ["host-2", "host-1"], True),
}


@SQLITE
@pytest.mark.parametrize(("hours", "targets", "expected"), OVERLAPS.values(), ids=OVERLAPS)
def test_windows_on_the_same_target_are_seen(
    world: Engine, hours: tuple[int, int], targets: list[str], expected: bool
) -> None:
    number = planned(world)
    other = replace(WINDOW, targets=targets, starts_at=after(hours=hours[0]), ends_at=after(hours=hours[1]))
    with reading(world) as connection:
        found = [row.id for row in commands.overlaps(connection, other)]
        assert found == ([number] if expected else [])
        assert commands.overlaps(connection, other, leaving_out=number) == []


MARKED = {
    "its target, inside": ("host-1", 90, True),
    "the first instant": ("host-1", 60, True),
    "before": ("host-1", 59, False),
    "the end is outside": ("host-1", 180, False),
    "what stands on its target": ("db", 90, True),
    "what needs that": ("shop", 90, True),
    "a target beside": ("host-2", 90, False),
}


@SQLITE
@pytest.mark.parametrize(("name", "minutes", "expected"), MARKED.values(), ids=MARKED)
def test_alerts_inside_are_marked(world: Engine, name: str, minutes: int, expected: bool) -> None:
    number = running(world)
    with reading(world) as connection:
        found = marking.windows(connection, NOON, after(days=1))
    assert marking.explained_by(name, after(minutes=minutes), found) == ([number] if expected else [])


def test_an_ended_change_explains_up_to_its_result_and_a_cancelled_one_nothing(world: Engine) -> None:
    number, other = running(world), planned(world)
    with writing(world) as connection:
        commands.end(connection, number, "li.wei", "done", "early", after(minutes=70))
        commands.cancel(connection, other, "li.wei", "not needed", NOON)
        found = marking.windows(connection, NOON, after(days=1))
    assert [marking.explained_by("host-1", after(minutes=m), found) for m in (65, 75)] == [[number], []]


def test_a_message_says_which_change(world: Engine) -> None:
    """The alert that opens inside the window carries the number; it is told and gets its ticket like any other."""
    number = running(world)
    with writing(world) as connection:
        pipeline.handle(connection, [finding(at=after(hours=2))], routes(group_wait="0s"), after(hours=2))
        rows = connection.execute(select(alert.c.annotations)).all()
    assert rows[0].annotations["change"] == str(number)


def test_outside_of_a_window_nothing_is_marked(world: Engine) -> None:
    running(world)
    with writing(world) as connection:
        pipeline.handle(connection, [finding()], routes(), NOON)
        assert "change" not in connection.execute(select(alert.c.annotations)).scalar_one()


PUSHED = {
    "by its target": ({"target": "host-1"}, True),
    "by its instance with a port": ({"instance": "host-1:9100"}, True),
    "by a later label": ({"instance": "10.0.0.1:9100", "host": "host-1"}, True),
    "what stands on its target": ({"service": "shop"}, True),
    "another target": ({"instance": "host-2:9100"}, False),
    "no target at all": ({"team": "host-1"}, False),
}


@SQLITE
@pytest.mark.parametrize(("labels", "expected"), PUSHED.values(), ids=PUSHED)
def test_a_pushed_alert_inside_is_marked_and_stays_so(world: Engine, labels: dict[str, str], expected: bool) -> None:
    """Whatever its sender pushes again, and though the window is over by then; what opened before is not marked."""
    number, seen = running(world), []
    early = {"labels": {"alertname": "early", **labels}}
    for hours, summary in ((0.5, "x"), (2, "x"), (2.1, "y"), (5, "z")):
        pushed = [early, {"labels": {"alertname": "A", **labels}, "annotations": {"summary": summary}}]
        read = pushes_read(orjson.dumps(pushed[: 1 if hours < 1 else 2]), after(hours=hours), timedelta(days=1))
        with writing(world) as connection:
            pipeline.push(connection, read.alerts, "token:x", routes(), after(hours=hours))
            rows = connection.execute(select(alert.c.check_name, alert.c.annotations)).all()
        seen.append({row.check_name: row.annotations.get("change") for row in rows})
        assert [row.annotations["summary"] for row in rows if row.check_name == "A"] == ([summary] if hours > 1 else [])
    mark = str(number) if expected else None
    assert seen == [{"early": None}, *[{"early": None, "A": mark}] * 3]


@pytest.mark.parametrize("came_to", ["planned", "approved", "running"])
def test_a_change_without_a_result_becomes_one_ticket(world: Engine, came_to: str) -> None:
    """Looked at again and again, and by two services: one ticket, in one transaction with its number on the change."""
    number = running(world) if came_to == "running" else planned(world)
    if came_to == "approved":
        with writing(world) as connection:
            commands.approve(connection, number, "boss", NOON)
    for at in (after(hours=2), after(hours=3), after(hours=3), after(days=9)):
        with writing(world) as connection:
            overdue.open_tickets(connection, at)
    with reading(world) as connection:
        row = connection.execute(select(ticket)).one()
    assert (row.kind, state(world, number).ticket_id) == ("maintenance", row.id)
    assert "REQ-2026-118" in row.title
    assert overdue.WORDS[came_to] in row.description


def test_a_change_with_a_result_opens_no_ticket(world: Engine) -> None:
    number = running(world)
    with writing(world) as connection:
        commands.end(connection, number, "li.wei", "failed", "disk full", after(hours=2))
        assert overdue.open_tickets(connection, after(days=1)) == []


TIMES = {
    "local": ("2026-11-30 22:00", "Asia/Shanghai", "2026-11-30T14:00"),
    "with its own offset": ("2026-11-30T22:00+01:00", "Asia/Shanghai", "2026-11-30T21:00"),
    "summer": ("2026-07-01 22:00", "Europe/Berlin", "2026-07-01T20:00"),
}


@pytest.mark.parametrize(("text", "zone", "expected"), TIMES.values(), ids=TIMES)
def test_local_times(text: str, zone: str, expected: str) -> None:
    assert commands.local(text, ZoneInfo(zone)) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tomorrow", "is no time"),
        ("", "is no time"),
        ("2026-03-29 02:30", "skip or show twice"),
        ("2026-10-25 02:30", "skip or show twice"),
    ],
)
def test_times_that_are_none_are_refused(text: str, words: str) -> None:
    with pytest.raises(ChangeError, match=words):
        commands.local(text, ZoneInfo("Europe/Berlin"))


def test_a_ring_of_targets_ends() -> None:
    assert marking.dependents(["a"], {"a": ["b"], "b": ["a"]}) == {"a", "b"}


def test_windows_end_with_their_results() -> None:
    end, ended = NOON + timedelta(hours=1), NOON
    assert marking.window_end("running", end, None) == end
    assert marking.window_end("done", end, ended) == ended


@pytest.mark.parametrize(("planner", "approver"), [("li.wei", "terminal:lw"), ("terminal:lw", "li.wei")])
def test_one_person_is_not_two_by_way_of_the_terminal(world: Engine, planner: str, approver: str) -> None:
    """Planned at one of the two, it cannot be approved at the other by the same person."""
    made = {"role": "manager", "password_hash": "", "language": "en", "created_at": NOON}
    with writing(world) as connection:
        connection.execute(insert(user).values(name="li.wei", login="lw", **made))
        number = commands.plan(connection, WINDOW, planner, NOON)
        with pytest.raises(ChangeError, match=f"{approver} planned change {number}; another person must approve it"):
            commands.approve(connection, number, approver, NOON)
        commands.approve(connection, number, "terminal:boss", NOON)
