"""What alerting forgets, and what it never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select

from alerts.retention import SENT_KEPT, forget_sent
from core.store.open import reading, writing
from core.store.tables import delivery

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "age", "kept"),
    [
        ("sent", SENT_KEPT, True),
        ("sent", SENT_KEPT + timedelta(milliseconds=1), False),
        ("pending", SENT_KEPT * 2, True),
        ("dead", SENT_KEPT * 2, True),
    ],
)
def test_only_messages_that_were_taken_long_ago_are_forgotten(
    store: Engine, state: str, age: timedelta, kept: bool
) -> None:
    """A message that waits or that nobody took is kept however old it is."""
    row = {
        "key": "k",
        "receiver": "r",
        "channel": "webhook",
        "settings": 0,
        "message": {},
        "created_at": NOW - age,
        "due_at": NOW - age,
        "attempts": 1,
        "state": state,
        "done_at": NOW - age,
    }
    with writing(store) as connection:
        connection.execute(insert(delivery).values(row))
        assert forget_sent(connection, NOW) == (0 if kept else 1)
    with reading(store) as connection:
        assert len(connection.execute(select(delivery)).all()) == (1 if kept else 0)
