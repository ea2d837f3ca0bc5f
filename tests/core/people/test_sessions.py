"""A session lives as long as it should on the server, whatever the browser keeps."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from core.people import sessions, users
from core.store.open import reading, writing
from core.store.tables.people import session
from tests.core.people.times import NOON, PASSWORD, later

IDLE = timedelta(minutes=30)
LIFETIME = timedelta(hours=12)


@pytest.fixture
def ann(store: Engine) -> users.User:
    """An account."""
    with writing(store) as connection:
        return users.add(connection, name="ann", role="viewer", password=PASSWORD, by="root", now=NOON)


def begin(store: Engine, owner: users.User, now: datetime = NOON) -> sessions.Started:
    with writing(store) as connection:
        return sessions.begin(connection, owner=owner, address="10.0.0.7", idle=IDLE, lifetime=LIFETIME, now=now)


def find(store: Engine, cookie: str, now: datetime) -> sessions.Session | None:
    with reading(store) as connection:
        return sessions.find(connection, cookie, idle=IDLE, now=now)


def test_every_login_has_a_new_id_of_which_only_the_hash_is_stored(store: Engine, ann: users.User) -> None:
    """Two logins differ in cookie and CSRF value, and a copy of the table lets nobody in."""
    first, second = begin(store, ann), begin(store, ann)
    assert first.cookie != second.cookie
    assert first.csrf != second.csrf
    assert len(first.cookie) >= 43  # 256 bits
    with reading(store) as connection:
        assert first.cookie not in str(connection.execute(select(session)).all())
        stored = connection.scalars(select(session.c.id_hash)).all()
    assert find(store, first.cookie, NOON) is not None
    assert all(find(store, value, NOON) is None for value in stored)


@pytest.mark.parametrize(
    ("after", "there"),
    [
        (timedelta(0), True),
        (IDLE - timedelta(milliseconds=1), True),
        (IDLE, False),
        (LIFETIME, False),
    ],
)
def test_an_unused_session_ends_after_the_idle_time(
    store: Engine, ann: users.User, after: timedelta, there: bool
) -> None:
    """The idle time is a limit that is not itself allowed."""
    started = begin(store, ann)
    assert (find(store, started.cookie, NOON + after) is not None) is there


def test_a_used_session_lives_until_its_absolute_end(store: Engine, ann: users.User) -> None:
    """Using it every ten minutes carries it to the end of its lifetime and not beyond."""
    started = begin(store, ann)
    now = NOON
    while now + timedelta(minutes=10) < NOON + LIFETIME:
        now += timedelta(minutes=10)
        found = find(store, started.cookie, now)
        assert found is not None
        assert found.to_note(now)
        with writing(store) as connection:
            sessions.note(connection, found.id_hash, now)
    assert find(store, started.cookie, NOON + LIFETIME - timedelta(milliseconds=1)) is not None
    assert find(store, started.cookie, NOON + LIFETIME) is None


def test_uses_are_noted_once_a_minute_at_most(store: Engine, ann: users.User) -> None:
    """Reading pages does not write to the store all the time."""
    found = find(store, begin(store, ann).cookie, NOON)
    assert found is not None
    assert not found.to_note(later(seconds=59))
    assert found.to_note(later(seconds=60))


def test_a_logout_is_final_and_only_for_that_session(store: Engine, ann: users.User) -> None:
    """The cookie is dead on the server; another session of the same person lives on."""
    here, there = begin(store, ann), begin(store, ann)
    found = find(store, here.cookie, NOON)
    assert found is not None
    with writing(store) as connection:
        sessions.end(connection, found.id_hash, who="ann", now=NOON)
    assert find(store, here.cookie, NOON) is None
    assert find(store, there.cookie, NOON) is not None


def test_a_role_takes_effect_with_the_next_request(store: Engine, ann: users.User) -> None:
    """The session carries no role of its own."""
    started = begin(store, ann)
    with writing(store) as connection:
        users.set_role(connection, name="ann", role="admin", by="root", now=NOON)
    found = find(store, started.cookie, NOON)
    assert found is not None
    assert found.role == "admin"


def test_sessions_that_ran_out_are_cleared_away_at_the_next_login(store: Engine, ann: users.User) -> None:
    """The table does not grow for ever."""
    begin(store, ann)
    begin(store, ann, later(days=2))
    with reading(store) as connection:
        assert connection.scalar(select(func.count()).select_from(session)) == 1


@pytest.mark.parametrize("cookie", ["", "x", "x" * 10_000, "\udcff", "' OR 1=1 --"])
def test_a_made_up_cookie_is_nobody(store: Engine, ann: users.User, cookie: str) -> None:
    """Garbage finds no session and breaks nothing."""
    begin(store, ann)
    assert find(store, cookie, NOON) is None
