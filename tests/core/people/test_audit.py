"""The audit trail tells of every tampering, and stays one chain whoever writes at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Connection, Engine, delete, select, text, update
from sqlalchemy.exc import DBAPIError

from core.people import audit, users
from core.people.users import PeopleError
from core.store.open import reading, writing
from core.store.tables.people import audit as trail
from tests.core.people.times import NOON, PASSWORD, later


def write(engine: Engine, number: int, who: str = "ann") -> None:
    with writing(engine) as connection:
        detail = {"number": number, "text": "早上好", "nested": {"b": [1, 2.5, None], "a": True}}
        audit.record(connection, at=later(seconds=number), who=who, action="ticket.assign", object="7", detail=detail)


def unlocked(connection: Connection) -> None:
    """What somebody with the database's own rights can do: take the triggers away."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        return
    for verb in ("update", "delete"):
        connection.execute(text(f"DROP TRIGGER audit_no_{verb}"))


@pytest.fixture
def ten(store: Engine) -> Engine:
    """A trail of ten rows."""
    for number in range(10):
        write(store, number)
    return store


def ids(connection: Connection) -> list[int]:
    return list(connection.scalars(select(trail.c.id).order_by(trail.c.id)))


def test_an_untouched_trail_verifies_and_starts_from_the_genesis(ten: Engine) -> None:
    """Ten rows written one after the other are one chain from the genesis hash on."""
    with reading(ten) as connection:
        assert audit.verify(connection) == []
        assert connection.scalar(select(trail.c.previous_hash).order_by(trail.c.id).limit(1)) == audit.GENESIS
        assert audit.head(connection).rows == 10


def test_an_empty_trail_verifies_and_has_a_head(store: Engine) -> None:
    """Nothing written yet is not a fault, and its exported head stays true when rows follow."""
    with reading(store) as connection:
        empty = audit.head(connection)
        assert audit.verify(connection, [empty]) == []
    write(store, 1)
    with reading(store) as connection:
        assert audit.verify(connection, [empty]) == []


@pytest.mark.parametrize("column", ["who", "action", "object", "detail", "at", "hash", "previous_hash"])
def test_an_edited_row_is_found(ten: Engine, column: str) -> None:
    """Whatever column of a row in the middle is edited, the trail no longer verifies."""
    value: object = {"detail": {"number": 99}, "at": later(days=1)}.get(column, "f" * 64)
    with writing(ten) as connection:
        unlocked(connection)
        row = ids(connection)[4]
        connection.execute(update(trail).where(trail.c.id == row).values({column: value}))
    with reading(ten) as connection:
        assert any(str(row) in fault for fault in audit.verify(connection))


def test_a_deleted_row_is_found(ten: Engine) -> None:
    """A row taken out of the middle leaves its successor without the row that it follows."""
    with writing(ten) as connection:
        unlocked(connection)
        all_ids = ids(connection)
        connection.execute(delete(trail).where(trail.c.id == all_ids[4]))
    with reading(ten) as connection:
        faults = audit.verify(connection)
        assert len(faults) == 1
        assert f"Audit row {all_ids[5]} does not follow row {all_ids[3]}" in faults[0]


def test_reordered_rows_are_found(ten: Engine) -> None:
    """Two rows that change places break the chain, though each row's own content is untouched."""
    with writing(ten) as connection:
        unlocked(connection)
        first, second = ids(connection)[4:6]
        connection.execute(update(trail).where(trail.c.id == first).values(id=1_000_000))
        connection.execute(update(trail).where(trail.c.id == second).values(id=first))
        connection.execute(update(trail).where(trail.c.id == 1_000_000).values(id=second))
    with reading(ten) as connection:
        assert audit.verify(connection) != []


def test_a_cut_tail_is_found_against_an_exported_head(ten: Engine) -> None:
    """The chain alone cannot miss its end; the head that was exported before can."""
    with writing(ten) as connection:
        exported = audit.head(connection)
        unlocked(connection)
        connection.execute(delete(trail).where(trail.c.id.in_(ids(connection)[7:])))
    with reading(ten) as connection:
        assert audit.verify(connection) == []
        assert "is gone" in audit.verify(connection, [exported])[0]


def test_a_rebuilt_chain_is_found_against_an_exported_head(ten: Engine) -> None:
    """Somebody who edits a row and hashes everything after it anew cannot forge yesterday's head."""
    with writing(ten) as connection:
        exported = audit.head(connection)
        unlocked(connection)
        rows = connection.execute(select(trail).order_by(trail.c.id)).all()
        connection.execute(delete(trail))
        for row in rows:
            who = "bob" if row.id == rows[4].id else row.who
            audit.record(connection, at=row.at, who=who, action=row.action, object=row.object, detail=row.detail)
        for old, new in zip(rows, ids(connection), strict=True):
            connection.execute(update(trail).where(trail.c.id == new).values(id=-old.id))
        for old in rows:
            connection.execute(update(trail).where(trail.c.id == -old.id).values(id=old.id))
    with reading(ten) as connection:
        assert audit.verify(connection) == []
        assert "rebuilt" in audit.verify(connection, [exported])[0]


def test_the_database_itself_refuses_changes(ten: Engine) -> None:
    """UPDATE and DELETE fail in the database while its triggers are there."""
    for statement in (update(trail).values(who="nobody"), delete(trail)):
        with pytest.raises(DBAPIError, match="append-only"), writing(ten) as connection:
            connection.execute(statement)


def test_concurrent_writers_form_one_chain(store: Engine) -> None:
    """Eight writers at once lose no row and never follow the same row twice."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write(store, number, f"writer {number % 8}"), range(80)))
    with reading(store) as connection:
        assert audit.verify(connection) == []
        assert audit.head(connection).rows == 80


def test_what_is_rolled_back_leaves_no_trace_and_no_gap(ten: Engine) -> None:
    """A doing that fails takes its audit row with it, and the next row follows the last committed one."""
    with pytest.raises(PeopleError, match="already"):
        act_twice(ten, "ann")
    write(ten, 11)
    with reading(ten) as connection:
        assert audit.verify(connection) == []
        assert audit.head(connection).rows == 11


def act_twice(engine: Engine, name: str) -> None:
    """One transaction whose second doing fails."""
    with writing(engine) as connection:
        for _ in range(2):
            users.add(connection, name=name, role="viewer", password=PASSWORD, by="root", now=NOON)


def test_when_the_trail_cannot_be_written_the_act_does_not_happen(store: Engine) -> None:
    """No audit, no act: without its table the trail takes nothing, and so no account is made."""
    with writing(store) as connection:
        connection.execute(text("ALTER TABLE audit RENAME TO audit_elsewhere"))
    with pytest.raises(DBAPIError):
        act_twice(store, "ann")
    with reading(store) as connection:
        assert users.everybody(connection) == []


def test_a_detail_that_json_cannot_carry_is_refused(store: Engine) -> None:
    """Money as a Decimal would be read back as something else, so it does not go in."""
    with pytest.raises(TypeError), writing(store) as connection:
        audit.record(connection, at=NOON, who="ann", action="x", object="y", detail={"amount": Decimal("1.10")})


def test_instants_are_hashed_as_they_are_read_back(store: Engine) -> None:
    """Microseconds, which the store cuts, and instants as details do not make a true row look false."""
    at = datetime(2026, 3, 2, 23, 59, 59, 999_999, tzinfo=UTC)
    with writing(store) as connection:
        audit.record(connection, at=at, who="ann", action="x", object="y", detail={"until": at, 7: "seven"})
    with reading(store) as connection:
        assert audit.verify(connection) == []
