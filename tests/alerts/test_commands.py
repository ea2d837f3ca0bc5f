"""What people do with alerts: one of them has it, everybody can read who, and the trail holds it."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, select

from alerts.commands import AlertError, acknowledge, unacknowledge
from alerts.lifecycle import apply
from core.people import audit
from core.store.open import reading, writing
from core.store.tables import audit as trail
from tests.alerts.world import NOON, after, alerts, events, finding, with_series


@pytest.fixture
def one(store: Engine) -> int:
    """The id of one firing alert."""
    with_series(store)
    with writing(store) as connection:
        return apply(connection, [finding()], NOON).opened[0]


def _trail(store: Engine) -> list[tuple[str, str, str]]:
    with reading(store) as connection:
        assert audit.verify(connection) == []
        rows = connection.execute(select(trail.c.who, trail.c.action, trail.c.object).order_by(trail.c.id))
        return [tuple(row) for row in rows]


def test_taking_and_giving_back(store: Engine, one: int) -> None:
    """Who, when and why are in the row while it lasts, in the history and in the audit trail for ever."""
    with writing(store) as connection:
        acknowledge(connection, one, "li", "looking", after(minutes=1))
    (row,) = alerts(store)
    assert (row.acknowledged_by, row.acknowledged_at, row.acknowledgement) == ("li", after(minutes=1), "looking")
    with writing(store) as connection:
        unacknowledge(connection, one, "wang", "li went home", after(minutes=2))
    (row,) = alerts(store)
    assert (row.acknowledged_by, row.acknowledged_at, row.acknowledgement) == (None, None, None)
    assert [(kind, detail) for _, kind, detail in events(store)][1:] == [
        ("acknowledged", "looking; repeats stop until it is resolved, given back, or its severity rises"),
        ("unacknowledged", "given back by wang, li had it: li went home"),
    ]
    assert _trail(store) == [("li", "acknowledge", f"alert/{one}"), ("wang", "unacknowledge", f"alert/{one}")]


def test_the_second_is_told_who_was_first(store: Engine, one: int) -> None:
    """Somebody else's alert is refused with the name; one's own may be taken again with another comment."""
    with writing(store) as connection:
        acknowledge(connection, one, "li", "", NOON)
    with writing(store) as connection, pytest.raises(AlertError, match=f"Alert {one} is with li already"):
        acknowledge(connection, one, "wang", "", NOON)
    with writing(store) as connection:
        acknowledge(connection, one, "li", "found it", after(minutes=1))
    assert alerts(store)[0].acknowledgement == "found it"
    assert [who for who, _, _ in _trail(store)] == ["li", "li"]


def test_of_many_at_the_same_time_one_has_it(store: Engine, one: int) -> None:
    """Eight people press the button at once: one gets it, seven are told who."""
    start = threading.Barrier(8)
    refused: list[str] = []

    def press(who: str) -> None:
        start.wait()
        try:
            with writing(store) as connection:
                acknowledge(connection, one, who, "", NOON)
        except AlertError as error:
            refused.append(str(error))

    people = [threading.Thread(target=press, args=(f"p{number}",)) for number in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    has_it = alerts(store)[0].acknowledged_by
    assert refused == [f"Alert {one} is with {has_it} already; ask them, or let them give it back."] * 7
    assert _trail(store) == [(has_it, "acknowledge", f"alert/{one}")]


def test_what_cannot_be_taken_or_given_back(store: Engine, one: int) -> None:
    """No such alert, nobody has it, resolved already: each a sentence, and nothing is written."""
    with writing(store) as connection:
        for doing in (acknowledge, unacknowledge):
            with pytest.raises(AlertError, match="There is no alert 99"):
                doing(connection, 99, "li", "", NOON)
        with pytest.raises(AlertError, match="is with nobody"):
            unacknowledge(connection, one, "li", "", NOON)
        apply(connection, [finding("ok")], NOON)
        for doing in (acknowledge, unacknowledge):
            with pytest.raises(AlertError, match="is resolved already"):
                doing(connection, one, "li", "", NOON)
    assert _trail(store) == []


def test_no_audit_no_act(store: Engine, one: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the trail cannot be written, the alert is not taken."""

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(audit, "record", full)
    with pytest.raises(OSError, match="no space"), writing(store) as connection:
        acknowledge(connection, one, "li", "", NOON)
    assert alerts(store)[0].acknowledged_by is None
