"""`bomc alerts silence propose` and `approve`: two people at a terminal, each known by their console password."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from core.store.open import open_store, reading
from core.store.tables import audit
from tests.bomc.estates import cli, write

PASSWORD = "seven brown otters"
EVERYTHING = 'alertname=~".+"'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with an operator and a manager."""
    made = write(tmp_path / "home")
    assert cli(made, "db", "upgrade")[0] == 0
    for name, role in (("li.wei", "operator"), ("zhao.lei", "manager")):
        assert cli(made, "user", "add", name, "--role", role, given=PASSWORD)[0] == 0
    return made


def _silence(home: Path, *words: str, given: str = PASSWORD) -> tuple[int, str]:
    return cli(home, "alerts", "silence", *words, given=given + "\n")


def test_everything_is_silenced_by_two_people(home: Path) -> None:
    """Alone it is refused, with the way that is open; wrong passwords and missing rights are refused; the trail tells."""
    alone = cli(home, "alerts", "silence", "add", EVERYTHING, "-c", "switch")
    assert alone[0] == 2
    assert "propose it to a second person" in alone[1]
    assert _silence(home, "propose", EVERYTHING, "-c", "switch", "-u", "li.wei", given="wrong")[0] == 2
    assert _silence(home, "propose", EVERYTHING, "-c", "switch", "-u", "li.wei")[1].strip() == "1"
    assert "for a second person" in cli(home, "alerts", "silence", "proposals")[1]
    assert "There is no silence." in cli(home, "alerts", "silence", "list")[1]
    own = _silence(home, "approve", "1", "-u", "li.wei")
    assert (own[0], "does not include the right alerts.approve" in own[1]) == (2, True)
    id = _silence(home, "approve", "1", "-u", "zhao.lei")[1].strip()
    assert id in cli(home, "alerts", "silence", "list")[1]
    assert "approved by zhao.lei" in cli(home, "alerts", "silence", "proposals")[1]
    with reading(open_store(f"sqlite:///{home / 'bomc.db'}")) as connection:
        trail = [(row.who, row.action) for row in connection.execute(select(audit))]
    assert ("li.wei", "propose silence") in trail
    assert ("zhao.lei", "approve silence") in trail
    assert ("li.wei", "login.failed") in trail


def test_a_proposal_is_rejected_and_not_by_its_proposer_approved(home: Path) -> None:
    assert _silence(home, "propose", EVERYTHING, "-c", "switch", "-u", "zhao.lei")[0] == 0
    own = _silence(home, "approve", "1", "-u", "zhao.lei")
    assert (own[0], "another person must approve it" in own[1]) == (2, True)
    other = _silence(home, "reject", "1", "-c", "no", "-u", "li.wei")
    assert (other[0], "Only zhao.lei may withdraw" in other[1]) == (2, True)
    assert _silence(home, "reject", "1", "-u", "zhao.lei")[0] == 0
    assert "withdrawn by zhao.lei" in cli(home, "alerts", "silence", "proposals")[1]
