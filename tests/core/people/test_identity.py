"""A person is one person, at the terminal and on the pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, insert

from core.people import users
from core.people.identity import names_of, person_of, same_person, seen_by
from core.people.users import PeopleError
from core.store.open import writing
from core.store.tables import user
from tests.core.people.times import NOON


@pytest.fixture
def people(light: Engine) -> Iterator[Connection]:
    """li.wei works at the terminal as lw, zhang.min under the account's own name."""
    with writing(light) as connection:
        made = {"role": "operator", "password_hash": "", "language": "en", "created_at": NOON}
        connection.execute(insert(user), [made | {"name": name} for name in ("li.wei", "zhang.min")])
        users.set_login(connection, name="li.wei", login="LW", by="test", now=NOON)
        yield connection


CASES = [
    ("li.wei", "li.wei", True),
    ("li.wei", "Li.Wei ", True),
    ("li.wei", "terminal:lw", True),
    ("li.wei", "terminal:LW", True),
    ("terminal:lw", "terminal:li.wei", True),
    ("zhang.min", "terminal:zhang.min", True),
    ("zhang.min", "terminal:lw", False),
    ("li.wei", "token:li.wei", False),
    ("root", "terminal:root", True),
    ("li.wei", "terminal:root", False),
    (None, "li.wei", False),
    (None, None, False),
]


@pytest.mark.parametrize(("one", "other", "same"), CASES)
def test_who_is_who(people: Connection, one: str | None, other: str | None, same: bool) -> None:
    assert same_person(people, one, other) is same
    assert same_person(people, other, one) is same


def test_all_names_of_a_person(people: Connection) -> None:
    assert names_of(people, "terminal:lw") == {"li.wei", "terminal:lw", "terminal:li.wei"}
    assert names_of(people, "zhang.min") == {"zhang.min", "terminal:zhang.min"}
    assert person_of(people, "terminal:nobody") == "nobody"
    assert (seen_by(people, "li.wei", "terminal:lw"), seen_by(people, "li.wei", "boss")) == ("li.wei", "boss")


@pytest.mark.parametrize("login", ["lw", "li.wei"])
def test_a_login_is_of_one_person(people: Connection, login: str) -> None:
    with pytest.raises(
        PeopleError, match=f"The login {login} is that of the account li.wei; one person has one account"
    ):
        users.set_login(people, name="zhang.min", login=login, by="test", now=NOON)
