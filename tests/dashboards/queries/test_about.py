"""What tickets are about, and which tickets an alert, a job or a change has."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, insert, update

from alerts.tickets.book import default_book
from alerts.tickets.lateness import watch
from alerts.tickets.links import link
from core.store.open import reading, writing
from core.store.tables import job, planned_change
from dashboards.queries.about import subject, tickets_about
from dashboards.queries.tickets import links
from tests.alerts.tickets.test_about import a_change
from tests.alerts.tickets.world import an_alert, open_one
from tests.alerts.world import NOON, after, alerts, routes


def numbers(connection: Connection, what: str, number: int) -> list[int]:
    return [row["id"] for row in tickets_about(connection, what, number)]


def test_the_alert_of_a_late_ticket_leads_to_that_ticket(light: Engine) -> None:
    """It is about the ticket, though the ticket was not opened for it."""
    with writing(light) as connection:
        number = open_one(connection, "fault", priority="high")
        open_one(connection)
    with writing(light) as connection:
        watch(connection, routes(group_wait="0s"), default_book(), after(minutes=20))
    with reading(light) as connection:
        assert numbers(connection, "alert", alerts(light)[0].id) == [number]


def test_tickets_that_were_opened_for_it_and_tied_to_it(light: Engine) -> None:
    """By hand or by themselves, from before there were links of changes, too; and nothing of another number."""
    with writing(light) as connection:
        an_alert(connection, 5)
        first, second = open_one(connection, about=("alert", 5)), open_one(connection, about=("alert", 5))
        change, third = a_change(connection), open_one(connection)
        connection.execute(update(planned_change).values(ticket_id=third))
        fourth = open_one(connection, about=("change", change))
        assert numbers(connection, "alert", 5) == [first, second]
        assert numbers(connection, "alert", 6) == []
        assert numbers(connection, "change", change) == [third, fourth]


def test_what_a_ticket_is_about_has_a_name(light: Engine) -> None:
    with writing(light) as connection:
        an_alert(connection, 5)
        due = {"day": "2026-03-02", "desk": "noc", "due_at": NOON, "missed_at": NOON, "items": [], "results": {}}
        connection.execute(insert(job).values(id=7, plan="room-walk", state="open", **due))
        change = a_change(connection)
        number = open_one(connection, about=("job", 7))
        link(connection, number, "li", "alert", 5, NOON)
        said = [(row["relation"], row["title"]) for row in links(connection, number)]
        assert said == [("job", "room-walk 2026-03-02"), ("alert", "disk-full")]
        assert subject(connection, "change", change) == "x x"
        assert [subject(connection, what, 99) for what in ("alert", "break", "run", "job", "change", "child_of")] == [
            None
        ] * 6
