"""One alert storm is one ticket with its children."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, select

from alerts import pipeline
from alerts.tickets import commands
from core.store.open import reading, writing
from core.store.tables import ticket, ticket_link
from tests.alerts.tickets.world import LI, kinds_of
from tests.alerts.world import NOON, after, finding, routes

FILE = routes(group_by=["alertname"], group_wait="0s", ticket={"kind": "fault", "priority": "high"})


def handle(engine: Engine, now: datetime, status: str, *hosts: str, check: str = "disk-full") -> None:
    found = [finding(status, host=host, check=check, series_id=None) for host in hosts]  # type: ignore[arg-type]
    with writing(engine) as connection:
        pipeline.handle(connection, found, FILE, now)


def family(engine: Engine) -> dict[int, list[int]]:
    """Children by parent."""
    found: dict[int, list[int]] = {}
    with reading(engine) as connection:
        for row in connection.execute(select(ticket_link).order_by(ticket_link.c.id)):
            found.setdefault(row.other_id, []).append(row.ticket_id)
    return found


def test_many_tickets_of_one_group_within_minutes_hang_on_one(store: Engine) -> None:
    """Four are four tickets; the fifth makes it a storm, whose further tickets are its children at once."""
    handle(store, NOON, "critical", "a", "b", "c", "d")
    assert family(store) == {}
    handle(store, after(minutes=3), "critical", "e")
    ((parent, children),) = family(store).items()
    assert len(children) == 5
    handle(store, after(minutes=45), "critical", "f", "g")
    assert [len(members) for members in family(store).values()] == [7]
    with reading(store) as connection:
        row = connection.execute(select(ticket).where(ticket.c.id == parent)).one()
    assert (row.kind, row.priority, row.state, row.alert_id) == ("fault", "high", "open", None)
    assert row.title.startswith("Alert storm, beginning with: a, ")
    assert kinds_of(store, parent) == ["opened", "linked", "linked"]
    assert kinds_of(store, children[0]) == ["opened", "linked"]


def test_tickets_of_several_groups_or_hours_are_no_storm(store: Engine) -> None:
    for number, host in enumerate("abcdefg"):
        handle(store, after(minutes=number), "critical", host, check=f"check-{number % 2}")
    assert family(store) == {}
    for number in range(6):
        handle(store, after(hours=1 + number), "critical", f"host-{number}", check="slow")
    assert family(store) == {}


def test_a_storm_ends_with_its_last_child_unless_somebody_works_on_it(store: Engine) -> None:
    hosts = list("abcde")
    handle(store, NOON, "critical", *hosts)
    handle(store, after(minutes=5), "ok", *hosts[:4])
    (parent,) = family(store)
    states = "select state from ticket order by id"
    with reading(store) as connection:
        assert list(connection.exec_driver_sql(states).scalars()) == ["closed"] * 4 + ["open", "open"]
    handle(store, after(minutes=6), "ok", hosts[4])
    with reading(store) as connection:
        assert set(connection.exec_driver_sql(states).scalars()) == {"closed"}
    handle(store, after(minutes=60), "critical", *hosts)
    second = max(family(store))
    assert second != parent
    with writing(store) as connection:
        commands.do(connection, second, "take", LI, after(minutes=61))
    handle(store, after(minutes=65), "ok", *hosts)
    with reading(store) as connection:
        assert connection.scalar(select(ticket.c.state).where(ticket.c.id == second)) == "accepted"
