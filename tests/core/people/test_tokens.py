"""Machines come in with a token that was shown once, until it is revoked or expires."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, select

from core.people import tokens
from core.people.users import PeopleError
from core.store.open import reading, writing
from core.store.tables.people import audit as trail
from core.store.tables.people import token
from tests.core.people.times import NOON, later


def test_a_token_works_until_it_is_revoked(store: Engine) -> None:
    """It brings its name and role, is stored as a hash only, and revoking ends it at once."""
    with writing(store) as connection:
        secret = tokens.create(connection, name="Prometheus", role="viewer", by="root", now=NOON)
    with reading(store) as connection:
        found = tokens.find(connection, secret, now=NOON)
        assert found is not None
        assert (found.name, found.role) == ("prometheus", "viewer")
        assert secret.startswith("bomc_")
        assert secret not in str(connection.execute(select(token)).all())
        assert secret not in str(connection.execute(select(trail)).all())
        assert tokens.find(connection, secret + "x", now=NOON) is None
    with writing(store) as connection:
        tokens.revoke(connection, name="prometheus", by="root", now=NOON)
        assert tokens.find(connection, secret, now=NOON) is None
        assert [known.revoked_at for known in tokens.all_tokens(connection)] == [NOON]
    with pytest.raises(PeopleError, match="no token named prometheus"), writing(store) as connection:
        tokens.revoke(connection, name="prometheus", by="root", now=NOON)


def test_an_expiring_token_ends_by_itself(store: Engine) -> None:
    """At the instant of expiry it is over."""
    with writing(store) as connection:
        secret = tokens.create(connection, name="once", role="operator", by="root", now=NOON, expires_at=later(hours=1))
        assert tokens.find(connection, secret, now=later(minutes=59)) is not None
        assert tokens.find(connection, secret, now=later(hours=1)) is None


def test_what_will_not_do_is_refused(store: Engine) -> None:
    """A taken name, an unknown role, a bad name and an end in the past are sentences."""
    with writing(store) as connection:
        tokens.create(connection, name="one", role="viewer", by="root", now=NOON)
    for arguments, why in (
        ({"name": "ONE", "role": "viewer"}, "already a token"),
        ({"name": "two", "role": "god"}, "no role"),
        ({"name": "two words", "role": "viewer"}, "cannot be a token's name"),
        ({"name": "two", "role": "viewer", "expires_at": NOON}, "expired"),
    ):
        with pytest.raises(PeopleError, match=why), writing(store) as connection:
            tokens.create(connection, by="root", now=NOON, **arguments)


def test_tokens_are_audited(store: Engine) -> None:
    """Making and revoking leave rows that name who did it."""
    with writing(store) as connection:
        tokens.create(connection, name="one", role="viewer", by="root", now=NOON, expires_at=later(days=1))
        tokens.revoke(connection, name="one", by="eve", now=NOON)
        rows = connection.execute(select(trail.c.who, trail.c.action, trail.c.object).order_by(trail.c.id)).all()
    assert [tuple(row) for row in rows] == [("root", "token.create", "one"), ("eve", "token.revoke", "one")]
