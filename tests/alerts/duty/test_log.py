"""The duty log and the roster: entries are only added, and what makes no sense is refused with a sentence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts.duty import log, roster
from alerts.duty.errors import DutyError
from core.store.open import reading, writing
from core.store.tables import audit, duty_entry
from tests.alerts.duty.desks import NOON, SQLITE, desk, people
from tests.alerts.duty.test_handovers import an_alert


def test_an_entry_and_its_correction_are_both_kept(store: Engine) -> None:
    with writing(store) as connection:
        an_alert(connection, 1)
        first = log.write(connection, "noc", "li.wei", "phone", "Shop 7 called.", NOON, link="alert/1")
        second = log.write(connection, "noc", "zhang.min", "phone", "It was shop 9.", NOON, corrects=first)
    with reading(store) as connection:
        rows = connection.execute(select(duty_entry).order_by(duty_entry.c.id)).all()
        trail = connection.scalars(select(audit.c.object).order_by(audit.c.id)).all()
    assert [(row.text, row.corrects, row.link) for row in rows] == [
        ("Shop 7 called.", None, "alert/1"),
        ("It was shop 9.", first, None),
    ]
    assert trail == [f"duty_entry/{first}", f"duty_entry/{second}"]


def test_a_visit_has_its_register(store: Engine) -> None:
    with writing(store) as connection:
        fields = {"visitor": "Chen Hao", "company": "Integrator", "room": "A-301", "left_at": ""}
        log.write(connection, "noc", "li.wei", "visit", "Changed a disk.", NOON, fields=fields)
    with reading(store) as connection:
        found = connection.execute(select(duty_entry.c.fields)).scalar_one()
    assert found == {"visitor": "Chen Hao", "company": "Integrator", "room": "A-301"}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no text": ({"text": " "}, "needs a text"),
    "an unknown kind": ({"kind": "gossip"}, "no kind of entry 'gossip'"),
    "a time to come": ({"at": NOON + timedelta(hours=1)}, "still to come"),
    "a visit of nobody": ({"kind": "visit", "fields": {"room": "A-301"}}, "needs the field visitor"),
    "a field that the kind has not": ({"fields": {"room": "A-301"}}, "has no field room"),
    "a link that is none": ({"link": "https://elsewhere"}, "is no link"),
    "a link that leads nowhere": ({"link": "ticket/7"}, "There is no ticket/7"),
    "a link beyond all numbers": ({"link": "ticket/999999999999999999"}, "There is no ticket/9"),
    "a correction of nothing": ({"corrects": 77}, "no entry 77 of this desk"),
    "too long": ({"text": "x" * 4001}, "at most 4000"),
}


@SQLITE
@pytest.mark.parametrize(("given", "words"), REFUSED.values(), ids=REFUSED)
def test_an_entry_that_makes_no_sense_is_refused(store: Engine, given: dict[str, Any], words: str) -> None:
    wanted = {"kind": "event", "text": "Power cut.", **given}
    kind, text = wanted.pop("kind"), wanted.pop("text")
    with pytest.raises(DutyError, match=words), writing(store) as connection:
        log.write(connection, "noc", "li.wei", kind, text, NOON, **wanted)
    with reading(store) as connection:
        assert connection.execute(select(duty_entry)).all() == []


def test_an_entry_is_corrected_once(store: Engine) -> None:
    with writing(store) as connection:
        first = log.write(connection, "noc", "li.wei", "event", "one", NOON)
        log.write(connection, "noc", "li.wei", "event", "two", NOON, corrects=first)
    with pytest.raises(DutyError, match="corrected by entry 2 already"), writing(store) as connection:
        log.write(connection, "noc", "zhang.min", "event", "three", NOON, corrects=first)


def test_a_shift_changes_hands(store: Engine) -> None:
    with writing(store) as connection:
        people(connection, "wang.fang", "zhang.min")
        roster.change(connection, desk(), "2026-03-02 night", ["wang.fang"], "swap", "boss", NOON)
        roster.change(connection, desk(), "2026-03-02 night", ["zhang.min", "zhang.min"], "ill", "boss", NOON)
    with reading(store) as connection:
        assert roster.changes_of(connection, "noc") == {"2026-03-02 night": ("zhang.min",)}
        detail = connection.scalars(select(audit.c.detail).where(audit.c.action == "roster_changed")).all()
    assert detail[1]["people"] == ["zhang.min"]
    assert detail[1]["reason"] == "ill"


WRONG = {
    "no reason": ("2026-03-02 night", ["wang.fang"], " ", "needs a reason"),
    "a shift that is none": ("2026-03-02 noon", ["wang.fang"], "swap", "no shift 2026-03-02 noon"),
    "a shift that is over": ("2026-03-01 day", ["wang.fang"], "swap", "is over"),
    "nobody": ("2026-03-02 night", [" "], "swap", "from 1 to 20 people; 0 were given"),
    "a stranger": ("2026-03-02 night", ["wang.fang", "ghost"], "swap", "no user ghost"),
}


@SQLITE
@pytest.mark.parametrize(("shift", "names", "reason", "words"), WRONG.values(), ids=WRONG)
def test_a_change_of_the_roster_that_makes_no_sense_is_refused(
    store: Engine, shift: str, names: list[str], reason: str, words: str
) -> None:
    with writing(store) as connection:
        people(connection, "wang.fang")
    with pytest.raises(DutyError, match=words), writing(store) as connection:
        roster.change(connection, desk(), shift, names, reason, "boss", NOON)
