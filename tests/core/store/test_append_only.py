"""The database itself refuses to change what was logged on duty and what two people signed."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import DBAPIError

from core.store.open import reading, writing
from core.store.tables import duty_entry, handover, handover_event
from tests.alerts.world import NOON

ENTRY = {
    "id": 1,
    "desk": "noc",
    "at": NOON,
    "written_at": NOON,
    "who": "li",
    "kind": "event",
    "text": "t",
    "fields": {},
}
SHIFT = {"desk": "noc", "outgoing": "day", "incoming": "night", "remarks": {}, "to_do": ""}
EVENT = {"id": 1, "handover_id": 1, "at": NOON, "kind": "accepted", "who": "zhang", "detail": "SHA-256 0a"}
REFUSED = [
    ("UPDATE duty_entry SET text = 'nothing happened'", "duty log is append-only"),
    ("DELETE FROM duty_entry", "duty log is append-only"),
    ("UPDATE handover_event SET who = 'li'", "history of handovers is append-only"),
    ("DELETE FROM handover_event", "history of handovers is append-only"),
    ("UPDATE handover SET accepted_by = 'wang' WHERE id = 1", "signed handover cannot be changed"),
    ("UPDATE handover SET state = 'draft' WHERE id = 1", "signed handover cannot be changed"),
]
COLUMNS = "kind, text, fields, link, corrects FROM duty_entry"
REPLACED = f"INSERT OR REPLACE INTO duty_entry SELECT id, desk, at, written_at, 'wang', {COLUMNS}"


def fill(store: Engine) -> None:
    with writing(store) as connection:
        connection.execute(insert(handover).values(id=1, changes_at=NOON, state="accepted", **SHIFT))
        later = NOON.replace(hour=20)
        connection.execute(insert(handover).values(id=2, changes_at=later, state="draft", **SHIFT))
        connection.execute(insert(handover_event).values(EVENT))
        connection.execute(insert(duty_entry).values(ENTRY))


def test_what_was_written_stays(store: Engine) -> None:
    """Each statement is refused with its reason; a handover that is not signed yet moves on."""
    fill(store)
    more = [("TRUNCATE duty_entry", "append-only"), ("TRUNCATE handover CASCADE", "append-only|cannot be changed")]
    if store.dialect.name == "sqlite":
        more = [(REPLACED, "append-only")]
    for statement, reason in (*REFUSED, *more):
        with pytest.raises(DBAPIError, match=reason), writing(store) as connection:
            connection.execute(text(statement))
    with writing(store) as connection:
        connection.execute(text("UPDATE handover SET state = 'prepared' WHERE id = 2"))
        connection.execute(insert(duty_entry).values(ENTRY | {"id": 2, "corrects": 1}))
    with reading(store) as connection:
        texts = connection.execute(text("SELECT id, who, text FROM duty_entry ORDER BY id")).all()
        states = list(connection.execute(text("SELECT state FROM handover ORDER BY id")).scalars())
    assert [tuple(row) for row in texts] == [(1, "li", "t"), (2, "li", "t")]
    assert states == ["accepted", "prepared"]
