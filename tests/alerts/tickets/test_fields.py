"""Fields: what each type takes, keeps, shows and refuses."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.tickets.book import Book, changed_by
from alerts.tickets.declared import FieldEntry, TicketsFile
from alerts.tickets.fields import checked, masked, shown
from alerts.tickets.machine import TicketError

SHANGHAI = ZoneInfo("Asia/Shanghai")
TYPES = ("text", "number", "money", "date", "instant", "subscriber")
FIELDS = [{"name": name, "zh": name, "en": name, "type": name} for name in TYPES]
CHOICE = {"name": "choice", "zh": "选", "en": "c", "type": "choice", "choices": [{"code": "a", "zh": "甲", "en": "A"}]}
BOOK: Book = changed_by(TicketsFile.model_validate({"kinds": {"fault": {"fields": [*FIELDS, CHOICE]}}}))

TAKEN = [
    ("text", "  a line ", "a line", "a line"),
    ("number", "1,234.50", "1234.50", "1234.50"),
    ("number", "-3", "-3", "-3"),
    ("money", "12.30 CNY", {"minor": 1230, "currency": "CNY"}, "¥12.30"),
    ("money", "CNY 9,000", {"minor": 900000, "currency": "CNY"}, "¥9,000.00"),
    ("money", "500JPY", {"minor": 500, "currency": "JPY"}, "JP¥500"),
    ("date", "2026-02-28", "2026-02-28", "2026-02-28"),
    ("instant", "2026-03-02 09:30", "2026-03-02T01:30:00+00:00", "2026-03-02 09:30"),
    ("instant", "2026-03-02T09:30:00+01:00", "2026-03-02T08:30:00+00:00", "2026-03-02 16:30"),
    ("choice", "a", "a", "甲"),
    ("subscriber", "13812345678", "138****5678", "138****5678"),
    ("subscriber", "+86 138-1234-5678", "861******5678", "861******5678"),
    ("subscriber", "12345", "***45", "***45"),
    ("subscriber", "138****5678", "138****5678", "138****5678"),
]


@pytest.mark.parametrize(("name", "text", "kept", "said"), TAKEN)
def test_what_a_field_takes(name: str, text: str, kept: Any, said: str) -> None:
    found = checked(BOOK, "fault", {name: text}, "opening")
    assert found == {name: kept}
    field = BOOK.named("fault", name)
    assert field is not None
    assert shown(field, kept, "zh_CN", SHANGHAI) == said


REFUSED = [
    ("number", "twelve", "is no number"),
    ("number", "NaN", "is no number"),
    ("number", "Infinity", "is no number"),
    ("money", "12.30", "is no amount with its currency"),
    ("money", "12.345 CNY", "more than the 2 digits"),
    ("money", "12 XXQ", "is not an ISO 4217 currency code"),
    ("date", "2026-02-30", "is no date"),
    ("instant", "tomorrow", "is no time"),
    ("choice", "b", "choose one of a"),
    ("subscriber", "12", "is no subscriber number"),
    ("subscriber", "=cmd()", "is no subscriber number"),
    ("text", "x" * 4001, "more than 4000 characters"),
    ("unknown", "x", "have no field 'unknown'"),
]


@pytest.mark.parametrize(("name", "text", "why"), REFUSED)
def test_what_a_field_refuses(name: str, text: str, why: str) -> None:
    with pytest.raises(TicketError, match=why):
        checked(BOOK, "fault", {name: text}, "opening")


def test_an_empty_value_changes_nothing_and_a_new_one_wins() -> None:
    known = {"text": "old", "number": "1"}
    assert checked(BOOK, "fault", {"text": " ", "number": "2"}, "resolving", known) == {"text": "old", "number": "2"}


@given(text=st.text(max_size=60), name=st.sampled_from((*TYPES, "choice")))
def test_whatever_is_written_is_taken_or_refused_in_a_sentence(text: str, name: str) -> None:
    """No input breaks anything, and what is kept can be shown."""
    found, refused = dict[str, Any](), "."
    try:
        found = checked(BOOK, "fault", {name: text}, "opening")
    except TicketError as error:
        refused = str(error)
    assert refused.endswith(".")
    field = BOOK.named("fault", name)
    assert isinstance(field, FieldEntry)
    for value in found.values():
        assert shown(field, value, "en", SHANGHAI)


@given(st.from_regex(r"[0-9]{8,20}", fullmatch=True))
def test_a_subscriber_number_is_never_kept_whole(number: str) -> None:
    """Its length and its ends are left."""
    kept = masked(number)
    assert len(kept) == len(number)
    assert "*" in kept
    assert (kept[:3], kept[-4:]) == (number[:3], number[-4:])
