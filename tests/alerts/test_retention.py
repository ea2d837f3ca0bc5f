"""What alerting forgets, and what it never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select

from alerts.muting.silences import Spec, create, listed
from alerts.retention import SENT_KEPT, SILENCES_KEPT, forget_sent, forget_silences
from alerts.routes.matchers import parse_matchers
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


@pytest.mark.parametrize(("age", "kept"), [(SILENCES_KEPT, True), (SILENCES_KEPT + timedelta(milliseconds=1), False)])
def test_silences_are_forgotten_days_after_their_end(store: Engine, age: timedelta, kept: bool) -> None:
    """One that ended lately can still be looked up and used again."""
    with writing(store) as connection:
        begun = NOW - age - timedelta(hours=1)
        spec = Spec(parse_matchers('target="a"'), begun, NOW - age, "why")
        create(connection, spec, "li.wei", begun)
        assert forget_silences(connection, NOW) == (0 if kept else 1)
        assert len(listed(connection, NOW)) == (1 if kept else 0)
