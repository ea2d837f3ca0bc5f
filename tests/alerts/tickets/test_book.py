"""The declaration of the kinds is whole, and an operator's tickets.yaml changes it or is refused with every fault."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from alerts.tickets import kinds
from alerts.tickets.book import changed_by, default_book, faults
from alerts.tickets.declared import CODES, PRIORITIES, TicketsFile, duplicates

BOOK = default_book()


def test_all_twelve_kinds_are_declared_whole() -> None:
    """Names in both languages, fields of their own, targets by priority, and somebody on both sides."""
    assert tuple(BOOK.kinds) == CODES == tuple(kind.code for kind in kinds.KINDS)
    assert len(CODES) == 12
    assert len({entry.zh for entry in BOOK.kinds.values()}) == 12
    for code, entry in BOOK.kinds.items():
        assert any("\u4e00" <= letter <= "\u9fff" for letter in entry.zh), code
        assert len(entry.fields) >= 3, code
        assert not duplicates([field.name for field in entry.fields]), code
        assert BOOK.origins(code), code
        assert BOOK.doers(code), code
        allowed = [BOOK.target(code, priority).resolve for priority in PRIORITIES]
        assert allowed == sorted(allowed), code


def test_the_high_fee_ticket_masks_and_counts_money() -> None:
    types = {field.name: (field.type, field.needed) for field in BOOK.kinds["high_fee"].fields}
    assert types["subscriber"] == ("subscriber", "opening")
    assert types["amount"] == ("money", "opening")
    assert types["verified_by"] == ("text", "resolving")


def test_an_operators_file_changes_only_what_it_says() -> None:
    file = TicketsFile.model_validate(
        {
            "hours": {"timezone": "Europe/Berlin", "country": "DE", "exceptions": {"2026-03-02": False}},
            "warn_at": 0.5,
            "parties": [{"code": "nanhai", "zh": "南海分公司", "en": "Nanhai", "type": "branch"}],
            "kinds": {
                "fault": {
                    "zh": "障碍单",
                    "targets": {"high": {"respond": "5m", "resolve": "1h"}},
                    "fields": [{"name": "room", "zh": "机房", "en": "Room", "needed": "opening"}],
                }
            },
        }
    )
    assert list(faults(file)) == []
    book = changed_by(file)
    assert (book.kinds["fault"].zh, book.kinds["fault"].en) == ("障碍单", "Fault")
    assert book.target("fault", "high").respond.total_seconds() == 300
    assert book.target("fault", "low") == BOOK.target("fault", "low")
    assert [field.name for field in book.kinds["fault"].fields][-1] == "room"
    assert "nanhai" in {party.code for party in book.origins("branch_maintenance")}
    assert book.hours.zone.key == "Europe/Berlin"
    assert {code: entry for code, entry in book.kinds.items() if code != "fault"} == {
        code: entry for code, entry in BOOK.kinds.items() if code != "fault"
    }


CROSS: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    ({"kinds": {"falt": {}}}, ("kinds", "falt"), "there is no kind of ticket 'falt'"),
    ({"kinds": {"fault": {"flow": "fast"}}}, ("kinds", "fault", "flow"), "there is no flow 'fast'"),
    ({"kinds": {"fault": {"from": ["moon"]}}}, ("kinds", "fault", "from"), "there is no party 'moon'"),
    ({"parties": [{"code": "branch", "zh": "分", "en": "b"}]}, ("parties", 0, "code"), "is a type of party"),
    ({"parties": [{"code": "a", "zh": "分", "en": "b"}] * 2}, ("parties",), "declared twice"),
    (
        {"kinds": {"fault": {"fields": [{"name": "a", "zh": "甲", "en": "A"}] * 2}}},
        ("kinds", "fault", "fields"),
        "the field 'a' is declared twice",
    ),
]


@pytest.mark.parametrize(("value", "place", "sentence"), CROSS, ids=[row[2] for row in CROSS])
def test_what_does_not_fit_together_is_named_with_its_place(
    value: dict[str, Any], place: tuple[str | int, ...], sentence: str
) -> None:
    found = list(faults(TicketsFile.model_validate(value)))
    assert [(where, sentence in said) for where, said in found] == [(place, True)]


SHAPES: list[tuple[dict[str, Any], str]] = [
    ({"hours": {"timezone": "Mars/Olympus"}}, "is no time zone"),
    ({"hours": {"country": "XX"}}, "is no country"),
    ({"hours": {"spans": [{"from": "18:00", "until": "09:00"}]}}, "until must be later than from"),
    (
        {"hours": {"spans": [{"from": "09:00", "until": "12:00"}, {"from": "11:00", "until": "18:00"}]}},
        "without overlapping",
    ),
    ({"warn_at": 1}, "less than 1"),
    ({"kinds": {"fault": {"targets": {"high": {"respond": "2h", "resolve": "1h"}}}}}, "at most as long as resolve"),
    ({"kinds": {"fault": {"fields": [{"name": "a", "zh": "甲", "en": "A", "type": "choice"}]}}}, "needs at least one"),
    ({"kinds": {"fault": {"colour": "red"}}}, "Extra inputs"),
]


@pytest.mark.parametrize(("value", "sentence"), SHAPES, ids=[row[1] for row in SHAPES])
def test_what_has_no_sense_is_refused(value: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        TicketsFile.model_validate(value)
