"""`bomc ticket` on a home of its own: from opening to closing, and a sentence for everything in the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from bomc.cli import app
from core.store.open import open_store, upgrade, writing
from core.store.tables import job, user
from tests.alerts.world import NOON

FAST = "kinds:\n  fault:\n    targets: {high: {respond: 5m, resolve: 1h}}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with an operator's tickets.yaml and an empty store."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "tickets.yaml").write_text(FAST)
    engine = open_store(f"sqlite:///{tmp_path / 'bomc.db'}")
    upgrade(engine)
    with writing(engine) as connection:
        operator = {"role": "operator", "password_hash": "", "language": "en", "created_at": NOON}
        connection.execute(insert(user).values(name="li.wei", **operator))
        due = {"day": "2026-03-02", "desk": "noc", "due_at": NOON, "missed_at": NOON}
        connection.execute(insert(job).values(plan="room-walk", **due, items=[], results={}, state="open"))
    engine.dispose()
    return tmp_path


def ticket(home: Path, *words: str) -> Any:
    return CliRunner().invoke(app, ["ticket", *words, "--home", str(home)])


def test_a_ticket_from_opening_to_closing(home: Path) -> None:
    opened = ticket(home, "open", "fault", "The disk is full", "--field", "system=CRM", "--field", "customers=12")
    assert (opened.exit_code, opened.output.strip()) == (0, "1")
    (row,) = json.loads(ticket(home, "list", "--json").output)
    assert (row["kind"], row["priority"], row["fields"]) == ("fault", "high", {"system": "CRM", "customers": "12"})
    assert row["resolve_s"] == 3600  # the operator's own
    assert "Ticket 1 is assigned." in ticket(home, "assign", "1", "li.wei").output
    assert "Ticket 1 is accepted." in ticket(home, "do", "1", "take").output
    paused = ticket(home, "do", "1", "pause", "--reason", "no part", "--waits-on", "vendor")
    assert "Ticket 1 is paused." in paused.output
    assert "Ticket 1 is accepted." in ticket(home, "do", "1", "resume").output
    ticket(home, "comment", "1", "It hums again.")
    done = ticket(home, "do", "1", "resolve", "--cause", "dust", "--remedy", "cleaned", "--field", "class=hardware")
    assert "Ticket 1 is resolved." in done.output
    assert "Ticket 1 is closed." in ticket(home, "do", "1", "close").output
    shown = ticket(home, "show", "1").output
    assert "state: closed" in shown
    assert "comment terminal:" in shown
    found = json.loads(ticket(home, "show", "1", "--json").output)
    assert len(found["history"]) == 8


def test_a_ticket_about_a_job_with_a_file(home: Path, tmp_path: Path) -> None:
    """Both are on the ticket, and what they are is said."""
    photo = tmp_path / "机柜.txt"
    photo.write_text("a lamp is red")
    opened = ticket(home, "open", "maintenance", "A lamp", "--about", "job/1", "--field", "targets=rack 7")
    assert (opened.exit_code, opened.output.strip()) == (0, "1")
    assert "The file 机柜.txt is with ticket 1." in ticket(home, "attach", "1", str(photo)).output
    shown = ticket(home, "show", "1").output
    assert "link: job 1 room-walk 2026-03-02" in shown
    assert "file: 机柜.txt (13 bytes, SHA-256 " in shown
    found = json.loads(ticket(home, "show", "1", "--json").output)
    assert [(one["relation"], one["number"]) for one in found["links"]] == [("job", 1)]
    missing = ticket(home, "attach", "1", str(tmp_path / "none.png"))
    assert (missing.exit_code, "cannot be read: No such file or directory" in missing.output) == (2, True)


WRONG = [
    (("open", "falt", "x"), "There is no kind of ticket 'falt'"),
    (("open", "office_data", "x"), "This needs the field network_element"),
    (("open", "fault", "x", "--field", "system"), "--field 'system' is not NAME=VALUE"),
    (("show", "9"), "There is no ticket 9."),
    (("do", "9", "take"), "There is no ticket 9."),
    (("assign", "9", "li"), "There is no ticket 9."),
    (("open", "fault", "x", "--about", "room/1"), "'room/1' is nothing that a ticket can be about"),
    (("open", "fault", "x", "--about", "job/9"), "There is no job 9."),
]


@pytest.mark.parametrize(("words", "why"), WRONG, ids=[row[1] for row in WRONG])
def test_what_is_in_the_way_is_said_in_a_sentence(home: Path, words: tuple[str, ...], why: str) -> None:
    done = ticket(home, *words)
    assert done.exit_code == 2
    assert why in done.output


def test_the_kinds_with_what_they_need(home: Path) -> None:
    shown = ticket(home, "kinds").output
    assert "high_fee" in shown
    assert "高额工单" in shown


def test_a_faulty_tickets_file_is_named_with_its_line(home: Path) -> None:
    """Every fault at once, and nothing is opened."""
    (home / "config" / "tickets.yaml").write_text("warn_at: 2\nkinds:\n  fault: {flow: 7}\n")
    done = ticket(home, "list")
    assert done.exit_code == 2
    assert "tickets.yaml:1: warn_at" in done.output
    assert "tickets.yaml:3: kinds.fault.flow" in done.output
    (home / "config" / "tickets.yaml").write_text("kinds:\n  falt: {}\n  fault:\n    from: [moon]\n")
    done = ticket(home, "list")
    assert "tickets.yaml:2: there is no kind of ticket 'falt'" in done.output
    assert "tickets.yaml:4: fault: there is no party 'moon'" in done.output
