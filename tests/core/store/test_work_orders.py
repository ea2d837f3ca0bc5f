"""Tickets of an older schema come over with what they had: their deadline, their answer, and who resolved them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic import command
from sqlalchemy import Engine, insert, select, text

from core.store import migrations
from core.store import open as store_open
from core.store.open import open_store, reading, upgrade, writing
from core.store.tables import ticket, ticket_event

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OLD = {"kind": "fault", "title": "t", "description": "", "priority": "high", "opened_by": "li", "opened_at": NOON}


def test_old_tickets_keep_deadline_answer_and_resolver(tmp_path: Path) -> None:
    """One that was resolved in time and one that nobody had yet."""
    engine = open_store(f"sqlite:///{tmp_path / 'old.db'}")
    with engine.connect().execution_options(bomc_writes=True) as connection, connection.begin():
        config = store_open._alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    with writing(engine) as connection:
        columns = "kind, title, description, priority, state, opened_by, opened_at, due_at, demo"
        ms = int(NOON.timestamp() * 1000)
        for state in ("resolved", "open"):
            values = f"'fault', 't', '', 'high', '{state}', 'li', {ms}, {ms + 7_200_000}, 0"
            connection.execute(text(f"INSERT INTO ticket ({columns}) VALUES ({values})"))
        for number, (kind, who) in enumerate((("assigned", "boss"), ("resolved", "li"))):
            at = NOON + timedelta(minutes=5 + number)
            connection.execute(insert(ticket_event).values(ticket_id=1, at=at, kind=kind, who=who, detail=""))
    upgrade(engine)
    _require_kept(engine)
    engine.dispose()


def _require_kept(engine: Engine) -> None:
    with reading(engine) as connection:
        first, second = connection.execute(select(ticket).order_by(ticket.c.id)).all()
    assert (first.state, first.resolved_by, first.responded_at) == ("resolved", "li", NOON + timedelta(minutes=5))
    assert (first.due_at, first.resolve_s, first.hours) == (NOON + timedelta(hours=2), 7200, "always")
    assert (second.state, second.resolved_by, second.responded_at, second.resolve_s) == ("open", None, None, 7200)


def test_the_same_statements_hold_on_every_database(store: Engine) -> None:
    """What the migration does to rows, on SQLite and on PostgreSQL."""
    place = Path(str(migrations.__file__)).parent / "versions" / "0007_work_orders.py"
    source = place.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    exec(compile(source, "0007_work_orders.py", "exec"), names)
    with writing(store) as connection:
        for state in ("resolved", "open"):
            values = {**OLD, "state": state, "due_at": NOON + timedelta(hours=2), "demo": False}
            connection.execute(insert(ticket).values(values))
        for number, (kind, who) in enumerate((("assigned", "boss"), ("resolved", "li"))):
            at = NOON + timedelta(minutes=5 + number)
            connection.execute(insert(ticket_event).values(ticket_id=1, at=at, kind=kind, who=who, detail=""))
        for name in ("ANSWERED", "RESOLVED_BY", "DEADLINE"):
            connection.execute(text(str(names[name])))
    _require_kept(store)
