"""Guessing is slowed for an account and for an address, over all consoles on one store."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from core.people import throttle
from core.store.open import reading, writing
from core.store.tables.people import audit as trail
from tests.core.people.times import NOON, later


def fail(store: Engine, name: str, address: str, now: datetime = NOON, exists: bool = True) -> None:
    with writing(store) as connection:
        throttle.failed(connection, name=name, exists=exists, address=address, now=now)


def wait(store: Engine, name: str, address: str, now: datetime = NOON) -> timedelta:
    with reading(store) as connection:
        return throttle.wait(connection, name=name, address=address, now=now)


def test_an_account_is_closed_to_guesses_from_anywhere_and_opens_again(store: Engine) -> None:
    """After ten failures from ten addresses an eleventh address waits, until the first failure is a window old."""
    for number in range(throttle.PER_ACCOUNT):
        assert wait(store, "ann", "10.0.0.99", later(seconds=number)) == timedelta(0)
        fail(store, "Ann", f"10.0.0.{number}", later(seconds=number))
    assert wait(store, "ann", "10.0.0.99", later(seconds=10)) == throttle.WINDOW - timedelta(seconds=10)
    assert wait(store, "bob", "10.0.0.99", later(seconds=10)) == timedelta(0)
    assert wait(store, "ann", "10.0.0.99", NOON + throttle.WINDOW) == timedelta(0)


def test_an_address_is_closed_whatever_accounts_it_tries(store: Engine) -> None:
    """Trying one password on many accounts is slowed too; other addresses are not."""
    for number in range(throttle.PER_ADDRESS):
        fail(store, f"user{number}", "10.0.0.1", exists=False)
    assert wait(store, "fresh", "10.0.0.1") == throttle.WINDOW
    assert wait(store, "fresh", "10.0.0.2") == timedelta(0)


def test_a_name_that_is_no_account_is_not_written_down(store: Engine) -> None:
    """People type passwords where the name belongs; the trail keeps only a digest of them."""
    fail(store, "my secret passphrase", "10.0.0.1", exists=False)
    fail(store, "ann", "10.0.0.1")
    with reading(store) as connection:
        rows = connection.execute(select(trail).order_by(trail.c.id)).all()
    assert "secret" not in str(rows)
    assert [row.who for row in rows] == ["unknown account", "ann"]


def test_unknown_accounts_are_throttled_like_known_ones(store: Engine) -> None:
    """Being slowed does not tell that an account exists."""
    for number in range(throttle.PER_ACCOUNT):
        fail(store, "nobody", f"10.0.0.{number}", exists=False)
    assert wait(store, "nobody", "10.0.0.99") == throttle.WINDOW
