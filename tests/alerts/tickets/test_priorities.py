"""Another priority: who may give it, what becomes of the clocks, and that nobody is warned twice of the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from alerts.tickets import commands
from alerts.tickets.book import default_book
from alerts.tickets.commands import Person, TicketError
from alerts.tickets.lateness import watch
from core.store.open import writing
from core.store.tables import ticket
from tests.alerts.tickets.world import BOSS, GUEST, LI, kinds_of, open_one, row_of
from tests.alerts.world import NOON, after, alerts, routes

BOOK = default_book()
ROUTES = routes({"matchers": ['priority="high"'], "receiver": "lead"}, group_wait="0s")
# A fault: high 15 min and 4 h, normal 30 min and 8 h, low 4 h and 3 d, around the clock.


def look(engine: Engine, minute: int) -> tuple[int, int, int]:
    with writing(engine) as connection:
        found = watch(connection, ROUTES, BOOK, after(minutes=minute))
    return found.warned, found.late, found.over


def test_both_clocks_are_worked_out_anew_from_the_opening(store: Engine) -> None:
    with writing(store) as connection:
        number = open_one(connection, "fault", priority="normal")
        commands.prioritise(connection, number, LI, "high", "a whole city is out", after(minutes=10))
        row = row_of(connection, number)
    assert (row.priority, row.respond_due_at, row.due_at) == ("high", after(minutes=15), after(hours=4))
    assert row.resolve_s == 4 * 3600
    assert kinds_of(store, number) == ["opened", "priority"]


def test_pauses_stay_pauses_and_an_answer_keeps_its_deadline(light: Engine) -> None:
    """An hour of pause is an hour more, and a paused ticket has no deadline before it goes on."""
    with writing(light) as connection:
        number = open_one(connection, "fault", priority="normal")
        commands.do(connection, number, "take", LI, after(minutes=5))
        commands.do(connection, number, "pause", LI, after(minutes=60), {"reason": "r", "waits_on": "w"})
        commands.prioritise(connection, number, LI, "high", "r", after(minutes=90))
        paused = row_of(connection, number)
        commands.do(connection, number, "resume", LI, after(minutes=120))
        going = row_of(connection, number)
    assert (paused.due_at, paused.left_s) == (None, 3 * 3600)
    assert (going.due_at, going.left_s) == (after(hours=5), None)
    assert going.respond_due_at == after(minutes=30)


def test_what_was_warned_of_is_not_warned_of_again(store: Engine) -> None:
    """Warned as normal, raised to high: late at once, and no second warning; lowered again, it is over and told anew."""
    with writing(store) as connection:
        number = open_one(connection, "fault", priority="normal")
        commands.do(connection, number, "take", LI, NOON)
    assert look(store, 361) == (1, 0, 0)
    with writing(store) as connection:
        commands.prioritise(connection, number, LI, "high", "r", after(minutes=362))
    assert look(store, 363) == (0, 1, 0)
    with writing(store) as connection:
        commands.prioritise(connection, number, BOSS, "low", "it can wait", after(minutes=364))
    assert look(store, 365) == (0, 0, 1)
    assert [row.state for row in alerts(store)] == ["resolved"]
    assert look(store, 60 * 60) == (0, 0, 0)  # due soon as low, and warned of already
    assert look(store, 72 * 60) == (0, 1, 0)
    assert kinds_of(store, number) == [
        "opened",
        "taken",
        "resolve_warned",
        "priority",
        "resolve_late",
        "priority",
        "resolve_late",
    ]


def test_a_deadline_of_its_own_stays(light: Engine) -> None:
    with writing(light) as connection:
        number = open_one(connection, "high_fee", priority="normal", due_at=NOON + timedelta(days=9))
        commands.prioritise(connection, number, LI, "high", "r", NOON)
        row = row_of(connection, number)
    assert (row.priority, row.due_at) == ("high", NOON + timedelta(days=9))


REFUSED = [
    ("a viewer", GUEST, "high", "r", "open", "guest has no right to work on tickets"),
    ("an operator lowers", LI, "low", "r", "open", "A lower priority gives ticket 1 more time; it is for a dispatcher"),
    ("no reason", LI, "high", " ", "open", "This needs a reason"),
    ("the same", LI, "normal", "r", "open", "Ticket 1 has the priority normal already."),
    ("unknown", LI, "urgent", "r", "open", "There is no priority 'urgent'"),
    ("done", LI, "high", "r", "resolved", "Ticket 1 is resolved; its priority is of no more use."),
]


@pytest.mark.parametrize(
    ("person", "priority", "reason", "state", "sentence"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refused(light: Engine, person: Person, priority: str, reason: str, state: str, sentence: str) -> None:
    with writing(light) as connection:
        number = open_one(connection, "fault", priority="normal")
        connection.execute(update(ticket).where(ticket.c.id == number).values(state=state))
        with pytest.raises(TicketError, match=sentence):
            commands.prioritise(connection, number, person, priority, reason, NOON)
