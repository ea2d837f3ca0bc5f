"""Accounts are made with care, change with a trace, and end at once."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, select

from core.people import audit, passwords, sessions, users
from core.people.users import PeopleError
from core.store.open import reading, writing
from core.store.tables.people import audit as trail
from core.store.tables.people import user
from tests.core.people.times import NOON, PASSWORD, later


def add(store: Engine, name: str = "ann", role: str = "operator", password: str = PASSWORD) -> users.User:
    with writing(store) as connection:
        return users.add(connection, name=name, role=role, password=password, by="root", now=NOON)


def test_an_account_is_found_by_any_spelling_of_its_name(store: Engine) -> None:
    """Case, full-width letters and spaces around do not make another account."""
    add(store, "Ann")
    with reading(store) as connection:
        for spelling in ("ann", " ANN ", "ａｎｎ"):
            found = users.find(connection, spelling)
            assert found is not None
            assert found.name == "ann"
    with pytest.raises(PeopleError, match="already an account named ann"):
        add(store, "ＡＮＮ")


@pytest.mark.parametrize("name", ["", " ", "a b", "a\nb", "-a", "x" * 65, "a/b", "<b>"])
def test_a_name_that_will_not_do_is_refused_with_a_sentence(store: Engine, name: str) -> None:
    """Names hold letters, digits and a few signs only."""
    with pytest.raises(PeopleError, match="cannot be an account's name"):
        add(store, name)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "5 characters"),
        ("elevenchars", "at least 12"),
        ("aaaaaaaaaaaaaaaa", "repeats itself"),
        ("x1y2z3" * 200, "at most 1024"),
        ("administrator-al", "little more than the account's name"),
    ],
)
def test_a_weak_password_is_refused_with_a_sentence(store: Engine, password: str, why: str) -> None:
    """The policy says what is wrong and nothing is stored."""
    with pytest.raises(PeopleError, match=why):
        add(store, "administrator-a", password=password)
    with reading(store) as connection:
        assert users.everybody(connection) == []


def test_unknown_roles_and_languages_are_refused(store: Engine) -> None:
    """There are five roles and two languages."""
    with pytest.raises(PeopleError, match="no role 'root'"):
        add(store, role="root")
    add(store)
    with pytest.raises(PeopleError, match="does not speak 'tlh'"), writing(store) as connection:
        users.set_language(connection, name="ann", language="tlh", by="ann", now=NOON)


def test_the_password_is_stored_as_argon2id_and_nowhere_else(store: Engine) -> None:
    """A copy of the database holds no password."""
    add(store)
    with reading(store) as connection:
        stored = connection.scalar(select(user.c.password_hash))
        assert stored is not None
        assert stored.startswith("$argon2id$")
        assert PASSWORD not in str(connection.execute(select(user)).all())
        assert PASSWORD not in str(connection.execute(select(trail)).all())


def test_a_password_is_hashed_at_the_cost_that_is_recommended(
    product_hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 9106, second recommended set: 64 MiB, three passes, four lanes; what was hashed at less is made anew."""
    cheap = passwords.hash_of(PASSWORD)
    monkeypatch.setattr(passwords, "_hasher", product_hasher)
    stored = passwords.hash_of(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.matches(stored, PASSWORD)
    assert not passwords.outdated(stored)
    assert passwords.matches(cheap, PASSWORD)
    assert passwords.outdated(cheap)


def test_only_the_right_password_matches() -> None:
    """The right one does; another, an empty one, and any for an account that does not exist do not."""
    stored = passwords.hash_of(PASSWORD)
    assert passwords.matches(stored, PASSWORD)
    assert not passwords.matches(stored, PASSWORD + " ")
    assert not passwords.matches(stored, "")
    assert not passwords.matches(None, PASSWORD)
    assert not passwords.matches("not a hash", PASSWORD)
    assert not passwords.matches(stored, "x" * 1_000_000)


def test_a_login_for_nobody_hashes_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time taken does not tell whether an account exists: both ways one argon2id verification runs."""
    stored = passwords.hash_of(PASSWORD)
    seen: list[str] = []

    class Counting:
        def verify(self, known: str, _password: str) -> bool:
            seen.append(known)
            return True

        def hash(self, _password: str) -> str:
            return stored

    monkeypatch.setattr(passwords, "_hasher", Counting())
    assert not passwords.matches(None, "whatever")
    assert passwords.matches(stored, "whatever")
    assert len(seen) == 2
    assert all(known.startswith("$argon2id$") for known in seen)


def test_disabling_ends_every_session_at_once(store: Engine) -> None:
    """The moment an account is disabled, no cookie of it is worth anything and it cannot log in."""
    ann = add(store)
    with writing(store) as connection:
        started = sessions.begin(
            connection,
            owner=ann,
            address="127.0.0.1",
            idle=later(hours=1) - NOON,
            lifetime=later(days=1) - NOON,
            now=NOON,
        )
        users.disable(connection, name="ann", by="root", now=later(seconds=1))
    with reading(store) as connection:
        hour = later(hours=1) - NOON
        assert sessions.find(connection, started.cookie, idle=hour, now=later(seconds=1)) is None
        assert users.password_hash(connection, "ann") == (None, None)
    with pytest.raises(PeopleError, match="disabled already"), writing(store) as connection:
        users.disable(connection, name="ann", by="root", now=later(seconds=2))


def test_a_new_password_ends_the_sessions(store: Engine) -> None:
    """Whoever held a session with the old password is out."""
    ann = add(store)
    hour = later(hours=1) - NOON
    with writing(store) as connection:
        started = sessions.begin(connection, owner=ann, address="-", idle=hour, lifetime=hour, now=NOON)
        users.set_password(connection, name="ann", password="nine quiet herons", by="ann", now=NOON)
    with reading(store) as connection:
        assert sessions.find(connection, started.cookie, idle=hour, now=NOON) is None
        _, stored = users.password_hash(connection, "ann")
    assert passwords.matches(stored, "nine quiet herons")


def test_every_doing_is_audited(store: Engine) -> None:
    """Who did what to whom is in the trail, in order, and the trail verifies."""
    add(store)
    with writing(store) as connection:
        users.set_role(connection, name="ann", role="manager", by="root", now=NOON)
        users.set_language(connection, name="ann", language="en", by="ann", now=NOON)
        users.set_language(connection, name="ann", language="en", by="ann", now=NOON)
        users.set_password(connection, name="ann", password="nine quiet herons", by="ann", now=NOON)
        users.disable(connection, name="ann", by="root", now=NOON)
    with reading(store) as connection:
        rows = connection.execute(select(trail.c.who, trail.c.action, trail.c.object).order_by(trail.c.id)).all()
        assert [tuple(row) for row in rows] == [
            ("root", "user.add", "ann"),
            ("root", "user.role", "ann"),
            ("ann", "user.language", "ann"),
            ("ann", "user.password", "ann"),
            ("root", "user.disable", "ann"),
        ]
        assert audit.verify(connection) == []
        assert [account.role for account in users.everybody(connection)] == ["manager"]


def test_what_concerns_an_unknown_account_says_so(store: Engine) -> None:
    """A mistyped name changes nothing and points to the list."""
    with pytest.raises(PeopleError, match="no account named bob"), writing(store) as connection:
        users.disable(connection, name="Bob", by="root", now=NOON)
