"""A muted alert opens no ticket of its own; when the mute ends and it still fires, it does, over any restart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from alerts import pipeline
from alerts.config import RoutesFile
from alerts.muting import shelving, silences
from alerts.muting.silences import Spec
from alerts.routes.matchers import parse_matchers
from alerts.tickets import commands
from core.store.open import reading, writing
from core.store.tables import alert, held_ticket, target, ticket
from tests.alerts.world import NOON, after, alerts, events, finding, routes, with_series

TICKET = {"ticket": {"kind": "fault", "priority": "high"}}
TIMERS = {"group_wait": "0s", "group_interval": "5m"}
INHIBIT = {"source_matchers": ["alertname=host-down"], "target_matchers": ["alertname=disk-full"], "equal": ["target"]}
DEPENDENCIES = {"matchers": ["alertname=host-down"], "settle": "2m"}
NIGHT = {"name": "night", "time_intervals": [{"times": [{"start_time": "11:00", "end_time": "13:00"}]}]}


def file(*children: dict[str, Any], **more: Any) -> RoutesFile:
    """Every alert opens a ticket; with these parts besides."""
    plain = routes(*children, **TIMERS, **TICKET).model_dump(mode="json", by_alias=True, exclude_unset=True)
    return RoutesFile.model_validate({**plain, **more})


def tickets(engine: Engine) -> list[tuple[str, datetime]]:
    """Which checks have tickets, and since when."""
    with reading(engine) as connection:
        query = select(alert.c.check_name, ticket.c.opened_at).join(alert, alert.c.id == ticket.c.alert_id)
        return [(row.check_name, row.opened_at) for row in connection.execute(query.order_by(ticket.c.id))]


def waiting(engine: Engine) -> int:
    with reading(engine) as connection:
        return len(connection.execute(select(held_ticket)).all())


def handle(engine: Engine, routes: RoutesFile, at: datetime, *found: Any) -> None:
    with writing(engine) as connection:
        pipeline.handle(connection, found, routes, at)


def down(new: str = "critical", host: str = "host-1", at: datetime = NOON) -> Any:
    return finding(new, host=host, check="host-down", at=at, reason="no answer")


def silence(engine: Engine, minutes: int, at: datetime = NOON) -> str:
    with writing(engine) as connection:
        spec = Spec(parse_matchers("alertname=disk-full"), at, after(minutes=minutes), "disks are changed")
        return silences.create(connection, spec, "li.wei", at)


def shelve(engine: Engine) -> None:
    with writing(engine) as connection:
        shelving.shelve(connection, alerts(engine)[0].id, "li.wei", "spare part", after(minutes=7), NOON)


def a_switch(engine: Engine) -> None:
    made = {"kind": "host", "labels": {}, "site": "", "system": "", "demo": False, "depends_on": []}
    with writing(engine) as connection:
        connection.execute(insert(target).values(id=9, name="switch", runs_on=[], **made))
        connection.execute(target.update().where(target.c.name == "host-1").values(runs_on=["switch"]))


MUTED: dict[str, tuple[dict[str, Any], Callable[[Engine], Any], list[Any], list[Any], int, str]] = {
    # parts of routes.yaml, what comes before, what else is found at noon, what ends the mute at 12:07, when the ticket
    # is opened, why it waited
    "silenced": ({}, lambda engine: silence(engine, 7), [], [], 7, "silenced by li.wei"),
    "inhibited": (
        {"inhibit_rules": [INHIBIT]},
        lambda engine: None,
        [down()],
        [down("ok", at=after(minutes=7))],
        7,
        "inhibited by alert",
    ),
    "below a parent that is down": (
        {"dependencies": DEPENDENCIES},
        a_switch,
        [down(host="switch")],
        [down("ok", host="switch", at=after(minutes=7))],
        9,
        "its parent switch is down",
    ),
}


@pytest.mark.parametrize(("parts", "before", "beside", "ends", "minutes", "why"), MUTED.values(), ids=MUTED)
def test_a_muted_alert_gets_its_ticket_when_the_mute_ends(
    light: Engine,
    parts: dict[str, Any],
    before: Callable[[Engine], Any],
    beside: list[Any],
    ends: list[Any],
    minutes: int,
    why: str,
) -> None:
    """Not before, at once then, and once; the process may be another one each time."""
    with_series(light)
    before(light)
    handle(light, file(**parts), NOON, finding(), *beside)
    assert [name for name, _ in tickets(light) if name == "disk-full"] == []
    assert waiting(light) == 1
    said = [detail for number, _, detail in events(light, "ticket") if number == 1]
    assert said[0].startswith("its ticket waits until it is not muted: ")
    assert why in said[0]
    for minute in (3, 6):
        light.dispose()
        with writing(light) as connection:
            pipeline.resume(connection, file(**parts), after(minutes=minute))
    handle(light, file(**parts), after(minutes=7), *ends)
    for minute in (8, 9, 10, 15):
        handle(light, file(**parts), after(minutes=minute))
    assert [at for name, at in tickets(light) if name == "disk-full"] == [after(minutes=minutes)]
    assert waiting(light) == 0


def test_what_resolves_while_it_is_muted_gets_none(store: Engine) -> None:
    """And its history says so; a new occurrence after the mute has its ticket at once."""
    with_series(store)
    silence(store, 7)
    handle(store, file(), NOON, finding())
    handle(store, file(), after(minutes=3), finding("ok", at=after(minutes=3)))
    handle(store, file(), after(minutes=8))
    assert (tickets(store), waiting(store)) == ([], 0)
    assert events(store, "ticket")[-1][2] == "no ticket was opened: it was muted until it was resolved"
    handle(store, file(), after(minutes=9), finding(at=after(minutes=9)))
    assert [at for _, at in tickets(store)] == [after(minutes=9)]


def test_a_ticket_of_before_the_mute_stays(light: Engine) -> None:
    """Shelving or silencing an alert takes nothing away from whoever works on it."""
    with_series(light)
    handle(light, file(), NOON, finding())
    shelve(light)
    silence(light, 9)
    handle(light, file(), after(minutes=5), finding("warning", at=after(minutes=5)))
    handle(light, file(), after(minutes=20))
    assert (len(tickets(light)), waiting(light)) == (1, 0)


def test_what_is_shelved_and_comes_again_waits_for_the_end_of_the_shelf(light: Engine) -> None:
    """It is the condition that is shelved, so its next occurrence opens no ticket meanwhile; its group is looked at
    group_interval after the end of the first one was told."""
    with_series(light)
    handle(light, file(), NOON, finding())
    shelve(light)
    handle(light, file(), after(minutes=1), finding("ok", at=after(minutes=1)))
    handle(light, file(), after(minutes=2), finding(at=after(minutes=2)))
    assert (len(tickets(light)), waiting(light)) == (1, 1)
    for minute in (5, 7, 10):
        handle(light, file(), after(minutes=minute))
    assert [at for _, at in tickets(light)] == [NOON, after(minutes=10)]


def test_the_hours_of_a_route_hold_no_ticket(light: Engine) -> None:
    """They say when people are told; the work is there at night, too."""
    with_series(light)
    child = {"matchers": ["alertname=disk-full"], "receiver": "ops", "mute_time_intervals": ["night"]}
    handle(light, file(child, time_intervals=[NIGHT]), NOON, finding())
    assert [at for _, at in tickets(light)] == [NOON]


def test_routes_that_open_no_ticket_any_more_open_none_at_the_end_of_the_mute(light: Engine) -> None:
    """What holds is what routes.yaml says then."""
    with_series(light)
    silence(light, 7)
    handle(light, file(), NOON, finding())
    changed = routes(**TIMERS)
    with writing(light) as connection:
        pipeline.resume(connection, changed, after(minutes=1))
    handle(light, changed, after(minutes=7))
    assert (tickets(light), waiting(light)) == ([], 0)


def test_a_ticket_that_was_opened_by_hand_meanwhile_is_the_one(light: Engine) -> None:
    """Nobody finds two tickets for one alert."""
    with_series(light)
    silence(light, 7)
    handle(light, file(), NOON, finding())
    with writing(light) as connection:
        commands.open_ticket(connection, "li", "fault", "disk-full by hand", NOON, alert_id=alerts(light)[0].id)
    handle(light, file(), after(minutes=7))
    assert (len(tickets(light)), waiting(light)) == (1, 0)
