"""Files and links of tickets: what is kept, what is refused, and that no ring of tickets comes about."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import Engine, select

from alerts.tickets import attachments, links
from alerts.tickets.attachments import attach, fetch
from alerts.tickets.machine import TicketError
from core.store.open import reading, writing
from core.store.tables import ticket_link
from tests.alerts.tickets.world import an_alert, kinds_of, open_one
from tests.alerts.world import NOON


def test_a_file_is_kept_with_its_digest_and_given_back_as_it_was(store: Engine) -> None:
    content = b"%PDF-1.7 \x00\xff"
    with writing(store) as connection:
        number = open_one(connection)
        other = open_one(connection)
        file_id = attach(connection, number, "li", "report.exe", content, NOON)
    with reading(store) as connection:
        found = fetch(connection, number, file_id)
        assert found is not None
        assert (found.content, found.sha256) == (content, hashlib.sha256(content).hexdigest())
        assert (found.media_type, found.size_bytes) == ("application/pdf", len(content))
        assert fetch(connection, other, file_id) is None
    assert kinds_of(store, number) == ["opened", "attached"]


def test_what_is_not_kept(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty, too large, unknown, one too many, or of no ticket."""
    with writing(store) as connection:
        number = open_one(connection)
        for content, why in ((b"", "is empty"), (b"x" * (5 * 2**20 + 1), "more than 5 MiB"), (b"MZ\0", "no picture")):
            with pytest.raises(TicketError, match=why):
                attach(connection, number, "li", "x.bin", content, NOON)
        with pytest.raises(TicketError, match="There is no ticket 99"):
            attach(connection, 99, "li", "x.txt", b"x", NOON)
        monkeypatch.setattr(attachments, "MOST_FILES", 1)
        attach(connection, number, "li", "x.txt", b"x", NOON)
        with pytest.raises(TicketError, match="has 1 files already"):
            attach(connection, number, "li", "y.txt", b"y", NOON)
    assert kinds_of(store, number) == ["opened", "attached"]


def test_tickets_are_tied_to_each_other_and_to_what_they_are_about(store: Engine) -> None:
    """Once, however often it is asked; and it can be taken off."""
    with writing(store) as connection:
        first, second = open_one(connection), open_one(connection)
        an_alert(connection, 5)
        for _time in range(2):
            links.link(connection, first, "li", "child_of", second, NOON)
            links.link(connection, first, "li", "alert", 5, NOON)
        links.unlink(connection, first, "li", "alert", 5, NOON)
        rows = connection.execute(select(ticket_link.c.relation, ticket_link.c.other_id)).all()
    assert [tuple(row) for row in rows] == [("child_of", second)]
    assert kinds_of(store, first) == ["opened", "linked", "linked", "unlinked"]


def test_links_that_lead_nowhere_or_round_are_refused(store: Engine) -> None:
    with writing(store) as connection:
        first, second, third = (open_one(connection) for _number in range(3))
        links.link(connection, first, "li", "child_of", second, NOON)
        links.link(connection, second, "li", "child_of", third, NOON)
        wrong = [
            (third, "child_of", first, f"Ticket {first} hangs on ticket {third} already"),
            (first, "child_of", first, "a ring of tickets"),
            (first, "cousin_of", second, "There is no relation 'cousin_of'"),
            (first, "caused_by", 99, "There is no ticket 99"),
            (first, "alert", 99, "There is no alert 99"),
            (first, "break", 99, "There is no break 99"),
            (first, "run", 2**70, "There is no run"),
            (99, "alert", 5, "There is no ticket 99"),
        ]
        for number, relation, other, why in wrong:
            with pytest.raises(TicketError, match=why):
                links.link(connection, number, "li", relation, other, NOON)
        with pytest.raises(TicketError, match="has no such link"):
            links.unlink(connection, first, "li", "caused_by", second, NOON)
        links.link(connection, third, "li", "caused_by", first, NOON)  # another relation is another matter
