"""What people do with tickets: every kind from opening to its end, what is asked for, transfers, and two people at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts.tickets import commands
from alerts.tickets.book import default_book
from alerts.tickets.declared import CODES
from alerts.tickets.machine import EVENT_OF, Person, TicketError
from core.people import audit
from core.store.open import open_store, reading, writing
from core.store.tables import audit as trail
from core.store.tables import ticket
from tests.alerts.tickets.world import BOSS, LI, WANG, accounts, all_fields, kinds_of, open_one, row_of, said_for
from tests.alerts.world import NOON, after
from tests.stores import NewStore

BOOK = default_book()
WAY = (
    ("approve", BOSS),
    ("take", LI),
    ("pause", LI),
    ("resume", LI),
    ("resolve", LI),
    ("confirm", WANG),
    ("close", WANG),
    ("reopen", WANG),
)


def test_every_kind_goes_from_its_opening_to_its_end(store: Engine) -> None:
    """With its own fields and steps; each is in the history and in the trail, with who did it."""
    for kind in CODES:
        _go_all_the_way(store, kind)
    with reading(store) as connection:
        assert audit.verify(connection) == []


def _go_all_the_way(store: Engine, kind: str) -> None:
    fields = all_fields(BOOK, kind)
    flow = BOOK.flow(kind)
    way = [(doing, person) for doing, person in WAY if flow.move(doing) is not None]
    with writing(store) as connection:
        number = open_one(connection, kind, who="wang")
        for minute, (doing, person) in enumerate(way, start=1):
            commands.do(connection, number, doing, person, after(minutes=minute), said_for(BOOK, kind), given={})
        row = row_of(connection, number)
    assert (row.state, row.assignee, row.resolved_at, row.closed_at) == ("assigned", "li", None, None)
    assert set(row.fields) == set(fields)
    assert kinds_of(store, number) == ["opened", *(EVENT_OF[doing] for doing, _ in way)]
    with reading(store) as connection:
        query = select(trail.c.action, trail.c.who).where(trail.c.object == f"ticket/{number}")
        told = [tuple(one) for one in connection.execute(query.order_by(trail.c.id))]
    assert told == [("ticket_opened", "wang"), *((f"ticket_{EVENT_OF[doing]}", person.name) for doing, person in way)]


@pytest.mark.parametrize("kind", CODES)
def test_what_a_kind_needs_is_asked_for(sqlite_store: Engine, kind: str) -> None:
    """Each field that is needed to open or to resolve is missed by its name, and nothing is written without it."""
    fields = all_fields(BOOK, kind)
    for entry in BOOK.kinds[kind].fields:
        if entry.needed is None:
            continue
        given = {name: value for name, value in fields.items() if name != entry.name}
        with writing(sqlite_store) as connection:
            if entry.needed == "opening":
                with pytest.raises(TicketError, match=f"This needs the field {entry.name}"):
                    open_one(connection, kind, given=given)
                continue
            number = open_one(connection, kind, given=given, who="wang")
            if BOOK.flow(kind).move("approve"):
                commands.do(connection, number, "approve", BOSS, NOON)
            commands.do(connection, number, "take", LI, NOON)
            with pytest.raises(TicketError, match=f"This needs the field {entry.name}"):
                commands.do(connection, number, "resolve", LI, NOON, said_for(BOOK, kind), given={})
            assert row_of(connection, number).state == "accepted"
            last = {entry.name: fields[entry.name]}
            commands.do(connection, number, "resolve", LI, NOON, said_for(BOOK, kind), given=last)
            assert row_of(connection, number).state == "resolved"


WORDS = [
    ("assign", "assignee", "somebody to have it"),
    ("transfer", "department", "a department, branch or integrator"),
    ("transfer", "reason", "a reason"),
    ("pause", "reason", "a reason"),
    ("pause", "waits_on", "whom it waits for"),
    ("resolve", "cause", "a cause"),
    ("resolve", "remedy", "a remedy"),
    ("cancel", "reason", "a reason"),
]


@pytest.mark.parametrize(("doing", "left_out", "what"), WORDS)
def test_what_a_doing_needs_is_asked_for(sqlite_store: Engine, doing: str, left_out: str, what: str) -> None:
    with writing(sqlite_store) as connection:
        number = open_one(connection)
        commands.do(connection, number, "take", LI, NOON)
        said = {name: word for name, word in said_for(BOOK, "fault").items() if name != left_out}
        with pytest.raises(TicketError, match=f"This needs {what}; nothing was written."):
            commands.do(connection, number, doing, LI, NOON, said | {left_out: "  "})
        assert row_of(connection, number).state == "accepted"


def test_a_ticket_goes_to_another_department_and_only_to_one_that_its_kind_knows(store: Engine) -> None:
    """Whoever had it has it no more; the answer that was given once stays."""
    with writing(store) as connection:
        number = open_one(connection)
        assert row_of(connection, number).department == "business_support"
        commands.do(connection, number, "take", LI, after(minutes=3))
        commands.do(connection, number, "transfer", LI, NOON, {"department": "main_integrator", "reason": "theirs"})
        row = row_of(connection, number)
        assert (row.state, row.assignee, row.department) == ("open", None, "main_integrator")
        assert row.responded_at == after(minutes=3)
        with pytest.raises(TicketError, match="'moon' is no party for tickets of the kind fault; choose one of"):
            commands.do(connection, number, "transfer", LI, NOON, {"department": "moon", "reason": "x"})
        with pytest.raises(TicketError, match="'city_branch' is no party for tickets of the kind office_data"):
            open_one(connection, "office_data", origin="city_branch")


NOBODY = [
    ("a name that nobody has", "lee", "There is no account named lee that is open"),
    ("who has left", "gone", "There is no account named gone that is open"),
    ("who only looks", "guest", "guest has the role viewer, which does not work on tickets"),
    ("a login without an account", "terminal:root", "There is no account named terminal:root that is open"),
]


@pytest.mark.parametrize(("name", "why"), [row[1:] for row in NOBODY], ids=[row[0] for row in NOBODY])
def test_a_ticket_is_given_only_to_somebody_who_can_have_it(light: Engine, name: str, why: str) -> None:
    """A misspelled name would be an owner who never learns of it; letters of another height are the same person."""
    with writing(light) as connection:
        number = open_one(connection)
        with pytest.raises(TicketError, match=why):
            commands.do(connection, number, "assign", LI, NOON, {"assignee": name})
        assert (row_of(connection, number).state, row_of(connection, number).assignee) == ("open", None)
        commands.do(connection, number, "assign", LI, NOON, {"assignee": " Wang "})
        assert row_of(connection, number).assignee == "wang"


ANSWERS = [
    ("fault", ("assign",), False),
    ("fault", ("take",), True),
    ("fault", ("assign", "accept"), True),
    ("fault", ("resolve",), True),
    ("office_data", ("approve",), True),
    ("office_data", ("reject",), True),
]


@pytest.mark.parametrize(("kind", "way", "answered"), ANSWERS)
def test_what_counts_as_an_answer(sqlite_store: Engine, kind: str, way: tuple[str, ...], answered: bool) -> None:
    """Being given to somebody is none; accepting, taking, permitting, refusing and resolving are."""
    with writing(sqlite_store) as connection:
        number = open_one(connection, kind, who="wang")
        for doing in way:
            person = BOSS if doing in ("approve", "reject") else LI
            commands.do(connection, number, doing, person, after(minutes=5), said_for(BOOK, kind))
        assert (row_of(connection, number).responded_at == after(minutes=5)) is answered


ONCE = [
    ("take", {}, "is accepted; to take it"),
    ("assign", {"assignee": "li"}, "was changed by somebody else just now"),
]


@pytest.mark.parametrize(("doing", "said", "why"), ONCE, ids=[row[0] for row in ONCE])
def test_what_two_people_do_at_once_happens_once(
    new_postgresql: NewStore, tmp_path: Path, doing: str, said: dict[str, str], why: str
) -> None:
    """Two transactions on PostgreSQL read the same state; the second is refused when the first is through."""
    with new_postgresql(tmp_path) as url:
        engine = open_store(url)
        with writing(engine) as connection:
            number = open_one(connection)
            accounts(connection)
            if doing == "assign":
                commands.do(connection, number, "assign", LI, NOON, {"assignee": "zhao"})
        ready, outcomes = threading.Barrier(2), list[Any]()

        def act(person: Person, words: dict[str, str]) -> None:
            try:
                with writing(engine) as connection:
                    row_of(connection, number)
                    ready.wait(10)
                    commands.do(connection, number, doing, person, NOON, words)
                outcomes.append(None)
            except TicketError as error:
                outcomes.append(str(error))

        threads = [
            threading.Thread(target=act, args=(person, said and {"assignee": person.name})) for person in (LI, WANG)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        done = kinds_of(engine, number).count(EVENT_OF[doing])
        with reading(engine) as connection:
            assignee = connection.scalar(select(ticket.c.assignee))
        engine.dispose()
    refused = [outcome for outcome in outcomes if outcome is not None]
    first = 1 if doing == "assign" else 0
    if refused:
        assert len(refused) == 1
        assert why in refused[0]
        assert done == 1 + first
    else:  # the second read only after the first was through; giving it to another once more is no fault
        assert doing == "assign"
        assert done == 2 + first
    assert assignee in ("li", "wang")
