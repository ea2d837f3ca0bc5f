"""A ticket that was passed on to a department is for its people: who may take it, give it out, and whose figures it is in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, insert

from alerts.tickets import commands
from alerts.tickets.commands import Person, TicketError
from core.people import users
from core.people.rights import rights_of
from core.store.open import writing
from core.store.tables import user
from tests.alerts.tickets.world import BOSS, open_one, row_of
from tests.alerts.world import NOON

NET, NET2, MARKET, LOOSE = (Person(name, rights_of("operator")) for name in ("net", "net2", "market", "loose"))
PEOPLE = {"net": "network", "net2": "network", "market": "market", "loose": None}


@pytest.fixture
def world(light: Engine) -> Iterator[Connection]:
    """Two people of the network department, one of marketing, one of none."""
    with writing(light) as connection:
        made = {"role": "operator", "password_hash": "", "language": "en", "created_at": NOON}
        people = [made | {"name": name, "department": department} for name, department in PEOPLE.items()]
        connection.execute(insert(user), people)
        yield connection


def passed_on(connection: Connection, department: str = "network") -> int:
    number = open_one(connection, "fault", who="loose")
    commands.do(connection, number, "transfer", LOOSE, NOON, {"department": department, "reason": "theirs"})
    return number


@pytest.mark.parametrize("doing", ["take", "resolve", "assign", "transfer"])
@pytest.mark.parametrize(("person", "may"), [(NET, True), (BOSS, True), (MARKET, False), (LOOSE, False)])
def test_only_its_people_or_a_dispatcher(world: Connection, doing: str, person: Person, may: bool) -> None:
    number = passed_on(world)
    said = {"cause": "c", "remedy": "r", "assignee": "net", "department": "market", "reason": "x"}
    assert (doing in commands.doings(world, number, person)) is may
    if may:
        commands.do(world, number, doing, person, NOON, said)
        return
    with pytest.raises(
        TicketError, match=f"Ticket {number} was passed on to network; it is for its people or a dispatcher"
    ):
        commands.do(world, number, doing, person, NOON, said)


def test_who_opens_one_for_a_department_binds_nobody(world: Connection) -> None:
    """A department that a kind has by default is no passing on: whoever is awake takes it, and it is theirs then."""
    number = open_one(world, "fault", who="loose")
    assert row_of(world, number).department == "business_support"
    commands.do(world, number, "take", MARKET, NOON)
    assert row_of(world, number).department == "market"
    number = open_one(world, "fault", who="loose")
    commands.do(world, number, "take", LOOSE, NOON)
    assert row_of(world, number).department == "business_support"


def test_a_department_without_people_is_everybodys(world: Connection) -> None:
    """Nobody is missed: what was passed on to nobody can be taken by whoever works on tickets."""
    number = passed_on(world, "main_integrator")
    commands.do(world, number, "take", LOOSE, NOON)
    assert row_of(world, number).assignee == "loose"
    users.disable(world, name="market", by="test", now=NOON)
    number = passed_on(world, "business_support")
    commands.do(world, number, "take", NET, NOON)


def test_its_people_give_it_to_each_other_and_a_dispatcher_to_anybody(world: Connection) -> None:
    number = passed_on(world)
    with pytest.raises(
        TicketError, match=f"market is not of network, to which ticket {number} was passed on; ask a dispatcher"
    ):
        commands.do(world, number, "assign", NET, NOON, {"assignee": "market"})
    commands.do(world, number, "assign", NET, NOON, {"assignee": "net2"})
    commands.do(world, number, "assign", BOSS, NOON, {"assignee": "market"})
    commands.do(world, number, "accept", MARKET, NOON)  # a dispatcher gave it
    assert (row_of(world, number).assignee, row_of(world, number).department) == ("market", "market")


def test_the_same_person_at_the_terminal(world: Connection) -> None:
    """Who opened it on a page cannot permit it at the terminal; who belongs to a department does so at both."""
    number = open_one(world, "office_data", who="loose")
    boss = Person("terminal:loose", rights_of("admin"))
    with pytest.raises(TicketError, match=f"terminal:loose opened ticket {number}; another person must approve it"):
        commands.do(world, number, "approve", boss, NOON)
    number = passed_on(world)
    commands.do(world, number, "take", Person("terminal:net", rights_of("operator")), NOON)
    assert row_of(world, number).department == "network"
